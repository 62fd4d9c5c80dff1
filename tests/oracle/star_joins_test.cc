// Facts and dimensions with keys: what the rules about joins make of them (ORs over both sides,
// orders of joins, semi-joins below joins, groups made of some keys alone) is what Postgres answers
// while rows of both come, change and go.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

OracleCase star(bool keeps_keys) {
  OracleCase oracle;
  oracle.keeps_keys = keeps_keys;
  oracle.tables = {
      "region (r INT PRIMARY KEY, name TEXT NOT NULL)",
      "shop (s INT PRIMARY KEY, r INT, name TEXT NOT NULL, size INT)",
      "item (i INT PRIMARY KEY, brand TEXT, price INT NOT NULL)",
      "sale (n INT PRIMARY KEY, s INT, i INT NOT NULL, amount INT NOT NULL)",
      "stock (s INT NOT NULL, i INT NOT NULL, amount INT, PRIMARY KEY (s, i))",
  };
  oracle.transactions = {
      {"INSERT INTO region VALUES (1, 'north'), (2, 'south'), (3, 'east')",
       "INSERT INTO shop SELECT i, NULLIF(i % 4, 0), 'shop' || i % 3, i % 5 FROM "
       "generate_series(1, "
       "12) i",
       "INSERT INTO item SELECT i, NULLIF('brand' || i % 4, 'brand3'), i * 7 % 20 FROM "
       "generate_series(1, 20) i",
       "INSERT INTO sale SELECT n, NULLIF(n % 14, 0), n % 22, n * 5 % 17 FROM generate_series(1, "
       "80) "
       "n",
       "INSERT INTO stock SELECT s, i, (s * i) % 9 FROM generate_series(1, 12) s, "
       "generate_series(1, "
       "20, 2) i"},
      {"UPDATE item SET brand = 'brand1' WHERE i IN (2, 3, 6)"},
      {"UPDATE shop SET r = 2 WHERE r = 1", "DELETE FROM sale WHERE n % 9 = 0"},
      {"INSERT INTO item VALUES (21, 'brand1', 3), (0, 'brand2', 5)"},
      {"UPDATE region SET name = 'north' WHERE r = 2", "UPDATE stock SET amount = amount + 3"},
      {"DELETE FROM item WHERE brand = 'brand1' AND i < 10"},
      {"UPDATE sale SET i = i + 1, amount = amount + 5 WHERE n > 40"},
      {"DELETE FROM shop WHERE s > 8", "UPDATE sale SET s = NULL WHERE n % 7 = 0"},
      {"TRUNCATE region"},
      {"INSERT INTO region VALUES (2, 'south'), (3, 'north')"},
      {"TRUNCATE sale"},
      {"INSERT INTO sale SELECT n, n % 9, n % 23, n % 11 FROM generate_series(1, 60) n"},
  };
  return oracle;
}

void check(std::vector<std::string> queries) {
  for (bool keeps_keys : {false, true}) {
    OracleCase oracle = star(keeps_keys);
    for (const std::string& query : queries) {
      oracle.queries.push_back({query, ""});
    }
    expect_oracle_holds(oracle);
  }
}

TEST(OracleStarJoins, ors_over_both_sides) {
  check({
      "SELECT n FROM sale, item WHERE (sale.i = item.i AND brand = 'brand1' AND amount > 5) OR "
      "(sale.i = item.i AND brand = 'brand2' AND amount BETWEEN 2 AND 9)",
      "SELECT n FROM sale, item WHERE sale.i = item.i AND ((brand = 'brand1' AND s = 3) OR (brand "
      "IS NULL AND s IS NULL) OR (price > 10 AND s > 8))",
      "SELECT n, brand FROM sale LEFT JOIN item ON (sale.i = item.i AND brand = 'brand1' AND s = "
      "2) "
      "OR (sale.i = item.i AND brand = 'brand2')",
      "SELECT n FROM sale WHERE EXISTS (SELECT 1 FROM item WHERE (sale.i = item.i AND price > 9 "
      "AND "
      "s > 4) OR (sale.i = item.i AND price < 4 AND s < 4))",
      "SELECT n FROM sale WHERE NOT EXISTS (SELECT 1 FROM item WHERE (sale.i = item.i AND price > "
      "9) OR (sale.i = item.i AND s < 4))",
      "SELECT n FROM sale WHERE (s = 3 AND amount > 4) OR (s = 3 AND amount IS NULL) OR (s = 3 AND "
      "amount <> 0 "
      "AND i / amount > 1)",
      "SELECT n FROM sale WHERE NOT ((s = 3 AND amount > 4) OR (s = 3 AND i < 9))",
  });
}

TEST(OracleStarJoins, orders_of_joins) {
  check({
      "SELECT n, item.price, shop.name, region.name FROM region, shop, item, sale WHERE sale.s = "
      "shop.s AND sale.i = item.i AND shop.r = region.r AND brand = 'brand1'",
      "SELECT n, shop.name FROM sale JOIN shop ON sale.s = shop.s JOIN region ON shop.r = region.r "
      "WHERE region.name LIKE 'n%'",
      "SELECT n, stock.amount FROM item, shop, stock, sale WHERE sale.s = shop.s AND sale.i = "
      "item.i "
      "AND stock.s = sale.s AND stock.i = sale.i AND price < 12",
      "SELECT region.name, SUM(sale.amount * price) FROM sale, item, shop, region, stock WHERE "
      "sale.i = item.i AND sale.s = shop.s AND shop.r = region.r AND stock.s = shop.s AND stock.i "
      "= "
      "item.i GROUP BY region.name",
      "SELECT n FROM sale, shop a, shop b, region x WHERE sale.s = a.s AND a.size = b.size AND b.r "
      "= "
      "x.r AND a.r = x.r AND ((a.name = 'shop1' AND b.name = 'shop2') OR (a.name = 'shop2' AND "
      "b.name = 'shop1'))",
      "SELECT n FROM sale JOIN shop ON sale.s = shop.s JOIN item ON sale.i = item.i AND 10 / "
      "NULLIF(price, 0) > 0 WHERE amount > 4",
  });
}

// Without conditions: these are delta joins.
TEST(OracleStarJoins, whole_relations) {
  check({
      "SELECT n, item.price, shop.name, region.name FROM sale JOIN shop ON sale.s = shop.s JOIN "
      "item ON sale.i = item.i JOIN region ON shop.r = region.r",
      "SELECT region.name, COUNT(*), SUM(sale.amount * price) FROM sale JOIN shop ON sale.s = "
      "shop.s JOIN item ON sale.i = item.i JOIN region ON shop.r = region.r GROUP BY region.name",
      "SELECT n, stock.amount, item.brand, shop.name FROM sale JOIN stock ON stock.s = sale.s AND "
      "stock.i = sale.i JOIN item ON item.i = sale.i JOIN shop ON shop.s = stock.s",
      "SELECT a.s, b.s, c.s FROM shop a JOIN shop b ON a.r IS NOT DISTINCT FROM b.r JOIN shop c "
      "ON c.r IS NOT DISTINCT FROM b.r",
      "SELECT x.n, y.n, shop.name FROM sale x JOIN sale y ON x.i = y.i AND x.amount < y.amount "
      "JOIN "
      "shop ON y.s = shop.s",
      "SELECT a.n, b.n, c.i FROM sale a JOIN sale b ON a.i = b.s JOIN stock c ON b.i = c.i AND c.s "
      "= a.s",
      "SELECT n, shop.name, brand, total FROM sale JOIN shop ON sale.s = shop.s JOIN item ON "
      "sale.i = item.i LEFT JOIN (SELECT i, SUM(amount) AS total FROM stock GROUP BY i) t ON t.i = "
      "sale.i",
      "SELECT n FROM sale JOIN shop ON sale.s = shop.s JOIN (SELECT i, COUNT(*) AS c FROM stock "
      "GROUP BY i) t ON t.i = sale.i JOIN region ON region.r = shop.r",
  });
}

TEST(OracleStarJoins, semi_joins_below_joins) {
  check({
      "SELECT n, shop.name FROM sale, shop WHERE sale.s = shop.s AND n IN (SELECT n FROM sale "
      "WHERE "
      "amount > 7)",
      "SELECT n, shop.name FROM sale, shop WHERE sale.s = shop.s AND sale.i IN (SELECT i FROM "
      "stock "
      "GROUP BY i HAVING SUM(amount) > 40)",
      "SELECT n, shop.name FROM sale LEFT JOIN shop ON sale.s = shop.s WHERE sale.i IN (SELECT i "
      "FROM item WHERE price < 9)",
      "SELECT n, shop.name FROM sale, shop WHERE sale.s = shop.s AND shop.r IN (SELECT r FROM "
      "region WHERE name = 'north')",
      "SELECT n FROM sale, shop WHERE sale.s = shop.s AND (sale.s, sale.i) IN (SELECT s, i FROM "
      "stock WHERE amount > 3)",
  });
}

TEST(OracleStarJoins, groups_of_some_keys) {
  check({
      "SELECT n FROM sale, item WHERE sale.i = item.i AND brand = 'brand1' AND amount > (SELECT "
      "AVG(amount) FROM sale x WHERE x.i = item.i)",
      "SELECT item.i, (SELECT COUNT(*) FROM sale WHERE sale.i = item.i) FROM item WHERE brand = "
      "'brand2'",
      "SELECT shop.s, (SELECT SUM(amount) FROM sale WHERE sale.s = shop.s) FROM shop WHERE name = "
      "'shop1'",
      "SELECT item.i, total FROM item JOIN (SELECT i, SUM(amount) AS total FROM sale GROUP BY i) t "
      "ON t.i = item.i WHERE brand = 'brand1'",
      "SELECT item.i, total FROM item LEFT JOIN (SELECT i, SUM(amount) AS total FROM sale GROUP BY "
      "i "
      "HAVING COUNT(*) > 2) t ON t.i = item.i WHERE brand = 'brand1'",
      "SELECT i, total FROM (SELECT i, SUM(amount) AS total FROM sale GROUP BY i) t WHERE i IN "
      "(SELECT i FROM item WHERE price > 11)",
      "SELECT stock.s, item.i FROM stock, item, shop, region WHERE stock.i = item.i AND stock.s = "
      "shop.s AND shop.r = region.r AND region.name = 'north' AND price < 9 AND stock.amount = "
      "(SELECT MIN(y.amount) FROM stock y, shop z, region q WHERE y.i = item.i AND y.s = z.s AND "
      "z.r "
      "= q.r AND q.name = 'north')",
      "SELECT s FROM shop WHERE s IN (SELECT s FROM stock WHERE i IN (SELECT i FROM item WHERE "
      "brand "
      "LIKE 'brand%') AND amount > (SELECT 0.2 * SUM(amount) FROM sale WHERE sale.i = stock.i AND "
      "sale.s = stock.s))",
  });
}

TEST(OracleStarJoins, likes_of_plain_text) {
  check({
      "SELECT s, name LIKE 'shop%', name LIKE '%1', name LIKE '%ho%p%', name LIKE 'shop1', name "
      "LIKE '', name LIKE '%', name LIKE '%%', name LIKE 's%s%', name NOT LIKE 'sh%p0' FROM shop",
      "SELECT i, brand LIKE '%and%' FROM item WHERE brand NOT LIKE '%2' OR brand IS NULL",
  });
}

}  // namespace
}  // namespace tidemark
