#include "plan/table_slice.h"

#include <algorithm>

#include "plan/shareable.h"

namespace tidemark {

namespace {

bool any_can_fail(const std::vector<ExprRef>& expressions) {
  return std::ranges::any_of(expressions, [](const ExprRef& e) { return can_fail(*e); });
}

std::optional<TableSlice> slice_of(const LogicalPlan& plan) {
  if (const auto* scan = std::get_if<ScanNode>(&plan.node)) {
    if (!scan->object->is_table() || scan->as_of) {
      return std::nullopt;
    }
    TableSlice slice{.table = scan->object};
    for (size_t i = 0; i < scan->columns.size(); ++i) {
      slice.columns.push_back(make_column(scan->columns[i], plan.schema[i].type));
    }
    return slice;
  }
  const auto* filter = std::get_if<FilterNode>(&plan.node);
  const auto* project = std::get_if<ProjectNode>(&plan.node);
  if (filter == nullptr && project == nullptr) {
    return std::nullopt;
  }
  std::optional<TableSlice> slice = slice_of(filter != nullptr ? *filter->input : *project->input);
  if (!slice || any_can_fail(slice->columns)) {
    return std::nullopt;
  }
  if (filter != nullptr) {
    split_and(substitute(filter->predicate, slice->columns), slice->predicates);
    return slice;
  }
  std::vector<ExprRef> columns;
  for (const ExprRef& expression : project->expressions) {
    columns.push_back(substitute(expression, slice->columns));
  }
  slice->columns = std::move(columns);
  return slice;
}

}  // namespace

std::optional<TableSlice> table_slice(const LogicalPlan& plan) {
  std::optional<TableSlice> slice = slice_of(plan);
  auto is_good = [](const ExprRef& e) { return depends_on_rows_alone(*e); };
  return slice && std::ranges::all_of(slice->predicates, is_good) &&
                 std::ranges::all_of(slice->columns, is_good)
             ? slice
             : std::nullopt;
}

std::optional<std::vector<size_t>> places_in(const TableSlice& slice, const TableSlice& wanted) {
  auto same = [](const ExprRef& a, const ExprRef& b) { return same_expr(*a, *b); };
  if (slice.table->id != wanted.table->id ||
      !std::ranges::equal(slice.predicates, wanted.predicates, same)) {
    return std::nullopt;
  }
  std::vector<size_t> places;
  std::vector<bool> is_wanted(slice.columns.size());
  for (size_t i = 0; i < wanted.columns.size(); ++i) {
    // Where it is in `wanted`, if it is there: a column may be there twice.
    size_t at = i;
    if (i >= slice.columns.size() || !same(slice.columns[i], wanted.columns[i])) {
      at = static_cast<size_t>(
          std::ranges::find_if(slice.columns,
                               [&](const ExprRef& e) { return same(e, wanted.columns[i]); }) -
          slice.columns.begin());
    }
    if (at == slice.columns.size()) {
      return std::nullopt;
    }
    places.push_back(at);
    is_wanted[at] = true;
  }
  for (size_t i = 0; i < slice.columns.size(); ++i) {
    if (!is_wanted[i] && can_fail(*slice.columns[i])) {
      return std::nullopt;
    }
  }
  return places;
}

}  // namespace tidemark
