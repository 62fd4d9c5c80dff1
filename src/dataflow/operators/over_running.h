#pragma once
// Aggregates over the rows from the partition's first to the current one (OVER with ORDER BY, as it
// is without a frame) or one near it, a running sum, and the ranks. Every 64 rows the states are
// kept, so that a change begins at the nearest state before it; from there the result as it was and
// as it is are computed side by side, until they can no longer differ:
//
//   ── kept ────────── kept ──────x────────────────= ─────── kept ───
//                       └ begin   └ first change   └ last change is behind, states are equal: end
//
// Where a frame ends so many rows before its row or behind it, those in between are held beside the
// states: they are not in them yet, or wait for the end of their frames.
//
// A change of a running sum changes all later rows; a change at the end costs some 64 rows, and a
// value that is not the new maximum ends a running MAX at once, as a row beside its peers ends a
// DENSE_RANK.
//
// What is kept follows from the rows; it is in memory only.
//
// Thread rule: the step thread.

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "dataflow/operator.h"
#include "dataflow/operators/over_keys.h"
#include "state/ordered_table.h"

namespace tidemark {

class RunningWindow {
 public:
  // nullptr: some call is of another kind.
  static std::unique_ptr<RunningWindow> make(const OverSpec& spec, const OverKeys& keys,
                                             const std::vector<Type>& types);

  // The changes, in order, are of one partition, and in `rows` already.
  void step(const OrderedTable& rows, std::span<const KeyChange> changes, OverOutput& output,
            ErrorSet& errors);
  void clear() { kept_.clear(); }

 private:
  RunningWindow(const OverSpec& spec, const OverKeys& keys, const std::vector<Type>& types);

  // The same rows as they were before the step, and as they are.
  enum Side : uint32_t { kOld, kNew };
  struct Row {
    uint32_t at;  // in columns_
    int64_t copies[2];
  };
  struct Call {
    const OverCall* call;
    std::unique_ptr<Accumulator> accumulator;
  };
  // Values of all calls; those of a call that failed are in error instead.
  struct Values {
    std::vector<Column> columns;
    std::optional<std::string> error;
  };
  using Kept = std::map<std::string, std::string>;  // last row's key -> states after it

  void begin(const std::string* states);
  // A side's state as bytes, with what accumulators keep beside theirs; and the other way.
  std::string save(Side side) const;
  void load(Side side, std::string_view bytes);
  bool states_are_equal() const;
  // Adds a row so many times.
  void add(Side side, std::span<const Row> rows, bool once);
  Values values_of(Side side) const;
  bool same(const Values& a, const Values& b) const;
  void emit(const Row& row, const Values& values, int64_t weight, OverOutput& output,
            ErrorSet& errors) const;
  // The rows that are peers (or one row, where they count singly).
  void pass(std::span<const Row> rows, OverOutput& output, ErrorSet& errors);
  void pass_singly(const Row& row, OverOutput& output, ErrorSet& errors);
  void pass_at_distance(const Row& row, OverOutput& output, ErrorSet& errors);
  void take(Side side, uint32_t at, bool is_shown, OverOutput& output, ErrorSet& errors);
  void show_held(OverOutput& output, ErrorSet& errors);
  void hold_before(const OrderedTable& rows, const std::string& partition, const std::string& key);

  const OverKeys& keys_;
  std::vector<Type> types_;
  std::vector<Call> calls_;
  bool by_row_;        // ROWS
  int64_t distance_;   // from a row to the end of its frame, in rows
  bool keeps_beside_;  // some accumulator does
  KeyedTable states_;
  uint32_t ids_[2];
  std::map<std::string, Kept, std::less<>> kept_;  // by partition

  // This step's.
  bool has_diverged_ = false;
  std::deque<uint32_t> held_[2];  // by side, in columns_
  std::vector<Column> columns_;
};

}  // namespace tidemark
