// What any client of PostgreSQL counts on: parameters, formats, portals, cursors, transactions,
// COPY, errors.

#include <arpa/inet.h>

#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireProtocol : public WireTest {};

std::string big_endian(uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text += static_cast<char>(value >> shift);
  }
  return text;
}

TEST_F(WireProtocol, parameters_are_typed_by_their_place) {
  PgClient client = connect();
  ASSERT_TRUE(client.ok()) << client.message();
  PgAnswer prepared(
      PQprepare(client.get(), "s",
                "SELECT a + $1, b || $2, $3, $4::DATE FROM (VALUES (1, 'x'), (5, 'y')) "
                "AS t (a, b) WHERE a BETWEEN $5 AND 10 AND b IN ($6, 'z') LIMIT $7",
                0, nullptr));
  ASSERT_TRUE(prepared.ok()) << client.message();
  PgAnswer described(PQdescribePrepared(client.get(), "s"));
  std::vector<Oid> types;
  for (int i = 0; i < PQnparams(described.get()); ++i) {
    types.push_back(PQparamtype(described.get(), i));
  }
  EXPECT_EQ(types, (std::vector<Oid>{23, 25, 25, 1082, 23, 25, 20}));
  const char* values[] = {"41", "!", nullptr, "2024-02-29", "2", "y", "9"};
  PgAnswer answer(PQexecPrepared(client.get(), "s", 7, values, nullptr, nullptr, 0));
  EXPECT_EQ(answer.text(), "46|y!|NULL|2024-02-29");
}

TEST_F(WireProtocol, parameters_in_binary_of_declared_types) {
  PgClient client = connect();
  const Oid types[] = {20, 21, 16, 701, 17, 1114, 1700, 1007};
  std::string values[] = {big_endian(uint64_t(-5), 8), big_endian(7, 2), std::string("\1", 1),
                          big_endian(0x3FF8000000000000, 8),  // 1.5
                          std::string("\0\xFF", 2), big_endian(1'000'000, 8),
                          // numeric 12.5: two digits of base 10000, weight 0, scale 1
                          big_endian(2, 2) + big_endian(0, 2) + big_endian(0, 2) +
                              big_endian(1, 2) + big_endian(12, 2) + big_endian(5000, 2),
                          // int4[] {1, NULL}
                          big_endian(1, 4) + big_endian(1, 4) + big_endian(23, 4) +
                              big_endian(2, 4) + big_endian(1, 4) + big_endian(4, 4) +
                              big_endian(1, 4) + big_endian(uint64_t(-1), 4)};
  const char* pointers[8];
  int lengths[8], formats[8];
  for (int i = 0; i < 8; ++i) {
    pointers[i] = values[i].data();
    lengths[i] = static_cast<int>(values[i].size());
    formats[i] = 1;
  }
  PgAnswer answer(PQexecParams(client.get(), "SELECT $1, $2, $3, $4, $5, $6, $7, $8", 8, types,
                               pointers, lengths, formats, 0));
  ASSERT_TRUE(answer.ok()) << client.message();
  EXPECT_EQ(answer.text(), "-5|7|t|1.5|\\x00ff|2000-01-01 00:00:01|12.500000000000000000|{1,NULL}");
}

TEST_F(WireProtocol, results_in_binary) {
  PgClient client = connect();
  PgAnswer answer = client.run(
      "SELECT CAST(1 AS SMALLINT), 2, CAST(3 AS BIGINT), TRUE, CAST(1.5 AS DOUBLE), 'text', "
      "DATE '2000-01-03', TIMESTAMP '2000-01-01 00:00:01', CAST(NULL AS INT), ARRAY[1, 2]",
      {}, 1);
  ASSERT_TRUE(answer.ok()) << client.message();
  auto bytes = [&](int column) {
    return std::string(PQgetvalue(answer.get(), 0, column),
                       static_cast<size_t>(PQgetlength(answer.get(), 0, column)));
  };
  EXPECT_EQ(bytes(0), big_endian(1, 2));
  EXPECT_EQ(bytes(1), big_endian(2, 4));
  EXPECT_EQ(bytes(2), big_endian(3, 8));
  EXPECT_EQ(bytes(3), std::string("\1", 1));
  EXPECT_EQ(bytes(4), big_endian(0x3FF8000000000000, 8));
  EXPECT_EQ(bytes(5), "text");
  EXPECT_EQ(bytes(6), big_endian(2, 4));
  EXPECT_EQ(bytes(7), big_endian(1'000'000, 8));
  EXPECT_TRUE(PQgetisnull(answer.get(), 0, 8));
  EXPECT_EQ(bytes(9), big_endian(1, 4) + big_endian(0, 4) + big_endian(23, 4) + big_endian(2, 4) +
                          big_endian(1, 4) + big_endian(4, 4) + big_endian(1, 4) +
                          big_endian(4, 4) + big_endian(2, 4));
  EXPECT_EQ(PQftype(answer.get(), 9), 1007U);
  EXPECT_EQ(PQfformat(answer.get(), 0), 1);
}

TEST_F(WireProtocol, bad_parameters_are_errors_with_their_sqlstate) {
  PgClient client = connect();
  EXPECT_EQ(client.run("SELECT 1 + $1", {"x"}).sqlstate(), "22P02");
  EXPECT_EQ(client.run("SELECT $1::DATE", {"2024-13-01"}).sqlstate(), "22007");
  EXPECT_EQ(client.run("SELECT 1 + $1", {"1", "2"}).sqlstate(), "08P01");
  EXPECT_EQ(client.run("SELECT $1").sqlstate(), "42P02");
  EXPECT_EQ(client.run("SELECT 1").text(), "1");
}

TEST_F(WireProtocol, errors_have_code_position_and_hint) {
  PgClient client = connect();
  PgAnswer answer = client.run("SELECT 'é', nothing FROM (VALUES (1)) AS t (something)");
  EXPECT_EQ(answer.sqlstate(), "42703");
  EXPECT_EQ(answer.error('P'), "13");
  EXPECT_EQ(client.run("SELEKT 1").sqlstate(), "42601");
  EXPECT_EQ(client.run("SELECT * FROM nowhere").sqlstate(), "42P01");
  EXPECT_EQ(client.run("SELECT no_such_function(1)").sqlstate(), "42883");
  EXPECT_EQ(client.run("SELECT 1 / 0").sqlstate(), "22012");
  EXPECT_EQ(client.run("VALUES (1 / 0)").sqlstate(), "22012");
  EXPECT_EQ(client.run("SELECT CAST('x' AS INT)").sqlstate(), "22P02");
  PgAnswer in_prepared = client.run("SELECT wrong FROM (VALUES (1)) AS t (a)", {});
  EXPECT_EQ(in_prepared.error('P'), "8");
}

TEST_F(WireProtocol, statements_in_one_message_stop_at_an_error) {
  PgClient client = connect();
  ASSERT_EQ(PQsendQuery(client.get(), "SELECT 1; SELECT 2; SELECT nothing; SELECT 3"), 1);
  std::vector<std::string> seen;
  while (PGresult* result = PQgetResult(client.get())) {
    PgAnswer answer(result);
    seen.push_back(answer.ok() ? answer.text() : "error");
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "2", "error"}));
}

TEST_F(WireProtocol, blocks_fail_as_a_whole) {
  PgClient client = connect();
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_IDLE);
  EXPECT_EQ(client.run("BEGIN").tag(), "BEGIN");
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INTRANS);
  EXPECT_FALSE(client.run("SELECT nothing").ok());
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INERROR);
  EXPECT_EQ(client.run("SELECT 1").sqlstate(), "25P02");
  EXPECT_EQ(client.run("SELECT 1", {}).sqlstate(), "25P02");
  EXPECT_EQ(client.run("COMMIT").tag(), "ROLLBACK");
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_IDLE);
  EXPECT_EQ(client.rows("SELECT 1"), "1");
}

TEST_F(WireProtocol, savepoints_mend_a_block) {
  PgClient client = connect();
  for (const char* statement : {"SAVEPOINT a", "RELEASE a", "ROLLBACK TO a"}) {
    EXPECT_EQ(client.run(statement).sqlstate(), "25P01") << statement;
  }
  client.run("BEGIN");
  EXPECT_EQ(client.run("SAVEPOINT a").tag(), "SAVEPOINT");
  EXPECT_FALSE(client.run("SELECT nothing").ok());
  EXPECT_EQ(client.run("SELECT 1").sqlstate(), "25P02");
  EXPECT_EQ(client.run("SAVEPOINT b").sqlstate(), "25P02");
  EXPECT_EQ(client.run("ROLLBACK TO SAVEPOINT b").sqlstate(), "3B001");
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INERROR);
  EXPECT_EQ(client.run("ROLLBACK TO a").tag(), "ROLLBACK");
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INTRANS);
  EXPECT_EQ(client.rows("SELECT 1"), "1");
  // It is still there; inner ones go with outer ones; names may come again.
  client.run("SAVEPOINT b");
  client.run("SAVEPOINT a");
  EXPECT_EQ(client.run("RELEASE SAVEPOINT a").tag(), "RELEASE");
  EXPECT_TRUE(client.run("ROLLBACK TO b").ok());
  EXPECT_TRUE(client.run("ROLLBACK TO a").ok());
  EXPECT_EQ(client.run("ROLLBACK TO b").sqlstate(), "3B001");
  client.run("ROLLBACK TO a");
  EXPECT_EQ(client.run("COMMIT").tag(), "COMMIT");
  client.run("BEGIN");
  EXPECT_EQ(client.run("RELEASE a").sqlstate(), "3B001");  // of another block
  client.run("ROLLBACK");
}

TEST_F(WireProtocol, rolling_back_to_a_savepoint_undoes_cursors_and_local_settings) {
  PgClient client = connect();
  client.run("BEGIN; SET LOCAL statement_timeout = '7s'");
  client.run("DECLARE before CURSOR FOR SELECT 1");
  client.run("SAVEPOINT a; SET LOCAL statement_timeout = '8s'");
  client.run("DECLARE later CURSOR FOR SELECT 2");
  EXPECT_EQ(client.rows("SHOW statement_timeout"), "8s");
  client.run("ROLLBACK TO a");
  EXPECT_EQ(client.rows("SHOW statement_timeout"), "7s");
  EXPECT_EQ(client.rows("FETCH FROM before"), "1");
  EXPECT_EQ(client.run("FETCH FROM later").sqlstate(), "34000");
  client.run("ROLLBACK TO a; COMMIT");
  EXPECT_EQ(client.rows("SHOW statement_timeout"), "0");
}

TEST_F(WireProtocol, set_local_ends_with_its_block) {
  PgClient client = connect();
  client.run("SET TIME ZONE 'Europe/Berlin'");
  EXPECT_EQ(client.parameter("TimeZone"), "Europe/Berlin");
  client.run("BEGIN");
  client.run("SET LOCAL TIME ZONE 'Asia/Tokyo'");
  EXPECT_EQ(client.parameter("TimeZone"), "Asia/Tokyo");
  client.run("COMMIT");
  EXPECT_EQ(client.parameter("TimeZone"), "Europe/Berlin");
}

TEST_F(WireProtocol, cursors_go_both_ways) {
  PgClient client = connect();
  EXPECT_EQ(client.run("DECLARE c CURSOR FOR SELECT 1").sqlstate(), "25P01");
  client.run("BEGIN");
  EXPECT_EQ(client.run("DECLARE c CURSOR FOR VALUES (1), (2), (3), (4)").tag(), "DECLARE CURSOR");
  EXPECT_EQ(client.rows("FETCH 2 FROM c"), "1;2");
  EXPECT_EQ(client.rows("FETCH NEXT FROM c"), "3");
  EXPECT_EQ(client.rows("FETCH PRIOR FROM c"), "2");
  EXPECT_EQ(client.rows("FETCH ALL FROM c"), "3;4");
  EXPECT_EQ(client.rows("FETCH NEXT FROM c"), "");
  EXPECT_EQ(client.rows("FETCH BACKWARD 2 FROM c"), "4;3");
  EXPECT_EQ(client.rows("FETCH FIRST FROM c"), "1");
  EXPECT_EQ(client.rows("FETCH LAST FROM c"), "4");
  EXPECT_EQ(client.rows("FETCH ABSOLUTE -2 FROM c"), "3");
  EXPECT_EQ(client.rows("FETCH RELATIVE -1 FROM c"), "2");
  EXPECT_EQ(client.run("MOVE BACKWARD ALL IN c").tag(), "MOVE 1");
  EXPECT_EQ(client.rows("FETCH 1 FROM c"), "1");
  EXPECT_EQ(client.run("CLOSE c").tag(), "CLOSE CURSOR");
  EXPECT_EQ(client.run("FETCH c").sqlstate(), "34000");
  client.run("ROLLBACK");
}

TEST_F(WireProtocol, cursors_end_with_their_block_unless_held) {
  PgClient client = connect();
  client.run("BEGIN");
  client.run("DECLARE gone CURSOR FOR SELECT 1");
  client.run("DECLARE held CURSOR WITH HOLD FOR VALUES (1), (2)");
  client.run("DECLARE forward NO SCROLL CURSOR FOR VALUES (1), (2)");
  EXPECT_EQ(client.rows("FETCH 2 FROM forward"), "1;2");
  client.run("COMMIT");
  EXPECT_EQ(client.run("FETCH gone").sqlstate(), "34000");
  EXPECT_EQ(client.rows("FETCH ALL held"), "1;2");
  client.run("BEGIN");
  client.run("DECLARE forward NO SCROLL CURSOR FOR VALUES (1), (2)");
  client.rows("FETCH 2 FROM forward");
  EXPECT_EQ(client.run("FETCH PRIOR FROM forward").sqlstate(), "55000");
}

TEST_F(WireProtocol, copy_in_all_formats) {
  PgClient client = connect();
  std::string query = "(SELECT 1, CAST(NULL AS STRING), 'a\tb\\' UNION ALL SELECT 2, '', 'x,\"y')";
  EXPECT_EQ(client.copy("COPY " + query + " TO STDOUT"), "1\t\\N\ta\\tb\\\\\n2\t\tx,\"y\n");
  EXPECT_EQ(client.copy("COPY (SELECT 1 AS a, CAST(NULL AS STRING) AS b, 'x,\"y' AS c) TO STDOUT "
                        "(FORMAT csv, HEADER)"),
            "a,b,c\n1,,\"x,\"\"y\"\n");
  EXPECT_EQ(client.copy("COPY (SELECT '') TO STDOUT CSV"), "\"\"\n");
  EXPECT_EQ(client.copy("COPY (SELECT 7, CAST(NULL AS INT)) TO STDOUT (FORMAT binary)"),
            std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0') + big_endian(2, 2) +
                big_endian(4, 4) + big_endian(7, 4) + big_endian(uint64_t(-1), 4) + "\xFF\xFF");
  EXPECT_EQ(client.run("COPY (SELECT 1) TO STDOUT (FORMAT xml)").sqlstate(), "22023");
  EXPECT_EQ(client.rows("SELECT 1"), "1");
}

TEST_F(WireProtocol, a_statement_can_be_cancelled_and_times_out) {
  PgClient client = connect();
  client.run("SET statement_timeout = '50ms'");
  // Without sources it would be reached at once; a generated product is not.
  std::string slow =
      "WITH t AS (SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) SELECT "
      "COUNT(*) FROM t, t t2, t t3";
  EXPECT_TRUE(client.run(slow).ok());
  EXPECT_EQ(client.run("SET statement_timeout = 'soon'").ok(), false);
}

TEST_F(WireProtocol, what_is_over_a_limit_is_refused_and_others_are_served_on) {
  ListenOptions options;
  options.limits.message_bytes_max = 1 << 16;
  options.limits.prepared_max = 2;
  start(options);
  PgClient client = connect(), other = connect();
  EXPECT_FALSE(client.run("SELECT '" + std::string(1 << 16, 'x') + "'").ok());
  EXPECT_EQ(PQstatus(client.get()), CONNECTION_BAD);
  auto prepare = [&](const char* name) {
    return PgAnswer(PQprepare(other.get(), name, "SELECT 1", 0, nullptr)).sqlstate();
  };
  EXPECT_EQ(prepare("a"), "");
  EXPECT_EQ(prepare("b"), "");
  EXPECT_EQ(prepare("c"), "53400");
  EXPECT_EQ(other.run("DEALLOCATE a").tag(), "DEALLOCATE");
  EXPECT_EQ(prepare("c"), "");
  EXPECT_EQ(other.rows("SELECT 1"), "1");
}

TEST_F(WireProtocol, kill_cuts_another_connection) {
  PgClient client = connect(), other = connect();
  std::string id = other.rows("SELECT pg_backend_pid()");
  EXPECT_EQ(client.run("KILL '" + id + "'").tag(), "KILL");
  EXPECT_FALSE(other.run("SELECT 1").ok());
  EXPECT_EQ(client.run("KILL '" + id + "'").sqlstate(), "42704");
}

TEST_F(WireProtocol, startup_options_are_settings) {
  PgClient client(
      socket_conninfo() +
      " application_name=mine options='-c statement_timeout=7s -c TimeZone=Asia/Tokyo'");
  ASSERT_TRUE(client.ok()) << client.message();
  EXPECT_EQ(client.parameter("application_name"), "mine");
  EXPECT_EQ(client.rows("SHOW statement_timeout"), "7s");
  PgClient wrong(socket_conninfo() + " dbname=nowhere");
  EXPECT_FALSE(wrong.ok());
  EXPECT_NE(wrong.message().find("does not exist"), std::string::npos) << wrong.message();
}

}  // namespace
}  // namespace tidemark
