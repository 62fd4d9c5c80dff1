// postgres_fdw in a real PostgreSQL reads our views: foreign tables of them, joined with its own
// tables.

#include <filesystem>

#include <fmt/core.h>

#include "tests/harness/postgres_cluster.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireForeignTable : public WireViewTest {
 protected:
  void SetUp() override {
    WireViewTest::SetUp();
    if (source_value("SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'") !=
        "1") {
      GTEST_SKIP() << "this PostgreSQL comes without postgres_fdw";
    }
    write(
        fmt::format("CREATE EXTENSION postgres_fdw; CREATE SERVER tidemark FOREIGN DATA WRAPPER "
                    "postgres_fdw OPTIONS (host '127.0.0.1', port '{}', dbname 'tidemark'); "
                    "CREATE USER MAPPING FOR postgres SERVER tidemark OPTIONS (user 'tidemark', "
                    "password_required 'false'); CREATE SCHEMA views",
                    server_->port()));
  }
};

TEST_F(WireForeignTable, views_are_imported_and_read) {
  write("IMPORT FOREIGN SCHEMA public LIMIT TO (towns, accounts) FROM SERVER tidemark INTO views");
  EXPECT_EQ(
      source_value("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' "
                   "ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'views.towns'::regclass "
                   "AND attnum > 0"),
      "town character varying(20), balance bigint, n bigint");
  EXPECT_EQ(source_value("SELECT sum(n) FROM views.towns"), "5000");
  EXPECT_EQ(source_value("SELECT owner FROM views.accounts WHERE id = 7"), "owner7");
  EXPECT_EQ(source_value("SELECT count(*) FROM views.accounts WHERE owner LIKE 'owner7%' AND id > "
                         "100"),
            source_value("SELECT count(*) FROM accounts WHERE owner LIKE 'owner7%' AND id > 100"));
  // A column with NULLs, and an answer of several FETCHes.
  write("UPDATE accounts SET town = NULL WHERE id <= 3");
  PgClient client = connect();
  wait(client);
  EXPECT_EQ(source_value("SELECT count(*) FROM views.accounts WHERE town IS NULL"), "3");
  EXPECT_EQ(source_value("SELECT count(*) FROM (SELECT * FROM accounts EXCEPT SELECT * FROM "
                         "views.accounts) d"),
            "0");
}

TEST_F(WireForeignTable, fresh_views_join_local_tables) {
  write(
      "CREATE FOREIGN TABLE views.towns (town varchar(20), balance numeric, n bigint) SERVER "
      "tidemark OPTIONS (schema_name 'public', table_name 'towns'); CREATE TABLE mayors (town "
      "varchar(20) PRIMARY KEY, mayor text); INSERT INTO mayors VALUES ('town3', 'Ada'), ('town4', "
      "'Grace'), ('nowhere', 'Nobody')");
  std::string join =
      "SELECT string_agg(mayor || ' ' || n, ', ' ORDER BY mayor) FROM mayors JOIN views.towns "
      "USING "
      "(town)";
  EXPECT_EQ(source_value(join), "Ada 500, Grace 500");
  write("DELETE FROM accounts WHERE town = 'town4' AND id > 4000");
  PgClient client = connect();
  wait(client);
  EXPECT_EQ(source_value(join), "Ada 500, Grace 400");
  // Two scans of one transaction are at one mark: its sums are those of one commit.
  write(
      "CREATE FOREIGN TABLE views.accounts (id int, owner text, town varchar(20), balance bigint) "
      "SERVER tidemark OPTIONS (schema_name 'public', table_name 'accounts')");
  EXPECT_EQ(source_value("SELECT (SELECT sum(balance) FROM views.accounts) = (SELECT sum(balance) "
                         "FROM views.towns)"),
            "t");
  // An error in a subtransaction there rolls back to a savepoint here.
  EXPECT_EQ(
      source_value("DO $$ BEGIN PERFORM count(*) FROM views.towns; BEGIN PERFORM 1 / (n - n) "
                   "FROM views.towns; EXCEPTION WHEN division_by_zero THEN NULL; END; PERFORM "
                   "count(*) FROM views.accounts; END $$; SELECT 'went on'"),
      "went on");
}

}  // namespace
}  // namespace tidemark
