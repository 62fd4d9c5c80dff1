// CREATE INDEX and DROP INDEX over views, as statements, as clients list them, and over a restart.

#include <fmt/core.h>

#include "tests/harness/http_get.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireIndex : public WireViewTest {
 protected:
  bool is_at_once(PgClient& client, const char* name, const char* value) {
    auto reads = [&] {
      std::string text = http_get(server_->http_port(), "/metrics").body;
      return atoll(text.c_str() + text.find("\ntidemark_point_reads_total ") + 28);
    };
    int64_t before = reads();
    PgAnswer answer(PQexecPrepared(client.get(), name, 1, &value, nullptr, nullptr, 0));
    EXPECT_TRUE(answer.ok()) << client.message();
    return reads() == before + 1;
  }
};

TEST_F(WireIndex, statements_and_their_errors) {
  PgClient client = connect();
  EXPECT_EQ(client.run("CREATE INDEX by_owner ON accounts (owner)").tag(), "CREATE INDEX");
  EXPECT_EQ(client.run("CREATE INDEX by_owner ON towns (n)").sqlstate(), "42P07");
  EXPECT_EQ(client.run("CREATE INDEX towns ON accounts (town)").sqlstate(), "42P07");
  EXPECT_EQ(client.run("CREATE INDEX IF NOT EXISTS by_owner ON accounts (owner)").tag(),
            "CREATE INDEX");
  EXPECT_EQ(client.run("CREATE VIEW by_owner AS SELECT 1 AS a").sqlstate(), "42P07");
  PgAnswer unknown = client.run("CREATE INDEX x ON accounts (nothing)");
  EXPECT_EQ(unknown.sqlstate(), "42703");
  EXPECT_EQ(unknown.error('P'), "29");
  EXPECT_EQ(client.run("CREATE INDEX x ON accounts (owner, owner)").sqlstate(), "42701");
  EXPECT_EQ(client.run("CREATE INDEX x ON accounts (UPPER(owner))").sqlstate(), "0A000");
  EXPECT_EQ(client.run("CREATE UNIQUE INDEX x ON accounts (owner)").sqlstate(), "0A000");
  EXPECT_EQ(client.run("CREATE INDEX x ON accounts_cdc (owner)").sqlstate(), "42809");
  EXPECT_EQ(client.run("CREATE INDEX x ON nothing (owner)").sqlstate(), "42P01");
  EXPECT_EQ(client.run("CREATE INDEX ON accounts (town, balance)").tag(), "CREATE INDEX");
  EXPECT_EQ(client.run("CREATE INDEX ON accounts (town, balance)").tag(), "CREATE INDEX");
  EXPECT_EQ(client.rows("SHOW INDEXES FROM accounts"),
            "by_owner|accounts|owner;accounts_town_balance_idx|accounts|town, balance;"
            "accounts_town_balance_idx1|accounts|town, balance");
  auto lookup_of = [&](const std::string& query) {
    std::string text = client.rows("EXPLAIN " + query);
    size_t at = text.find("IndexLookup(");
    return at == std::string::npos ? "" : text.substr(at, text.find(':', at) - at);
  };
  EXPECT_EQ(lookup_of("SELECT * FROM accounts WHERE id = 5 AND town = 'x'"),
            "IndexLookup(view=[accounts], columns=[id])");
  EXPECT_EQ(lookup_of("SELECT id FROM accounts WHERE town = 'x' AND balance = 3"),
            "IndexLookup(view=[accounts], columns=[town, balance])");
  EXPECT_EQ(lookup_of("SELECT id FROM accounts WHERE town = 'x'"), "");
  EXPECT_EQ(lookup_of("SELECT id FROM accounts WHERE id > 5"), "");
  EXPECT_EQ(client.run("DROP INDEX accounts_town_balance_idx1").tag(), "DROP INDEX");
  EXPECT_EQ(client.run("DROP INDEX accounts_town_balance_idx1").sqlstate(), "42704");
  EXPECT_EQ(client.run("DROP INDEX IF EXISTS accounts_town_balance_idx1").tag(), "DROP INDEX");
  EXPECT_EQ(client.run("DROP INDEX public.by_owner").tag(), "DROP INDEX");
  EXPECT_EQ(client.rows("SHOW INDEXES"), "accounts_town_balance_idx|accounts|town, balance");
  must(client, "DROP MATERIALIZED VIEW accounts");
  EXPECT_EQ(client.rows("SHOW INDEXES"), "");
}

TEST_F(WireIndex, clients_list_them) {
  PgClient client = connect();
  must(client, "CREATE INDEX by_owner ON accounts (owner, town)");
  EXPECT_EQ(client.rows("SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename = "
                        "'accounts' AND indexname = 'by_owner'"),
            "accounts|by_owner|CREATE INDEX by_owner ON public.accounts USING btree (owner, town)");
  EXPECT_EQ(client.rows("SELECT indisunique, indisprimary, indnatts, indkey::text FROM pg_index "
                        "WHERE indexrelid = 'by_owner'::regclass"),
            "f|f|2|{2,3}");
  std::string described = psql("\\pset tuples_only off\n\\d accounts");
  EXPECT_NE(described.find("\"by_owner\" btree (owner, town)"), std::string::npos) << described;
  std::string listed = psql("\\di");
  EXPECT_NE(listed.find("public|by_owner|index|tidemark|accounts"), std::string::npos) << listed;
  EXPECT_NE(psql("\\d by_owner").find("owner|"), std::string::npos);
}

TEST_F(WireIndex, look_ups_take_it_from_the_first_one_on) {
  PgClient client = connect();
  must(client, "CREATE INDEX by_owner ON accounts (owner)");
  PgAnswer prepared(PQprepare(
      client.get(), "by_owner",
      "SELECT id FROM accounts WHERE owner = $1 AND balance > 4900 ORDER BY id", 0, nullptr));
  ASSERT_TRUE(prepared.ok()) << client.message();
  // The first has the index made, the next find it: also for values not asked for before.
  is_at_once(client, "by_owner", "owner7");
  int times = 1;
  while (!is_at_once(client, "by_owner", "owner8") && times < 1000) {  // in the turn after it
    ++times;
  }
  EXPECT_LT(times, 1000);
  const char* value = "owner9";
  PgAnswer answer(PQexecPrepared(client.get(), "by_owner", 1, &value, nullptr, nullptr, 0));
  EXPECT_EQ(answer.text(), "4909");
  write("UPDATE accounts SET owner = 'owner9' WHERE id IN (4950, 4960)");
  wait(client);
  PgAnswer after(PQexecPrepared(client.get(), "by_owner", 1, &value, nullptr, nullptr, 0));
  EXPECT_EQ(after.text(), "4909;4950;4960");
  EXPECT_TRUE(is_at_once(client, "by_owner", "owner9"));
  must(client, "DROP INDEX by_owner");
  PgAnswer without(PQexecPrepared(client.get(), "by_owner", 1, &value, nullptr, nullptr, 0));
  EXPECT_EQ(without.text(), "4909;4950;4960");
}

TEST(WireIndexKept, over_a_restart) {
  std::string database = shared_cluster().make_database();
  shared_cluster().run("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 5)",
                       database);
  PostgresAddress address = shared_cluster().address(database);
  ServeProcess serve;
  ASSERT_TRUE(serve.start());
  auto must = [&](const std::string& sql) {
    PostgresConnection client = serve.connect();
    Result<QueryResult> result = client.query(sql);
    EXPECT_TRUE(result.ok()) << sql << "\n" << result.status().to_string();
  };
  must(
      fmt::format("CREATE TABLE t WITH ('connector' = 'postgres-cdc', 'hostname' = '{}', 'port' = "
                  "'{}', 'username' = 'postgres', 'password' = 'postgres', 'database-name' = "
                  "'{}', 'schema-name' = 'public', 'table-name' = 't')",
                  address.host, address.port, database));
  must("CREATE MATERIALIZED VIEW v AS SELECT id, a FROM t");
  must("CREATE INDEX by_a ON v (a)");
  must("CREATE INDEX gone ON v (id)");
  must("DROP INDEX gone");
  serve.kill();
  ASSERT_TRUE(serve.start()) << serve.log();
  PostgresConnection client = serve.connect();
  EXPECT_EQ(sorted_rows(client, "SHOW INDEXES"), std::vector<std::string>{"by_a|v|a"});
  EXPECT_EQ(sorted_rows(client, "SELECT id FROM v WHERE a = 5"), std::vector<std::string>{"1"});
  must("CREATE INDEX ON v (id)");
  must("CREATE VIEW w AS SELECT id FROM v");  // numbers are not given twice
  EXPECT_EQ(sorted_rows(client, "SELECT COUNT(DISTINCT oid) - COUNT(*) FROM pg_class"),
            std::vector<std::string>{"0"});
  must("DROP MATERIALIZED VIEW v CASCADE");
  serve.kill();
  shared_cluster().run(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" +
          database + "'",
      database);
}

}  // namespace
}  // namespace tidemark
