#include "plan/decorrelate.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "plan/join_condition.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

class Decorrelator {
 public:
  Decorrelator(uint32_t scope, std::vector<size_t> outer, PlanRef enclosing)
      : scope_(scope), outer_(std::move(outer)) {
    domain_ = make_distinct(select_columns(enclosing, outer_));
  }

  // The domain's columns, then the plan's.
  PlanRef dependent(const PlanRef& plan) {
    if (auto known = memo_.find(plan.get()); known != memo_.end()) {
      return known->second;
    }
    PlanRef result = make_dependent(plan);
    memo_.emplace(plan.get(), result);
    return result;
  }

 private:
  size_t width() const { return outer_.size(); }

  bool correlated(const PlanRef& plan) {
    if (auto known = correlated_.find(plan.get()); known != correlated_.end()) {
      return known->second;
    }
    bool found = false;
    for_each_expression(*plan, [&](const Expr& expr) { found = found || has_outer(expr, scope_); });
    for (const PlanRef& input : inputs_of(*plan)) {
      found = found || correlated(input);
    }
    correlated_.emplace(plan.get(), found);
    return found;
  }

  // Outer columns become the domain's columns, which lead; own columns are moved by `shift`.
  ExprRef over_domain(const ExprRef& expr) const { return resolve(shift_columns(expr, width())); }
  ExprRef resolve(const ExprRef& expr) const {
    return substitute_outer(expr, [&](const OuterExpr& outer, const Type& type) -> ExprRef {
      if (outer.scope != scope_) {
        return nullptr;
      }
      auto at = std::find(outer_.begin(), outer_.end(), outer.index);
      return make_column(static_cast<size_t>(at - outer_.begin()), type);
    });
  }
  std::vector<size_t> domain_group() const {
    std::vector<size_t> columns(width());
    std::iota(columns.begin(), columns.end(), 0);
    return columns;
  }
  std::vector<JoinKey> domain_keys() const {
    std::vector<JoinKey> keys;
    for (size_t i = 0; i < width(); ++i) {
      keys.push_back({i, i, true});
    }
    return keys;
  }

  // The same limit or numbering, for each row of the domain by itself.
  template <typename Node>
  Node per_domain(const Node& node) {
    Node copy = node;
    copy.input = dependent(node.input);
    for (SortKey& key : copy.order) {
      key.column += width();
    }
    for (size_t& column : copy.partition) {
      column += width();
    }
    std::vector<size_t> domain = domain_group();
    copy.partition.insert(copy.partition.begin(), domain.begin(), domain.end());
    return copy;
  }

  PlanRef make_dependent(const PlanRef& plan);
  PlanRef dependent_filter(const FilterNode& filter);
  std::optional<PlanRef> without_domain(const FilterNode& filter);
  PlanRef dependent_aggregate(const LogicalPlan& plan, const AggregateNode& aggregate);
  PlanRef dependent_join(const JoinNode& join);
  PlanRef dependent_full_join(const JoinNode& join);

  uint32_t scope_;
  std::vector<size_t> outer_;
  PlanRef domain_;
  std::unordered_map<const LogicalPlan*, PlanRef> memo_;
  std::unordered_map<const LogicalPlan*, bool> correlated_;
};

PlanRef Decorrelator::make_dependent(const PlanRef& plan) {
  if (!correlated(plan)) {
    return make_join({domain_, plan, JoinType::kInner, {}, nullptr});
  }
  return std::visit(
      Overloaded{
          [&](const ScanNode&) { return plan; },           // never correlated
          [&](const RecursiveNode&) { return plan; },      // the binder lets none through
          [&](const RecursiveRefNode&) { return plan; },   // likewise
          [&](const DynamicFilterNode&) { return plan; },  // a rule makes them, later
          [&](const DeltaJoinNode&) { return plan; },      // likewise
          [&](const ValuesNode&) { return plan; },         // nor this
          [&](const FilterNode& node) { return dependent_filter(node); },
          [&](const ProjectNode& node) {
            PlanRef input = dependent(node.input);
            std::vector<ExprRef> expressions = column_expressions(*input);
            expressions.resize(width());
            std::vector<std::string> names = input->schema.names();
            names.resize(width());
            for (size_t i = 0; i < node.expressions.size(); ++i) {
              expressions.push_back(over_domain(node.expressions[i]));
              names.push_back(plan->schema[i].name);
            }
            return make_project(input, std::move(expressions), std::move(names));
          },
          [&](const AggregateNode& node) { return dependent_aggregate(*plan, node); },
          [&](const TopNNode& node) { return make_top_n(per_domain(node)); },
          [&](const RankNode& node) { return make_rank(per_domain(node)); },
          [&](const WindowNode& node) {
            WindowNode copy = node;
            copy.input = dependent(node.input);
            for_each_input(copy, [&](size_t& column) { column += width(); });
            std::vector<size_t> domain = domain_group();
            copy.partition.insert(copy.partition.begin(), domain.begin(), domain.end());
            return make_window(std::move(copy));
          },
          [&](const UnnestNode& node) {
            UnnestNode copy = node;
            copy.input = dependent(node.input);
            for (size_t& column : copy.collections) {
              column += width();
            }
            return make_unnest(std::move(copy));
          },
          [&](const UnionNode& node) {
            std::vector<PlanRef> inputs;
            for (const PlanRef& input : node.inputs) {
              inputs.push_back(dependent(input));
            }
            return make_union(std::move(inputs));
          },
          [&](const SetDifferenceNode& node) {
            return make_set_difference(
                {dependent(node.left), dependent(node.right), node.intersect, node.all});
          },
          [&](const JoinNode& node) {
            return node.type == JoinType::kFull ? dependent_full_join(node) : dependent_join(node);
          },
      },
      plan->node);
}

// Where each outer column is equal to an expression of the input, that expression stands for it.
std::optional<PlanRef> Decorrelator::without_domain(const FilterNode& filter) {
  if (correlated(filter.input)) {
    return std::nullopt;
  }
  std::vector<ExprRef> conditions, chosen(width());
  split_and(filter.predicate, conditions);
  for (const ExprRef& condition : conditions) {
    const auto* call = std::get_if<CallExpr>(&condition->node);
    if (call == nullptr || call->function->name != "=") {
      continue;
    }
    for (size_t side : {0, 1}) {
      const ExprRef& a = without_relabelling(call->arguments[side]);
      const ExprRef& b = without_relabelling(call->arguments[1 - side]);
      const auto* outer = std::get_if<OuterExpr>(&a->node);
      bool own = true;
      for_each_outer(*b, [&](const OuterExpr&) { own = false; });
      if (outer == nullptr || outer->scope != scope_ || !own || can_fail(*b) ||
          b->type.physical() != a->type.physical()) {
        continue;
      }
      auto at = std::find(outer_.begin(), outer_.end(), outer->index) - outer_.begin();
      if (chosen[static_cast<size_t>(at)] == nullptr) {
        chosen[static_cast<size_t>(at)] = b;
      }
    }
  }
  if (std::find(chosen.begin(), chosen.end(), nullptr) != chosen.end()) {
    return std::nullopt;
  }
  std::vector<ExprRef> expressions = chosen;
  std::vector<std::string> names;
  for (size_t i = 0; i < chosen.size(); ++i) {
    names.push_back(domain_->schema[i].name);
    conditions.push_back(make_call("IS NOT NULL", {chosen[i]}));
  }
  for (size_t i = 0; i < filter.input->schema.size(); ++i) {
    expressions.push_back(make_column(i, filter.input->schema[i].type));
    names.push_back(filter.input->schema[i].name);
  }
  // The equalities that made the choice hold by it; the others compare with the chosen.
  std::vector<ExprRef> rest;
  for (const ExprRef& condition : conditions) {
    ExprRef own = substitute_outer(condition, [&](const OuterExpr& outer, const Type&) -> ExprRef {
      if (outer.scope != scope_) {
        return nullptr;
      }
      auto at = std::find(outer_.begin(), outer_.end(), outer.index) - outer_.begin();
      return chosen[static_cast<size_t>(at)];
    });
    const auto* call = std::get_if<CallExpr>(&own->node);
    bool trivial = call != nullptr && call->function->name == "=" &&
                   same_expr(*without_relabelling(call->arguments[0]),
                             *without_relabelling(call->arguments[1]));
    if (!trivial) {
      rest.push_back(own);
    }
  }
  return make_project(make_filter(filter.input, make_and(std::move(rest))), std::move(expressions),
                      std::move(names));
}

PlanRef Decorrelator::dependent_filter(const FilterNode& filter) {
  if (std::optional<PlanRef> plan = without_domain(filter)) {
    return *plan;
  }
  if (!correlated(filter.input)) {
    return make_join_on(domain_, filter.input, JoinType::kInner, over_domain(filter.predicate));
  }
  return make_filter(dependent(filter.input), over_domain(filter.predicate));
}

PlanRef Decorrelator::dependent_aggregate(const LogicalPlan& plan, const AggregateNode& aggregate) {
  PlanRef input = dependent(aggregate.input);
  std::vector<size_t> group = domain_group();
  for (size_t column : aggregate.group) {
    group.push_back(column + width());
  }
  std::vector<AggregateCall> calls = aggregate.calls;
  for (AggregateCall& call : calls) {
    for_each_input(call, [&](size_t& column) { column += width(); });
  }
  PlanRef grouped = make_aggregate(input, std::move(group), calls);
  if (!aggregate.group.empty()) {
    return grouped;
  }
  // Without GROUP BY there is a row for every value of the domain, even over no rows.
  PlanRef joined = make_join({domain_, grouped, JoinType::kLeft, domain_keys(), nullptr});
  std::vector<ExprRef> expressions = column_expressions(*domain_);
  std::vector<std::string> names = domain_->schema.names();
  for (size_t i = 0; i < calls.size(); ++i) {
    size_t column = 2 * width() + i;
    expressions.push_back(
        empty_group_value(calls[i], make_column(column, joined->schema[column].type)));
    names.push_back(plan.schema[i].name);
  }
  return make_project(joined, std::move(expressions), std::move(names));
}

PlanRef Decorrelator::dependent_join(const JoinNode& join) {
  bool condition = join.residual != nullptr && has_outer(*join.residual, scope_);
  bool right_correlated = correlated(join.right);
  bool inner = join.type == JoinType::kInner;
  bool left_only = join.type == JoinType::kSemi || join.type == JoinType::kAnti;
  size_t left_width = join.left->schema.size(), right_width = join.right->schema.size();
  size_t d = width();
  bool use_left = correlated(join.left) || condition || !inner;
  PlanRef left = use_left ? dependent(join.left) : join.left;
  PlanRef right = right_correlated ? dependent(join.right) : join.right;
  size_t left_shift = use_left ? d : 0;
  size_t right_shift = right_correlated ? d : 0;
  JoinNode node{left, right, join.type, {}, nullptr};
  if (use_left && right_correlated) {
    node.keys = domain_keys();
  }
  for (const JoinKey& key : join.keys) {
    node.keys.push_back({key.left + left_shift, key.right + right_shift, key.null_safe});
  }
  if (join.residual != nullptr) {
    std::vector<size_t> map(left_width + right_width);
    for (size_t i = 0; i < map.size(); ++i) {
      map[i] = i < left_width ? i + left_shift : i + left_shift + right_shift;
    }
    // Outer columns are the left side's: without them there is no outer column in the condition.
    node.residual = resolve(remap_columns(join.residual, map));
  }
  PlanRef joined = make_join(std::move(node));
  if (left_only) {
    return joined;
  }
  std::vector<size_t> order;
  size_t domain_at = use_left ? 0 : left_width;
  for (size_t i = 0; i < d; ++i) {
    order.push_back(domain_at + i);
  }
  for (size_t i = 0; i < left_width; ++i) {
    order.push_back(left_shift + i);
  }
  for (size_t i = 0; i < right_width; ++i) {
    order.push_back(left_shift + left_width + right_shift + i);
  }
  return select_columns(joined, order);
}

PlanRef Decorrelator::dependent_full_join(const JoinNode& join) {
  size_t left_width = join.left->schema.size(), right_width = join.right->schema.size();
  size_t d = width();
  JoinNode node{dependent(join.left), dependent(join.right), JoinType::kFull, domain_keys(),
                nullptr};
  for (const JoinKey& key : join.keys) {
    node.keys.push_back({key.left + d, key.right + d, key.null_safe});
  }
  if (join.residual != nullptr) {
    std::vector<size_t> map(left_width + right_width);
    for (size_t i = 0; i < map.size(); ++i) {
      map[i] = i < left_width ? i + d : i + 2 * d;
    }
    node.residual = resolve(remap_columns(join.residual, map));
  }
  PlanRef joined = make_join(std::move(node));
  std::vector<ExprRef> all = column_expressions(*joined), expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < d; ++i) {
    const ExprRef& right = all[d + left_width + i];
    expressions.push_back(
        make_case({{make_call("IS NULL", {all[i]}), right}}, all[i], right->type));
    names.push_back(domain_->schema[i].name);
  }
  for (size_t i = 0; i < left_width + right_width; ++i) {
    size_t column = i < left_width ? d + i : 2 * d + i;
    expressions.push_back(all[column]);
    names.push_back(joined->schema[column].name);
  }
  return make_project(joined, std::move(expressions), std::move(names));
}

void collect_outer(const PlanRef& plan, uint32_t scope, std::set<size_t>& found,
                   std::set<const LogicalPlan*>& seen) {
  if (!seen.insert(plan.get()).second) {
    return;
  }
  for_each_expression(*plan, [&](const Expr& expr) {
    for_each_outer(expr, [&](const OuterExpr& outer) {
      if (outer.scope == scope) {
        found.insert(outer.index);
      }
    });
  });
  for (const PlanRef& input : inputs_of(*plan)) {
    collect_outer(input, scope, found, seen);
  }
}

}  // namespace

std::vector<size_t> outer_columns(const PlanRef& plan, uint32_t scope) {
  std::set<size_t> found;
  std::set<const LogicalPlan*> seen;
  collect_outer(plan, scope, found, seen);
  return {found.begin(), found.end()};
}

Independent decorrelate(const PlanRef& subquery, uint32_t scope, const PlanRef& enclosing) {
  std::vector<size_t> outer = outer_columns(subquery, scope);
  if (outer.empty()) {
    return {subquery, {}};
  }
  PlanRef plan = Decorrelator(scope, outer, enclosing).dependent(subquery);
  return {std::move(plan), std::move(outer)};
}

std::optional<PulledUp> pull_up(const PlanRef& subquery, uint32_t scope) {
  PulledUp result{subquery, column_expressions(*subquery), {}};
  while (true) {
    if (outer_columns(result.plan, scope).empty()) {
      return result;
    }
    if (const auto* filter = std::get_if<FilterNode>(&result.plan->node)) {
      split_and(filter->predicate, result.conditions);
      result.plan = PlanRef(filter->input);
    } else if (const auto* project = std::get_if<ProjectNode>(&result.plan->node)) {
      for (ExprRef& output : result.outputs) {
        output = substitute(output, project->expressions);
      }
      for (ExprRef& condition : result.conditions) {
        condition = substitute(condition, project->expressions);
      }
      result.plan = PlanRef(project->input);
    } else {
      return std::nullopt;
    }
  }
}

ExprRef over_joined(const ExprRef& expr, uint32_t scope, size_t enclosing_columns) {
  return substitute_outer(shift_columns(expr, enclosing_columns),
                          [&](const OuterExpr& outer, const Type& type) -> ExprRef {
                            return outer.scope == scope ? make_column(outer.index, type) : nullptr;
                          });
}

ExprRef empty_group_value(const AggregateCall& call, const ExprRef& result) {
  if (call.kind != AggregateKind::kCount && call.kind != AggregateKind::kCountStar) {
    return result;
  }
  return make_case({{make_call("IS NULL", {result}), make_literal(int64_t{0}, Type::bigint())}},
                   result, Type::bigint());
}

}  // namespace tidemark
