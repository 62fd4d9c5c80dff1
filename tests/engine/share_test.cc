// State that views share: who begins over tables that others read begins with what is there, and
// every view stays exact whoever comes, goes, fails or is changed beside it.

#include <algorithm>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/harness/served_source.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kJoined =
    "SELECT o.id, o.total, c.region FROM orders o JOIN customers c ON o.customer = c.id";

class Share : public ServedSource {
 protected:
  void SetUp() override {
    ServedSource::SetUp();
    source(
        "CREATE TABLE customers (id int PRIMARY KEY, name text, region text, limits text);"
        "CREATE TABLE orders (id int PRIMARY KEY, customer int, total int, note text);"
        "INSERT INTO customers SELECT i, 'customer ' || i, 'region ' || i % 3, i FROM "
        "generate_series(1, 50) i;"
        "INSERT INTO orders SELECT i, i % 60, i, repeat('n', i % 30) FROM generate_series(1, 500) "
        "i");
  }
  void begin() {
    start();
    declare("orders");
    declare("customers");
  }
  void create(const std::string& view, const std::string& query) {
    run(fmt::format("CREATE MATERIALIZED VIEW {} AS {}", view, query));
    wait();
    expect(view, query);
  }
  void expect(const std::string& view, const std::string& query) {
    wait();
    EXPECT_EQ(rows("SELECT * FROM " + view), source_rows(query)) << view << serve_.log();
  }
  void change() {
    source(
        "UPDATE orders SET total = total + 1000 WHERE id % 7 = 0; DELETE FROM orders WHERE id % 11 "
        "= 0; INSERT INTO orders SELECT 1000 + max(id), 7, 3, 'new' FROM orders; UPDATE customers "
        "SET region = 'region 9' WHERE id % 5 = 0; DELETE FROM customers WHERE id = 13");
  }
  // Nobody can read a table at the source while this is held.
  PostgresConnection lock() {
    PostgresConnection connection = shared_cluster().connect(database_);
    EXPECT_TRUE(
        connection.query("BEGIN; LOCK TABLE orders, customers IN ACCESS EXCLUSIVE MODE").ok());
    return connection;
  }
  // Of SHOW MEMORY, what is shared: "operator" by name of the table.
  Lines shared() {
    Lines lines;
    for (const std::string& row : rows("SHOW MEMORY")) {
      if (row.find("(shared)") != std::string::npos) {
        lines.push_back(row.substr(0, row.rfind('|')));
      }
    }
    return lines;
  }
  static ptrdiff_t count(const Lines& lines, std::string_view text) {
    return std::ranges::count_if(lines,
                                 [&](const auto& row) { return row.find(text) != row.npos; });
  }
  // What EXPLAIN says of it.
  Lines explained() {
    Lines lines = rows(fmt::format("EXPLAIN {}", kJoined));
    std::erase_if(lines, [](const auto& row) { return row.find("(shared)") == row.npos; });
    return lines;
  }
};

TEST_F(Share, a_view_over_what_others_read_does_not_read_the_source) {
  begin();
  create("a", kJoined);
  Lines before = shared();
  PostgresConnection locked = lock();
  // The same columns, some of them, one table alone, an outer join with a condition.
  const char* queries[] = {
      kJoined,
      "SELECT c.region, SUM(o.total) AS s FROM orders o JOIN customers c ON o.customer = "
      "c.id GROUP BY c.region",
      "SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer",
      "SELECT o.id, c.region FROM orders o LEFT JOIN customers c ON o.customer = c.id AND o.total "
      "> 100",
      "SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer = "
      "c.id AND o.total > 450)"};
  for (size_t i = 0; i < std::size(queries); ++i) {
    run(fmt::format("CREATE MATERIALIZED VIEW v{} AS {}", i, queries[i]));
    EXPECT_NE(rows(fmt::format("SELECT COUNT(*) FROM v{}", i)), Lines{}) << serve_.log();
  }
  EXPECT_EQ(rows("SELECT COUNT(*) FROM a"), rows("SELECT COUNT(*) FROM v0"));
  EXPECT_TRUE(locked.query("ROLLBACK").ok());
  // Readers of the source: the last of them has an arrangement of its own.
  EXPECT_EQ(count(before, "|Source"), 2);
  EXPECT_EQ(count(shared(), "|Source"), 2);
  EXPECT_EQ(count(shared(), "|Arrange"), count(before, "|Arrange") + 1);
  for (int round = 0; round < 3; ++round) {
    change();
    expect("a", kJoined);
    for (size_t i = 0; i < std::size(queries); ++i) {
      expect(fmt::format("v{}", i), queries[i]);
    }
  }
  EXPECT_EQ(rows("VERIFY VIEW v1").size(), 1u);
}

TEST_F(Share, it_is_told) {
  begin();
  create("a", kJoined);
  EXPECT_NE(explained(), Lines{});
  create("b", kJoined);
  Lines now = shared();
  EXPECT_EQ(std::ranges::count_if(
                now, [](const auto& row) { return row.find("shared by 2 inputs") != row.npos; }),
            2)
      << fmt::format("{}", fmt::join(now, "\n"));
  run("SET 'tidemark.share_state' = 'false'");
  create("alone", kJoined);
  EXPECT_EQ(shared(), now);
  EXPECT_EQ(explained(), Lines{});
  run("DROP MATERIALIZED VIEW a");
  run("DROP MATERIALIZED VIEW b");
  change();
  expect("alone", kJoined);
  EXPECT_EQ(shared(), Lines{});
}

TEST_F(Share, it_stays_until_its_last_reader_goes) {
  begin();
  create("a", kJoined);
  create("b",
         "SELECT c.region, COUNT(*) AS n FROM orders o JOIN customers c ON o.customer = c.id "
         "GROUP BY c.region");
  run("DROP MATERIALIZED VIEW a");
  change();
  expect("b",
         "SELECT c.region, COUNT(*) AS n FROM orders o JOIN customers c ON o.customer = c.id "
         "GROUP BY c.region");
  run("CREATE OR REPLACE MATERIALIZED VIEW b AS SELECT c.region, MAX(o.total) AS n FROM orders o "
      "JOIN customers c ON o.customer = c.id GROUP BY c.region");
  for (int i = 0;
       i < 3000 && rows("SELECT new_version FROM tidemark.views WHERE name = 'b'") != Lines{"NULL"};
       ++i) {
    usleep(10'000);
  }
  change();
  expect("b",
         "SELECT c.region, MAX(o.total) AS n FROM orders o JOIN customers c ON o.customer = "
         "c.id GROUP BY c.region");
  run("DROP MATERIALIZED VIEW b");
  wait();
  EXPECT_EQ(shared(), Lines{});
}

TEST_F(Share, a_restart_finds_it_again) {
  begin();
  create("a", kJoined);
  create("b", kJoined);
  // Two arrangements of one, of which the second is in the first.
  const char* twice =
      "SELECT o.id, o.total, p.id AS other FROM orders o JOIN orders p ON o.customer = p.customer";
  create("twice", twice);
  run("SET 'tidemark.share_state' = 'false'");
  create("alone", kJoined);
  for (bool clean : {true, false}) {
    change();
    for (const char* view : {"a", "b", "alone"}) {
      expect(view, kJoined);
    }
    expect("twice", twice);
    Lines before = shared();
    restart(clean);
    change();
    for (const char* view : {"a", "b", "alone"}) {
      expect(view, kJoined);
    }
    expect("twice", twice);
    EXPECT_EQ(shared(), before);
    PostgresConnection locked = lock();
    run("CREATE MATERIALIZED VIEW later AS SELECT o.id, c.region FROM orders o JOIN customers c ON "
        "o.customer = c.id");
    EXPECT_EQ(rows("SELECT COUNT(*) FROM later"), rows("SELECT COUNT(*) FROM a"));
    EXPECT_TRUE(locked.query("ROLLBACK").ok());
    run("DROP MATERIALIZED VIEW later");
  }
}

TEST_F(Share, a_restart_begins_with_the_view_that_made_it) {
  source("ALTER TABLE orders REPLICA IDENTITY FULL");
  begin();
  create("a", kJoined);
  // Reads orders in two ways, one of which is in what the first view has.
  std::string twice =
      "SELECT o.id, p.id AS other FROM orders o JOIN orders p ON o.customer = p.total";
  create("b", twice);
  EXPECT_EQ(serve_.stop(), 0);
  start();
  EXPECT_EQ(serve_.log().find("read anew"), std::string::npos) << serve_.log();
  change();
  expect("a", kJoined);
  expect("b", twice);
}

TEST_F(Share, an_arrangement_begins_with_rows_that_are_kept) {
  begin();
  create("kept_orders", "SELECT id, customer, total FROM orders");
  create("kept_customers", "SELECT id, region FROM customers");
  PostgresConnection locked = lock();
  run(fmt::format("CREATE MATERIALIZED VIEW joined AS {}", kJoined));
  EXPECT_NE(rows("SELECT * FROM joined"), Lines{}) << serve_.log();
  EXPECT_TRUE(locked.query("ROLLBACK").ok());
  change();
  expect("joined", kJoined);
}

// Orders are arranged by two keys for it, which have to change in the same steps.
constexpr const char* kDelta =
    "SELECT o.id, c.region, p.total AS other FROM orders o JOIN customers c ON o.customer = c.id "
    "JOIN orders p ON p.id = o.total";

TEST_F(Share, delta_joins_share_what_they_read_in_several_ways) {
  begin();
  create("tree", kJoined);
  create("a", kDelta);
  Lines plan = rows(fmt::format("EXPLAIN {}", kDelta));
  EXPECT_NE(fmt::format("{}", fmt::join(plan, "\n")).find("DeltaJoin(3 relations, 4 keys)"),
            std::string::npos)
      << fmt::format("{}", fmt::join(plan, "\n"));
  Lines before = shared();
  std::string regions =
      "SELECT c.region, COUNT(*) AS n, SUM(p.total) AS s FROM orders o JOIN customers c ON "
      "o.customer = c.id JOIN orders p ON p.id = o.total GROUP BY c.region";
  create("b", regions);
  EXPECT_EQ(count(shared(), "|Arrange"), count(before, "|Arrange"));
  for (bool clean : {true, false}) {
    for (int round = 0; round < 2; ++round) {
      change();
      expect("tree", kJoined);
      expect("a", kDelta);
      expect("b", regions);
    }
    EXPECT_EQ(rows("VERIFY VIEW a").size(), 1u);
    restart(clean);
  }
  source("TRUNCATE customers");
  source("INSERT INTO customers VALUES (3, 'x', 'y', '1'), (4, 'x', 'z', '2')");
  expect("a", kDelta);
  expect("b", regions);
}

TEST_F(Share, a_delta_join_over_whole_old_rows) {
  source("ALTER TABLE orders REPLICA IDENTITY FULL");
  begin();
  create("tree", kJoined);
  create("a", kDelta);
  create("b", kDelta);
  for (int round = 0; round < 2; ++round) {
    change();
    expect("a", kDelta);
    expect("b", kDelta);
  }
  serve_.kill();
  start();
  change();
  expect("a", kDelta);
  expect("b", kDelta);
}

TEST_F(Share, a_row_error_stands_in_all_that_read_it_and_heals) {
  begin();
  std::string query =
      "SELECT o.id, c.name FROM orders o JOIN customers c ON o.customer = c.id WHERE CAST(c.limits "
      "AS INT) > 10";
  create("a", query);
  create("b", query);
  create("good", kJoined);
  source("UPDATE customers SET limits = 'none' WHERE id = 20");
  expect("good", kJoined);
  EXPECT_FALSE(client_->query("SELECT * FROM a").ok());
  EXPECT_FALSE(client_->query("SELECT * FROM b").ok());
  source("UPDATE customers SET limits = '5' WHERE id = 20");
  expect("a", query);
  expect("b", query);
}

TEST_F(Share, whole_old_rows_and_tables_that_are_read_twice) {
  source("ALTER TABLE orders REPLICA IDENTITY FULL");
  begin();
  std::string twice =
      "SELECT o.id, p.id AS other FROM orders o JOIN orders p ON o.customer = p.total JOIN "
      "customers c ON c.id = p.customer";
  create("a", twice);
  create("b", kJoined);
  PostgresConnection locked = lock();
  run("CREATE MATERIALIZED VIEW c AS SELECT o.total, c.region FROM orders o JOIN customers c ON "
      "o.customer = c.id");
  EXPECT_EQ(rows("SELECT COUNT(*) FROM c"), rows("SELECT COUNT(*) FROM b"));
  EXPECT_TRUE(locked.query("ROLLBACK").ok());
  change();
  source("TRUNCATE customers");
  source("INSERT INTO customers VALUES (3, 'x', 'y', '1'), (4, 'x', 'z', '2')");
  expect("a", twice);
  expect("b", kJoined);
  serve_.kill();
  start();
  change();
  expect("a", twice);
  expect("b", kJoined);
  expect("c", "SELECT o.total, c.region FROM orders o JOIN customers c ON o.customer = c.id");
}

}  // namespace
}  // namespace tidemark
