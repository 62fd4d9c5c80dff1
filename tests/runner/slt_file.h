#pragma once
// The text of sqllogictest as records: the dialect of SQLite's corpus, with the loops and the
// expected errors that DuckDB and sqllogictest-rs have added.
//
//   statement ok|error [pattern]      then SQL up to an empty line
//   query TYPES [SORT] [LABEL]        then SQL, a line ----, and the rows expected
//   query error [pattern]             a statement that must fail
//   skipif NAME, onlyif NAME          stand above the record that they decide on
//   loop V FROM TO, foreach V A B ..  up to endloop; ${V} in it is replaced
//   hash-threshold N, halt            the threshold is of no use here: hashes are recognized

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tidemark {

enum class SltSort : uint8_t { kNone, kRows, kValues };

struct SltRecord {
  bool is_query = false;
  bool expects_error = false;
  std::string error_pattern;  // part of the message; empty: any
  std::string sql;
  size_t line = 0;  // of `statement` or `query`, from 1
  std::string types;
  SltSort sort = SltSort::kNone;
  std::string label;
  std::vector<std::string> expected;
};

struct SltFile {
  std::vector<SltRecord> records;
  size_t skipped = 0;  // records that a condition left out, or that stand after a halt
};

// `names`: what skipif and onlyif may call us. Error: a word that begins no record, with its line.
Result<SltFile> parse_slt(std::string_view text, const std::set<std::string>& names);

}  // namespace tidemark
