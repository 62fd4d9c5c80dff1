CREATE TABLE accident_claims (
    claim_id INT, claim_total FLOAT, claim_total_receipt VARCHAR(50), claim_currency VARCHAR(3), member_id INT,
    accident_date VARCHAR(20), accident_type VARCHAR(20), accident_detail VARCHAR(20), claim_date VARCHAR(20),
    claim_status VARCHAR(10), ts_created VARCHAR(20), ts_updated VARCHAR(20)
) WITH (
  'connector' = 'postgres-cdc', 'hostname' = '@HOST@', 'port' = '@PORT@', 'username' = '@USER@', 'password' = 'postgres',
  'database-name' = 'postgres', 'schema-name' = 'claims', 'table-name' = 'accident_claims'
);
SELECT accident_detail, SUM(claim_total) AS agg_claim_costs
FROM accident_claims WHERE claim_status <> 'DENIED' GROUP BY accident_detail;
