#include "engine/row_wise.h"

#include <algorithm>

namespace tidemark {

namespace {

ZBatch select_rows(const ZBatch& batch, std::span<const uint32_t> chosen) {
  ZBatch result{batch.rows.select(chosen), {}};
  if (!batch.weights.empty()) {
    for (uint32_t row : chosen) {
      result.weights.push_back(batch.weights[row]);
    }
  }
  return result;
}

}  // namespace

bool is_row_wise(const LogicalPlan& plan) {
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    return is_row_wise(*filter->input);
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    return is_row_wise(*project->input);
  }
  return std::holds_alternative<ScanNode>(plan.node);
}

ZBatch evaluate_rows(const LogicalPlan& plan, const ZBatch& content, EvalContext& context,
                     Filters filters) {
  if (const auto* scan = std::get_if<ScanNode>(&plan.node)) {
    ZBatch result{{{}, content.rows.rows}, content.weights};
    for (size_t column : scan->columns) {
      result.rows.columns.push_back(content.rows.columns[column]);
    }
    return result;
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    ZBatch input = evaluate_rows(*filter->input, content, context, filters);
    if (filters == Filters::kHold) {
      return input;
    }
    std::vector<uint32_t> chosen;
    evaluate_filter(*filter->predicate, input.rows, context, chosen);
    return chosen.size() == input.rows.rows ? input : select_rows(input, chosen);
  }
  const auto& project = std::get<ProjectNode>(plan.node);
  ZBatch input = evaluate_rows(*project.input, content, context, filters);
  ZBatch result{{{}, input.rows.rows}, std::move(input.weights)};
  for (const ExprRef& expression : project.expressions) {
    result.rows.columns.push_back(evaluate_column(*expression, input.rows, context));
  }
  return result;
}

RowBatch repeated(const ZBatch& batch) {
  bool all_once = std::ranges::all_of(batch.weights, [](int64_t weight) { return weight == 1; });
  if (all_once) {
    return batch.rows;
  }
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < batch.rows.rows; ++row) {
    rows.insert(rows.end(), static_cast<size_t>(std::max<int64_t>(batch.weight(row), 0)), row);
  }
  return batch.rows.select(rows);
}

}  // namespace tidemark
