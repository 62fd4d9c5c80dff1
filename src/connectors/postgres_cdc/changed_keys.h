#pragma once
// Keys of a table's rows that have changed, as a set of what is decoded and as literals of SQL.

#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "connectors/postgres_cdc/reader_plan.h"

namespace tidemark {

struct ChangedKeys {
  std::unordered_set<std::string> keys;  // as key_of() gives them
  std::vector<std::string>
      literal_lists;  // for a row's IN, some hundreds in each: "('5', 'a'), ..."

  // `texts`: of each key the values as the source writes them, one after the other with its length
  // before it (append_bytes). kInvalidArgument: one cannot be decoded.
  static Result<ChangedKeys> make(const ReaderPlan& plan,
                                  const std::unordered_set<std::string>& texts);
  static std::string key_of(const ReaderPlan& plan, const RowBatch& rows, size_t row);
};

// The rows for whose key `is_wanted` is true.
RowBatch select_by_key(const ReaderPlan& plan, RowBatch rows,
                       const std::function<bool(std::string key)>& is_wanted);

}  // namespace tidemark
