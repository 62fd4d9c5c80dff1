// What the stream alone decides: TOAST, transactions sent in parts, large ones, partitions, types
// that have no binary form, changes of the table's definition.

#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

class PostgresStreamTest : public ::testing::Test {
 protected:
  PostgresStreamTest() : fixture_(shared_cluster(), shared_cluster().make_database()) {}

  void expect_exact(ReaderId reader) {
    ASSERT_TRUE(fixture_.catch_up());
    EXPECT_EQ(fixture_.model(reader).violation, "");
    EXPECT_TRUE(fixture_.model(reader).failed.ok()) << fixture_.model(reader).failed.to_string();
    EXPECT_EQ(fixture_.model(reader).sorted_rows(), fixture_.rows_at_source(reader));
  }
  // Lets the server send transactions in parts from the first kilobytes on.
  void stream_early() {
    fixture_.run("ALTER DATABASE " + fixture_.database + " SET logical_decoding_work_mem = '64kB'");
  }

  SourceFixture fixture_;
};

constexpr const char* kToastTable =
    "CREATE TABLE t (id int PRIMARY KEY, note text, big text); ALTER TABLE t ALTER big SET STORAGE "
    "EXTERNAL;"
    "INSERT INTO t SELECT i, 'n', repeat(chr(64 + i), 5000) FROM generate_series(1, 3) i;";

TEST_F(PostgresStreamTest, unchanged_toast_is_marked_under_default_identity) {
  fixture_.run(kToastTable);
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run("UPDATE t SET note = 'changed' WHERE id = 1");
  fixture_.run("UPDATE t SET id = 20 WHERE id = 2");
  fixture_.run("UPDATE t SET big = 'small now' WHERE id = 3");
  expect_exact(t);
}

TEST_F(PostgresStreamTest, unchanged_toast_comes_from_the_old_row_under_full_identity) {
  fixture_.run(std::string(kToastTable) + "ALTER TABLE t REPLICA IDENTITY FULL");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run("UPDATE t SET note = 'changed' WHERE id = 1");
  fixture_.run("DELETE FROM t WHERE id = 2");
  expect_exact(t);
}

TEST_F(PostgresStreamTest, transactions_in_parts_lose_their_rolled_back_subtransactions) {
  stream_early();
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY, pad text)");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run(
      "BEGIN; INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i; SAVEPOINT "
      "a;"
      "INSERT INTO t SELECT i, repeat('y', 100) FROM generate_series(5001, 9000) i; SAVEPOINT b;"
      "UPDATE t SET pad = 'z' WHERE id < 100; ROLLBACK TO b; DELETE FROM t WHERE id > 8000; "
      "ROLLBACK TO a;"
      "INSERT INTO t SELECT i, repeat('w', 100) FROM generate_series(6001, 7000) i; COMMIT");
  fixture_.run(
      "BEGIN; INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(20001, 25000) i; "
      "ROLLBACK");
  fixture_.run("INSERT INTO t VALUES (30000, 'last')");
  expect_exact(t);
  EXPECT_EQ(fixture_.sink.commits.size(), 2u);
  EXPECT_EQ(fixture_.model(t).by_key.size(), 6001u);
}

TEST_F(PostgresStreamTest, interleaved_transactions_in_parts_come_whole) {
  stream_early();
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY, pad text)");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  PostgresConnection one = fixture_.cluster.connect(fixture_.database);
  PostgresConnection two = fixture_.cluster.connect(fixture_.database);
  ASSERT_TRUE(one.execute("BEGIN").ok());
  ASSERT_TRUE(two.execute("BEGIN").ok());
  for (int i = 0; i < 10; ++i) {
    std::string range = std::to_string(i * 1000) + ", " + std::to_string(i * 1000 + 499) + ") i";
    std::string other =
        std::to_string(i * 1000 + 500) + ", " + std::to_string(i * 1000 + 999) + ") i";
    ASSERT_TRUE(
        one.execute("INSERT INTO t SELECT i, repeat('a', 100) FROM generate_series(" + range).ok());
    ASSERT_TRUE(
        two.execute("INSERT INTO t SELECT i, repeat('b', 100) FROM generate_series(" + other).ok());
  }
  ASSERT_TRUE(two.execute("COMMIT").ok());
  expect_exact(t);
  ASSERT_TRUE(one.execute("COMMIT").ok());
  expect_exact(t);
  EXPECT_EQ(fixture_.sink.commits.size(), 2u);
}

TEST_F(PostgresStreamTest, a_large_transaction_comes_in_chunks_and_ends_once) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY, pad text)");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run("INSERT INTO t SELECT i, 'pad ' || i FROM generate_series(1, 200000) i");
  ASSERT_TRUE(fixture_.catch_up());
  EXPECT_EQ(fixture_.sink.commits.size(), 1u);
  EXPECT_GT(fixture_.model(t).change_batches, 20u);
  expect_exact(t);
}

TEST_F(PostgresStreamTest, partitions_are_read_through_their_root) {
  fixture_.run(
      "CREATE TABLE p (id int, at int, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE p2 (note text, at int NOT NULL, id int NOT NULL, dropped int);"
      "ALTER TABLE p2 DROP dropped; ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);"
      "INSERT INTO p SELECT i, i % 20, 'n' || i FROM generate_series(1, 100) i");
  ReaderId p = fixture_.read("p");
  ASSERT_TRUE(fixture_.pump_until_ready(p));
  EXPECT_EQ(fixture_.model(p).snapshot_rows, 100u);
  fixture_.run(
      "UPDATE p SET at = at + 10 WHERE at < 5; INSERT INTO p VALUES (1000, 3, 'x'), (1001, 13, "
      "'y');"
      "DELETE FROM p WHERE id % 7 = 0");
  expect_exact(p);
  // Its partitions have other files now: they are read anew, empty as they are.
  fixture_.run("TRUNCATE p; INSERT INTO p VALUES (1, 1, 'again')");
  ASSERT_TRUE(fixture_.pump_until([&] {
    return fixture_.model(p).is_ready &&
           fixture_.model(p).sorted_rows() == fixture_.rows_at_source(p);
  }));
}

TEST_F(PostgresStreamTest, types_without_a_known_binary_form_turn_the_stream_to_text) {
  fixture_.run(
      "CREATE TABLE r (id int PRIMARY KEY, span int4range, at point, words tsvector);"
      "INSERT INTO r VALUES (1, '[1,5)', '(1,2)', 'a fat cat'), (2, NULL, NULL, NULL)");
  ReaderId r = fixture_.read("r");
  ASSERT_TRUE(fixture_.pump_until_ready(r));
  fixture_.run(
      "INSERT INTO r VALUES (3, 'empty', '(3,4)', 'dog'); UPDATE r SET span = '[7,)' WHERE id = 2");
  expect_exact(r);
}

TEST_F(PostgresStreamTest, a_later_reader_that_needs_text_begins_all_anew) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, v float8); INSERT INTO t VALUES (1, 0.1);"
      "CREATE TABLE r (id int PRIMARY KEY, span int4range); INSERT INTO r VALUES (1, '[1,5)')");
  ReaderId t = fixture_.read("t");
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run("INSERT INTO t VALUES (2, 0.2)");
  expect_exact(t);
  ReaderId r = fixture_.read("r");
  ASSERT_TRUE(fixture_.pump_until_ready(r));
  fixture_.run("INSERT INTO t VALUES (3, 'NaN'); INSERT INTO r VALUES (2, '[2,3]')");
  expect_exact(t);
  expect_exact(r);
  // Before PostgreSQL 14 the stream is text always.
  EXPECT_EQ(fixture_.model(t).resets, fixture_.cluster.server_version() >= 14'00'00 ? 1 : 0);
}

TEST_F(PostgresStreamTest, new_columns_are_ignored_and_a_dropped_one_stops_its_readers_alone) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b')");
  ReaderId with_b = fixture_.read("t");
  ReaderId with_a = fixture_.read("t", Schema{{{.name = "id", .type = Type::integer()},
                                               {.name = "a", .type = Type::string()}}});
  ASSERT_TRUE(fixture_.pump_until_ready(with_a));
  ASSERT_TRUE(fixture_.pump_until_ready(with_b));
  fixture_.run("ALTER TABLE t ADD c int DEFAULT 7; INSERT INTO t VALUES (2, 'a2', 'b2', 8)");
  expect_exact(with_b);
  expect_exact(with_a);
  fixture_.run("ALTER TABLE t DROP b; INSERT INTO t VALUES (3, 'a3', 9)");
  expect_exact(with_a);
  ASSERT_TRUE(fixture_.pump_until([&] { return !fixture_.model(with_b).stopped.ok(); }));
  EXPECT_EQ(fixture_.model(with_b).stopped.message(), "table public.t has no column b");
}

TEST_F(PostgresStreamTest, a_value_that_does_not_fit_names_table_column_and_row) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES (1, 1.5)");
  Schema declared{
      {{.name = "id", .type = Type::integer()}, {.name = "n", .type = Type::decimal(5, 2)}}};
  ReaderId t = fixture_.read("t", declared);
  ASSERT_TRUE(fixture_.pump_until_ready(t));
  fixture_.run("INSERT INTO t VALUES (42, 123456.5)");
  ASSERT_TRUE(fixture_.pump_until([&] { return !fixture_.model(t).failed.ok(); }));
  EXPECT_EQ(
      fixture_.model(t).failed.message(),
      "cannot read column n: value does not fit DECIMAL(5, 2): 123456.5: public.t, row (id)=(42)");
  EXPECT_EQ(fixture_.model(t).failed.code(), StatusCode::kDataError);
  ReaderId again = fixture_.read("t", declared);
  ASSERT_TRUE(fixture_.pump_until([&] { return !fixture_.model(again).failed.ok(); }));
  EXPECT_EQ(
      fixture_.model(again).failed.message(),
      "cannot read column n: value does not fit DECIMAL(5, 2): 123456.5: public.t, row (id)=(42)");
}

}  // namespace
}  // namespace tidemark
