// INSERT as clients send it, over an engine without a data directory.

#include <fmt/core.h>

#include "tests/harness/sink_files.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireJobs : public WireViewTest {
 protected:
  SinkFiles sink(PgClient& client, const std::string& name) {
    SinkFiles files(directory_->path() + "/" + name);
    must(client, fmt::format("CREATE TABLE {} (id INT, owner STRING) WITH ('connector' = "
                             "'filesystem', 'path' = '{}', 'format' = 'changelog-csv', "
                             "'sink.rolling-policy.rollover-interval' = '0s')",
                             name, files.directory()));
    return files;
  }
};

TEST_F(WireJobs, a_job_writes_until_it_is_stopped) {
  PgClient client = connect();
  SinkFiles files = sink(client, "out");
  PgAnswer begun = client.run("INSERT INTO out SELECT id, owner FROM accounts WHERE id <= 2");
  ASSERT_EQ(begun.rows(), 1) << begun.error();
  std::string id = begun.cell(0, 0);
  std::vector<std::string> wanted{"1|owner1", "2|owner2"};
  EXPECT_EQ(files.rows_once(wanted), wanted);
  write("UPDATE accounts SET owner = 'new' WHERE id = 1; DELETE FROM accounts WHERE id = 2");
  wanted = {"1|new"};
  EXPECT_EQ(files.rows_once(wanted), wanted);
  must(client, "STOP JOB '" + id + "'");
  write("UPDATE accounts SET owner = 'newer' WHERE id = 1");
  wait(client);
  EXPECT_EQ(files.rows(), wanted);
  EXPECT_EQ(files.hidden().size(), 0u);
}

TEST_F(WireJobs, constants_and_parameters) {
  PgClient client = connect();
  SinkFiles files = sink(client, "out");
  EXPECT_EQ(client.run("INSERT INTO out VALUES (1, 'a'), (2, 'b')").tag(), "INSERT 0 2");
  EXPECT_EQ(client.run("INSERT INTO out VALUES ($1::INT, $2::STRING)", {"3", std::nullopt}).tag(),
            "INSERT 0 1");
  EXPECT_EQ(files.rows(), (std::vector<std::string>{"1|a", "2|b", "3|NULL"}));
  PgAnswer refused =
      client.run("INSERT INTO out SELECT id, owner FROM accounts WHERE id = $1", {"3"});
  EXPECT_EQ(refused.error(), "a job cannot have parameters");
  EXPECT_EQ(client.run("INSERT INTO out VALUES ($1::INT)", {"3"}).sqlstate(), "42601");
}

TEST_F(WireJobs, constants_in_a_statement_set) {
  PgClient client = connect();
  SinkFiles files = sink(client, "out"), more = sink(client, "more");
  EXPECT_EQ(client
                .run("EXECUTE STATEMENT SET BEGIN INSERT INTO out VALUES (1, 'a'), (2, 'b'); "
                     "INSERT INTO more VALUES (3, 'c'); INSERT INTO out VALUES (4, 'd'); END")
                .tag(),
            "INSERT 0 4");
  EXPECT_EQ(files.rows(), (std::vector<std::string>{"1|a", "2|b", "4|d"}));
  EXPECT_EQ(more.rows(), (std::vector<std::string>{"3|c"}));
  // Beside one that reads: a job of that one alone, and the constants are there with its answer.
  PgAnswer begun = client.run(
      "EXECUTE STATEMENT SET BEGIN INSERT INTO out VALUES (5, 'e'); INSERT INTO more SELECT id, "
      "owner FROM accounts WHERE id = 1; END");
  ASSERT_EQ(begun.rows(), 1) << begun.error();
  EXPECT_EQ(files.rows(), (std::vector<std::string>{"1|a", "2|b", "4|d", "5|e"}));
  std::vector<std::string> wanted{"1|owner1", "3|c"};
  EXPECT_EQ(more.rows_once(wanted), wanted);
  must(client, "STOP JOB '" + begun.cell(0, 0) + "'");
  // What is wrong with one of them leaves nothing of the others.
  std::string jobs = client.rows("SHOW JOBS");
  EXPECT_EQ(client
                .run("EXECUTE STATEMENT SET BEGIN INSERT INTO out VALUES (6, 'f'); INSERT INTO "
                     "more SELECT id FROM accounts; END")
                .sqlstate(),
            "42601");
  EXPECT_EQ(client
                .run("EXECUTE STATEMENT SET BEGIN INSERT INTO more SELECT id, owner FROM accounts; "
                     "INSERT INTO out VALUES (1 / 0, 'f'); END")
                .sqlstate(),
            "22012");
  EXPECT_EQ(client.rows("SHOW JOBS"), jobs);
  EXPECT_EQ(files.rows().size(), 4u);
}

}  // namespace
}  // namespace tidemark
