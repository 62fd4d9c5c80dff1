// What goes wrong around a source: lost servers, killed processes, and what users get wrong.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "connectors/registry.h"
#include "tests/cdc/postgres/source_fixture.h"

namespace tidemark {
namespace {

TEST(PostgresFailure, a_server_that_goes_away_makes_the_source_stale_and_then_exact_again) {
  PostgresCluster cluster;
  SourceFixture fixture(cluster, cluster.make_database());
  fixture.run(
      "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM "
      "generate_series(1, 1000) i");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  cluster.stop();
  ASSERT_TRUE(
      fixture.pump_until([&] { return fixture.source->status().state == SourceState::kStale; }));
  EXPECT_GT(fixture.source->status().stale_since_us, 0);
  EXPECT_NE(fixture.source->status().message.find("trying again"), std::string::npos);
  EXPECT_EQ(fixture.model(t).by_key.size(), 1000u) << "the content stays as it was";
  cluster.start();
  fixture.run("UPDATE t SET n = 1 WHERE id <= 500; DELETE FROM t WHERE id > 900");
  ASSERT_TRUE(fixture.pump_until(
      [&] { return fixture.model(t).resets == 1 && fixture.model(t).is_ready; }));
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.source->status().state, SourceState::kStreaming);
  fixture.run("INSERT INTO t VALUES (5000, 5)");
  expect_exact(fixture, t);
}

TEST(PostgresFailure, a_server_that_goes_away_in_the_snapshot_begins_it_again) {
  PostgresCluster cluster;
  SourceFixture fixture(cluster, cluster.make_database());
  fixture.run(
      "CREATE TABLE t (id int PRIMARY KEY, pad text);"
      "INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 300000) i; ANALYZE t");
  ReaderId t = fixture.read("t");
  // The queue is full of the snapshot's rows, and nobody polls.
  while (fixture.source->status().state != SourceState::kSnapshot) {
  }
  fixture.source->poll(1, fixture.sink);
  cluster.stop();
  cluster.start();
  ASSERT_TRUE(fixture.pump_until_ready(t));
  EXPECT_EQ(fixture.model(t).resets, 1);
  EXPECT_EQ(fixture.model(t).snapshot_rows, 300000u);
  EXPECT_EQ(fixture.model(t).violation, "");
}

TEST(PostgresFailure, a_terminated_walsender_is_a_lost_connection) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database());
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  fixture.run(
      "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = "
      "current_database()");
  fixture.run("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(fixture.pump_until(
      [&] { return fixture.model(t).resets == 1 && fixture.model(t).is_ready; }));
  expect_exact(fixture, t);
}

TEST(PostgresFailure, a_publication_left_by_a_killed_process_is_taken_over) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database());
  fixture.run(
      "CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t "
      "VALUES (1);"
      "CREATE PUBLICATION tidemark_0123abcd FOR TABLE old WITH (publish_via_partition_root = true);"
      "CREATE PUBLICATION tidemark_4567abcd FOR TABLE old; CREATE PUBLICATION tidemark_of_a_user "
      "FOR TABLE old");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  EXPECT_EQ(fixture.source->status().publication_name, "tidemark_0123abcd");
  EXPECT_EQ(fixture.value("SELECT string_agg(pubname || ':' || tablename, ',' ORDER BY pubname) "
                          "FROM pg_publication_tables"),
            "tidemark_0123abcd:t,tidemark_of_a_user:old");
  fixture.run("INSERT INTO t VALUES (2)");
  expect_exact(fixture, t);
  fixture.close();
  EXPECT_EQ(fixture.value("SELECT string_agg(pubname, ',') FROM pg_publication"),
            "tidemark_of_a_user");
}

TEST(PostgresFailure, two_sources_of_one_database_do_not_share_a_publication) {
  std::string database = shared_cluster().make_database();
  SourceFixture one(shared_cluster(), database), two(shared_cluster(), database);
  one.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ReaderId of_one = one.read("t"), of_two = two.read("t");
  ASSERT_TRUE(one.pump_until_ready(of_one));
  ASSERT_TRUE(two.pump_until_ready(of_two));
  EXPECT_NE(one.source->status().publication_name, two.source->status().publication_name);
}

TEST(PostgresFailure, an_idle_table_pins_no_log_while_others_write) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database());
  fixture.run("CREATE TABLE idle (id int PRIMARY KEY); CREATE TABLE busy (id int, pad text)");
  ReaderId idle = fixture.read("idle");
  ASSERT_TRUE(fixture.pump_until_ready(idle));
  fixture.run("INSERT INTO busy SELECT i, repeat('x', 500) FROM generate_series(1, 10000) i");
  std::string written = fixture.value("SELECT pg_current_wal_lsn()");
  EXPECT_TRUE(fixture.pump_until([&] {
    return fixture.value("SELECT confirmed_flush_lsn >= '" + written +
                         "' FROM pg_replication_slots WHERE database = current_database()") == "t";
  }));
}

TEST(PostgresFailure, what_is_not_acknowledged_is_not_confirmed) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database());
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  ReaderId t = fixture.read("t");
  fixture.acknowledges = false;
  ASSERT_TRUE(fixture.pump_until_ready(t));
  fixture.run("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(fixture.catch_up());
  Lsn commit = fixture.sink.commits.back().position;
  fixture.run("INSERT INTO t VALUES (2)");
  ASSERT_TRUE(fixture.catch_up());
  auto confirmed = [&] {
    return *Lsn::parse(
        fixture.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = "
                      "current_database()"));
  };
  EXPECT_LT(confirmed(), commit);
  fixture.source->acknowledge(commit);
  EXPECT_TRUE(fixture.pump_until([&] { return confirmed() >= commit; }));
  EXPECT_LT(confirmed(), fixture.sink.commits.back().position);
}

TEST(PostgresFailure, a_permanent_slot_is_made_kept_and_used_again) {
  std::string database = shared_cluster().make_database();
  Options more = {{"slot.name", "slot_of_" + database}};
  {
    SourceFixture fixture(shared_cluster(), database, more);
    fixture.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    ReaderId t = fixture.read("t");
    ASSERT_TRUE(fixture.pump_until_ready(t));
    fixture.run("INSERT INTO t VALUES (2)");
    expect_exact(fixture, t);
  }
  SourceFixture fixture(shared_cluster(), database, more);
  fixture.run("INSERT INTO t VALUES (3)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  fixture.run("INSERT INTO t VALUES (4)");
  expect_exact(fixture, t);
  EXPECT_EQ(fixture.source->status().slot_name, "slot_of_" + database);
  fixture.close();
  while (fixture.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'slot_of_" +
                       database + "'") != "f") {
  }
  fixture.run("SELECT pg_drop_replication_slot('slot_of_" + database + "')");
}

TEST(PostgresFailure, a_ready_made_publication_is_used_and_left_alone) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database(),
                        {{"debezium.publication.name", "dba"}});
  fixture.run(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION dba FOR ALL TABLES; INSERT INTO t "
      "VALUES (1)");
  ReaderId t = fixture.read("t");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  fixture.run("INSERT INTO t VALUES (2)");
  expect_exact(fixture, t);
  fixture.close();
  EXPECT_EQ(fixture.value("SELECT string_agg(pubname, ',') FROM pg_publication"), "dba");
}

TEST(PostgresFailure, a_ready_made_publication_without_the_table_says_what_to_run) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database(),
                        {{"publication.name", "dba"}});
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)");
  Status missing = fixture.resolve("t").status();
  EXPECT_EQ(missing.message(), "the source has no publication dba");
  EXPECT_EQ(missing.hint(),
            "CREATE PUBLICATION \"dba\" FOR TABLE ONLY \"public\".\"t\" WITH "
            "(publish_via_partition_root = true);");
  fixture.run("CREATE PUBLICATION dba FOR TABLE other");
  Status lacking = fixture.resolve("t").status();
  EXPECT_EQ(lacking.message(), "publication dba does not have table public.t");
  EXPECT_EQ(lacking.hint(), "ALTER PUBLICATION \"dba\" ADD TABLE \"public\".\"t\";");
  fixture.run("DROP PUBLICATION dba; CREATE PUBLICATION dba FOR TABLE t WITH (publish = 'insert')");
  EXPECT_EQ(fixture.resolve("t").status().message(),
            "publication dba leaves out some kinds of changes");
}

struct BadInput {
  const char* sql;
  const char* table;
  Options options;
  const char* message;
  const char* hint;
};

TEST(PostgresFailure, bad_declarations_say_what_is_wrong_and_what_to_do) {
  const std::vector<BadInput> kInputs = {
      {"CREATE TABLE claims (id int PRIMARY KEY)",
       "claim",
       {},
       "the source has no table public.claim",
       "did you mean public.claims?"},
      {"SELECT 1",
       "(a|b)",
       {},
       "the source has no table public.(a|b)",
       "schema-name and table-name are taken literally; regular expressions are not supported yet"},
      {"CREATE TABLE heap (id int)",
       "heap",
       {},
       "updates and deletes of public.heap would not say which row: it has no primary key, and its "
       "replica identity is not FULL",
       "ALTER TABLE \"public\".\"heap\" REPLICA IDENTITY FULL;"},
      {"CREATE TABLE mute (id int PRIMARY KEY); ALTER TABLE mute REPLICA IDENTITY NOTHING",
       "mute",
       {},
       "updates and deletes of public.mute would not say which row: its replica identity is "
       "NOTHING",
       "ALTER TABLE \"public\".\"mute\" REPLICA IDENTITY FULL;"},
      {"CREATE VIEW v AS SELECT 1 AS one",
       "v",
       {},
       "public.v is a view: the change stream has tables only",
       "read its tables, and repeat the view's query here"},
      {"CREATE UNLOGGED TABLE u (id int PRIMARY KEY)",
       "u",
       {},
       "public.u is unlogged: its changes are not in the server's log",
       "ALTER TABLE \"public\".\"u\" SET LOGGED;"},
      {"SELECT 1",
       "t",
       {{"password", "wrong"}, {"hostname", "127.0.0.1"}},
       "password authentication failed for user \"postgres\"",
       ""},
      {"SELECT 1", "t", {{"database-name", "nowhere"}}, "database \"nowhere\" does not exist", ""},
      {"SELECT 1",
       "t",
       {{"hostname", "no.such.host.invalid"}},
       "could not translate host name",
       ""},
      {"SELECT 1", "t", {{"port", "1"}, {"hostname", "127.0.0.1"}}, "Connection refused", ""},
      {"SELECT 1",
       "t",
       {{"slot.nam", "x"}},
       "unknown option of postgres-cdc: 'slot.nam'",
       "did you mean 'slot.name'?"},
      {"SELECT 1", "t", {{"slot.name", "Big"}}, "slot.name may have lower case letters", ""},
  };
  for (const BadInput& input : kInputs) {
    SourceFixture fixture(shared_cluster(), shared_cluster().make_database(), input.options);
    fixture.run(input.sql);
    Result<SourceTable> resolved = fixture.resolve(input.table);
    ASSERT_FALSE(resolved.ok()) << input.message;
    Status status = resolved.status();
    EXPECT_NE(status.message().find(input.message), std::string::npos) << status.to_string();
    EXPECT_EQ(status.hint().substr(0, strlen(input.hint)), input.hint) << status.to_string();
    EXPECT_EQ(status.to_string().find("wrong"), std::string::npos) << "no password in messages";
  }
}

TEST(PostgresFailure, declared_columns_are_held_against_the_source) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database());
  fixture.run(
      "CREATE TABLE t (id bigint PRIMARY KEY, amount float8, price numeric(10,2), at timestamptz, "
      "note varchar(20),"
      " twice int GENERATED ALWAYS AS (1) STORED)");
  auto declare = [&](const char* name, Type type) {
    return fixture.resolve("t", Schema{{{.name = name, .type = std::move(type)}}});
  };
  Status missing = declare("amont", Type::float64()).status();
  EXPECT_EQ(missing.message(), "the source's table public.t has no column amont");
  EXPECT_EQ(missing.hint(), "did you mean amount? its columns: id, amount, price, at, note, twice");
  Status narrow = declare("id", Type::integer()).status();
  EXPECT_EQ(narrow.message(), "column id: INT cannot hold the source's bigint");
  EXPECT_EQ(narrow.hint(), "declare it BIGINT");
  EXPECT_EQ(declare("price", Type::decimal(10, 1)).status().message(),
            "column price: DECIMAL(10, 1) cannot hold the source's numeric(10,2)");
  EXPECT_EQ(declare("price", Type::float64()).status().message(),
            "column price: DOUBLE cannot hold the source's numeric(10,2)");
  EXPECT_EQ(declare("at", Type::timestamp()).status().hint(), "declare it TIMESTAMP_LTZ(6)");
  EXPECT_EQ(declare("twice", Type::integer()).status().message(),
            "column twice of public.t is generated: the change stream does not have it");
  EXPECT_TRUE(declare("price", Type::decimal(38, 4)).ok());
  EXPECT_TRUE(declare("note", Type::varchar(5)).ok()) << "lengths are not enforced";
  EXPECT_TRUE(declare("at", Type::string()).ok());
  Result<SourceTable> floating = declare("amount", Type::float32());
  ASSERT_TRUE(floating.ok());
  EXPECT_EQ(floating->schema[0].type, Type::float64());
  ASSERT_EQ(floating->notices.size(), 1u);
  EXPECT_NE(floating->notices[0].find("keeps the source's 8 bytes"), std::string::npos);
  Result<SourceTable> narrowed =
      fixture.resolve("t", Schema{{{.name = "amount", .type = Type::float32()}}},
                      {{"table.exec.source.narrow-floats", "true"}});
  ASSERT_TRUE(narrowed.ok());
  EXPECT_EQ(narrowed->schema[0].type, Type::float32());
  Result<SourceTable> derived = fixture.resolve("t");
  ASSERT_TRUE(derived.ok());
  EXPECT_EQ(derived->schema.names(),
            (std::vector<std::string>{"id", "amount", "price", "at", "note"}));
  EXPECT_EQ(derived->schema[0].type.to_string(), "BIGINT NOT NULL");
  EXPECT_EQ(derived->schema[4].type.to_string(), "VARCHAR(20)");
  EXPECT_EQ(derived->notices.size(), 1u);
}

TEST(PostgresFailure, missing_rights_print_what_a_dba_must_run) {
  SourceFixture fixture(shared_cluster(), shared_cluster().make_database(),
                        {{"username", "weak_" + shared_cluster().port()}});
  std::string role = "weak_" + shared_cluster().port();
  fixture.run("CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE " + role + " LOGIN");
  EXPECT_EQ(fixture.resolve("t").status().message(), "role " + role + " may not replicate");
  EXPECT_EQ(fixture.resolve("t").status().hint(), "ALTER ROLE \"" + role + "\" REPLICATION;");
  fixture.run("ALTER ROLE " + role + " REPLICATION");
  EXPECT_EQ(fixture.resolve("t").status().message(), "no right to read public.t");
  fixture.run("GRANT SELECT ON t TO " + role);
  Status no_publication = fixture.resolve("t").status();
  EXPECT_EQ(no_publication.message(),
            "no right to publish public.t: role " + role + " does not own the table");
  EXPECT_NE(no_publication.hint().find("CREATE PUBLICATION \"tidemark\" FOR TABLE"),
            std::string::npos);
  fixture.run("CREATE PUBLICATION tidemark FOR TABLE t WITH (publish_via_partition_root = true)");
  SourceFixture ready(shared_cluster(), fixture.database,
                      {{"username", role}, {"publication.name", "tidemark"}});
  ReaderId t = ready.read("t");
  ASSERT_TRUE(ready.pump_until_ready(t));
  ready.run("INSERT INTO t VALUES (1)");
  expect_exact(ready, t);
}

TEST(PostgresFailure, the_log_must_be_logical) {
  PostgresCluster cluster(ClusterOptions{.settings = {"wal_level = replica"}});
  SourceFixture fixture(cluster, cluster.make_database());
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  Status status = fixture.resolve("t").status();
  EXPECT_EQ(status.message(), "the server's log has no logical changes: wal_level is replica");
  EXPECT_EQ(status.hint(), "ALTER SYSTEM SET wal_level = 'logical'; and restart the server");
}

TEST(PostgresFailure, a_source_waits_for_a_free_slot) {
  PostgresCluster cluster(ClusterOptions{.settings = {"max_replication_slots = 1"}});
  SourceFixture fixture(cluster, cluster.make_database());
  fixture.run("CREATE TABLE t (id int PRIMARY KEY)");
  Result<SourceTable> resolved = fixture.resolve("t");
  ASSERT_TRUE(resolved.ok());
  fixture.run("SELECT pg_create_physical_replication_slot('taken')");
  EXPECT_EQ(fixture.resolve("t").status().message(),
            "all replication slots of the server are taken");
  ReaderId t = fixture.read_resolved("t", *resolved);
  ASSERT_TRUE(fixture.pump_until([&] {
    return fixture.source->status().message.find("all replication slots are in use") !=
           std::string::npos;
  }));
  fixture.run("SELECT pg_drop_replication_slot('taken')");
  ASSERT_TRUE(fixture.pump_until_ready(t));
}

TEST(PostgresFailure, a_slot_in_use_is_waited_for) {
  std::string database = shared_cluster().make_database();
  Options more = {{"slot.name", "used_" + database}};
  auto one = std::make_unique<SourceFixture>(shared_cluster(), database, more);
  SourceFixture two(shared_cluster(), database, more);
  one->run("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(one->pump_until_ready(one->read("t")));
  ReaderId t = two.read("t");
  ASSERT_TRUE(two.pump_until([&] {
    return two.source->status().message.find("is active for PID") != std::string::npos;
  })) << two.source->status().message;
  one.reset();
  ASSERT_TRUE(two.pump_until_ready(t));
  two.close();
  while (two.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'used_" + database +
                   "'") != "f") {
  }
  two.run("SELECT pg_drop_replication_slot('used_" + database + "')");
}

TEST(PostgresFailure, an_unknown_connector_lists_those_there_are) {
  Status status = find_connector("postgres-cdd").status();
  EXPECT_EQ(status.message(), "unknown connector: 'postgres-cdd'");
  EXPECT_NE(status.hint().find("did you mean 'postgres-cdc'?"), std::string::npos);
}

}  // namespace
}  // namespace tidemark
