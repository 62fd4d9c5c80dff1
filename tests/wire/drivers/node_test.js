// node-postgres against a server: types, prepared statements, errors. usage: node node_test.js HOST PORT
const assert = require('assert');
const { Client } = require('pg');

(async () => {
  const client = new Client({ host: process.argv[2], port: process.argv[3], user: 'tidemark', database: 'tidemark' });
  await client.connect();
  let answer = await client.query('SELECT $1::INT AS a, $2::TEXT AS b, $3::BOOLEAN AS c, CAST(NULL AS INT) AS d', [1, 'x', true]);
  assert.deepStrictEqual(answer.rows, [{ a: 1, b: 'x', c: true, d: null }]);
  for (let i = 0; i < 5; ++i) {
    answer = await client.query({ name: 'named', text: 'SELECT a FROM numbers WHERE a = $1', values: [1 + (i % 2)] });
    assert.deepStrictEqual(answer.rows, [{ a: 1 + (i % 2) }]);
  }
  await assert.rejects(client.query('SELECT nothing'), (error) => error.code === '42703' && error.position === '8');
  answer = await client.query('BEGIN; SELECT 1 AS one; COMMIT');
  assert.strictEqual(answer[1].rows[0].one, 1);
  answer = await client.query('SELECT DATE \'2024-02-29\' AS d, 12.5 AS n');
  assert.strictEqual(answer.rows[0].n, '12.5');
  await client.end();
  console.log('ok');
})().catch((error) => { console.error(error); process.exit(1); });
