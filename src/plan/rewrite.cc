#include "plan/rewrite.h"

#include <numeric>

#include "base/overloaded.h"

namespace tidemark {

PlanRef with_inputs(const PlanRef& plan, std::vector<PlanRef> inputs) {
  if (inputs == inputs_of(*plan)) {
    return plan;
  }
  return std::visit(
      Overloaded{
          [&](const ScanNode&) { return plan; },
          [&](const ValuesNode&) { return plan; },
          [&](const FilterNode& node) { return make_filter(inputs[0], node.predicate); },
          [&](const ProjectNode& node) {
            return make_project(inputs[0], node.expressions, plan->schema.names());
          },
          [&](const AggregateNode& node) {
            return make_aggregate(inputs[0], node.group, node.calls);
          },
          [&](const TopNNode& node) {
            TopNNode copy = node;
            copy.input = inputs[0];
            return make_top_n(std::move(copy));
          },
          [&](const RankNode& node) {
            RankNode copy = node;
            copy.input = inputs[0];
            return make_rank(std::move(copy));
          },
          [&](const WindowNode& node) {
            WindowNode copy = node;
            copy.input = inputs[0];
            return make_window(std::move(copy));
          },
          [&](const UnnestNode& node) {
            UnnestNode copy = node;
            copy.input = inputs[0];
            return make_unnest(std::move(copy));
          },
          [&](const RecursiveNode& node) {
            RecursiveNode copy = node;
            copy.base = inputs[0];
            copy.others.assign(inputs.begin() + 1, inputs.end());
            return make_recursive(std::move(copy));
          },
          [&](const RecursiveRefNode&) { return plan; },
          [&](const UnionNode&) { return make_union(std::move(inputs)); },
          [&](const SetDifferenceNode& node) {
            return make_set_difference({inputs[0], inputs[1], node.intersect, node.all});
          },
          [&](const JoinNode& node) {
            return make_join({inputs[0], inputs[1], node.type, node.keys, node.residual});
          },
          [&](const DynamicFilterNode& node) {
            return make_dynamic_filter({inputs[0], inputs[1], node.column, node.kind});
          },
          [&](const DeltaJoinNode& node) {
            return make_delta_join({std::move(inputs), node.paths, node.output}, plan->schema,
                                   plan->key);
          },
      },
      plan->node);
}

namespace {

using Memo = std::unordered_map<const LogicalPlan*, PlanRef>;

PlanRef rewrite(const PlanRef& plan, const std::function<PlanRef(PlanRef)>& f, Memo& memo) {
  if (auto known = memo.find(plan.get()); known != memo.end()) {
    return known->second;
  }
  std::vector<PlanRef> inputs = inputs_of(*plan);
  for (PlanRef& input : inputs) {
    input = rewrite(input, f, memo);
  }
  PlanRef result = f(with_inputs(plan, std::move(inputs)));
  memo.emplace(plan.get(), result);
  return result;
}

// A node that f has made may go again: what the memo names it keeps.
struct Rewritten {
  PlanRef from;
  PlanRef to;
};
using KeptMemo = std::unordered_map<const LogicalPlan*, Rewritten>;

PlanRef rewrite_down(const PlanRef& plan, const std::function<PlanRef(const PlanRef&)>& f,
                     KeptMemo& memo) {
  if (auto known = memo.find(plan.get()); known != memo.end()) {
    return known->second.to;
  }
  PlanRef result = f(plan);
  std::vector<PlanRef> inputs = inputs_of(*result);
  for (PlanRef& input : inputs) {
    input = rewrite_down(input, f, memo);
  }
  result = with_inputs(result, std::move(inputs));
  memo.emplace(plan.get(), Rewritten{plan, result});
  return result;
}

}  // namespace

PlanRef rewrite_bottom_up(const PlanRef& plan, const std::function<PlanRef(PlanRef)>& f) {
  Memo memo;
  return rewrite(plan, f, memo);
}

PlanRef rewrite_top_down(const PlanRef& plan, const std::function<PlanRef(const PlanRef&)>& f) {
  KeptMemo memo;
  return rewrite_down(plan, f, memo);
}

void PlanReaders::count(const PlanRef& plan) {
  if (++readers_[plan.get()] > 1) {
    return;
  }
  for (const PlanRef& input : inputs_of(*plan)) {
    count(input);
  }
}

PlanRef map_expressions(const PlanRef& plan, const std::function<ExprRef(const ExprRef&)>& f) {
  return rewrite_bottom_up(plan, [&](PlanRef node) -> PlanRef {
    if (const auto* filter = std::get_if<FilterNode>(&node->node)) {
      ExprRef predicate = f(filter->predicate);
      return predicate == filter->predicate ? node : make_filter(filter->input, predicate);
    }
    if (const auto* project = std::get_if<ProjectNode>(&node->node)) {
      std::vector<ExprRef> expressions;
      for (const ExprRef& expression : project->expressions) {
        expressions.push_back(f(expression));
      }
      return expressions == project->expressions
                 ? node
                 : make_project(project->input, std::move(expressions), node->schema.names());
    }
    if (const auto* join = std::get_if<JoinNode>(&node->node); join && join->residual) {
      JoinNode copy = *join;
      copy.residual = f(join->residual);
      return copy.residual == join->residual ? node : make_join(std::move(copy));
    }
    return node;
  });
}

void for_each_expression(const LogicalPlan& plan, const std::function<void(const Expr&)>& f) {
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    f(*filter->predicate);
  } else if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    for (const ExprRef& expression : project->expressions) {
      f(*expression);
    }
  } else if (const auto* join = std::get_if<JoinNode>(&plan.node); join && join->residual) {
    f(*join->residual);
  }
}

std::vector<ExprRef> column_expressions(const LogicalPlan& plan) {
  std::vector<ExprRef> columns;
  for (size_t i = 0; i < plan.schema.size(); ++i) {
    columns.push_back(make_column(i, plan.schema[i].type));
  }
  return columns;
}

PlanRef select_columns(const PlanRef& plan, const std::vector<size_t>& columns) {
  std::vector<ExprRef> expressions;
  std::vector<std::string> names;
  bool same = columns.size() == plan->schema.size();
  for (size_t i = 0; i < columns.size(); ++i) {
    same = same && columns[i] == i;
    expressions.push_back(make_column(columns[i], plan->schema[columns[i]].type));
    names.push_back(plan->schema[columns[i]].name);
  }
  return same ? plan : make_project(plan, std::move(expressions), std::move(names));
}

PlanRef first_columns(const PlanRef& plan, size_t count) {
  std::vector<size_t> columns(count);
  std::iota(columns.begin(), columns.end(), 0);
  return select_columns(plan, columns);
}

PlanRef make_distinct(PlanRef plan) {
  std::vector<size_t> all(plan->schema.size());
  std::iota(all.begin(), all.end(), 0);
  return make_aggregate(std::move(plan), std::move(all), {});
}

ExprRef shift_columns(const ExprRef& expr, size_t shift) {
  std::vector<bool> used;
  collect_columns(*expr, used);
  std::vector<size_t> map(used.size());
  std::iota(map.begin(), map.end(), shift);
  return remap_columns(expr, map);
}

void for_each_input(AggregateCall& call, const std::function<void(size_t&)>& f) {
  if (call.kind != AggregateKind::kCountStar) {
    f(call.input);
  }
  if (call.filter) {
    f(*call.filter);
  }
  for (SortKey& key : call.order) {
    f(key.column);
  }
}

void for_each_input(WindowNode& node, const std::function<void(size_t&)>& f) {
  for (size_t& column : node.partition) {
    f(column);
  }
  for (SortKey& key : node.order) {
    f(key.column);
  }
  for (WindowCall& call : node.calls) {
    for_each_input(call.argument, f);
    for (std::optional<size_t>* column : {&call.offset_column, &call.fallback}) {
      if (*column) {
        f(**column);
      }
    }
  }
}

AggregateCall count_star() {
  AggregateCall call;
  call.kind = AggregateKind::kCountStar;
  call.name = "COUNT";
  call.result_type = Type::bigint().not_null();
  return call;
}

AggregateCall aggregate_call(AggregateKind kind, size_t input, const Type& input_type) {
  AggregateCall call;
  call.kind = kind;
  call.input = input;
  call.input_type = input_type;
  for (const AggregateFunction& function : all_aggregates()) {
    if (function.kind == kind) {
      call.name = function.name;
      Result<Type> type = aggregate_result_type(function, input_type);
      CHECK(type.ok());
      call.result_type = *type;
    }
  }
  return call;
}

}  // namespace tidemark
