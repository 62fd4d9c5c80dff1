// Window functions: ROW_NUMBER, RANK and DENSE_RANK.

#include "base/ascii.h"
#include "plan/bind/order_by.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

// The specification, or the named window that it stands on.
Result<const sql::WindowSpec*> resolve_window(const sql::WindowSpec& spec,
                                              const std::vector<sql::NamedWindow>& named) {
  if (!spec.base) {
    return &spec;
  }
  if (!spec.partition_by.empty() || !spec.order_by.empty() || spec.frame) {
    return unsupported("a window that adds to a named one", spec.position);
  }
  for (const sql::NamedWindow& window : named) {
    if (window.name.text == spec.base->text) {
      return &window.spec;
    }
  }
  return Status::not_found(fmt::format("no such window: {}", spec.base->text))
      .with_position(spec.base->position);
}

}  // namespace

Result<ExprRef> ExprBinder::bind_window(const sql::FunctionCall& call, size_t position) {
  std::string name = ascii_upper(call.name.last());
  std::optional<RankFunction> function = find_rank_function(name);
  if (!function) {
    return unsupported(fmt::format("{} OVER", name), position);
  }
  if (windows_ == nullptr) {
    return Status::invalid_argument(fmt::format("{} OVER cannot stand in {}", name, clause_))
        .with_hint("number the rows in a subquery, or use QUALIFY")
        .with_position(position);
  }
  if (!call.args.empty()) {
    return Status::invalid_argument(fmt::format("{} takes no arguments", name))
        .with_position(position);
  }
  const sql::WindowSpec* spec = TRY(resolve_window(*call.over, *windows_->named));
  if (spec->base) {
    return unsupported("a window that adds to a named one", spec->position);
  }
  if (spec->frame) {
    return unsupported("a frame of a window", spec->position);
  }
  PendingWindow window;
  window.function = *function;
  WindowLevel* level = std::exchange(windows_, nullptr);  // no window inside a window
  auto bind_parts = [&]() -> Status {
    window.partition = TRY(bind_all(spec->partition_by));
    for (const sql::OrderItem& item : spec->order_by) {
      SortKey key = sort_key(item, 0);
      window.order.push_back({TRY(bind(*item.expr)), key.descending, key.nulls_first});
    }
    return {};
  };
  Status bound = bind_parts();
  windows_ = level;
  TRY(std::move(bound));
  level->pending.push_back(std::move(window));
  return make_outer(level->id, level->pending.size() - 1, Type::bigint().not_null());
}

PlanRef apply_windows(PlanRef plan, const WindowLevel& level,
                      std::span<ExprRef* const> expressions) {
  std::vector<ExprRef> values;
  for (const PendingWindow& window : level.pending) {
    std::vector<ExprRef> columns = column_expressions(*plan);
    std::vector<std::string> names = plan->schema.names();
    auto column_of = [&](const ExprRef& expr) {
      for (size_t i = 0; i < columns.size(); ++i) {
        if (same_expr(*columns[i], *expr)) {
          return i;
        }
      }
      columns.push_back(expr);
      names.push_back(fmt::format("$w{}", columns.size()));
      return columns.size() - 1;
    };
    RankNode rank;
    rank.function = window.function;
    for (const ExprRef& expr : window.partition) {
      rank.partition.push_back(column_of(expr));
    }
    for (const PendingWindow::Order& order : window.order) {
      rank.order.push_back({column_of(order.expr), order.descending, order.nulls_first});
    }
    rank.input = columns.size() == plan->schema.size()
                     ? plan
                     : make_project(plan, std::move(columns), std::move(names));
    plan = make_rank(std::move(rank));
    size_t number = plan->schema.size() - 1;
    values.push_back(make_column(number, plan->schema[number].type));
  }
  for (ExprRef* expression : expressions) {
    *expression =
        substitute_outer(*expression, [&](const OuterExpr& outer, const Type&) -> ExprRef {
          return outer.scope == level.id ? values[outer.index] : nullptr;
        });
  }
  return plan;
}

}  // namespace tidemark
