#pragma once
// The rows that a join gives for one side by themselves, by their number of partners on the other
// side: null-extended rows of outer joins, the answers of semi and anti joins.
//
// A row's answer changes only when its number of partners becomes 0 or leaves 0. Without a residual
// condition the number is the key's, and rows of a key are walked only at such a transition. With
// one it differs from row to row and is kept per row.

#include <unordered_map>

#include "dataflow/operator.h"
#include "dataflow/operators/join_side.h"

namespace tidemark {

enum class LoneRows : uint8_t {
  kNone,
  kNullExtended,  // rows without a partner, the other side's columns NULL
  kUnmatched,     // the same without the other side's columns: anti join
  kMatched,       // rows with a partner, once: semi join
};

// What is to be added to the answer: rows of this side's delta or base, with weights.
struct LoneChanges {
  bool from_base = false;
  std::vector<uint32_t> at;
  std::vector<int64_t> weights;
};

class LoneRowsState {
 public:
  virtual ~LoneRowsState() = default;
  // A step begins; reset: the answer so far was taken back whole.
  virtual void begin(const JoinSide& self, bool reset) = 0;
  // Pairs of this side's rows with partners that satisfy the whole condition.
  virtual void count(const JoinRows& self, const JoinRows& partners) = 0;
  virtual std::vector<LoneChanges> finish(const JoinSide& self, const JoinSide& other,
                                          const std::vector<bool>& null_safe) = 0;
  virtual void visit_state(const StateVisitor&) {}
};

class LoneByKey final : public LoneRowsState {
 public:
  explicit LoneByKey(LoneRows kind) : kind_(kind) {}
  void begin(const JoinSide& self, bool reset) override;
  void count(const JoinRows&, const JoinRows&) override {}
  std::vector<LoneChanges> finish(const JoinSide& self, const JoinSide& other,
                                  const std::vector<bool>& null_safe) override;

 private:
  LoneRows kind_;
  bool reset_ = false;
};

class LoneByRow final : public LoneRowsState {
 public:
  LoneByRow(LoneRows kind, Arrangement& base);
  void begin(const JoinSide& self, bool reset) override;
  void count(const JoinRows& self, const JoinRows& partners) override;
  std::vector<LoneChanges> finish(const JoinSide& self, const JoinSide& other,
                                  const std::vector<bool>& null_safe) override;
  void visit_state(const StateVisitor& visit) override { visit(matches_); }

 private:
  LoneChanges finish_base(const JoinSide& self);
  LoneChanges finish_delta(const JoinSide& self);
  // Sets the number of partners of rows; 0 forgets them.
  void keep(std::span<const Column* const> columns, std::span<const int64_t> partners);

  LoneRows kind_;
  bool reset_ = false;
  KeyedTable matches_;                             // whole rows with partners -> how many
  std::vector<int64_t> fresh_;                     // per row of the delta: all its partners
  std::unordered_map<uint32_t, int64_t> changed_;  // id in the base -> change of its partners
};

}  // namespace tidemark
