// INSERT INTO and EXECUTE STATEMENT SET: jobs that write files and lines, through restarts, full
// disks, lost slots, and statements that make no sense.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/harness/served_source.h"
#include "tests/harness/sink_files.h"
#include "tests/harness/small_disk.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

class Sinks : public ServedSource {
 protected:
  void SetUp() override {
    ServedSource::SetUp();
    source(
        "CREATE TABLE claims (id int PRIMARY KEY, animal text, cost int);"
        "INSERT INTO claims SELECT i, 'animal' || i % 5, i FROM generate_series(1, 100) i");
  }
  void start_with_claims() {
    start({"--checkpoint-interval", "20ms"});
    declare("claims");
  }
  SinkFiles files(const std::string& name) { return SinkFiles(serve_.directory() + "/" + name); }
  // A sink of rows (id, animal, cost) that ends a file with each checkpoint.
  void sink(const std::string& name, const std::string& format = "changelog-csv",
            const std::string& options = "",
            const std::string& columns = "id INT, animal STRING, cost INT") {
    run(
        fmt::format("CREATE TABLE {0} ({1}) WITH ('connector' = 'filesystem', 'path' = '{2}', "
                    "'format' = '{3}'{4}{5})",
                    name, columns, files(name).directory(), format,
                    options.find("rollover-interval") == std::string::npos
                        ? ", 'sink.rolling-policy.rollover-interval' = '0s'"
                        : "",
                    options.empty() ? "" : ", " + options));
  }
  std::string job(const std::string& insert) {
    Lines answer = rows(insert);
    EXPECT_EQ(answer.size(), 1U);
    EXPECT_EQ(answer.at(0).size(), 32U) << answer.at(0);
    return answer.at(0);
  }
  std::string error(const std::string& sql) {
    Lines answer = rows(sql);
    EXPECT_TRUE(answer.size() == 1 && answer[0].starts_with("error: ")) << sql;
    return answer.empty() ? "" : answer[0];
  }
  // Of a job in SHOW JOBS, once it is `wanted`: its row.
  std::string job_once(const std::string& id, const std::string& wanted) {
    std::string seen;
    for (int i = 0; i < 1000; ++i) {
      for (const std::string& row : rows("SHOW JOBS")) {
        if (row.starts_with(id)) {
          seen = row;
        }
      }
      if (seen.find(wanted) != std::string::npos) {
        return seen;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "job is not " << wanted << ": " << seen << "\n" << serve_.log();
    return seen;
  }
  // What is written now is committed: its checkpoint is acknowledged to the source.
  void wait_for_checkpoint() {
    source("UPDATE claims SET cost = cost WHERE id = 1");
    wait();
    std::string position = source_rows("SELECT pg_current_wal_insert_lsn()").at(0);
    std::string done = "SELECT bool_and(confirmed_flush_lsn >= '" + position +
                       "') FROM pg_replication_slots WHERE database = current_database()";
    for (int i = 0; i < 1000 && source_rows(done) != Lines{"t"}; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void expect_files(const std::string& name, const std::string& query) {
    Lines wanted = source_rows(query);
    EXPECT_EQ(files(name).rows_once(wanted), wanted) << serve_.log();
  }
};

constexpr const char* kPerAnimal = "SELECT animal, count(*), sum(cost) FROM claims GROUP BY animal";

TEST_F(Sinks, ChangesAreInFilesAndAddUpToTheTable) {
  start_with_claims();
  sink("out");
  sink("sums", "changelog-csv", "", "animal STRING, n BIGINT, total BIGINT");
  job("INSERT INTO out SELECT * FROM claims");
  job("INSERT INTO sums SELECT animal, COUNT(*), SUM(CAST(cost AS BIGINT)) FROM claims GROUP BY "
      "animal");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  expect_files("sums", kPerAnimal);
  for (int i = 0; i < 20; ++i) {
    source(
        fmt::format("UPDATE claims SET cost = cost + {0} WHERE id % 10 = {0} % 10; DELETE FROM "
                    "claims WHERE id = {0}; INSERT INTO claims VALUES (1000 + {0}, NULL, {0})",
                    i + 1));
  }
  expect_files("out", "SELECT id, animal, cost FROM claims");
  expect_files("sums", kPerAnimal);
  EXPECT_GT(files("out").shown().size(), 1U);
}

TEST_F(Sinks, AJobComesBackByItselfAndDoublesNothing) {
  start_with_claims();
  run("CREATE MATERIALIZED VIEW per_animal AS SELECT animal, COUNT(*) AS n, SUM(CAST(cost AS "
      "BIGINT)) AS total FROM claims GROUP BY animal");
  sink("out");
  sink("sums", "changelog-csv", "", "animal STRING, n BIGINT, total BIGINT");
  std::string id = job(
      "EXECUTE STATEMENT SET BEGIN INSERT INTO out SELECT * FROM claims; INSERT INTO sums SELECT * "
      "FROM per_animal; END");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  for (int i = 0; i < 4; ++i) {
    source(fmt::format("UPDATE claims SET cost = cost + 1, animal = 'animal' || {}", i));
    if (i % 2 == 0) {
      serve_.kill();
      source("DELETE FROM claims WHERE id % 17 = 3");
    } else {
      EXPECT_EQ(serve_.stop(), 0);
    }
    start({"--checkpoint-interval", "20ms"});
    job_once(id, "RUNNING");
    expect_files("out", "SELECT id, animal, cost FROM claims");
    expect_files("sums", kPerAnimal);
  }
  EXPECT_EQ(serve_.log().find("does not run"), std::string::npos) << serve_.log();
  Lines jobs;
  for (const std::string& row : rows("SHOW JOBS")) {
    jobs.push_back(row.substr(0, row.find("|2")));
  }
  EXPECT_NE(std::ranges::find(jobs, id + "|insert-into_out,sums|RUNNING"), jobs.end());
  EXPECT_EQ(jobs.size(), 2U);  // the view is the other
}

TEST_F(Sinks, AStoppedJobLeavesWhatIsCommittedAndNothingElse) {
  start_with_claims();
  sink("out", "changelog-csv", "'sink.rolling-policy.rollover-interval' = '1h'");
  std::string id = job("INSERT INTO out SELECT * FROM claims");
  while (files("out").hidden().empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(files("out").shown().empty());
  EXPECT_NE(error("DROP TABLE out").find("job " + id + " depends on it"), std::string::npos);
  EXPECT_NE(error("DROP TABLE claims").find("depends on it"), std::string::npos);
  EXPECT_NE(error("STOP JOB '1234'").find("no such job: 1234"), std::string::npos);
  wait_for_checkpoint();
  run(fmt::format("STOP JOB '{}'", id));
  expect_files("out", "SELECT id, animal, cost FROM claims");
  EXPECT_TRUE(files("out").hidden().empty());
  EXPECT_EQ(rows("SHOW JOBS"), Lines());
  run("DROP TABLE out");
  serve_.kill();
  start();
  EXPECT_EQ(rows("SHOW JOBS"), Lines());
  EXPECT_EQ(rows("SHOW TABLES"), Lines{"claims"});
  EXPECT_EQ(files("out").shown().size(), 1U);
}

TEST_F(Sinks, FormatsWriteTheirLines) {
  start_with_claims();
  source("DELETE FROM claims; INSERT INTO claims VALUES (1, 'a \"b\"', NULL)");
  std::string update = "UPDATE claims SET cost = 2; DELETE FROM claims";
  sink("j", "changelog-json");
  sink("d", "debezium-json");
  sink("a", "json", "'sink.append-only' = 'true', 'json.encode.ignore-null-fields' = 'true'");
  sink("c", "csv",
       "'sink.append-only' = 'true', 'csv.null-literal' = '-', 'csv.field-delimiter' = ';'");
  for (const char* name : {"j", "d", "a", "c"}) {
    job(fmt::format("INSERT INTO {} SELECT * FROM claims", name));
  }
  auto lines_once = [&](const char* name, size_t count) {
    for (int i = 0; i < 1000 && files(name).lines().size() < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return files(name).lines();
  };
  EXPECT_EQ(lines_once("a", 1), Lines{R"({"id":1,"animal":"a \"b\""})"});
  EXPECT_EQ(lines_once("c", 1), Lines{R"(1;"a ""b""";-)"});
  lines_once("j", 1);
  lines_once("d", 1);
  source("UPDATE claims SET cost = 2");
  lines_once("j", 3);
  source("DELETE FROM claims");
  Lines changes = lines_once("j", 4), without_mark;
  for (const std::string& line : changes) {
    size_t mark = line.find("\"mark\":\""), end = line.find('"', mark + 8);
    without_mark.push_back(line.substr(0, mark + 8) + line.substr(end));
  }
  std::string row = R"({"id":1,"animal":"a \"b\"","cost":)";
  EXPECT_EQ(without_mark, (Lines{R"({"op":"+I","mark":"","data":)" + row + "null}}",
                                 R"({"op":"-U","mark":"","data":)" + row + "null}}",
                                 R"({"op":"+U","mark":"","data":)" + row + "2}}",
                                 R"({"op":"-D","mark":"","data":)" + row + "2}}"}));
  EXPECT_EQ(lines_once("d", 4), (Lines{R"({"before":null,"after":)" + row + R"(null},"op":"c"})",
                                       R"({"before":)" + row + R"(null},"after":null,"op":"d"})",
                                       R"({"before":null,"after":)" + row + R"(2},"op":"c"})",
                                       R"({"before":)" + row + R"(2},"after":null,"op":"d"})"}));
}

TEST_F(Sinks, AnAppendOnlySinkStopsAtTheFirstRowThatChanges) {
  start_with_claims();
  sink("a", "csv", "'sink.append-only' = 'true'");
  sink("out");
  std::string id = job("INSERT INTO a SELECT * FROM claims");
  job("INSERT INTO out SELECT * FROM claims");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  while (files("a").lines().size() != 100) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  source("UPDATE claims SET cost = 70 WHERE id = 7");
  std::string shown = job_once(id, "FAILED");
  EXPECT_NE(shown.find("format 'csv' has no place for a row that goes or changes: -U[7, animal2, "),
            std::string::npos)
      << shown;
  source("UPDATE claims SET cost = 80 WHERE id = 8");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  serve_.kill();
  start({"--checkpoint-interval", "20ms"});
  job_once(id, "FAILED");
  run(fmt::format("STOP JOB '{}'", id));
  EXPECT_EQ(files("a").lines().size(), 100U);
}

TEST_F(Sinks, FilesAreEndedBySizeAndByTime) {
  start_with_claims();
  sink("small", "changelog-csv",
       "'sink.rolling-policy.file-size' = '200', 'sink.rolling-policy.rollover-interval' = '1h'");
  sink("short", "changelog-csv", "'sink.rolling-policy.rollover-interval' = '100ms'");
  job("INSERT INTO small SELECT * FROM claims WHERE id > 100");
  job("INSERT INTO short SELECT * FROM claims");
  expect_files("short", "SELECT id, animal, cost FROM claims");
  EXPECT_EQ(files("short").shown().size(), 1U);
  for (int i = 0; i < 50; ++i) {
    source(fmt::format("INSERT INTO claims VALUES ({}, 'new', 1)", 101 + i));
    wait();
  }
  while (files("small").shown().size() < 4) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const std::string& name : files("small").shown()) {
    auto size = fs::file_size(files("small").directory() + "/" + name);
    EXPECT_TRUE(size >= 200 && size < 4096) << name << ": " << size;
  }
  EXPECT_EQ(files("small").hidden().size(), 1U);
}

TEST_F(Sinks, PrintWritesLinesAsFlinkDoes) {
  start_with_claims();
  run("CREATE TABLE p (animal STRING, n BIGINT) WITH ('connector' = 'print', 'print-identifier' = "
      "'P', 'sink.parallelism' = '2')");
  run("CREATE TABLE q WITH ('connector' = 'print', 'standard-error' = 'true') LIKE p (EXCLUDING "
      "OPTIONS)");
  source("DELETE FROM claims; INSERT INTO claims VALUES (1, NULL, 5)");
  job("INSERT INTO p SELECT animal, COUNT(*) FROM claims GROUP BY animal");
  job("INSERT INTO q SELECT animal, COUNT(*) FROM claims GROUP BY animal");
  auto expect_line = [&](const std::string& line) {
    for (int i = 0; i < 1000 && serve_.log().find(line) == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_NE(serve_.log().find(line), std::string::npos) << line << "\n" << serve_.log();
  };
  expect_line("P> +I[null, 1]\n");
  expect_line("\n+I[null, 1]\n");
  source("INSERT INTO claims VALUES (2, NULL, 5)");
  expect_line("P> -U[null, 1]\nP> +U[null, 2]\n");
  source("DELETE FROM claims");
  expect_line("P> -D[null, 2]\n");
}

TEST_F(Sinks, StatementsThatMakeNoSenseAreRefusedWithTheReason) {
  start_with_claims();
  sink("out");
  run("CREATE MATERIALIZED VIEW v AS SELECT id FROM claims");
  std::string path = files("x").directory();
  auto table = [&](const std::string& options) {
    return fmt::format("CREATE TABLE x (id INT) WITH ('connector' = 'filesystem', {})", options);
  };
  struct Case {
    std::string sql;
    std::vector<const char*> parts;
  };
  const Case cases[] = {
      {"INSERT INTO claims SELECT * FROM claims",
       {"claims is read from its source, and cannot be written here", "write it at its source"}},
      {"INSERT INTO v SELECT id FROM claims", {"v is a materialized view, and not a sink"}},
      {"INSERT INTO outt SELECT * FROM claims", {"no such table or view", "did you mean out?"}},
      {"INSERT INTO out SELECT id FROM claims",
       {"the query has 1 columns, and INSERT INTO out takes 3: id, animal, cost"}},
      {"INSERT INTO out (id, anmal) SELECT id, animal FROM claims",
       {"no such column of out: anmal", "did you mean animal?"}},
      {"INSERT INTO out (id, id) SELECT id, id FROM claims", {"column is given twice: id"}},
      {"INSERT INTO out SELECT animal, animal, cost FROM claims",
       {"column id of the sink is INT, and animal of the query is STRING", "CAST(animal AS INT)"}},
      {"INSERT OVERWRITE out SELECT * FROM claims", {"INSERT OVERWRITE is not supported yet"}},
      {"INSERT INTO out VALUES (1, 'a')", {"the query has 2 columns"}},
      {"INSERT INTO out SELECT * FROM out", {"out is a sink: it is written, and not read"}},
      {"SELECT * FROM out", {"out is a sink: it is written, and not read"}},
      {table("'path' = '" + path + "', 'format' = 'jsn'"),
       {"unknown format: 'jsn'", "did you mean 'json'?"}},
      {table("'path' = '" + path + "'"), {"missing required option", "'format'"}},
      {table("'format' = 'changelog-json'"), {"missing required option", "'path'"}},
      {table("'path' = 'relative', 'format' = 'changelog-json'"), {"must begin with a slash"}},
      {table("'path' = 's3://bucket/a', 'format' = 'changelog-json'"), {"not of this machine"}},
      {table("'path' = '" + path + "', 'format' = 'json'"),
       {"format 'json' has no place for rows that change or go", "'sink.append-only' = 'true'"}},
      {table("'path' = '" + path +
             "', 'format' = 'changelog-json', 'sink.rolling-policy.filesize' "
             "= '1MB'"),
       {"unknown option", "did you mean 'sink.rolling-policy.file-size'?"}},
      {table("'path' = '" + path + "', 'format' = 'changelog-json', 'csv.null-literal' = 'x'"),
       {"option 'csv.null-literal' is not one of format 'changelog-json'"}},
      {"CREATE TABLE x (id INT) WITH ('connector' = 'print', 'print-identifer' = 'x')",
       {"unknown option of connector print", "did you mean 'print-identifier'?"}},
      {"CREATE TABLE x WITH ('connector' = 'print')", {"needs the columns of its rows"}},
      {"CREATE TABLE x (id INT) WITH ('connector' = 'printt')", {"did you mean 'print'?"}},
  };
  for (const Case& c : cases) {
    std::string message = error(c.sql);
    for (const char* part : c.parts) {
      EXPECT_NE(message.find(part), std::string::npos) << c.sql << "\n" << message;
    }
  }
  std::ofstream(serve_.directory() + "/file") << "in the way";
  run(
      fmt::format("CREATE TABLE y (id INT) WITH ('connector' = 'filesystem', 'path' = '{}/file/y', "
                  "'format' = 'changelog-json')",
                  serve_.directory()));
  EXPECT_NE(
      error("INSERT INTO y SELECT id FROM claims").find("cannot make the directory of 'path'"),
      std::string::npos);
  for (const std::string& row : rows("SHOW JOBS")) {
    EXPECT_NE(row.find("|v|"), std::string::npos) << row;  // nothing was begun
  }
}

TEST_F(Sinks, NamedColumnsLeaveNullInTheOthers) {
  start_with_claims();
  source("DELETE FROM claims WHERE id > 3");
  sink("out");
  job("INSERT INTO out (cost, id) SELECT id, cost FROM claims");
  expect_files("out", "SELECT cost, NULL, id FROM claims");
}

TEST_F(Sinks, AFullDiskStopsOneJobAndNothingElseUntilThereIsRoom) {
  SmallDisk disk(files("out").directory(), "1m");
  if (!disk.is_mounted()) {
    GTEST_SKIP() << disk.why();
  }
  start_with_claims();
  sink("out");
  sink("other");
  std::string id = job("INSERT INTO out SELECT * FROM claims");
  job("INSERT INTO other SELECT * FROM claims");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  disk.fill();
  for (int i = 0; i < 5; ++i) {
    source("UPDATE claims SET cost = cost + 1, animal = repeat('x', id)");
    wait();
  }
  std::string shown = job_once(id, "RESTARTING");
  EXPECT_NE(shown.find("No space left on device"), std::string::npos) << shown;
  expect_files("other", "SELECT id, animal, cost FROM claims");
  // What waits is durable, and the source may forget it.
  serve_.kill();
  source("UPDATE claims SET cost = cost + 1");
  start({"--checkpoint-interval", "20ms"});
  expect_files("other", "SELECT id, animal, cost FROM claims");
  job_once(id, "RESTARTING");
  disk.make_room();
  expect_files("out", "SELECT id, animal, cost FROM claims");
  job_once(id, "RUNNING");
  serve_.kill();  // before its disk goes
}

// They are shown before the answer, and there is no job.
TEST_F(Sinks, ConstantsAreWrittenAtOnce) {
  start({"--checkpoint-interval", "20ms"});
  sink("out");
  run("INSERT INTO out VALUES (1, 'a', 10), (2, NULL, 20)");
  EXPECT_EQ(files("out").rows(), (Lines{"1|a|10", "2|NULL|20"}));
  run("INSERT INTO out (cost, id) SELECT n * 10, n FROM GENERATE_SERIES(3, 4) AS t (n)");
  run("INSERT INTO out SELECT a, UPPER('e'), a FROM (VALUES (1)) AS t (a) WHERE a > 5");
  EXPECT_EQ(files("out").rows(), (Lines{"1|a|10", "2|NULL|20", "3|NULL|30", "4|NULL|40"}));
  EXPECT_EQ(files("out").hidden(), Lines());
  EXPECT_EQ(rows("SHOW JOBS"), Lines());
  Lines lines = files("out").lines();
  EXPECT_EQ(std::ranges::count(lines, "+I,0/0,1,a,10"), 1);
  EXPECT_NE(error("INSERT INTO out SELECT 1 / 0, 'a', 2").find("division by zero"),
            std::string::npos);
  EXPECT_NE(error("INSERT INTO out VALUES ('x', 'a', 2)").find("column id of the sink is INT"),
            std::string::npos);
  sink("plain", "json", "'sink.append-only' = 'true'");
  run("INSERT INTO plain VALUES (1, 'a', 10)");
  EXPECT_EQ(files("plain").lines(), Lines{R"({"id":1,"animal":"a","cost":10})"});
  serve_.kill();
  start({});
  EXPECT_EQ(files("out").rows().size(), 4U);
  EXPECT_EQ(rows("SHOW JOBS"), Lines());
}

TEST_F(Sinks, NotNullIsEnforced) {
  source("DELETE FROM claims WHERE id > 3; UPDATE claims SET animal = NULL WHERE id = 2");
  start_with_claims();
  const char* columns = "id INT PRIMARY KEY NOT ENFORCED, animal STRING NOT NULL, cost INT";
  for (const char* name : {"strict", "loose", "constants"}) {
    sink(name, "changelog-csv", "", columns);
  }
  std::string id = job("INSERT INTO strict SELECT * FROM claims");
  std::string shown = job_once(id, "FAILED");
  EXPECT_NE(shown.find("column animal of the sink is NOT NULL, and a row has NULL: (2, NULL, 2)"),
            std::string::npos)
      << shown;
  EXPECT_EQ(files("strict").shown(), Lines());
  run("SET 'table.exec.sink.not-null-enforcer' = 'DROP'");
  job("INSERT INTO loose SELECT * FROM claims");
  expect_files("loose", "SELECT * FROM claims WHERE animal IS NOT NULL");
  run("RESET 'table.exec.sink.not-null-enforcer'");
  // Also after a restart, and for rows that change to NULL and back.
  EXPECT_EQ(serve_.stop(), 0);
  start({"--checkpoint-interval", "20ms"});
  source(
      "UPDATE claims SET animal = NULL WHERE id = 1; UPDATE claims SET animal = 'x' WHERE id = 2");
  expect_files("loose", "SELECT * FROM claims WHERE animal IS NOT NULL");
  source("UPDATE claims SET animal = 'y' WHERE id = 1");
  expect_files("loose", "SELECT * FROM claims WHERE animal IS NOT NULL");
  job_once(id, "FAILED");
  EXPECT_NE(error("INSERT INTO constants VALUES (1, NULL, 2)").find("(1, NULL, 2)"),
            std::string::npos);
  EXPECT_NE(error("INSERT INTO constants (id) VALUES (1)")
                .find("column animal of constants is NOT NULL, and is not given"),
            std::string::npos);
  EXPECT_EQ(files("constants").hidden(), Lines());
  EXPECT_NE(error("SET 'table.exec.sink.not-null-enforcer' = 'IGNORE'").find("is one of"),
            std::string::npos);
}

TEST_F(Sinks, ExplainOfAnInsertHasItsSink) {
  start_with_claims();
  sink("out");
  std::string text = rows("EXPLAIN INSERT INTO out SELECT id, animal, cost FROM claims").at(0);
  EXPECT_NE(text.find("Sink(out)"), std::string::npos) << text;
  EXPECT_NE(text.find("claims"), std::string::npos) << text;
  EXPECT_NE(error("EXPLAIN INSERT INTO out SELECT id FROM claims").find("has 1 columns"),
            std::string::npos);
  for (const std::string& row : rows("SHOW JOBS")) {
    ADD_FAILURE() << row;  // nothing was begun
  }
}

TEST_F(Sinks, AfterALostSlotASinkGetsTheDifference) {
  start_with_claims();
  run("CREATE MATERIALIZED VIEW per_animal AS SELECT animal, COUNT(*) AS n, SUM(CAST(cost AS "
      "BIGINT)) AS total FROM claims GROUP BY animal");
  sink("out");
  sink("sums", "changelog-csv", "", "animal STRING, n BIGINT, total BIGINT");
  job("INSERT INTO out SELECT * FROM claims");
  job("INSERT INTO sums SELECT * FROM per_animal");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  expect_files("sums", kPerAnimal);
  for (int i = 0; i < 2; ++i) {
    serve_.kill();
    source(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = "
        "current_database()");
    source(fmt::format("UPDATE claims SET cost = 0 WHERE id = {}", i + 1));
    size_t before = files("out").lines().size();
    start({"--checkpoint-interval", "20ms"});
    expect_files("out", "SELECT id, animal, cost FROM claims");
    expect_files("sums", kPerAnimal);
    EXPECT_EQ(files("out").lines().size(), before + 2) << serve_.log();
  }
}

TEST_F(Sinks, AlsoWhenItIsKilledWhileItReadsAnew) {
  source("INSERT INTO claims SELECT i, 'animal' || i % 5, i FROM generate_series(101, 100000) i");
  start_with_claims();
  run("CREATE MATERIALIZED VIEW cheap AS SELECT * FROM claims WHERE cost < 50000");
  sink("out");
  sink("low");
  std::string id = job(
      "EXECUTE STATEMENT SET BEGIN INSERT INTO out SELECT * FROM claims; INSERT INTO low SELECT * "
      "FROM cheap; END");
  expect_files("out", "SELECT id, animal, cost FROM claims");
  expect_files("low", "SELECT id, animal, cost FROM claims WHERE cost < 50000");
  serve_.kill();
  source(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = "
      "current_database()");
  source("UPDATE claims SET cost = 0 WHERE id = 1");
  size_t before = files("out").lines().size(), low = files("low").lines().size();
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(serve_.start({"--checkpoint-interval", "5ms"})) << serve_.log();
    std::this_thread::sleep_for(std::chrono::milliseconds(40 + 60 * i));  // in the midst of it
    serve_.kill();
  }
  start({"--checkpoint-interval", "20ms"});
  expect_files("out", "SELECT id, animal, cost FROM claims");
  expect_files("low", "SELECT id, animal, cost FROM claims WHERE cost < 50000");
  job_once(id, "RUNNING");
  EXPECT_EQ(files("out").lines().size(), before + 2) << serve_.log();
  EXPECT_EQ(files("low").lines().size(), low + 2) << serve_.log();
}

TEST_F(Sinks, AViewUnderAJobMayBeChangedIfTheJobsPlanStays) {
  start_with_claims();
  run("CREATE MATERIALIZED VIEW dear AS SELECT id, animal, cost FROM claims WHERE cost > 50");
  sink("out");
  job("INSERT INTO out SELECT * FROM dear");
  expect_files("out", "SELECT id, animal, cost FROM claims WHERE cost > 50");
  run("CREATE OR REPLACE MATERIALIZED VIEW dear AS SELECT id, animal, cost FROM claims WHERE cost "
      "> "
      "70");
  expect_files("out", "SELECT id, animal, cost FROM claims WHERE cost > 70");
  EXPECT_NE(error("CREATE OR REPLACE MATERIALIZED VIEW dear AS SELECT id, animal FROM claims")
                .find("it would not do for job"),
            std::string::npos);
  EXPECT_NE(error("DROP MATERIALIZED VIEW dear").find("STOP JOB '"), std::string::npos);
  run("DROP MATERIALIZED VIEW dear CASCADE");
  EXPECT_EQ(rows("SHOW JOBS"), Lines());
}

}  // namespace
}  // namespace tidemark
