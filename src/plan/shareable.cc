#include "plan/shareable.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "plan/rewrite.h"
#include "plan/same_plan.h"
#include "plan/table_slice.h"

namespace tidemark {

namespace {

// A call without arguments gives the time, or nothing that is worth sharing; a TIME becomes a
// TIMESTAMP of the day on which the query was begun.
bool reads_clock(const Expr& expr) {
  if (const auto* call = std::get_if<CallExpr>(&expr.node); call && call->arguments.empty()) {
    return true;
  }
  if (const auto* cast = std::get_if<CastExpr>(&expr.node)) {
    const Type& from = cast->input->type;
    if (from.kind == TypeKind::kTime || !from.children.empty()) {
      return true;
    }
  }
  bool reads = false;
  visit_parts(expr, [&](const Expr& part) { reads = reads || reads_clock(part); });
  return reads;
}

// Its state is a few numbers a group.
bool is_count_or_sum(const AggregateCall& call) {
  using enum AggregateKind;
  return !call.distinct &&
         (call.kind == kCountStar || call.kind == kCount || call.kind == kSum || call.kind == kAvg);
}

// Whatever the rows are.
bool cannot_fail(const AggregateCall& call) {
  using enum AggregateKind;
  return call.kind == kCountStar || call.kind == kCount || call.kind == kMin || call.kind == kMax ||
         call.kind == kBoolAnd || call.kind == kBoolOr;
}

std::vector<size_t> all_places(size_t columns) {
  std::vector<size_t> places(columns);
  std::iota(places.begin(), places.end(), 0);
  return places;
}

// Where one plan has the columns of another that gives the same rows.
std::optional<std::vector<size_t>> input_places(const LogicalPlan& kept,
                                                const LogicalPlan& wanted) {
  if (same_plan(kept, wanted)) {
    return all_places(wanted.schema.size());
  }
  std::optional<TableSlice> slice = table_slice(kept), part = table_slice(wanted);
  return slice && part ? places_in(*slice, *part) : std::nullopt;
}

}  // namespace

bool depends_on_rows_alone(const Expr& expr) {
  return is_deterministic(expr) && !reads_clock(expr);
}

bool depends_on_tables_alone(const LogicalPlan& plan) {
  std::set<const LogicalPlan*> seen;
  std::function<bool(const LogicalPlan&)> does = [&](const LogicalPlan& part) {
    if (!seen.insert(&part).second) {
      return true;
    }
    const auto* scan = std::get_if<ScanNode>(&part.node);
    if (scan != nullptr) {
      return scan->object->is_table() && !scan->as_of;
    }
    bool is_good = !std::holds_alternative<ValuesNode>(part.node) &&
                   !std::holds_alternative<RecursiveNode>(part.node) &&
                   !std::holds_alternative<RecursiveRefNode>(part.node);
    for_each_expression(part,
                        [&](const Expr& e) { is_good = is_good && depends_on_rows_alone(e); });
    return is_good &&
           std::ranges::all_of(inputs_of(part), [&](const PlanRef& input) { return does(*input); });
  };
  return does(plan);
}

bool is_shareable_aggregate(const LogicalPlan& plan) {
  const auto* aggregate = std::get_if<AggregateNode>(&plan.node);
  return aggregate != nullptr &&
         !(aggregate->group.empty() && std::ranges::all_of(aggregate->calls, is_count_or_sum)) &&
         depends_on_tables_alone(plan);
}

std::optional<std::vector<size_t>> places_in(const AggregateNode& kept,
                                             const AggregateNode& wanted) {
  std::optional<std::vector<size_t>> below = input_places(*kept.input, *wanted.input);
  if (!below) {
    return std::nullopt;
  }
  std::vector<size_t> group;
  for (size_t column : wanted.group) {
    group.push_back((*below)[column]);
  }
  if (group != kept.group) {
    return std::nullopt;
  }
  std::vector<size_t> places = all_places(group.size());
  std::vector<bool> is_wanted(kept.calls.size());
  for (AggregateCall call : wanted.calls) {
    for_each_input(call, [&](size_t& column) { column = (*below)[column]; });
    auto at = std::ranges::find(kept.calls, call) - kept.calls.begin();
    if (static_cast<size_t>(at) == kept.calls.size()) {
      return std::nullopt;
    }
    is_wanted[static_cast<size_t>(at)] = true;
    places.push_back(group.size() + static_cast<size_t>(at));
  }
  for (size_t i = 0; i < kept.calls.size(); ++i) {
    if (!is_wanted[i] && !cannot_fail(kept.calls[i])) {
      return std::nullopt;
    }
  }
  return places;
}

}  // namespace tidemark
