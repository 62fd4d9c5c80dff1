#include "plan/same_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/overloaded.h"

namespace tidemark {

namespace {

bool same_exprs(const std::vector<ExprRef>& a, const std::vector<ExprRef>& b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same_expr(*a[i], *b[i])) {
      return false;
    }
  }
  return true;
}

bool same_or_null(const ExprRef& a, const ExprRef& b) {
  return a == nullptr || b == nullptr ? a == b : same_expr(*a, *b);
}

bool same_join(const JoinNode& a, const JoinNode& b) {
  return a.type == b.type && a.keys == b.keys && same_or_null(a.residual, b.residual);
}

bool same_delta_join(const DeltaJoinNode& a, const DeltaJoinNode& b) {
  auto same_lookup = [](const DeltaLookup& x, const DeltaLookup& y) {
    return x.relation == y.relation && x.key == y.key && x.from == y.from &&
           x.null_safe == y.null_safe && same_or_null(x.condition, y.condition);
  };
  return a.output == b.output &&
         std::ranges::equal(a.paths, b.paths, [&](const auto& path, const auto& other) {
           return std::ranges::equal(path, other, same_lookup);
         });
}

// Whether both are joins that do the same, or none is a join.
bool same_joins_below(const LogicalPlan& a, const LogicalPlan& b) {
  return is_join(a) || is_join(b) ? same_node(a, b) : true;
}

}  // namespace

bool same_node(const LogicalPlan& a, const LogicalPlan& b) {
  if (a.node.index() != b.node.index()) {
    return false;
  }
  return std::visit(
      Overloaded{
          [&](const ScanNode& x) {
            const auto& y = std::get<ScanNode>(b.node);
            return x.object->id == y.object->id && x.columns == y.columns && x.as_of == y.as_of;
          },
          [&](const ValuesNode&) { return &a == &b; },
          [&](const FilterNode& x) {
            return same_expr(*x.predicate, *std::get<FilterNode>(b.node).predicate);
          },
          [&](const ProjectNode& x) {
            const auto& y = std::get<ProjectNode>(b.node);
            if (!same_exprs(x.expressions, y.expressions)) {
              return false;
            }
            // What is run in one operator with the projection: see the physical
            // planner.
            const LogicalPlan* at = x.input.get();
            const LogicalPlan* other = y.input.get();
            const auto* filter = std::get_if<FilterNode>(&at->node);
            const auto* other_filter = std::get_if<FilterNode>(&other->node);
            if ((filter == nullptr) != (other_filter == nullptr)) {
              return false;
            }
            if (filter != nullptr) {
              if (!same_expr(*filter->predicate, *other_filter->predicate)) {
                return false;
              }
              at = filter->input.get();
              other = other_filter->input.get();
            }
            return same_joins_below(*at, *other);
          },
          [&](const AggregateNode& x) {
            const auto& y = std::get<AggregateNode>(b.node);
            return x.group == y.group && x.calls == y.calls;
          },
          [&](const TopNNode& x) {
            const auto& y = std::get<TopNNode>(b.node);
            return x.order == y.order && x.offset == y.offset && x.limit == y.limit &&
                   x.partition == y.partition;
          },
          [&](const RankNode& x) {
            const auto& y = std::get<RankNode>(b.node);
            return x.function == y.function && x.partition == y.partition && x.order == y.order &&
                   x.last == y.last;
          },
          [&](const WindowNode& x) {
            const auto& y = std::get<WindowNode>(b.node);
            return x.partition == y.partition && x.order == y.order && x.calls == y.calls;
          },
          [&](const UnnestNode& x) {
            const auto& y = std::get<UnnestNode>(b.node);
            return x.collections == y.collections && x.with_ordinality == y.with_ordinality &&
                   x.keeps_empty == y.keeps_empty;
          },
          [&](const RecursiveNode& x) {
            const auto& y = std::get<RecursiveNode>(b.node);
            return x.all == y.all && same_plan(*x.body, *y.body);
          },
          [&](const RecursiveRefNode& x) {
            return x.index == std::get<RecursiveRefNode>(b.node).index;
          },
          [&](const UnionNode&) { return true; },
          [&](const SetDifferenceNode& x) {
            const auto& y = std::get<SetDifferenceNode>(b.node);
            return x.intersect == y.intersect && x.all == y.all;
          },
          [&](const JoinNode& x) { return same_join(x, std::get<JoinNode>(b.node)); },
          [&](const DynamicFilterNode& x) {
            const auto& y = std::get<DynamicFilterNode>(b.node);
            return x.column == y.column && x.kind == y.kind;
          },
          [&](const DeltaJoinNode& x) {
            return same_delta_join(x, std::get<DeltaJoinNode>(b.node));
          },
      },
      a.node);
}

namespace {

// Plans are graphs: what is known to be the same is not looked through again.
using SamePairs = std::set<std::pair<const LogicalPlan*, const LogicalPlan*>>;

bool same_below(const LogicalPlan& a, const LogicalPlan& b, SamePairs& known) {
  if (&a == &b || known.contains({&a, &b})) {
    return true;
  }
  std::vector<PlanRef> inputs = inputs_of(a), others = inputs_of(b);
  if (!same_node(a, b) || inputs.size() != others.size()) {
    return false;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!same_below(*inputs[i], *others[i], known)) {
      return false;
    }
  }
  known.emplace(&a, &b);
  return true;
}

}  // namespace

bool same_plan(const LogicalPlan& a, const LogicalPlan& b) {
  SamePairs known;
  return same_below(a, b, known);
}

}  // namespace tidemark
