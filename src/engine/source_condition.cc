#include "engine/source_condition.h"

#include <algorithm>
#include <utility>

namespace tidemark {

namespace {

using ConditionKind = SourceCondition::Kind;

// The same comparison with its sides exchanged.
ConditionKind exchanged(ConditionKind kind) {
  switch (kind) {
    case ConditionKind::kLess:
      return ConditionKind::kGreater;
    case ConditionKind::kLessEqual:
      return ConditionKind::kGreaterEqual;
    case ConditionKind::kGreater:
      return ConditionKind::kLess;
    case ConditionKind::kGreaterEqual:
      return ConditionKind::kLessEqual;
    default:
      return kind;
  }
}

std::optional<size_t> place_of(const Expr& expr, std::span<const size_t> columns) {
  const auto* column = std::get_if<ColumnExpr>(&expr.node);
  if (column == nullptr) {
    return std::nullopt;
  }
  auto found = std::ranges::find(columns, column->index);
  return found == columns.end() ? std::nullopt : std::optional<size_t>(found - columns.begin());
}

std::optional<SourceCondition> combined(ConditionKind kind, const std::vector<ExprRef>& parts,
                                        std::span<const size_t> columns) {
  SourceCondition result{.kind = kind};
  for (const ExprRef& part : parts) {
    std::optional<SourceCondition> condition = source_condition(*part, columns);
    if (!condition) {
      return std::nullopt;
    }
    result.parts.push_back(std::move(*condition));
  }
  return result;
}

std::optional<SourceCondition> compared(const CallExpr& call, std::span<const size_t> columns) {
  std::optional<ConditionKind> kind = find_comparison(call.function->name);
  if (!kind) {
    return std::nullopt;
  }
  for (bool is_exchanged : {false, true}) {
    std::optional<size_t> column = place_of(*call.arguments[is_exchanged ? 1 : 0], columns);
    const auto* literal = std::get_if<LiteralExpr>(&call.arguments[is_exchanged ? 0 : 1]->node);
    if (column && literal != nullptr) {
      return SourceCondition{.kind = is_exchanged ? exchanged(*kind) : *kind,
                             .column = *column,
                             .value = literal->value};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<SourceCondition> source_condition(const Expr& condition,
                                                std::span<const size_t> columns) {
  if (std::optional<size_t> column = place_of(condition, columns)) {
    return SourceCondition{.kind = ConditionKind::kEqual, .column = *column, .value = true};
  }
  if (const auto* logic = std::get_if<LogicExpr>(&condition.node)) {
    return combined(logic->is_and ? ConditionKind::kAnd : ConditionKind::kOr, logic->conditions,
                    columns);
  }
  const auto* call = std::get_if<CallExpr>(&condition.node);
  if (call == nullptr) {
    return std::nullopt;
  }
  std::string_view name = call->function->name;
  if (name == "NOT") {
    return combined(ConditionKind::kNot, call->arguments, columns);
  }
  if (name == "IS NULL" || name == "IS NOT NULL") {
    std::optional<size_t> column = place_of(*call->arguments[0], columns);
    return column
               ? std::optional(SourceCondition{
                     .kind = name == "IS NULL" ? ConditionKind::kIsNull : ConditionKind::kIsNotNull,
                     .column = *column})
               : std::nullopt;
  }
  return compared(*call, columns);
}

}  // namespace tidemark
