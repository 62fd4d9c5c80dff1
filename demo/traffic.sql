-- Real transactions on the claims until the time is over: inserts, updates of total, animal and status, deletes,
-- some of several rows, some rolled back.
CREATE OR REPLACE PROCEDURE claims.traffic(seconds DOUBLE PRECISION) LANGUAGE plpgsql AS $$
DECLARE
  until TIMESTAMPTZ := clock_timestamp() + make_interval(secs => seconds);
  dice DOUBLE PRECISION;
BEGIN
  WHILE clock_timestamp() < until LOOP
    dice := random();
    IF dice < 0.5 THEN
      CALL claims.insert_claims(1 + floor(random() * 3)::int);
    ELSIF dice < 0.7 THEN
      UPDATE claims.accident_claims SET claim_status = claims.random_status()
      WHERE claim_id IN (SELECT claim_id FROM claims.accident_claims ORDER BY random() LIMIT 3);
    ELSIF dice < 0.85 THEN
      UPDATE claims.accident_claims SET claim_total = round((random() * 9900 + 100)::numeric, 2), accident_detail = claims.random_animal()
      WHERE claim_id = (SELECT claim_id FROM claims.accident_claims ORDER BY random() LIMIT 1);
    ELSE
      DELETE FROM claims.accident_claims WHERE claim_id = (SELECT claim_id FROM claims.accident_claims ORDER BY random() LIMIT 1);
    END IF;
    IF random() < 0.1 THEN
      ROLLBACK;
    ELSE
      COMMIT;
    END IF;
    PERFORM pg_sleep(0.02 + random() * 0.2);
    COMMIT;
  END LOOP;
END $$;
CALL claims.traffic(:seconds);
