// A semi-join moves below the joins of its left side, to the relation that its keys are of: rows
// without partners are not joined with others first, and what is kept of those joins is smaller.
// Below a join with a side that is filtered it does not move: that join leaves fewer rows for it.

#include <algorithm>
#include <unordered_map>

#include "plan/filtered.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

class SemiJoinPusher {
 public:
  explicit SemiJoinPusher(const PlanRef& root) { count_readers(root); }

  PlanRef run(const PlanRef& plan) {
    if (auto known = memo_.find(plan.get()); known != memo_.end()) {
      return known->second;
    }
    const auto* join = std::get_if<JoinNode>(&plan->node);
    bool is_semi = join != nullptr && join->type == JoinType::kSemi && join->residual == nullptr &&
                   !join->keys.empty();
    PlanRef moved = is_semi ? below(join->left, join->right, join->keys) : nullptr;
    PlanRef result = moved != nullptr ? moved : plan;
    std::vector<PlanRef> inputs = inputs_of(*result);
    for (PlanRef& input : inputs) {
      input = run(input);
    }
    result = with_inputs(result, std::move(inputs));
    memo_.emplace(plan.get(), result);
    kept_.push_back(plan);
    return result;
  }

 private:
  void count_readers(const PlanRef& plan) {
    if (++readers_[plan.get()] > 1) {
      return;
    }
    for (const PlanRef& input : inputs_of(*plan)) {
      count_readers(input);
    }
  }
  // The plan with the semi-join somewhere below its node; null: it must stand above.
  PlanRef below(const PlanRef& plan, const PlanRef& right, const std::vector<JoinKey>& keys);
  PlanRef below_join(const JoinNode& join, const PlanRef& right, std::vector<JoinKey> keys);

  std::unordered_map<const LogicalPlan*, size_t> readers_;
  std::unordered_map<const LogicalPlan*, PlanRef> memo_;
  std::vector<PlanRef> kept_;  // what memo_ names
};

PlanRef SemiJoinPusher::below(const PlanRef& plan, const PlanRef& right,
                              const std::vector<JoinKey>& keys) {
  if (auto readers = readers_.find(plan.get()); readers != readers_.end() && readers->second > 1) {
    return nullptr;
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    PlanRef input = below(filter->input, right, keys);
    return input != nullptr ? make_filter(input, filter->predicate) : nullptr;
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    std::vector<JoinKey> moved = keys;
    for (JoinKey& key : moved) {
      std::optional<size_t> column = plain_column(*project->expressions[key.left]);
      if (!column) {
        return nullptr;
      }
      key.left = *column;
    }
    PlanRef input = below(project->input, right, moved);
    return input != nullptr ? make_project(input, project->expressions, plan->schema.names())
                            : nullptr;
  }
  const auto* join = std::get_if<JoinNode>(&plan->node);
  return join != nullptr ? below_join(*join, right, keys) : nullptr;
}

PlanRef SemiJoinPusher::below_join(const JoinNode& join, const PlanRef& right,
                                   std::vector<JoinKey> keys) {
  size_t left_width = join.left->schema.size();
  bool all_left =
      std::ranges::all_of(keys, [&](const JoinKey& key) { return key.left < left_width; });
  bool all_right =
      std::ranges::all_of(keys, [&](const JoinKey& key) { return key.left >= left_width; });
  bool inner = join.type == JoinType::kInner;
  bool to_left = all_left && ((inner && !is_filtered(*join.right)) || join.type == JoinType::kLeft);
  if (!to_left && !(all_right && inner && !is_filtered(*join.left))) {
    return nullptr;
  }
  JoinNode moved = join;
  PlanRef& side = to_left ? moved.left : moved.right;
  for (JoinKey& key : keys) {
    key.left -= to_left ? 0 : left_width;
  }
  PlanRef lower = below(side, right, keys);
  side = lower != nullptr ? lower : make_join({side, right, JoinType::kSemi, keys, nullptr});
  return make_join(std::move(moved));
}

}  // namespace

PlanRef push_semi_joins(PlanRef plan) {
  return SemiJoinPusher(plan).run(plan);
}

}  // namespace tidemark
