// What the fuzzer begins with, and what it has found: each text by itself.

#include "tests/fuzz/statement_fuzz.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "expr/function.h"
#include "sql/split.h"
#include "tests/fuzz/mutate.h"
#include "tests/harness/paths.h"

namespace tidemark {
namespace {

std::vector<std::string> corpus() {
  std::ifstream file(source_dir() + "/tests/sql/parser/corpus.sql");
  std::stringstream text;
  text << file.rdbuf();
  std::string statements = text.str();
  std::vector<std::string> corpus;
  for (const sql::Piece& piece : sql::split_script(statements).pieces) {
    corpus.emplace_back(piece.text);
  }
  for (const Function* function : all_functions()) {
    corpus.emplace_back(function->example);
  }
  return corpus;
}

TEST(StatementFuzz, the_corpus_obeys_the_laws) {
  StatementFuzz fuzz;
  for (const std::string& text : corpus()) {
    fuzz.run(text);
  }
  EXPECT_GT(fuzz.bound(), 200u);
}

TEST(StatementFuzz, mutated_statements_obey_the_laws) {
  StatementFuzz fuzz;
  Mutations mutations(corpus(), 20240303);
  for (int i = Mutations::cases(10'000); i > 0; --i) {
    fuzz.run(mutations.next());
  }
  EXPECT_GT(fuzz.bound(), 200u);
}

// The process ended: a ROW was read as a number; a subquery's NULL had no type to be gathered by.
TEST(StatementFuzz, what_it_has_found) {
  StatementFuzz fuzz;
  fuzz.run("SELECT INTERVAL '5' SECOND OFFSET ( 2 , 3 )");
  fuzz.run("SELECT a FROM t LIMIT ARRAY[1]");
  EXPECT_EQ(fuzz.bound(), 0u);
  fuzz.run("( ( SELECT NULL ) )");
  fuzz.run("SELECT (SELECT NULL) FROM t");
  EXPECT_GE(fuzz.bound(), 2u);
}

}  // namespace
}  // namespace tidemark
