#include "expr/eval.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "expr/cast.h"
#include "expr/row_error.h"

namespace tidemark {

void KernelFrame::fail(size_t row, std::string message) const {
  if (!out.is_null(row)) {
    context.errors.push_back({static_cast<uint32_t>(row), Status::data_error(std::move(message))});
    out.set_null(row);
  }
}

namespace {

std::shared_ptr<Column> sized_column(const Type& type, size_t rows) {
  auto column = std::make_shared<Column>(type);
  column->resize(rows);
  return column;
}

void merge_nulls(Column& out, const Argument& argument, size_t rows) {
  const uint8_t* nulls = argument.column->nulls();
  if (nulls == nullptr || rows == 0) {
    return;
  }
  if (argument.is_constant()) {
    if (nulls[0]) {
      std::fill_n(out.mutable_nulls(), rows, uint8_t{1});
    }
    return;
  }
  uint8_t* target = out.mutable_nulls();
  for (size_t i = 0; i < rows; ++i) {
    target[i] |= nulls[i];
  }
}

Evaluated evaluate_literal(const Expr& expr, const LiteralExpr& literal) {
  auto column = std::make_shared<Column>(expr.type);
  column->append_value(literal.value);
  return {std::move(column), true};
}

// Calls may take the values of calls: what each makes is bounded.
void check_sizes(const KernelFrame& frame, const Function& function) {
  if (frame.out.physical() != PhysicalKind::kString || frame.out.held_bytes() <= kValueBytesMax) {
    return;
  }
  for (size_t row = 0; row < frame.rows; ++row) {
    size_t bytes = frame.out.is_null(row) ? 0 : frame.out.string_at(row).size();
    if (bytes > kValueBytesMax) {
      frame.fail(row, fmt::format("{} would make a value of {} bytes", function.name, bytes));
    }
  }
}

Evaluated evaluate_call(const Expr& expr, const CallExpr& call, const RowBatch& batch,
                        EvalContext& context) {
  std::vector<Evaluated> inputs;
  inputs.reserve(call.arguments.size());
  bool constant = call.function->deterministic;
  for (const ExprRef& argument : call.arguments) {
    inputs.push_back(evaluate(*argument, batch, context));
    constant = constant && inputs.back().constant;
  }
  size_t rows = constant ? 1 : batch.rows;
  if (constant && batch.rows == 0) {
    constant = false;
    rows = 0;
  }
  std::vector<Argument> arguments;
  for (const Evaluated& input : inputs) {
    arguments.push_back({input.column.get(), input.constant ? size_t{0} : size_t{1}});
  }
  auto out = sized_column(expr.type, rows);
  if (call.bound.null_rule == NullRule::kStrict) {
    for (const Argument& argument : arguments) {
      merge_nulls(*out, argument, rows);
    }
  }
  size_t errors_before = context.errors.size();
  KernelFrame frame{context, rows, expr.type, call.bound.arguments, *out};
  call.bound.kernel(frame, arguments);
  check_sizes(frame, *call.function);
  if (constant && context.errors.size() > errors_before) {
    // A constant that fails fails in every row.
    Status status = context.errors[errors_before].status;
    context.errors.resize(errors_before);
    for (uint32_t row = 0; row < batch.rows; ++row) {
      context.errors.push_back({row, status});
    }
  }
  return {std::move(out), constant};
}

Evaluated evaluate_cast(const Expr& expr, const CastExpr& cast, const RowBatch& batch,
                        EvalContext& context) {
  Evaluated input = evaluate(*cast.input, batch, context);
  size_t rows = input.constant ? 1 : batch.rows;
  auto out = sized_column(expr.type, rows);
  Argument argument{input.column.get(), input.constant ? size_t{0} : size_t{1}};
  merge_nulls(*out, argument, rows);
  size_t errors_before = context.errors.size();
  std::vector<Type> types{cast.input->type};
  KernelFrame frame{context, rows, expr.type, types, *out};
  cast_column(frame, argument, cast.input->type, cast.is_try);
  if (input.constant && context.errors.size() > errors_before) {
    Status status = context.errors[errors_before].status;
    context.errors.resize(errors_before);
    for (uint32_t row = 0; row < batch.rows; ++row) {
      context.errors.push_back({row, status});
    }
  }
  return {std::move(out), input.constant};
}

// The batch's chosen rows, with only the columns that the expression reads.
RowBatch narrow(const Expr& expr, const RowBatch& batch, std::span<const uint32_t> chosen) {
  std::vector<bool> used(batch.columns.size());
  collect_columns(expr, used);
  RowBatch result;
  result.rows = chosen.size();
  result.columns.resize(batch.columns.size());
  for (size_t c = 0; c < batch.columns.size(); ++c) {
    if (used[c]) {
      auto column = std::make_shared<Column>(batch.columns[c]->type());
      column->append_rows(*batch.columns[c], chosen);
      result.columns[c] = std::move(column);
    }
  }
  return result;
}

// Evaluates for the chosen rows only. Row r of the result belongs to chosen[r].
Evaluated evaluate_subset(const Expr& expr, const RowBatch& batch, std::span<const uint32_t> chosen,
                          EvalContext& context) {
  if (chosen.size() == batch.rows) {
    return evaluate(expr, batch, context);
  }
  size_t errors_before = context.errors.size();
  Evaluated result = evaluate(expr, narrow(expr, batch, chosen), context);
  for (size_t e = errors_before; e < context.errors.size(); ++e) {
    context.errors[e].row = chosen[context.errors[e].row];
  }
  return result;
}

void mark_error_rows_null(const EvalContext& context, size_t errors_from, Column& out) {
  for (size_t e = errors_from; e < context.errors.size(); ++e) {
    out.set_null(context.errors[e].row);
  }
}

// AND and OR as they stand after some of their conditions, a byte a row: whether one has decided
// the value (FALSE for AND, TRUE for OR), and whether one was NULL.
struct LogicState {
  uint8_t decisive;
  std::vector<uint8_t> decided, unknown;

  void add(const Evaluated& part) {
    const uint8_t* data = part.column->data<uint8_t>();
    const uint8_t* nulls = part.column->nulls();
    size_t rows = decided.size(), stride = part.constant ? 0 : 1;
    if (nulls == nullptr && !part.constant) {
      for (size_t i = 0; i < rows; ++i) {
        decided[i] |= static_cast<uint8_t>(data[i] == decisive);
      }
      return;
    }
    for (size_t i = 0; i < rows; ++i) {
      uint8_t is_null = nulls != nullptr ? nulls[i * stride] : 0;
      decided[i] |= static_cast<uint8_t>(data[i * stride] == decisive) & (is_null ^ 1);
      unknown[i] |= is_null;
    }
  }
  // Of a condition that was evaluated for some rows.
  void add(const Evaluated& part, std::span<const uint32_t> rows) {
    const uint8_t* data = part.column->data<uint8_t>();
    for (size_t i = 0; i < rows.size(); ++i) {
      size_t at = part.constant ? 0 : i;
      bool is_null = part.column->is_null(at);
      decided[rows[i]] |= static_cast<uint8_t>(!is_null && data[at] == decisive);
      unknown[rows[i]] |= static_cast<uint8_t>(is_null);
    }
  }
  std::vector<uint32_t> open() const {
    std::vector<uint32_t> rows;
    for (uint32_t i = 0; i < decided.size(); ++i) {
      if (decided[i] == 0) {
        rows.push_back(i);
      }
    }
    return rows;
  }
};

// Three-valued: 0 false, 1 true, NULL unknown. AND stops at FALSE, OR at TRUE. Conditions that
// cannot fail come first: the others are evaluated only for the rows that these leave open.
Evaluated evaluate_logic(const Expr& expr, const LogicExpr& logic, const RowBatch& batch,
                         EvalContext& context) {
  size_t rows = batch.rows;
  LogicState state{static_cast<uint8_t>(logic.is_and ? 0 : 1), std::vector<uint8_t>(rows),
                   std::vector<uint8_t>(rows)};
  size_t errors_before = context.errors.size();
  bool some_fail = false;
  for (const ExprRef& condition : logic.conditions) {
    if (can_fail(*condition)) {
      some_fail = true;
    } else {
      state.add(evaluate(*condition, batch, context));
    }
  }
  for (const ExprRef& condition : logic.conditions) {
    if (some_fail && can_fail(*condition)) {
      std::vector<uint32_t> open = state.open();
      state.add(evaluate_subset(*condition, batch, open, context), open);
    }
  }
  auto out = sized_column(expr.type, rows);
  uint8_t* values = out->mutable_data<uint8_t>();
  uint8_t some_unknown = 0;
  for (size_t i = 0; i < rows; ++i) {
    values[i] = static_cast<uint8_t>(state.decided[i] ^ state.decisive ^ 1);
    some_unknown |= state.unknown[i];
  }
  if (some_unknown != 0) {
    uint8_t* nulls = out->mutable_nulls();
    for (size_t i = 0; i < rows; ++i) {
      nulls[i] = state.unknown[i] & (state.decided[i] ^ 1);
    }
  }
  mark_error_rows_null(context, errors_before, *out);
  return {std::move(out), false};
}

Evaluated evaluate_case(const Expr& expr, const CaseExpr& cases, const RowBatch& batch,
                        EvalContext& context) {
  size_t rows = batch.rows;
  auto out = sized_column(expr.type, rows);
  std::vector<uint32_t> open(rows);
  std::iota(open.begin(), open.end(), 0);
  size_t errors_before = context.errors.size();
  auto scatter = [&](const ExprRef& result, const std::vector<uint32_t>& chosen) {
    if (chosen.empty()) {
      return;
    }
    Evaluated part = evaluate_subset(*result, batch, chosen, context);
    out->share_heaps(*part.column);
    visit_physical(out->physical(), [&](auto tag) {
      using T = decltype(tag);
      const T* from = part.column->data<T>();
      for (size_t i = 0; i < chosen.size(); ++i) {
        size_t at = part.constant ? 0 : i;
        if (part.column->is_null(at)) {
          out->set_null(chosen[i]);
        } else {
          out->mutable_data<T>()[chosen[i]] = from[at];
        }
      }
    });
  };
  for (const auto& [condition, result] : cases.branches) {
    if (open.empty()) {
      break;
    }
    size_t failed_from = context.errors.size();
    Evaluated part = evaluate_subset(*condition, batch, open, context);
    std::vector<bool> failed(context.errors.size() > failed_from ? rows : 0);
    for (size_t e = failed_from; e < context.errors.size(); ++e) {
      failed[context.errors[e].row] = true;
    }
    std::vector<uint32_t> taken, rest;
    for (size_t i = 0; i < open.size(); ++i) {
      size_t at = part.constant ? 0 : i;
      if (!failed.empty() && failed[open[i]]) {
        continue;
      }
      bool is_true = !part.column->is_null(at) && part.column->data<uint8_t>()[at] != 0;
      (is_true ? taken : rest).push_back(open[i]);
    }
    scatter(result, taken);
    open = std::move(rest);
  }
  scatter(cases.otherwise, open);
  mark_error_rows_null(context, errors_before, *out);
  return {std::move(out), false};
}

}  // namespace

Evaluated evaluate(const Expr& expr, const RowBatch& batch, EvalContext& context) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node)) {
    return {batch.columns[column->index], false};
  }
  if (const auto* literal = std::get_if<LiteralExpr>(&expr.node)) {
    return evaluate_literal(expr, *literal);
  }
  if (const auto* call = std::get_if<CallExpr>(&expr.node)) {
    return evaluate_call(expr, *call, batch, context);
  }
  if (const auto* logic = std::get_if<LogicExpr>(&expr.node)) {
    return evaluate_logic(expr, *logic, batch, context);
  }
  if (const auto* cases = std::get_if<CaseExpr>(&expr.node)) {
    return evaluate_case(expr, *cases, batch, context);
  }
  return evaluate_cast(expr, std::get<CastExpr>(expr.node), batch, context);
}

ColumnRef evaluate_column(const Expr& expr, const RowBatch& batch, EvalContext& context) {
  Evaluated result = evaluate(expr, batch, context);
  if (!result.constant) {
    return result.column;
  }
  auto spread = std::make_shared<Column>(expr.type);
  std::vector<uint32_t> zeros(batch.rows);
  spread->append_rows(*result.column, zeros);
  return spread;
}

namespace {

// The rows where the condition is TRUE, of a batch whose row i is named names[i] (empty: i).
void select_true(const Evaluated& result, size_t rows, std::span<const uint32_t> names,
                 std::vector<uint32_t>& chosen) {
  const uint8_t* values = result.column->data<uint8_t>();
  const uint8_t* nulls = result.column->nulls();
  size_t stride = result.constant ? 0 : 1, count = 0;
  chosen.resize(rows);
  uint32_t* to = chosen.data();
  // Written without a branch: the row is always stored, the count moves only for TRUE.
  if (nulls == nullptr && names.empty() && !result.constant) {
    for (size_t i = 0; i < rows; ++i) {
      to[count] = static_cast<uint32_t>(i);
      count += values[i];
    }
  } else {
    for (size_t i = 0; i < rows; ++i) {
      to[count] = names.empty() ? static_cast<uint32_t>(i) : names[i];
      count += values[i * stride] & (nulls == nullptr ? 1 : nulls[i * stride] ^ 1);
    }
  }
  chosen.resize(count);
}

// Conditions one by one, each for the rows that those before it have left once these are few.
void filter_by_all(const LogicExpr& all, const RowBatch& batch, EvalContext& context,
                   std::vector<uint32_t>& chosen) {
  constexpr size_t kFew = 4;  // a quarter: to pick their values out pays
  chosen.resize(batch.rows);
  std::iota(chosen.begin(), chosen.end(), 0);
  std::vector<uint32_t> left;
  for (const ExprRef& condition : all.conditions) {
    if (chosen.empty()) {
      return;
    }
    left.swap(chosen);
    if (left.size() <= batch.rows / kFew) {
      select_true(evaluate_subset(*condition, batch, left, context), left.size(), left, chosen);
      continue;
    }
    Evaluated result = evaluate(*condition, batch, context);
    if (left.size() == batch.rows) {
      select_true(result, batch.rows, {}, chosen);
      continue;
    }
    const uint8_t* values = result.column->data<uint8_t>();
    const uint8_t* nulls = result.column->nulls();
    size_t stride = result.constant ? 0 : 1, count = 0;
    chosen.resize(left.size());
    for (uint32_t row : left) {
      chosen[count] = row;
      count += values[row * stride] & (nulls == nullptr ? 1 : nulls[row * stride] ^ 1);
    }
    chosen.resize(count);
  }
}

}  // namespace

void evaluate_filter(const Expr& predicate, const RowBatch& batch, EvalContext& context,
                     std::vector<uint32_t>& chosen) {
  const auto* logic = std::get_if<LogicExpr>(&predicate.node);
  if (logic != nullptr && logic->is_and && !can_fail(predicate)) {
    filter_by_all(*logic, batch, context, chosen);
    return;
  }
  select_true(evaluate(predicate, batch, context), batch.rows, {}, chosen);
}

Result<Value> evaluate_constant(const Expr& expr, EvalContext& context) {
  RowBatch one;
  one.rows = 1;
  size_t errors_before = context.errors.size();
  Evaluated result = evaluate(expr, one, context);
  if (context.errors.size() > errors_before) {
    std::string error = context.errors[errors_before].status.message();
    context.errors.resize(errors_before);
    return row_error(error);
  }
  return result.column->value_at(0);
}

}  // namespace tidemark
