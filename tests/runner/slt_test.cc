// The runner itself, and the project's own files of sqllogictest (tests/sql/slt).

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/harness/paths.h"
#include "tests/runner/slt_result.h"
#include "tests/runner/slt_run.h"

namespace tidemark {
namespace {

SltReport run(const std::string& text) {
  SltReport report;
  run_slt("here", text, {}, report);
  return report;
}

TEST(Slt, files_of_the_project_pass) {
  std::filesystem::path folder = source_dir() + "/tests/sql/slt";
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".slt") {
      std::ifstream in(entry.path());
      std::stringstream text;
      text << in.rdbuf();
      SltReport report;
      run_slt(entry.path().filename().string(), text.str(), {}, report);
      EXPECT_TRUE(report.is_clean()) << report.to_string(100);
      EXPECT_GT(report.passed, 0u) << entry.path();
      ++files;
    }
  }
  EXPECT_GT(files, 0u);
}

const std::string kTable =
    "statement ok\nCREATE TABLE t (a INT, b STRING)\n\n"
    "statement ok\nINSERT INTO t VALUES (2, 'x'), (1, ''), (NULL, NULL)\n\n";

TEST(Slt, a_right_answer_passes_in_every_form) {
  for (const char* query : {
           "query IT rowsort\nSELECT a, b FROM t\n----\n1\n(empty)\n2\nx\nNULL\nNULL\n",
           "query IT\nSELECT a, b FROM t\n----\n2\nx\n1\n(empty)\nNULL\nNULL\n",
           "query IT rowsort\nSELECT a, b FROM t\n----\n2\tx\n1\t(empty)\nNULL\tNULL\n",
           "query IT valuesort\nSELECT a, b FROM t WHERE a > 1\n----\n2\nx\n",
           "query R\nSELECT SUM(a) FROM t\n----\n3.000\n",
           "query I\nSELECT a FROM t WHERE a > 0 ORDER BY a\n----\n1\n2\n",
           // printf '1\n2\n' | md5sum
           "query I\nSELECT a FROM t WHERE a > 0 ORDER BY a\n----\n"
           "2 values hashing to 6ddb4095eb719e2a9f0a3f95677d24e0\n",
       }) {
    SltReport report = run(kTable + query);
    EXPECT_EQ(report.passed, 1u) << query << report.to_string(9);
  }
}

TEST(Slt, a_wrong_answer_is_told_with_its_place) {
  for (const char* query : {
           "query I rowsort\nSELECT a FROM t\n----\n1\n3\nNULL\n",
           "query I\nSELECT a FROM t WHERE a > 0 ORDER BY a DESC\n----\n1\n2\n",
           "query I\nSELECT COUNT(*) FROM t\n----\n",
           "query II\nSELECT COUNT(*) FROM t\n----\n3\n",
           "query I\nSELECT a FROM t WHERE a > 0 ORDER BY a\n----\n"
           "2 values hashing to 00000000000000000000000000000000\n",
       }) {
    SltReport report = run(kTable + query);
    EXPECT_EQ(report.wrong, 1u) << query;
    EXPECT_NE(report.to_string(9).find("here:7: "), std::string::npos) << report.to_string(9);
  }
}

TEST(Slt, errors_are_counted_by_cause_and_nothing_stops) {
  SltReport report = run(kTable +
                         "query I\nSELECT c FROM t\n----\n1\n\n"
                         "query I\nSELECT d FROM t\n----\n1\n\n"
                         "statement error\nSELECT 1 +\n\n"
                         "query error no such column\nSELECT c FROM t\n\n"
                         "statement error another text\nSELECT c FROM t\n\n"
                         "query I\nSELECT 1 / (a - 1) FROM t\n----\n1\n\n"
                         "query I\nSELECT COUNT(*) FROM t\n----\n3\n");
  EXPECT_EQ(report.refused, 3u);
  EXPECT_EQ(report.failed_statements, 1u);
  EXPECT_EQ(report.passed, 1u) << report.to_string(9);
  EXPECT_EQ(report.causes.size(), 3u) << report.to_string(9);
}

TEST(Slt, conditions_loops_and_halt) {
  SltReport report = run(kTable +
                         "skipif tidemark\nquery I\nSELECT 1\n----\n2\n\n"
                         "onlyif mysql\nquery I\nSELECT 1\n----\n2\n\n"
                         "onlyif mysql\nhalt\n\n"
                         "loop i 0 3\n\nforeach s x y\n\n"
                         "query IT\nSELECT ${i}, '${s}'\n----\n${i}\n${s}\n\nendloop\n\nendloop\n\n"
                         "halt\n\nquery I\nSELECT 1\n----\n2\n");
  EXPECT_EQ(report.passed, 6u) << report.to_string(9);
  EXPECT_EQ(report.skipped, 2u);
  EXPECT_TRUE(report.is_clean());
}

TEST(Slt, tables_change) {
  SltReport report = run(kTable +
                         "statement ok\nUPDATE t SET a = a + 10, b = 'new' WHERE a = 1\n\n"
                         "statement ok\nDELETE FROM t WHERE a IS NULL\n\n"
                         "statement ok\nINSERT INTO t (b) SELECT b FROM t WHERE a = 2\n\n"
                         "statement ok\nCREATE VIEW v AS SELECT a FROM t WHERE a > 5\n\n"
                         "query IT rowsort\nSELECT a, b FROM t\n----\n"
                         "11\nnew\n2\nx\nNULL\nx\n\n"
                         "query I\nSELECT a FROM v\n----\n11\n");
  EXPECT_EQ(report.passed, 2u) << report.to_string(9);
}

TEST(Slt, what_is_no_record_is_an_error_with_its_line) {
  Result<SltFile> file = parse_slt("statement ok\nSELECT 1\n\nqueri I\nSELECT 1\n", {});
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().message(), "expected a record of sqllogictest: line 4: queri I");
}

}  // namespace
}  // namespace tidemark
