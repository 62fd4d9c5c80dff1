// A semi-join moves below the joins of its left side, to the relation that its keys are of: rows
// without partners are not joined with others first, and what is kept of those joins is smaller.
// Below a join with a side that is filtered it does not move: that join leaves fewer rows for it.

#include <algorithm>

#include "plan/filtered.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

class SemiJoinPusher {
 public:
  explicit SemiJoinPusher(const PlanRef& root) : readers_(root) {}

  // The plan with its node, if that is a semi-join, somewhere below.
  PlanRef push(const PlanRef& plan) const;

 private:
  // The plan with the semi-join somewhere below its node; null: it must stand above.
  PlanRef below(const PlanRef& plan, const PlanRef& right, const std::vector<JoinKey>& keys) const;
  PlanRef below_join(const JoinNode& join, const PlanRef& right, std::vector<JoinKey> keys) const;

  PlanReaders readers_;
};

PlanRef SemiJoinPusher::push(const PlanRef& plan) const {
  const auto* join = std::get_if<JoinNode>(&plan->node);
  bool is_semi = join != nullptr && join->type == JoinType::kSemi && join->residual == nullptr &&
                 !join->keys.empty();
  PlanRef moved = is_semi ? below(join->left, join->right, join->keys) : nullptr;
  return moved != nullptr ? moved : plan;
}

PlanRef SemiJoinPusher::below(const PlanRef& plan, const PlanRef& right,
                              const std::vector<JoinKey>& keys) const {
  if (readers_.is_shared(plan)) {
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
                                   std::vector<JoinKey> keys) const {
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
  SemiJoinPusher pusher(plan);
  return rewrite_top_down(plan, [&](const PlanRef& node) { return pusher.push(node); });
}

}  // namespace tidemark
