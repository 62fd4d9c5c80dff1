// CUME_DIST and PERCENT_RANK as quotients of a running function and the partition's count:
//
//   CUME_DIST()     COUNT(*) up to the row's last peer / COUNT(*)
//   PERCENT_RANK()  (RANK() - 1) / (COUNT(*) - 1), and 0 for a row alone
//
// Both are known to cost what changes. As functions of their own they would read the partition, and
// so would all that stand in one window with them.

#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

bool is_distribution(const WindowCall& call) {
  return call.function == WindowFunction::kCumeDist ||
         call.function == WindowFunction::kPercentRank;
}

WindowCall running_call(WindowFunction function) {
  WindowCall call{function};
  call.argument = count_star();
  if (function == WindowFunction::kRank) {
    call.argument.name = kRankFunctionNames[static_cast<size_t>(RankFunction::kRank)];
  }
  return call;
}

ExprRef real(double value) {
  return make_literal(value, Type::float64().not_null());
}

// It is never NULL: a partition has rows.
ExprRef not_null(const ExprRef& expr) {
  return std::make_shared<const Expr>(Expr{expr->type.not_null(), expr->node});
}

// While a step is made, rows meet the partition's count before it too, and are taken back. That may
// be 0, and -0 would stand for the 0 that it equals.
ExprRef quotient(WindowFunction function, const ExprRef& running, const ExprRef& count) {
  Type type = Type::float64().not_null();
  ExprRef part = make_cast(running, type), all = make_cast(count, type);
  if (function == WindowFunction::kCumeDist) {
    return not_null(make_call("/", {part, all}));
  }
  ExprRef others =
      make_call("/", {make_call("-", {part, real(1)}), make_call("-", {all, real(1)})});
  return not_null(make_case({{make_call("<=", {all, real(1)}), real(0)}}, others, type));
}

PlanRef as_counts(PlanRef plan) {
  const auto* window = std::get_if<WindowNode>(&plan->node);
  if (window == nullptr || std::ranges::none_of(window->calls, is_distribution)) {
    return plan;
  }
  WindowNode node = *window;
  size_t width = node.input->schema.size();
  for (WindowCall& call : node.calls) {
    if (is_distribution(call)) {
      call = running_call(call.function == WindowFunction::kCumeDist ? WindowFunction::kAggregate
                                                                     : WindowFunction::kRank);
    }
  }
  WindowCall count = running_call(WindowFunction::kAggregate);
  count.frame.end.kind = WindowBound::Kind::kUnboundedFollowing;
  node.calls.push_back(std::move(count));
  PlanRef counted = make_window(std::move(node));
  std::vector<ExprRef> columns = column_expressions(*counted);
  ExprRef all = columns.back();
  columns.pop_back();
  for (size_t i = 0; i < window->calls.size(); ++i) {
    if (is_distribution(window->calls[i])) {
      columns[width + i] = quotient(window->calls[i].function, columns[width + i], all);
    }
  }
  return make_project(counted, std::move(columns), plan->schema.names());
}

}  // namespace

PlanRef distributions_as_counts(PlanRef plan) {
  return rewrite_bottom_up(plan, as_counts);
}

}  // namespace tidemark
