#include "engine/point_read.h"

#include <algorithm>

#include "zset/consolidate.h"

namespace tidemark {

namespace {

constexpr size_t kChangesMax = 4096;  // rows to look at one by one: some tens of microseconds

// The scan under filters and projections, and the conditions that stand over its columns unchanged.
const ScanNode* find_conditions(const LogicalPlan& plan, std::vector<ExprRef>& conditions) {
  if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    std::vector<ExprRef> ignored;  // conditions over the projection's own columns
    return find_conditions(*project->input, conditions);
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    if (std::holds_alternative<ScanNode>(filter->input->node)) {
      split_and(filter->predicate, conditions);
    }
    return find_conditions(*filter->input, conditions);
  }
  return std::get_if<ScanNode>(&plan.node);
}

// The column and the constant of `column = constant`, on either side.
std::pair<const ColumnExpr*, ExprRef> as_equality(const Expr& condition) {
  const auto* call = std::get_if<CallExpr>(&condition.node);
  if (call == nullptr || call->function->name != "=") {
    return {nullptr, nullptr};
  }
  for (size_t side : {0, 1}) {
    const auto* column = std::get_if<ColumnExpr>(&call->arguments[side]->node);
    const ExprRef& other = call->arguments[1 - side];
    if (column != nullptr && is_literal(*without_relabelling(other))) {
      return {column, without_relabelling(other)};
    }
  }
  return {nullptr, nullptr};
}

}  // namespace

std::optional<PointRead> as_point_read(const LogicalPlan& plan, EvalContext& context) {
  std::vector<ExprRef> conditions;
  const ScanNode* scan = find_conditions(plan, conditions);
  if (scan == nullptr) {
    return std::nullopt;
  }
  std::vector<std::pair<size_t, ColumnRef>> equal;
  for (const ExprRef& condition : conditions) {
    auto [column, constant] = as_equality(*condition);
    if (column == nullptr) {
      continue;
    }
    size_t place = scan->columns[column->index];
    const Type& type = scan->object->schema[place].type;
    Result<Value> value = evaluate_constant(*constant, context);
    bool is_known = std::ranges::any_of(equal, [&](const auto& e) { return e.first == place; });
    if (!value.ok() || std::holds_alternative<std::monostate>(*value) || is_known ||
        constant->type.physical() != type.physical() || constant->type.scale != type.scale) {
      continue;
    }
    auto key = std::make_shared<Column>(type);
    key->append_value(*value);
    equal.emplace_back(place, std::move(key));
  }
  if (equal.empty()) {
    return std::nullopt;
  }
  std::ranges::sort(equal, {}, &std::pair<size_t, ColumnRef>::first);
  PointRead point;
  for (auto& [place, key] : equal) {
    point.columns.push_back(place);
    point.values.push_back(std::move(key));
  }
  return point;
}

std::optional<ZBatch> find_rows(const ViewRead& read, const PointRead& point) {
  if (read.base == nullptr) {
    return std::nullopt;
  }
  size_t changed = 0;
  for (const std::shared_ptr<const ZBatch>& changes : read.changes) {
    changed += changes->rows.rows;
  }
  const KeyIndex* index = changed > kChangesMax ? nullptr : read.base->index(point.columns);
  if (index == nullptr) {
    return std::nullopt;
  }
  std::vector<const Column*> key;
  for (const ColumnRef& value : point.values) {
    key.push_back(value.get());
  }
  auto chosen_of = [](const ZBatch& batch, std::span<const uint32_t> chosen) {
    ZBatch result{batch.rows.select(chosen), {}};
    for (uint32_t row : chosen) {
      result.weights.push_back(batch.weight(row));
    }
    return result;
  };
  std::vector<ZBatch> parts;
  parts.push_back(chosen_of(read.base->rows(), index->find(key)));
  for (const std::shared_ptr<const ZBatch>& changes : read.changes) {
    std::vector<uint32_t> chosen;
    for (uint32_t row = 0; row < changes->rows.rows; ++row) {
      bool is_equal = true;
      for (size_t i = 0; i < key.size() && is_equal; ++i) {
        const Column& column = *changes->rows.columns[point.columns[i]];
        is_equal = !column.is_null(row) && compare_values(column, row, *key[i], 0) == 0;
      }
      if (is_equal) {
        chosen.push_back(row);
      }
    }
    if (!chosen.empty()) {
      parts.push_back(chosen_of(*changes, chosen));
    }
  }
  return parts.size() == 1 ? std::move(parts[0]) : consolidate(parts);
}

}  // namespace tidemark
