// The 22 queries of TPC-H as live queries over a small database that changes, against Postgres at
// every mark. Sums of money are whole numbers (cents, percents), and means are quotients of sums,
// so that both define them alike; the predicates are loosened where little data would leave no row.

#include <gtest/gtest.h>

#include "tests/oracle/oracle_case.h"

namespace tidemark {
namespace {

const std::vector<std::string> kTables = {
    "region (r_regionkey BIGINT PRIMARY KEY, r_name TEXT NOT NULL)",
    "nation (n_nationkey BIGINT PRIMARY KEY, n_name TEXT NOT NULL, n_regionkey BIGINT NOT NULL)",
    "supplier (s_suppkey BIGINT PRIMARY KEY, s_name TEXT NOT NULL, s_nationkey BIGINT NOT NULL, "
    "s_acctbal BIGINT NOT NULL, s_comment TEXT NOT NULL)",
    "part (p_partkey BIGINT PRIMARY KEY, p_name TEXT NOT NULL, p_mfgr TEXT NOT NULL, p_brand TEXT "
    "NOT "
    "NULL, p_type TEXT NOT NULL, p_size BIGINT NOT NULL, p_container TEXT NOT NULL)",
    "partsupp (ps_partkey BIGINT NOT NULL, ps_suppkey BIGINT NOT NULL, ps_availqty BIGINT NOT "
    "NULL, "
    "ps_supplycost BIGINT NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey))",
    "customer (c_custkey BIGINT PRIMARY KEY, c_name TEXT NOT NULL, c_nationkey BIGINT NOT NULL, "
    "c_phone TEXT NOT NULL, c_acctbal BIGINT NOT NULL, c_mktsegment TEXT NOT NULL)",
    "orders (o_orderkey BIGINT PRIMARY KEY, o_custkey BIGINT NOT NULL, o_orderstatus TEXT NOT "
    "NULL, "
    "o_totalprice BIGINT NOT NULL, o_orderdate DATE NOT NULL, o_orderpriority TEXT NOT NULL, "
    "o_shippriority BIGINT NOT NULL, o_comment TEXT NOT NULL)",
    "lineitem (l_orderkey BIGINT NOT NULL, l_partkey BIGINT NOT NULL, l_suppkey BIGINT NOT NULL, "
    "l_linenumber BIGINT NOT NULL, l_quantity BIGINT NOT NULL, l_extendedprice BIGINT NOT NULL, "
    "l_discount BIGINT NOT NULL, l_tax BIGINT NOT NULL, l_returnflag TEXT NOT NULL, l_linestatus "
    "TEXT "
    "NOT NULL, l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL, "
    "l_shipinstruct TEXT NOT NULL, l_shipmode TEXT NOT NULL, PRIMARY KEY (l_orderkey, "
    "l_linenumber))",
};

std::string orders(int from, int to) {
  return "INSERT INTO orders SELECT i, i * 7 % 40 + 1, substr('FOP', i % 3 + 1, 1), i * 997 % "
         "90000 + "
         "1000, DATE '1992-01-01' + i * 17 % 2400, (i % 5 + 1)::text || '-PRIORITY', 0, CASE WHEN "
         "i % "
         "4 = 0 THEN 'special packages requests' ELSE 'none' END FROM generate_series(" +
         std::to_string(from) + ", " + std::to_string(to) + ") i";
}
std::string lineitems(int from, int to) {
  return "INSERT INTO lineitem SELECT o, (o * 13 + l * 7) % 60 + 1, (o * 13 + l * 7 + l % 4 * 5) % "
         "20 "
         "+ 1, l, (o + l) * 11 % 50 + 1, (o * 31 + l * 17) % 9000 + 100, (o + l) % 11, o % 9, "
         "substr('ANR', (o + l) % 3 + 1, 1), substr('OF', o % 2 + 1, 1), d, d + o % 60 - 20, d + l "
         "* 5, "
         "CASE WHEN l % 2 = 0 THEN 'DELIVER IN PERSON' ELSE 'NONE' END, (ARRAY['MAIL', 'SHIP', "
         "'AIR', "
         "'AIR REG', 'RAIL'])[(o + l) % 5 + 1] FROM (SELECT o, l, DATE '1992-01-01' + o * 17 % "
         "2400 + l "
         "* 9 AS d FROM generate_series(" +
         std::to_string(from) + ", " + std::to_string(to) +
         ") o, generate_series(1, 4) l WHERE l <= o % 4 + 1) x";
}

std::vector<std::vector<std::string>> transactions() {
  return {
      {"INSERT INTO region SELECT i, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE "
       "EAST'])[i + 1] FROM generate_series(0, 4) i",
       "INSERT INTO nation SELECT i, 'NATION' || i, i % 5 FROM generate_series(0, 9) i",
       "INSERT INTO supplier SELECT i, 'Supplier' || i, i % 10, i * 977 % 9000 - 900, CASE WHEN i "
       "% 7 = "
       "0 THEN 'Customer some Complaints' ELSE 'fine' END FROM generate_series(1, 20) i",
       "INSERT INTO part SELECT i, (ARRAY['forest green', 'lime blue', 'green mint'])[i % 3 + 1], "
       "'Manufacturer' || i % 3, 'Brand' || i % 4, (ARRAY['PROMO BRASS', 'ECONOMY STEEL', "
       "'STANDARD "
       "BRASS', 'MEDIUM POLISHED TIN'])[i % 4 + 1], i % 12 + 1, (ARRAY['SM CASE', 'MED BOX', 'LG "
       "PACK'])[i % 3 + 1] FROM generate_series(1, 60) i",
       "INSERT INTO partsupp SELECT p, (p + s * 5) % 20 + 1, (p * 7 + s) % 100 + 1, (p * 13 + s * "
       "29) % "
       "500 + 1 FROM generate_series(1, 60) p, generate_series(0, 3) s",
       "INSERT INTO customer SELECT i, 'Customer' || i, i % 10, (i % 8 + 10)::text || '-555', i * "
       "613 % "
       "9000 - 900, (ARRAY['BUILDING', 'MACHINERY'])[i % 2 + 1] FROM generate_series(1, 45) i",
       orders(1, 120), lineitems(1, 120)},
      {orders(121, 150), lineitems(121, 150)},
      {"DELETE FROM lineitem WHERE l_orderkey % 10 = 3",
       "DELETE FROM orders WHERE o_orderkey % 10 = 3"},
      {"UPDATE lineitem SET l_discount = 9 WHERE l_orderkey % 7 = 0",
       "UPDATE supplier SET s_acctbal = s_acctbal + 100 WHERE s_suppkey < 5"},
      {"UPDATE customer SET c_acctbal = -5 WHERE c_custkey % 3 = 0",
       "UPDATE orders SET o_orderdate = DATE '1993-08-01' WHERE o_orderkey % 9 = 0"},
      {"DELETE FROM partsupp WHERE ps_suppkey = 4", "DELETE FROM supplier WHERE s_suppkey = 4"},
  };
}

#define REVENUE "SUM(l_extendedprice * (100 - l_discount))"

const std::vector<std::string> kQueries = {
    // 1
    "SELECT l_returnflag, l_linestatus, SUM(l_quantity), " REVENUE
    ", CAST(SUM(l_quantity) AS BIGINT) / COUNT(*), COUNT(*) FROM lineitem WHERE l_shipdate <= DATE "
    "'1998-09-02' GROUP BY l_returnflag, l_linestatus",
    // 2
    "SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr FROM part, supplier, partsupp, nation, "
    "region "
    "WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND p_size < 8 AND p_type LIKE "
    "'%BRASS' AND "
    "s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE' AND "
    "ps_supplycost = "
    "(SELECT MIN(ps_supplycost) FROM partsupp, supplier, nation, region WHERE p_partkey = "
    "ps_partkey AND "
    "s_suppkey = ps_suppkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name "
    "= "
    "'EUROPE')",
    // 3
    "SELECT l_orderkey, " REVENUE
    " AS revenue, o_orderdate, o_shippriority FROM customer, orders, lineitem WHERE c_mktsegment = "
    "'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < DATE "
    "'1995-03-15' "
    "AND l_shipdate > DATE '1993-03-15' GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY "
    "revenue "
    "DESC, o_orderdate, l_orderkey LIMIT 10",
    // 4
    "SELECT o_orderpriority, COUNT(*) FROM orders WHERE o_orderdate >= DATE '1993-07-01' AND "
    "o_orderdate "
    "< DATE '1995-10-01' AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND "
    "l_commitdate < l_receiptdate) GROUP BY o_orderpriority",
    // 5
    "SELECT n_name, " REVENUE
    " FROM customer, orders, lineitem, supplier, nation, region WHERE c_custkey = o_custkey AND "
    "l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey AND "
    "s_nationkey = "
    "n_nationkey AND n_regionkey = r_regionkey AND r_name IN ('ASIA', 'AFRICA') GROUP BY n_name",
    // 6
    "SELECT SUM(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' "
    "AND "
    "l_discount BETWEEN 5 AND 7 AND l_quantity < 24",
    // 7
    "SELECT supp_nation, cust_nation, l_year, SUM(volume) FROM (SELECT n1.n_name AS supp_nation, "
    "n2.n_name AS cust_nation, EXTRACT(YEAR FROM l_shipdate) AS l_year, l_extendedprice * (100 - "
    "l_discount) AS volume FROM supplier, lineitem, orders, customer, nation n1, nation n2 WHERE "
    "s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey AND s_nationkey = "
    "n1.n_nationkey AND c_nationkey = n2.n_nationkey AND ((n1.n_name = 'NATION1' AND n2.n_name = "
    "'NATION2') OR (n1.n_name = 'NATION2' AND n2.n_name = 'NATION1') OR n1.n_name = 'NATION3')) AS "
    "shipping GROUP BY supp_nation, cust_nation, l_year",
    // 8
    "SELECT o_year, CAST(SUM(CASE WHEN nation = 'NATION1' THEN volume ELSE 0 END) AS BIGINT) * 100 "
    "/ "
    "CAST(SUM(volume) AS BIGINT) FROM (SELECT EXTRACT(YEAR FROM o_orderdate) AS o_year, "
    "l_extendedprice "
    "* (100 - l_discount) AS volume, n2.n_name AS nation FROM part, supplier, lineitem, orders, "
    "customer, "
    "nation n1, nation n2, region WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey AND "
    "l_orderkey = "
    "o_orderkey AND o_custkey = c_custkey AND c_nationkey = n1.n_nationkey AND n1.n_regionkey = "
    "r_regionkey AND r_name = 'AMERICA' AND s_nationkey = n2.n_nationkey AND p_type LIKE '%BRASS') "
    "AS "
    "all_nations GROUP BY o_year",
    // 9
    "SELECT nation, o_year, SUM(amount) FROM (SELECT n_name AS nation, EXTRACT(YEAR FROM "
    "o_orderdate) AS "
    "o_year, l_extendedprice * (100 - l_discount) - ps_supplycost * l_quantity AS amount FROM "
    "part, "
    "supplier, lineitem, partsupp, orders, nation WHERE s_suppkey = l_suppkey AND ps_suppkey = "
    "l_suppkey "
    "AND ps_partkey = l_partkey AND p_partkey = l_partkey AND o_orderkey = l_orderkey AND "
    "s_nationkey = "
    "n_nationkey AND p_name LIKE '%green%') AS profit GROUP BY nation, o_year",
    // 10
    "SELECT c_custkey, c_name, " REVENUE
    " AS revenue, c_acctbal, n_name FROM customer, orders, lineitem, nation WHERE c_custkey = "
    "o_custkey "
    "AND l_orderkey = o_orderkey AND l_returnflag = 'R' AND c_nationkey = n_nationkey GROUP BY "
    "c_custkey, "
    "c_name, c_acctbal, n_name ORDER BY revenue DESC, c_custkey LIMIT 20",
    // 11
    "SELECT ps_partkey, SUM(ps_supplycost * ps_availqty) FROM partsupp, supplier, nation WHERE "
    "ps_suppkey "
    "= s_suppkey AND s_nationkey = n_nationkey AND n_name = 'NATION3' GROUP BY ps_partkey HAVING "
    "SUM(ps_supplycost * ps_availqty) * 100 > (SELECT SUM(ps_supplycost * ps_availqty) * 2 FROM "
    "partsupp, "
    "supplier, nation WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name = "
    "'NATION3')",
    // 12
    "SELECT l_shipmode, SUM(CASE WHEN o_orderpriority = '1-PRIORITY' OR o_orderpriority = "
    "'2-PRIORITY' "
    "THEN 1 ELSE 0 END), SUM(CASE WHEN o_orderpriority <> '1-PRIORITY' AND o_orderpriority <> "
    "'2-PRIORITY' THEN 1 ELSE 0 END) FROM orders, lineitem WHERE o_orderkey = l_orderkey AND "
    "l_shipmode "
    "IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate GROUP BY l_shipmode",
    // 13
    "SELECT c_count, COUNT(*) FROM (SELECT c_custkey, COUNT(o_orderkey) FROM customer LEFT OUTER "
    "JOIN "
    "orders ON c_custkey = o_custkey AND o_comment NOT LIKE '%special%requests%' GROUP BY "
    "c_custkey) AS "
    "c_orders (c_custkey, c_count) GROUP BY c_count",
    // 14
    "SELECT CAST(SUM(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (100 - l_discount) ELSE "
    "0 END) "
    "AS BIGINT) * 100 / CAST(" REVENUE
    " AS BIGINT) FROM lineitem, part WHERE l_partkey = p_partkey AND "
    "l_shipdate >= DATE '1994-09-01'",
    // 15
    "WITH revenue AS (SELECT l_suppkey AS supplier_no, " REVENUE
    " AS total_revenue FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' GROUP BY l_suppkey) "
    "SELECT "
    "s_suppkey, s_name, total_revenue FROM supplier, revenue WHERE s_suppkey = supplier_no AND "
    "total_revenue = (SELECT MAX(total_revenue) FROM revenue)",
    // 16
    "SELECT p_brand, p_type, p_size, COUNT(DISTINCT ps_suppkey) FROM partsupp, part WHERE "
    "p_partkey = "
    "ps_partkey AND p_brand <> 'Brand1' AND p_type NOT LIKE 'MEDIUM POLISHED%' AND p_size IN (2, "
    "3, 5, 7, "
    "9) AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_comment LIKE "
    "'%Customer%Complaints%') GROUP BY p_brand, p_type, p_size",
    // 17
    "SELECT SUM(l_extendedprice) FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand = "
    "'Brand2' "
    "AND l_quantity < (SELECT CAST(SUM(l_quantity) AS BIGINT) / COUNT(*) FROM lineitem WHERE "
    "l_partkey = "
    "p_partkey)",
    // 18
    "SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, SUM(l_quantity) FROM "
    "customer, "
    "orders, lineitem WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey "
    "HAVING "
    "SUM(l_quantity) > 100) AND c_custkey = o_custkey AND o_orderkey = l_orderkey GROUP BY c_name, "
    "c_custkey, o_orderkey, o_orderdate, o_totalprice",
    // 19
    "SELECT " REVENUE
    " FROM lineitem, part WHERE (p_partkey = l_partkey AND p_brand = 'Brand1' AND l_quantity "
    "BETWEEN 1 "
    "AND 30 AND l_shipmode IN ('AIR', 'AIR REG')) OR (p_partkey = l_partkey AND p_brand = 'Brand2' "
    "AND "
    "p_size BETWEEN 1 AND 10 AND l_shipinstruct = 'DELIVER IN PERSON')",
    // 20
    "SELECT s_name FROM supplier, nation WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp WHERE "
    "ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%') AND ps_availqty * 2 > "
    "(SELECT "
    "SUM(l_quantity) FROM lineitem WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey AND "
    "l_shipdate "
    ">= DATE '1993-01-01')) AND s_nationkey = n_nationkey",
    // 21
    "SELECT s_name, COUNT(*) FROM supplier, lineitem l1, orders, nation WHERE s_suppkey = "
    "l1.l_suppkey "
    "AND o_orderkey = l1.l_orderkey AND l1.l_receiptdate > l1.l_commitdate AND EXISTS (SELECT * "
    "FROM "
    "lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey) AND NOT "
    "EXISTS "
    "(SELECT * FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> "
    "l1.l_suppkey AND "
    "l3.l_receiptdate > l3.l_commitdate) AND s_nationkey = n_nationkey GROUP BY s_name",
    // 22
    "SELECT cntrycode, COUNT(*), SUM(c_acctbal) FROM (SELECT SUBSTRING(c_phone FROM 1 FOR 2) AS "
    "cntrycode, c_acctbal FROM customer WHERE SUBSTRING(c_phone FROM 1 FOR 2) IN ('13', '11', "
    "'15', '17') "
    "AND c_acctbal > (SELECT CAST(SUM(c_acctbal) AS BIGINT) / COUNT(*) FROM customer WHERE "
    "c_acctbal > 0) "
    "AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c_custkey AND o_orderkey > 20)) AS "
    "custsale "
    "GROUP BY cntrycode",
};

TEST(OracleTpch, all_queries_are_what_postgres_answers_while_the_data_changes) {
  OracleCase oracle{kTables, transactions(), {}, 1};
  for (const std::string& query : kQueries) {
    oracle.queries.push_back({query, ""});
  }
  OracleStats stats;
  expect_oracle_holds(oracle, &stats);
  EXPECT_EQ(stats.given_up, 0u);
  EXPECT_LT(stats.empty * 10, stats.states) << "too many queries without a row prove nothing";
}

}  // namespace
}  // namespace tidemark
