// Results that views share: aggregates, and what joins look up in other things than tables. One
// state serves all, and every view stays exact whoever comes, goes, fails or starts again.

#include <algorithm>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/harness/live_query.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/served_source.h"

namespace tidemark {
namespace {

using Texts = std::vector<std::string>;

#define TIDEMARK_GROUPS \
  "SELECT customer, COUNT(*) AS n, SUM(total) AS s, MAX(note) AS m FROM orders GROUP BY customer"

class ShareResults : public ServedSource {
 protected:
  void SetUp() override {
    ServedSource::SetUp();
    source(
        "CREATE TABLE customers (id int PRIMARY KEY, name text, region text);"
        "CREATE TABLE orders (id int PRIMARY KEY, customer int, total int, note text);"
        "INSERT INTO customers SELECT i, 'customer ' || i, 'region ' || i % 3 FROM "
        "generate_series(1, 50) i;"
        "INSERT INTO orders SELECT i, i % 60, i, i % 30 FROM generate_series(1, 500) i");
    start();
    declare("orders");
    declare("customers");
  }
  void create(const std::string& view, const std::string& query) {
    run(fmt::format("CREATE MATERIALIZED VIEW {} AS {}", view, query));
    views_.emplace_back(view, query);
    expect_all();
  }
  void drop(const std::string& view) {
    run("DROP MATERIALIZED VIEW " + view);
    std::erase_if(views_, [&](const auto& each) { return each.first == view; });
  }
  void expect_all() {
    wait();
    for (const auto& [view, query] : views_) {
      EXPECT_EQ(rows("SELECT * FROM " + view), source_rows(query)) << view << serve_.log();
    }
  }
  void change() {
    source(
        "UPDATE orders SET total = total + 1000 WHERE id % 7 = 0; DELETE FROM orders WHERE id % 11 "
        "= 0; DELETE FROM orders WHERE customer = (SELECT min(customer) FROM orders); INSERT INTO "
        "orders SELECT 1000 + max(id), 7, 3, '1' FROM orders; UPDATE customers SET region = "
        "'region 9' WHERE id % 5 = 0; DELETE FROM customers WHERE id = 13");
    expect_all();
  }
  // What was shared is.
  void restart_and_share(bool clean) {
    Texts before = shared();
    restart(clean);
    EXPECT_EQ(shared(), before);
  }
  // The source cannot be read while it is made.
  void create_without_the_source(const std::string& view, const std::string& query) {
    PostgresConnection locked = shared_cluster().connect(database_);
    EXPECT_TRUE(locked.query("BEGIN; LOCK TABLE orders, customers IN ACCESS EXCLUSIVE MODE").ok());
    run(fmt::format("CREATE MATERIALIZED VIEW {} AS {}", view, query));
    EXPECT_NE(rows(fmt::format("SELECT COUNT(*) FROM {}", view)), Texts{}) << serve_.log();
    EXPECT_TRUE(locked.query("ROLLBACK").ok());
    views_.emplace_back(view, query);
    expect_all();
  }
  // Of SHOW MEMORY: "job|operator".
  Texts memory() {
    Texts lines;
    for (const std::string& row : rows("SHOW MEMORY")) {
      lines.push_back(row.substr(0, row.rfind('|')));
    }
    return lines;
  }
  Texts shared() {
    Texts lines = memory();
    std::erase_if(lines, [](const auto& row) { return row.find("(shared)") == row.npos; });
    return lines;
  }
  size_t count(const Texts& lines, std::string_view text) {
    return static_cast<size_t>(
        std::ranges::count_if(lines, [&](const auto& row) { return row.find(text) != row.npos; }));
  }
  std::string text(const Texts& lines) { return fmt::format("{}", fmt::join(lines, "\n")); }

  std::vector<std::pair<std::string, std::string>> views_;
};

TEST_F(ShareResults, views_with_one_aggregate_have_one_state) {
  create("a", TIDEMARK_GROUPS);
  EXPECT_EQ(count(shared(), "orders (shared)|Aggregate"), 1u) << text(memory());
  create_without_the_source("b", TIDEMARK_GROUPS);
  create_without_the_source("big", "SELECT n, m FROM (" TIDEMARK_GROUPS ") t WHERE n > 8");
  create_without_the_source("sizes",
                            "SELECT n, COUNT(*) AS groups FROM (" TIDEMARK_GROUPS ") t GROUP BY n");
  // A query that is kept up to date besides; of its own the aggregate over the groups alone.
  EXPECT_EQ(count(memory(), "Aggregate(1 keys, 3 functions)"), 1u) << text(memory());
  EXPECT_EQ(count(memory(), "Aggregate(1 keys, 1 functions)"), 1u) << text(memory());
  EXPECT_EQ(count(shared(), "Aggregate(1 keys, 3 functions), shared by 4"), 1u) << text(memory());
  Texts plan = rows("EXPLAIN " TIDEMARK_GROUPS);
  EXPECT_EQ(count(plan, "orders (shared): Aggregate(1 keys, 3 functions), with a, b, big, sizes"),
            1u)
      << text(plan);
  for (int round = 0; round < 3; ++round) {
    change();
  }
  EXPECT_EQ(rows("VERIFY VIEW sizes").size(), 1u);
  drop("a");
  change();
  source("TRUNCATE orders");
  expect_all();
  source("INSERT INTO orders VALUES (1, 2, 3, '4'), (5, 2, 7, '8'), (9, NULL, 1, '2')");
  expect_all();
  drop("sizes");
  drop("big");
  EXPECT_EQ(count(shared(), "Aggregate(1 keys, 3 functions), shared by 1"), 1u) << text(memory());
  drop("b");
  wait();
  EXPECT_EQ(shared(), Texts{});
}

TEST_F(ShareResults, a_restart_finds_them_again) {
  create("a", TIDEMARK_GROUPS);
  create("b", "SELECT n, m FROM (" TIDEMARK_GROUPS ") t WHERE n > 8");
  create("joined",
         "SELECT c.region, t.n FROM customers c JOIN (" TIDEMARK_GROUPS ") t ON t.customer = c.id");
  create("left_joined", "SELECT c.name, t.n FROM customers c LEFT JOIN (" TIDEMARK_GROUPS
                        ") t ON t.customer = c.id");
  create("least", "SELECT MIN(total) AS least, COUNT(DISTINCT customer) AS n FROM orders");
  create("least_too",
         "SELECT least FROM (SELECT MIN(total) AS least, COUNT(DISTINCT customer) AS "
         "n FROM orders) t");
  EXPECT_EQ(count(memory(), "Aggregate(1 keys, 3 functions)"), 1u) << text(memory());
  EXPECT_EQ(count(memory(), "Aggregate(0 keys, 2 functions)"), 1u) << text(memory());
  for (bool clean : {true, false, true}) {
    change();
    restart_and_share(clean);
    change();
    create_without_the_source("late", "SELECT customer, s FROM (" TIDEMARK_GROUPS ") t");
    change();
    drop("late");
  }
  // Those that are left go on without the view that made it.
  drop("a");
  restart_and_share(true);
  change();
  drop("joined");
  restart_and_share(false);
  change();
}

TEST_F(ShareResults, what_joins_look_up_in_results_is_shared) {
  create("a",
         "SELECT c.region, t.n FROM customers c JOIN (" TIDEMARK_GROUPS ") t ON t.customer = c.id");
  Texts before = shared();
  create_without_the_source("b",
                            "SELECT c.region, SUM(t.n) AS n FROM customers c JOIN "
                            "(" TIDEMARK_GROUPS ") t ON t.customer = c.id GROUP BY c.region");
  Texts now = shared();
  EXPECT_EQ(count(now, "Arrange"), count(before, "Arrange")) << text(memory());
  EXPECT_EQ(count(now, "Arrange(key=[customer]), shared by 2 inputs of joins"), 1u) << text(now);
  // Of a join too: its result by the key of the next.
  const char* chain =
      "SELECT o.id, c.region, x.m FROM orders o JOIN customers c ON o.customer = c.id LEFT JOIN "
      "(SELECT region, MAX(name) AS m FROM customers GROUP BY region) x ON x.region = c.region";
  create("chain", chain);
  before = shared();
  create_without_the_source(
      "chain_too",
      "SELECT c.region, COUNT(*) AS n, MAX(x.m) AS m, MAX(o.id) AS last FROM orders o JOIN "
      "customers c ON o.customer = c.id LEFT JOIN (SELECT region, MAX(name) AS m FROM customers "
      "GROUP BY region) x ON x.region = c.region GROUP BY c.region");
  EXPECT_EQ(count(shared(), "Arrange"), count(before, "Arrange")) << text(memory());
  for (bool clean : {true, false}) {
    change();
    restart_and_share(clean);
    change();
  }
  source("TRUNCATE customers");
  source("INSERT INTO customers VALUES (3, 'x', 'y'), (4, 'x', 'z')");
  expect_all();
}

TEST_F(ShareResults, groups_with_more_functions_serve_those_with_fewer) {
  create("a",
         "SELECT customer, COUNT(*) AS n, MIN(total) AS least, MAX(note) AS m FROM orders "
         "GROUP BY customer");
  create_without_the_source("b", "SELECT customer, MAX(note) AS m FROM orders GROUP BY customer");
  create_without_the_source("c", "SELECT DISTINCT customer FROM orders");
  EXPECT_EQ(count(memory(), "|Aggregate"), 1u) << text(memory());
  EXPECT_EQ(count(memory(), "|Distinct"), 0u) << text(memory());
  // A sum may be too large for its type: then those that do not ask for it are not in error.
  create("sums", "SELECT customer, COUNT(*) AS n, SUM(total) AS s FROM orders GROUP BY customer");
  create("counts",
         "SELECT customer, COUNT(*) AS n, COUNT(note) AS notes FROM orders GROUP BY "
         "customer");
  EXPECT_EQ(count(memory(), "|Aggregate"), 3u) << text(memory());
  change();
  for (bool clean : {true, false}) {
    restart_and_share(clean);
    change();
  }
}

TEST_F(ShareResults, a_row_error_stands_in_all_that_read_it_and_heals) {
  const char* query = "SELECT customer, SUM(CAST(note AS INT)) AS s FROM orders GROUP BY customer";
  create("a", query);
  create("b", fmt::format("SELECT s FROM ({}) t WHERE s > 3", query));
  create("good", TIDEMARK_GROUPS);
  source("UPDATE orders SET note = 'none' WHERE id = 20");
  wait();
  EXPECT_FALSE(client_->query("SELECT * FROM a").ok());
  EXPECT_FALSE(client_->query("SELECT * FROM b").ok());
  EXPECT_EQ(rows("SELECT * FROM good"), source_rows(TIDEMARK_GROUPS));
  source("UPDATE orders SET note = '5' WHERE id = 20");
  expect_all();
  // One of a group: its sum is too large.
  source("UPDATE orders SET note = '2147483647' WHERE id IN (21, 81)");
  wait();
  EXPECT_FALSE(client_->query("SELECT * FROM a").ok());
  EXPECT_FALSE(client_->query("SELECT * FROM b").ok());
  run(fmt::format("CREATE MATERIALIZED VIEW c AS SELECT customer FROM ({}) t", query));
  EXPECT_FALSE(client_->query("SELECT * FROM c").ok());
  source("UPDATE orders SET note = '5' WHERE id IN (21, 81)");
  views_.emplace_back("c", fmt::format("SELECT customer FROM ({}) t", query));
  expect_all();
}

TEST_F(ShareResults, a_new_version_shares_with_the_old_one_and_queries_with_views) {
  create("v", TIDEMARK_GROUPS);
  const char* other = "SELECT customer, n FROM (" TIDEMARK_GROUPS ") t WHERE n < 9";
  run(fmt::format("CREATE OR REPLACE MATERIALIZED VIEW v AS {}", other));
  for (int i = 0;
       i < 3000 && rows("SELECT new_version FROM tidemark.views WHERE name = 'v'") != Texts{"NULL"};
       ++i) {
    usleep(10'000);
  }
  views_[0].second = other;
  change();
  EXPECT_EQ(count(memory(), "Aggregate(1 keys, 3 functions)"), 1u) << text(memory());
  restart_and_share(false);
  change();
  run("SET 'tidemark.share_state' = 'false'");
  create("alone", TIDEMARK_GROUPS);
  EXPECT_EQ(count(memory(), "alone|Aggregate(1 keys, 3 functions)"), 1u) << text(memory());
  restart_and_share(true);
  change();
}

TEST_F(ShareResults, a_common_table_used_twice_is_computed_once) {
  std::string with = "WITH t AS (" TIDEMARK_GROUPS ") ";
  create("twice", with + "SELECT a.customer, b.customer AS other FROM t a JOIN t b ON a.n = b.s");
  EXPECT_EQ(count(memory(), "|Aggregate"), 1u) << text(memory());
  // Written twice, with a window of which each reader takes something else.
  run("SET 'tidemark.share_state' = 'false'");
  std::string ranked =
      "(SELECT id, customer, total, note, SUM(total) OVER (PARTITION BY customer ORDER BY id) AS s "
      "FROM orders)";
  create("windows", "SELECT a.total, b.note FROM " + ranked + " a JOIN " + ranked +
                        " b ON a.s = b.id WHERE a.id < 100");
  Texts own = memory();
  std::erase_if(own, [](const auto& row) { return !row.starts_with("windows|"); });
  EXPECT_EQ(count(own, "|Over"), 1u) << text(own);
  change();
}

TEST_F(ShareResults, a_plan_of_too_many_parts_shares_slices_alone) {
  std::string with =
      "WITH t0 AS (SELECT customer AS a, COUNT(*) AS b FROM orders GROUP BY customer)";
  for (int i = 1; i <= 9; ++i) {
    with += fmt::format(
        ", t{0} AS (SELECT x.a, MAX(y.b) AS b FROM t{1} x JOIN t{1} y ON x.a = y.b GROUP BY x.a)",
        i, i - 1);
  }
  create("deep", with + " SELECT * FROM t9");
  EXPECT_EQ(count(shared(), "Aggregate"), 0u) << text(shared());
  restart_and_share(false);
  change();
}

// Rows that are too many to be joined are read again; groups of them are not.
TEST(ShareResultsOfLargeTables, groups_are_shared_where_rows_are_not) {
  std::string database = shared_cluster().make_database();
  shared_cluster().run(
      "CREATE TABLE t (id int PRIMARY KEY, g int); INSERT INTO t SELECT i, i % 5 FROM "
      "generate_series(1, 40000) i",
      database);
  Engine engine({.step_bytes_max = 1 << 20});
  TestSession session(engine);
  session.run("SET 'execution.runtime-mode' = 'batch'");
  session.run("CREATE TABLE t WITH (" +
              connector_options(shared_cluster().address(database), "public", "t") + ")");
  auto readers = [&] {
    return std::ranges::count_if(session.rows("SHOW MEMORY"),
                                 [](const auto& row) { return row[1].starts_with("Source"); });
  };
  auto create = [&](const std::string& view, const std::string& query) {
    session.run(fmt::format("CREATE MATERIALIZED VIEW {} AS {}", view, query));
    EXPECT_EQ(session.rows("SELECT * FROM " + view),
              postgres_rows(shared_cluster(), database, query));
  };
  create("a", "SELECT g, COUNT(*) AS n, MAX(id) AS last FROM t GROUP BY g");
  EXPECT_EQ(readers(), 1);
  create("b", "SELECT g, MAX(id) AS last FROM t GROUP BY g");
  EXPECT_EQ(readers(), 1);
  create("c", "SELECT COUNT(*) AS n FROM t WHERE id > 7");
  EXPECT_EQ(readers(), 2);
}

}  // namespace
}  // namespace tidemark
