-- The claims database of the demo: 500 members, 1,000 claims, made of a fixed seed.
CREATE SCHEMA claims;
SET search_path TO claims;

CREATE TABLE members (
  id INT PRIMARY KEY, first_name VARCHAR(50), last_name VARCHAR(50), address VARCHAR(50), address_city VARCHAR(10),
  address_country VARCHAR(10), insurance_company VARCHAR(25), insurance_number VARCHAR(50),
  ts_created VARCHAR(20) DEFAULT to_char(current_timestamp, 'YYYY-MM-DD HH24:MI:SS'),
  ts_updated VARCHAR(20) DEFAULT to_char(current_timestamp, 'YYYY-MM-DD HH24:MI:SS'));
ALTER TABLE members REPLICA IDENTITY FULL;

CREATE TABLE accident_claims (
  claim_id SERIAL PRIMARY KEY, claim_total FLOAT, claim_total_receipt VARCHAR(50), claim_currency VARCHAR(3),
  member_id INT REFERENCES members (id) ON DELETE SET NULL, accident_date VARCHAR(20), accident_type VARCHAR(20),
  accident_detail VARCHAR(20), claim_date VARCHAR(20), claim_status VARCHAR(10),
  ts_created VARCHAR(20) DEFAULT to_char(current_timestamp, 'YYYY-MM-DD HH24:MI:SS'),
  ts_updated VARCHAR(20) DEFAULT to_char(current_timestamp, 'YYYY-MM-DD HH24:MI:SS'));
ALTER TABLE accident_claims REPLICA IDENTITY FULL;

SELECT setseed(0.42);
INSERT INTO members (id, first_name, last_name, address, address_city, address_country, insurance_company, insurance_number)
SELECT i, 'First' || i, 'Last' || i, i || ' Ocean Road', (ARRAY['Brisbane', 'Melbourne', 'Sydney', 'Adelaide'])[i % 4 + 1], 'Australia',
       (ARRAY['QBE', 'Suncorp Group', 'Allianz', 'Insurance Australia Group'])[i % 4 + 1], (8000000000 + i)::text
FROM generate_series(1, 500) i;

CREATE FUNCTION random_animal() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT (ARRAY['Blue Ringed Octopus', 'Box Jellyfish', 'Cassowary', 'Funnel Web Spider', 'Great White Shark',
                 'Inland Taipan Snake', 'Saltwater Crocodile'])[1 + floor(power(random(), 1.5) * 7)::int] $$;
CREATE FUNCTION random_status() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT (ARRAY['INITIAL', 'INITIAL', 'IN REVIEW', 'REIMBURSED', 'DENIED'])[1 + floor(random() * 5)::int] $$;
CREATE PROCEDURE insert_claims(n INT) LANGUAGE sql AS
$$ INSERT INTO claims.accident_claims (claim_total, claim_currency, member_id, accident_date, accident_type, accident_detail, claim_date, claim_status)
   SELECT round((random() * 9900 + 100)::numeric, 2), (ARRAY['AUD', 'EUR'])[1 + floor(random() * 2)::int], 1 + floor(random() * 500)::int,
          '2020-01-05 10:59:09', (ARRAY['Collision', 'Light Injury', 'Permanent Injury'])[1 + floor(random() * 3)::int],
          claims.random_animal(), '2020-06-29 00:25:26', claims.random_status()
   FROM generate_series(1, n) $$;
CALL insert_claims(1000);
