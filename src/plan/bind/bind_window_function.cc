// The part of ExprBinder for window functions other than the ranks, and for their frames.

#include "expr/cast.h"
#include "expr/eval.h"
#include "plan/bind/query_binder.h"
#include "types/decimal.h"

namespace tidemark {

namespace {

using BoundKind = WindowBound::Kind;

Status wrong_usage(std::string_view name, size_t position) {
  std::string_view usage = name == "LAG" || name == "LEAD"
                               ? "(x [, offset [, default]]) [IGNORE NULLS]"
                           : name == "NTH_VALUE"                           ? "(x, n) [IGNORE NULLS]"
                           : name == "NTILE"                               ? "(n)"
                           : name == "CUME_DIST" || name == "PERCENT_RANK" ? "()"
                                                                           : "(x) [IGNORE NULLS]";
  return Status::invalid_argument(fmt::format("wrong arguments of {}", name))
      .with_hint(fmt::format("usage: {}{} OVER (..)", name, usage))
      .with_position(position);
}

BoundKind kind_of(sql::FrameBoundKind kind) {
  switch (kind) {
    case sql::FrameBoundKind::kUnboundedPreceding:
      return BoundKind::kUnboundedPreceding;
    case sql::FrameBoundKind::kUnboundedFollowing:
      return BoundKind::kUnboundedFollowing;
    case sql::FrameBoundKind::kPreceding:
    case sql::FrameBoundKind::kCurrentRow:
    case sql::FrameBoundKind::kFollowing:
      return BoundKind::kOffset;
  }
  CHECK(false);
}

WindowExclude exclude_of(sql::FrameExclude exclude) {
  switch (exclude) {
    case sql::FrameExclude::kNothing:
      return WindowExclude::kNothing;
    case sql::FrameExclude::kCurrentRow:
      return WindowExclude::kCurrentRow;
    case sql::FrameExclude::kGroup:
      return WindowExclude::kGroup;
    case sql::FrameExclude::kTies:
      return WindowExclude::kTies;
  }
  CHECK(false);
}

bool is_constant(const Expr& expr) {
  std::vector<bool> used;
  collect_columns(expr, used);
  bool constant = std::find(used.begin(), used.end(), true) == used.end();
  for_each_outer(expr, [&](const OuterExpr&) { constant = false; });
  return constant;
}

// A value that does not depend on rows; not NULL.
Result<Value> constant_of(const ExprRef& expr, const Type& type, std::string_view what,
                          size_t position) {
  Value value;
  if (is_constant(*expr) && is_castable(expr->type, type)) {
    EvalContext eval;
    value = TRY(evaluate_constant(*make_cast(expr, type), eval));
  }
  if (std::holds_alternative<std::monostate>(value)) {
    return Status::invalid_argument(
               fmt::format("{} must be a constant {}", what, type.to_string_without_null()))
        .with_position(position);
  }
  return value;
}

}  // namespace

Result<Value> ExprBinder::bind_constant(const sql::Expr& expr, const Type& type,
                                        std::string_view what) {
  return constant_of(TRY(bind(expr)), type, what, expr.position);
}

Status ExprBinder::bind_offset(const std::string& name, const sql::Expr& expr,
                               PendingWindow& window) {
  WindowCall& call = window.call;
  ExprRef bound = TRY(bind(expr));
  if (!is_constant(*bound)) {
    if (!bound->type.is_integer()) {
      return Status::invalid_argument(fmt::format("the number of {} must be a whole number, not {}",
                                                  name, bound->type.to_string_without_null()))
          .with_position(expr.position);
    }
    call.offset_column = window.inputs.size();
    window.inputs.push_back(TRY(coerce(std::move(bound), Type::bigint(), expr.position)));
    if (call.function == WindowFunction::kNtile) {
      call.argument.result_type = call.argument.result_type.as_nullable();
    }
    return {};
  }
  std::string what = fmt::format("the number of {}", name);
  call.offset = std::get<int64_t>(TRY(constant_of(bound, Type::bigint(), what, expr.position)));
  bool shifts = call.function == WindowFunction::kLag || call.function == WindowFunction::kLead;
  if (call.offset < (shifts ? -kWindowOffsetMax : 1) || call.offset > kWindowOffsetMax) {
    return Status::invalid_argument(fmt::format("{} is out of range: {}", what, call.offset))
        .with_position(expr.position);
  }
  return {};
}

Result<WindowBound> ExprBinder::bind_frame_bound(const sql::FrameBound& bound, WindowUnit unit,
                                                 const Type& order) {
  WindowBound result{kind_of(bound.kind)};
  if (bound.offset == nullptr) {
    return result;
  }
  constexpr std::string_view kWhat = "the offset of a frame";
  Type type = Type::bigint();
  if (unit == WindowUnit::kRange) {
    ExprRef offset = TRY(bind(*bound.offset));
    if (order.is_approximate()) {
      type = Type::float64();
    } else if (order.kind == TypeKind::kDecimal || order.is_integer()) {
      type = Type::decimal(kDecimalPrecisionMax, 18);  // cut to what differences can be
    } else if (order.is_temporal() && offset->type.is_interval() &&
               !(order.kind == TypeKind::kTime && offset->type.kind == TypeKind::kIntervalMonth)) {
      type = offset->type;
      result.in_months = type.kind == TypeKind::kIntervalMonth;
    } else {
      return Status::invalid_argument(
                 fmt::format("a frame in RANGE over {} cannot have an offset of {}",
                             order.to_string_without_null(), offset->type.to_string_without_null()))
          .with_position(bound.offset->position);
    }
  }
  Value value = TRY(bind_constant(*bound.offset, type, kWhat));
  if (const auto* real = std::get_if<double>(&value)) {
    result.real = *real;
  } else if (const auto* decimal = std::get_if<Int128>(&value)) {
    int scale = order.kind == TypeKind::kDecimal ? order.scale : 0;
    Int128 cut = scale <= 18 ? *decimal / power_of_ten(18 - scale) : Int128{0};
    result.whole = scale <= 18 ? cut : *decimal * power_of_ten(scale - 18);
  } else if (const auto* months = std::get_if<int32_t>(&value)) {
    result.whole = *months;
  } else {
    result.whole = std::get<int64_t>(value);
  }
  if (result.whole < 0 || !(result.real >= 0)) {
    return Status::invalid_argument("the offset of a frame must not be negative")
        .with_position(bound.offset->position);
  }
  if (bound.kind == sql::FrameBoundKind::kPreceding) {
    result.whole = -result.whole;
    result.real = -result.real;
  }
  return result;
}

Result<WindowFrame> ExprBinder::bind_frame(const sql::Frame& frame, const PendingWindow& window,
                                           size_t position) {
  using sql::FrameBoundKind;
  FrameBoundKind start = frame.start.kind, end = frame.end.kind;
  if (start == FrameBoundKind::kUnboundedFollowing || end == FrameBoundKind::kUnboundedPreceding ||
      start > end) {
    return Status::invalid_argument("the frame ends before it starts").with_position(position);
  }
  bool has_offset = frame.start.offset != nullptr || frame.end.offset != nullptr;
  WindowFrame result;
  result.unit = frame.unit == sql::FrameUnit::kRows                  ? WindowUnit::kRows
                : frame.unit == sql::FrameUnit::kRange && has_offset ? WindowUnit::kRange
                                                                     : WindowUnit::kGroups;
  if (frame.unit == sql::FrameUnit::kGroups && window.order.empty()) {
    return Status::invalid_argument("a frame in GROUPS needs ORDER BY").with_position(position);
  }
  if (result.unit == WindowUnit::kRange && window.order.size() != 1) {
    return Status::invalid_argument("a frame in RANGE with an offset needs one column in ORDER BY")
        .with_position(position);
  }
  Type order = result.unit == WindowUnit::kRange ? window.order[0].expr->type : Type::null();
  result.start = TRY(bind_frame_bound(frame.start, result.unit, order));
  result.end = TRY(bind_frame_bound(frame.end, result.unit, order));
  result.exclude = exclude_of(frame.exclude);
  return result;
}

Status ExprBinder::bind_window_function(const std::string& name, const sql::FunctionCall& call,
                                        size_t position, PendingWindow& window) {
  auto column_of = [&](ExprRef expr) {
    window.inputs.push_back(std::move(expr));
    return window.inputs.size() - 1;
  };
  std::optional<WindowFunction> function = find_window_function(name);
  if (!function) {
    const AggregateFunction& aggregate = *find_aggregate(name);
    window.call.argument = TRY(bind_aggregate_call(aggregate, call, position, column_of));
    return {};
  }
  window.call.function = *function;
  AggregateCall& argument = window.call.argument;
  argument.name = kWindowFunctionNames[static_cast<size_t>(*function)];
  argument.ignore_nulls = call.nulls == sql::NullTreatment::kIgnore;
  bool shifts = *function == WindowFunction::kLag || *function == WindowFunction::kLead;
  bool places = *function >= WindowFunction::kNtile;
  size_t count = call.args.size();
  size_t least = places ? (*function == WindowFunction::kNtile ? 1 : 0)
                        : (*function == WindowFunction::kNthValue ? 2 : 1);
  if (count < least || count > (shifts ? 3 : least) || call.distinct || call.filter ||
      !call.order_by.empty() || !call.within_group.empty() ||
      (places && call.nulls != sql::NullTreatment::kDefault)) {
    return wrong_usage(name, position);
  }
  if (places) {
    argument.result_type =
        (*function == WindowFunction::kNtile ? Type::bigint() : Type::float64()).not_null();
  } else {
    ExprRef value = TRY(bind(call.args[0]));
    if (value->type.kind == TypeKind::kNull) {
      return wrong_usage(name, position);
    }
    if (count == 3) {
      ExprRef fallback = TRY(bind(call.args[2]));
      Result<Type> common = common_type(value->type, fallback->type);
      if (!common.ok()) {
        return common.status().with_context(name).with_position(call.args[2].position);
      }
      value = TRY(coerce(value, *common, call.args[0].position));
      fallback = TRY(coerce(fallback, *common, call.args[2].position));
      window.call.fallback = column_of(std::move(fallback));
    }
    argument.kind = AggregateKind::kFirstValue;  // it reads its input
    argument.input_type = value->type;
    argument.result_type = value->type.as_nullable();
    argument.input = column_of(std::move(value));
  }
  bool has_offset = *function == WindowFunction::kNtile || (!places && count >= 2);
  if (has_offset) {
    TRY(bind_offset(name, call.args[*function == WindowFunction::kNtile ? 0 : 1], window));
  }
  // LAG, LEAD and places have no frame; one that is written does not matter.
  return {};
}

}  // namespace tidemark
