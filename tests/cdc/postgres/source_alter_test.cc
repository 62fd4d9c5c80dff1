// Tables that are altered while they are read: what sends no row is noticed, what does not matter
// is let be, and a reader that cannot go on waits until it can.

#include <gtest/gtest.h>

#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

class PostgresAlter : public testing::Test {
 protected:
  ReaderId read(const std::string& table, const std::optional<Schema>& declared = std::nullopt) {
    ReaderId reader = fixture_.read(table, declared);
    EXPECT_TRUE(fixture_.pump_until_ready(reader));
    return reader;
  }
  // What the watch sees comes a moment later than what the stream has.
  void expect_becomes_exact(ReaderId reader) {
    TableModel& model = fixture_.model(reader);
    EXPECT_TRUE(fixture_.pump_until([&] {
      return model.is_ready && model.sorted_rows() == fixture_.rows_at_source(reader);
    })) << fixture_.source->status().message;
    EXPECT_EQ(model.violation, "");
    EXPECT_TRUE(model.failed.ok()) << model.failed.to_string();
  }
  void expect_exact(ReaderId reader) {
    ASSERT_TRUE(fixture_.catch_up());
    EXPECT_EQ(fixture_.model(reader).sorted_rows(), fixture_.rows_at_source(reader));
  }
  void expect_stops(ReaderId reader, const std::string& message, const std::string& hint) {
    EXPECT_TRUE(fixture_.pump_until([&] { return !fixture_.model(reader).stopped.ok(); }));
    EXPECT_EQ(fixture_.model(reader).stopped.message(), message);
    EXPECT_EQ(fixture_.model(reader).stopped.hint(), hint);
    EXPECT_TRUE(fixture_.pump_until(
        [&] { return fixture_.source->status().message.find(message) != std::string::npos; }));
  }

  SourceFixture fixture_{shared_cluster(), shared_cluster().make_database()};
};

TEST_F(PostgresAlter, partitions_may_come_and_go_and_be_truncated) {
  fixture_.run(
      "CREATE TABLE p (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
      "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);"
      "INSERT INTO p SELECT i, i FROM generate_series(0, 29) i");
  ReaderId p = read("p");
  fixture_.run("TRUNCATE p1");
  expect_becomes_exact(p);
  fixture_.run("DROP TABLE p2");
  expect_becomes_exact(p);
  fixture_.run("ALTER TABLE p DETACH PARTITION p3");
  expect_becomes_exact(p);
  fixture_.run("INSERT INTO p VALUES (1, 1); UPDATE p3 SET id = 7 WHERE id = 25");
  expect_becomes_exact(p);
  fixture_.run("ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (20) TO (30)");
  expect_becomes_exact(p);
  fixture_.run("UPDATE p SET id = id + 100");
  expect_exact(p);
}

TEST_F(PostgresAlter, a_rewrite_that_changes_values_is_read_anew_and_no_other) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, n int, other int);"
      "INSERT INTO t SELECT i, i, i FROM generate_series(1, 100) i; CREATE TABLE beside (id int "
      "PRIMARY KEY)");
  ReaderId t = read("t", Schema{{{.name = "id", .type = Type::integer()},
                                 {.name = "n", .type = Type::bigint()}}});
  fixture_.run("VACUUM FULL t");
  fixture_.run("ALTER TABLE t ALTER other TYPE bigint USING other * 2");
  fixture_.run("ALTER TABLE t ADD made int DEFAULT 5; INSERT INTO t VALUES (101, 1)");
  // Two looks of the watch see all of this.
  for (int look = 0; look < 2; ++look) {
    fixture_.run("SELECT pg_sleep(1.1); INSERT INTO t VALUES (-" + std::to_string(look + 1) +
                 ", 0)");
    expect_exact(t);
  }
  EXPECT_EQ(fixture_.model(t).resets, 0);
  fixture_.run("ALTER TABLE t ALTER n TYPE int USING n * 3");
  expect_becomes_exact(t);
  fixture_.run("ALTER TABLE t ALTER n TYPE bigint; INSERT INTO t VALUES (102, 5000000000)");
  expect_becomes_exact(t);
  EXPECT_GE(fixture_.model(t).resets, 2);
}

// The reader looks at the catalog before the name changes, and waits for the table until it has.
TEST_F(PostgresAlter, a_name_that_changes_as_a_reader_begins_is_seen) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, n int);"
      "INSERT INTO u VALUES (1, 7)");
  ReaderId t = read("t");
  Result<SourceTable> resolved = fixture_.resolve("u");
  ASSERT_TRUE(resolved.ok());
  PostgresConnection other = shared_cluster().connect(fixture_.database);
  ASSERT_TRUE(other.execute("BEGIN; ALTER TABLE u RENAME n TO m").ok());
  ReaderId u = fixture_.read_resolved("u", *resolved);
  EXPECT_FALSE(fixture_.pump_until([&] { return fixture_.model(u).is_ready; }, 1));
  ASSERT_TRUE(other.execute("COMMIT").ok());
  EXPECT_TRUE(fixture_.pump_until([&] { return fixture_.model(u).is_ready; }))
      << fixture_.model(u).failed.to_string() << fixture_.source->status().message;
  ASSERT_TRUE(fixture_.catch_up());
  EXPECT_EQ(fixture_.model(u).sorted_rows(), std::vector<std::string>{"1|7|"});
  expect_exact(t);
}

TEST_F(PostgresAlter, new_names_are_followed) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)");
  ReaderId t = read("t");
  auto expect_rows = [&](std::vector<std::string> rows) {
    ASSERT_TRUE(fixture_.catch_up());
    EXPECT_EQ(fixture_.model(t).sorted_rows(), rows);
  };
  fixture_.run("ALTER TABLE t RENAME n TO m; INSERT INTO t VALUES (2, 2)");
  expect_rows({"1|1|", "2|2|"});
  fixture_.run(
      "INSERT INTO t VALUES (3, 3); ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME id TO key;"
      "UPDATE u SET m = 4 WHERE key = 3");
  expect_rows({"1|1|", "2|2|", "3|4|"});
  fixture_.run("CREATE SCHEMA s; ALTER TABLE u SET SCHEMA s; DELETE FROM s.u WHERE key = 1");
  expect_rows({"2|2|", "3|4|"});
  EXPECT_EQ(fixture_.model(t).resets, 0);
}

TEST_F(PostgresAlter, a_table_that_takes_the_name_takes_the_place) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId t = read("t");
  fixture_.run(
      "CREATE TABLE next (id int PRIMARY KEY); INSERT INTO next VALUES (7), (8);"
      "BEGIN; ALTER TABLE t RENAME TO old; ALTER TABLE next RENAME TO t; COMMIT");
  expect_becomes_exact(t);
  fixture_.run("INSERT INTO t VALUES (9); INSERT INTO old VALUES (2)");
  expect_exact(t);
}

TEST_F(PostgresAlter, a_dropped_table_is_waited_for) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE u (id int "
      "PRIMARY KEY)");
  ReaderId t = read("t"), u = read("u");
  fixture_.run("DROP TABLE t");
  expect_stops(t, "the source has no table public.t", "did you mean public.u?");
  fixture_.run("INSERT INTO u VALUES (1)");
  expect_exact(u);
  EXPECT_EQ(fixture_.model(u).resets, 0);
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (5)");
  expect_becomes_exact(t);
  fixture_.run("INSERT INTO t VALUES (6)");
  expect_exact(t);
}

TEST_F(PostgresAlter, a_dropped_column_stops_those_that_use_it_until_it_is_back) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b')");
  ReaderId with_b = read("t");
  ReaderId with_a = read("t", Schema{{{.name = "id", .type = Type::integer()},
                                      {.name = "a", .type = Type::string()}}});
  fixture_.run("ALTER TABLE t DROP b");  // no row follows: the watch sees it
  expect_stops(with_b, "table public.t has no column b", "");
  fixture_.run("INSERT INTO t VALUES (2, 'a2')");
  ASSERT_TRUE(fixture_.catch_up());
  EXPECT_EQ(fixture_.model(with_a).sorted_rows(), (std::vector<std::string>{"1|a|", "2|a2|"}));
  EXPECT_EQ(fixture_.model(with_a).resets, 0);
  fixture_.run("ALTER TABLE t ADD b text DEFAULT 'new'");
  expect_becomes_exact(with_b);
}

TEST_F(PostgresAlter, an_identity_that_is_no_longer_full_stops_the_reader_until_it_is) {
  fixture_.run(
      "CREATE TABLE t (id int PRIMARY KEY, n int); ALTER TABLE t REPLICA IDENTITY FULL; INSERT "
      "INTO t VALUES (1, 1)");
  ReaderId t = read("t");
  fixture_.run("ALTER TABLE t REPLICA IDENTITY DEFAULT; UPDATE t SET n = 2");
  expect_stops(t, "the replica identity of public.t is no longer FULL",
               "ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL; or declare the table again");
  fixture_.run("ALTER TABLE t REPLICA IDENTITY FULL");
  expect_becomes_exact(t);
}

TEST_F(PostgresAlter, another_primary_key_stops_a_reader_by_key) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 1)");
  ReaderId t = read("t");
  fixture_.run("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (n)");
  expect_stops(t, "the key of public.t is another one now", "declare the table again");
}

TEST_F(PostgresAlter, a_table_that_left_the_publication_is_read_anew) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId t = read("t");
  fixture_.run("ALTER PUBLICATION " + fixture_.source->status().publication_name +
               " DROP TABLE t; INSERT INTO t VALUES (2)");
  expect_becomes_exact(t);
  fixture_.run("INSERT INTO t VALUES (3)");
  expect_exact(t);
}

TEST_F(PostgresAlter, a_table_that_nobody_reads_any_more_leaves_the_publication) {
  fixture_.run("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  ReaderId t = read("t"), again = read("t"), u = read("u");
  auto published = [&] {
    return fixture_.value(
        "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_publication_tables");
  };
  EXPECT_EQ(published(), "t,u");
  fixture_.source->remove_reader(t);
  fixture_.source->remove_reader(u);
  EXPECT_TRUE(fixture_.pump_until([&] { return published() == "t"; })) << published();
  fixture_.run("INSERT INTO t VALUES (1)");
  expect_exact(again);
  ReaderId back = read("u");
  fixture_.run("INSERT INTO u VALUES (1)");
  expect_exact(back);
}

TEST_F(PostgresAlter, what_was_done_while_away_is_seen_at_the_next_start) {
  fixture_.durable_name = "alter_" + fixture_.database;
  fixture_.acknowledges = false;
  fixture_.run(
      "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
      "INSERT INTO p SELECT i FROM generate_series(0, 19) i;"
      "CREATE TABLE rewritten (id int PRIMARY KEY, n int); INSERT INTO rewritten VALUES (1, 1);"
      "CREATE TABLE renamed (id int PRIMARY KEY, n int); INSERT INTO renamed VALUES (1, 1)");
  ReaderId p = read("p"), rewritten = read("rewritten"), renamed = read("renamed");
  SourceCheckpoint kept = fixture_.checkpoint();
  fixture_.close();
  fixture_.run(
      "DROP TABLE p1; ALTER TABLE rewritten ALTER n TYPE int USING n + 41;"
      "INSERT INTO renamed VALUES (2, 2); ALTER TABLE renamed RENAME n TO m; ALTER TABLE renamed "
      "RENAME TO moved; INSERT INTO moved VALUES (3, 3)");
  fixture_.restart(kept);
  expect_becomes_exact(p);
  expect_becomes_exact(rewritten);
  ASSERT_TRUE(fixture_.catch_up());
  EXPECT_EQ(fixture_.model(renamed).sorted_rows(),
            (std::vector<std::string>{"1|1|", "2|2|", "3|3|"}));
  EXPECT_EQ(fixture_.model(p).resets, 1);
  EXPECT_EQ(fixture_.model(rewritten).resets, 1);
  EXPECT_EQ(fixture_.model(renamed).resets, 0);
  fixture_.source->abandon();
}

}  // namespace
}  // namespace tidemark
