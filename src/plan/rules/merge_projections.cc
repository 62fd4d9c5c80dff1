// Project over Project becomes one, Filter over Project moves below it, Filter over Filter becomes
// one: a stack of views turns into one filter and one projection over the table.

#include "plan/optimizer.h"

namespace tidemark {

namespace {

// An expression that is evaluated more than once by merging should be cheap: a column or a literal,
// or it is used only once.
bool is_cheap(const Expr& expr) {
  return std::holds_alternative<ColumnExpr>(expr.node) ||
         std::holds_alternative<LiteralExpr>(expr.node);
}

bool may_merge(const std::vector<ExprRef>& outer, const std::vector<ExprRef>& inner) {
  std::vector<size_t> uses(inner.size());
  for (const ExprRef& expression : outer) {
    std::vector<bool> used(inner.size());
    collect_columns(*expression, used);
    for (size_t i = 0; i < inner.size(); ++i) {
      uses[i] += used[i] ? 1 : 0;
    }
  }
  for (size_t i = 0; i < inner.size(); ++i) {
    // A projection that can fail must be evaluated even where nobody reads it: its errors are
    // results too.
    if ((uses[i] > 1 && !is_cheap(*inner[i])) || (uses[i] == 0 && can_fail(*inner[i]))) {
      return false;
    }
  }
  return true;
}

}  // namespace

PlanRef merge_projections(PlanRef plan) {
  std::vector<PlanRef> inputs = inputs_of(*plan);
  for (PlanRef& input : inputs) {
    input = merge_projections(input);
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    if (const auto* inner = std::get_if<ProjectNode>(&inputs[0]->node);
        inner != nullptr && may_merge(project->expressions, inner->expressions)) {
      std::vector<ExprRef> merged;
      for (const ExprRef& expression : project->expressions) {
        merged.push_back(substitute(expression, inner->expressions));
      }
      return make_project(inner->input, std::move(merged), plan->schema.names());
    }
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    if (const auto* inner = std::get_if<ProjectNode>(&inputs[0]->node);
        inner != nullptr && std::all_of(inner->expressions.begin(), inner->expressions.end(),
                                        [](const ExprRef& e) { return is_cheap(*e); })) {
      PlanRef below = make_filter(inner->input, substitute(filter->predicate, inner->expressions));
      return merge_projections(make_project(below, inner->expressions, inputs[0]->schema.names()));
    }
    if (const auto* inner = std::get_if<FilterNode>(&inputs[0]->node)) {
      return make_filter(inner->input, make_and({inner->predicate, filter->predicate}));
    }
  }
  return inputs.empty() ? plan : with_inputs(plan, std::move(inputs));
}

}  // namespace tidemark
