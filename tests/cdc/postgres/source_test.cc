// The source end to end: what its readers rebuild equals what Postgres has.

#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

class PostgresSourceTest : public ::testing::Test {
 protected:
  PostgresSourceTest() : fixture_(shared_cluster(), shared_cluster().make_database()) {}

  void expect_exact(ReaderId reader) {
    ASSERT_TRUE(fixture_.catch_up());
    EXPECT_EQ(fixture_.model(reader).violation, "");
    EXPECT_TRUE(fixture_.model(reader).failed.ok()) << fixture_.model(reader).failed.to_string();
    EXPECT_EQ(fixture_.model(reader).sorted_rows(), fixture_.rows_at_source(reader));
  }

  SourceFixture fixture_;
};

TEST_F(PostgresSourceTest, snapshot_then_changes_with_full_identity) {
  fixture_.run(
      "CREATE TABLE t (id int, name text, amount float8); ALTER TABLE t REPLICA IDENTITY FULL;"
      "INSERT INTO t SELECT i, 'name ' || i, i * 0.5 FROM generate_series(1, 1000) i");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  EXPECT_EQ(fixture_.model(t).snapshot_rows, 1000u);
  expect_exact(t);
  fixture_.run("INSERT INTO t VALUES (2000, 'new', NULL)");
  fixture_.run("UPDATE t SET amount = amount + 1 WHERE id <= 10");
  fixture_.run("DELETE FROM t WHERE id BETWEEN 5 AND 20");
  expect_exact(t);
  EXPECT_EQ(fixture_.sink.commits.size(), 3u);
}

TEST_F(PostgresSourceTest, default_identity_gives_keys_for_old_rows) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), "
      "(3, NULL)");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  EXPECT_EQ(fixture_.model(t).table.row_key, std::vector<size_t>{0});
  fixture_.run("UPDATE t SET name = 'c' WHERE id = 1");
  fixture_.run("UPDATE t SET id = 10 WHERE id = 2");
  fixture_.run("DELETE FROM t WHERE id = 3");
  fixture_.run("BEGIN; INSERT INTO t VALUES (4, 'd'); UPDATE t SET id = 5 WHERE id = 4; COMMIT");
  expect_exact(t);
}

TEST_F(PostgresSourceTest, key_columns_that_are_not_declared_come_hidden) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  ReaderId t = fixture_.read("t", Schema{{{.name = "name", .type = Type::string()}}});
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  EXPECT_EQ(fixture_.model(t).table.hidden.size(), 1u);
  fixture_.run("UPDATE t SET name = 'z' WHERE id = 1; DELETE FROM t WHERE id = 2");
  expect_exact(t);
}

TEST_F(PostgresSourceTest, rolled_back_work_is_never_seen) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run("BEGIN; INSERT INTO t VALUES (2); ROLLBACK");
  fixture_.run(
      "BEGIN; INSERT INTO t VALUES (3); SAVEPOINT s; INSERT INTO t VALUES (4); ROLLBACK TO s; "
      "INSERT INTO t VALUES (5); COMMIT");
  expect_exact(t);
  EXPECT_EQ(fixture_.sink.commits.size(), 1u);
}

TEST_F(PostgresSourceTest, truncate_cascade_empties_both_tables_in_one_commit) {
  fixture_.run(
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES "
      "a);"
      "INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1, 1), (2, 2)");
  ReaderId a = fixture_.read("a");
  ReaderId b = fixture_.read("b");
  ASSERT_TRUE(fixture_.pump_until_ready(a));
  ASSERT_TRUE(fixture_.pump_until_ready(b));
  fixture_.run(
      "BEGIN; INSERT INTO a VALUES (3); TRUNCATE a CASCADE; INSERT INTO a VALUES (4); COMMIT");
  expect_exact(a);
  expect_exact(b);
  EXPECT_EQ(fixture_.model(a).truncates, 1);
  EXPECT_EQ(fixture_.model(b).truncates, 1);
  EXPECT_EQ(fixture_.sink.commits.size(), 1u);
}

TEST_F(PostgresSourceTest, nothing_is_left_after_a_clean_end) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY)");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  EXPECT_EQ(fixture_.value("SELECT count(*) FROM pg_publication"), "1");
  EXPECT_EQ(fixture_.value(
                "SELECT temporary FROM pg_replication_slots WHERE database = current_database()"),
            "t");
  fixture_.close();
  EXPECT_EQ(fixture_.value("SELECT count(*) FROM pg_publication"), "0");
  while (fixture_.value(
             "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") !=
         "0") {
  }
}

TEST_F(PostgresSourceTest, a_table_without_columns_in_use_still_counts_rows) {
  fixture_.run(
      "CREATE TABLE t (id int); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t SELECT "
      "generate_series(1, 9)");
  ReaderId t = fixture_.read("t", Schema{});
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  EXPECT_EQ(fixture_.model(t).snapshot_rows, 9u);
  fixture_.run("INSERT INTO t VALUES (10); DELETE FROM t WHERE id < 3");
  expect_exact(t);
}

}  // namespace
}  // namespace tidemark
