#pragma once
// Runs the records of a file over tables in memory, and every query three ways: once over the
// tables as they are; as a view that was there before its rows came, in parts; and as that view
// when its rows have gone and come again. It stops at nothing and counts by cause.

#include <map>
#include <string>

#include "tests/harness/memory_database.h"
#include "tests/runner/slt_file.h"

namespace tidemark {

struct SltReport {
  size_t files = 0;
  size_t statements = 0;
  size_t queries = 0;
  size_t passed = 0;    // of the queries
  size_t wrong = 0;     // another answer than expected
  size_t diverged = 0;  // the view's answer is not the query's own
  size_t refused = 0;   // queries that end in an error
  size_t failed_statements = 0;
  size_t skipped = 0;

  struct Cause {
    size_t count = 0;
    std::string example;  // file:line: what happened
  };
  std::map<std::string, Cause> causes;

  void add(const std::string& cause, std::string example);
  void add(const SltReport& other);
  std::string to_string(size_t causes_max) const;
  bool is_clean() const { return wrong + diverged + refused + failed_statements == 0; }
};

struct SltOptions {
  std::set<std::string> names = {"tidemark", "postgresql"};
  bool as_views = true;  // false: only over the tables as they are
};

void run_slt(const std::string& path, const std::string& text, const SltOptions& options,
             SltReport& report);

}  // namespace tidemark
