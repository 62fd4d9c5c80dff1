// Project over Project becomes one, Filter over Project moves below it, Filter over Filter becomes
// one: a stack of views turns into one filter and one projection over the table.

#include "plan/optimizer.h"
#include "plan/rewrite.h"

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

bool all_cheap(const ProjectNode& project) {
  return std::all_of(project.expressions.begin(), project.expressions.end(),
                     [](const ExprRef& e) { return is_cheap(*e); });
}

PlanRef merged_filter(const PlanRef& input, const ExprRef& predicate) {
  if (const auto* filter = std::get_if<FilterNode>(&input->node)) {
    return merged_filter(filter->input, make_and({filter->predicate, predicate}));
  }
  if (const auto* project = std::get_if<ProjectNode>(&input->node);
      project && all_cheap(*project)) {
    return make_project(merged_filter(project->input, substitute(predicate, project->expressions)),
                        project->expressions, input->schema.names());
  }
  return make_filter(input, predicate);
}

PlanRef merge(PlanRef plan) {
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    const auto* inner = std::get_if<ProjectNode>(&project->input->node);
    if (inner == nullptr || !may_merge(project->expressions, inner->expressions)) {
      return plan;
    }
    std::vector<ExprRef> merged;
    for (const ExprRef& expression : project->expressions) {
      merged.push_back(substitute(expression, inner->expressions));
    }
    return make_project(inner->input, std::move(merged), plan->schema.names());
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan->node)) {
    bool merges = std::holds_alternative<FilterNode>(filter->input->node) ||
                  std::holds_alternative<ProjectNode>(filter->input->node);
    return merges ? merged_filter(filter->input, filter->predicate) : plan;
  }
  return plan;
}

}  // namespace

PlanRef merge_projections(PlanRef plan) {
  return rewrite_bottom_up(plan, merge);
}

}  // namespace tidemark
