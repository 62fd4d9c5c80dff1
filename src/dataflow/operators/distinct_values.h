#pragma once
// The different values of one column in every group of an aggregation, for all its DISTINCT
// functions over that column. Each function counts them with weights of its own (its FILTER), and
// is told only of values that come to be or cease to be for it.
//
//   group number, value -> a count for each function

#include <span>
#include <vector>

#include "dataflow/operators/accumulator_parts.h"

namespace tidemark {

class DistinctValues {
 public:
  DistinctValues(const Type& input, size_t functions);

  // In each group's fixed bytes: its number.
  static constexpr size_t kBytes = 16;
  void set_offset(size_t offset) { offset_ = offset; }

  // Rows of a batch at which a value came to be (weight 1) or ceased to be (-1) for a function.
  struct Changes {
    std::vector<uint32_t> rows;
    std::vector<uint32_t> ids;  // groups
    std::vector<int64_t> weights;
  };
  // Row i is of group ids[i] and counts weights[f][i] for function f (weights[f] null: 1). NULLs
  // count for nothing. changes() are this batch's then, one a function.
  void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
              std::span<const int64_t* const> weights);
  std::span<const Changes> changes() const { return changes_; }
  void clear() { values_.clear(); }
  void visit_state(const StateVisitor& visit) {
    visit(values_);
    visit(numbers_.table());
  }

 private:
  int64_t* counts(uint32_t entry) { return &values_.fixed_as<int64_t>(entry); }
  void choose(const Column& input, std::span<const int64_t* const> weights, size_t rows);

  size_t offset_ = 0;
  KeyedTable values_;
  GroupNumbers numbers_;
  std::vector<Changes> changes_;

  std::vector<uint32_t> chosen_;  // scratch: rows that count for some function
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> entries_;
};

}  // namespace tidemark
