// OVER: windows and what is computed over them.

#include <algorithm>

#include "base/ascii.h"
#include "plan/bind/order_by.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

// A specification with what it takes over from the named window that it stands on.
struct ResolvedWindow {
  const std::vector<sql::Expr>* partition = nullptr;
  const std::vector<sql::OrderItem>* order = nullptr;
  const sql::Frame* frame = nullptr;
};

Result<ResolvedWindow> resolve_window(const sql::WindowSpec& spec,
                                      const std::vector<sql::NamedWindow>& named, size_t depth) {
  const sql::Frame* frame = spec.frame ? &*spec.frame : nullptr;
  if (!spec.base) {
    return ResolvedWindow{&spec.partition_by, &spec.order_by, frame};
  }
  for (const sql::NamedWindow& window : named) {
    if (window.name.text != spec.base->text) {
      continue;
    }
    if (depth > named.size()) {
      return Status::invalid_argument(fmt::format("window {} stands on itself", window.name.text))
          .with_position(spec.base->position);
    }
    ResolvedWindow base = TRY(resolve_window(window.spec, named, depth + 1));
    bool adds = !spec.partition_by.empty() || !spec.order_by.empty() || frame != nullptr;
    if (!adds) {
      return base;
    }
    std::string_view twice = !spec.partition_by.empty()                       ? "PARTITION BY"
                             : !spec.order_by.empty() && !base.order->empty() ? "ORDER BY"
                             : base.frame != nullptr                          ? "a frame"
                                                                              : "";
    if (!twice.empty()) {
      return Status::invalid_argument(
                 fmt::format("{} cannot be added to window {}", twice, window.name.text))
          .with_position(spec.position);
    }
    base.order = spec.order_by.empty() ? base.order : &spec.order_by;
    base.frame = frame;
    return base;
  }
  return Status::not_found(fmt::format("no such window: {}", spec.base->text))
      .with_position(spec.base->position);
}

}  // namespace

Result<ExprRef> ExprBinder::bind_window(const sql::FunctionCall& call, size_t position) {
  std::string name = ascii_upper(call.name.last());
  PendingWindow window;
  window.rank = find_rank_function(name);
  if (!window.rank && !find_window_function(name) && find_aggregate(name) == nullptr) {
    return unsupported(fmt::format("{} OVER", name), position);
  }
  if (windows_ == nullptr) {
    return Status::invalid_argument(fmt::format("{} OVER cannot stand in {}", name, clause_))
        .with_hint("compute it in a subquery, or use QUALIFY")
        .with_position(position);
  }
  ResolvedWindow spec = TRY(resolve_window(*call.over, *windows_->named, 0));
  WindowLevel* level = std::exchange(windows_, nullptr);  // no window inside a window
  auto bind_parts = [&]() -> Status {
    window.partition = TRY(bind_all(*spec.partition));
    for (const sql::OrderItem& item : *spec.order) {
      SortKey key = sort_key(item, 0);
      window.order.push_back({TRY(bind(*item.expr)), key.descending, key.nulls_first});
    }
    if (window.rank) {
      return call.args.empty()
                 ? Status()
                 : Status::invalid_argument(fmt::format("{} takes no arguments", name))
                       .with_position(position);
    }
    if (spec.frame != nullptr) {
      window.call.frame = TRY(bind_frame(*spec.frame, window, position));
    } else if (window.order.empty()) {
      window.call.frame.end.kind = WindowBound::Kind::kUnboundedFollowing;
    }
    return bind_window_function(name, call, position, window);
  };
  Status bound = bind_parts();
  windows_ = level;
  TRY(std::move(bound));
  Type type = window.rank ? Type::bigint().not_null() : window.call.argument.result_type;
  level->pending.push_back(std::move(window));
  return make_outer(level->id, level->pending.size() - 1, std::move(type));
}

namespace {

// Places expressions among a plan's columns, behind them if they are new.
class ColumnsOf {
 public:
  explicit ColumnsOf(const PlanRef& plan)
      : plan_(plan), columns_(column_expressions(*plan)), names_(plan->schema.names()) {}
  size_t place(const ExprRef& expr) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (same_expr(*columns_[i], *expr)) {
        return i;
      }
    }
    columns_.push_back(expr);
    names_.push_back(fmt::format("$w{}", columns_.size()));
    return columns_.size() - 1;
  }
  PlanRef plan() {
    return columns_.size() == plan_->schema.size()
               ? plan_
               : make_project(plan_, std::move(columns_), std::move(names_));
  }

 private:
  const PlanRef& plan_;
  std::vector<ExprRef> columns_;
  std::vector<std::string> names_;
};

template <typename Node>
void place_window(ColumnsOf& columns, const PendingWindow& window, Node& node) {
  for (const ExprRef& expr : window.partition) {
    node.partition.push_back(columns.place(expr));
  }
  for (const PendingWindow::Order& order : window.order) {
    node.order.push_back({columns.place(order.expr), order.descending, order.nulls_first});
  }
}

bool same_window(const PendingWindow& a, const PendingWindow& b) {
  auto same = [](const ExprRef& x, const ExprRef& y) { return same_expr(*x, *y); };
  return std::equal(a.partition.begin(), a.partition.end(), b.partition.begin(), b.partition.end(),
                    same) &&
         std::equal(a.order.begin(), a.order.end(), b.order.begin(), b.order.end(),
                    [&](const PendingWindow::Order& x, const PendingWindow::Order& y) {
                      return same(x.expr, y.expr) && x.descending == y.descending &&
                             x.nulls_first == y.nulls_first;
                    });
}

WindowCall placed_call(ColumnsOf& columns, const PendingWindow& window) {
  WindowCall call = window.call;
  if (!window.inputs.empty()) {
    for_each_input(call.argument,
                   [&](size_t& column) { column = columns.place(window.inputs[column]); });
  }
  for (std::optional<size_t>* column : {&call.offset_column, &call.fallback}) {
    if (*column) {
      **column = columns.place(window.inputs[**column]);
    }
  }
  return call;
}

}  // namespace

PlanRef apply_windows(PlanRef plan, const WindowLevel& level,
                      std::span<ExprRef* const> expressions) {
  const std::vector<PendingWindow>& pending = level.pending;
  std::vector<ExprRef> values(pending.size());
  for (size_t i = 0; i < pending.size(); ++i) {
    if (values[i] != nullptr) {
      continue;
    }
    ColumnsOf columns(plan);
    std::vector<size_t> done{i};
    if (pending[i].rank) {
      RankNode rank;
      rank.function = *pending[i].rank;
      place_window(columns, pending[i], rank);
      rank.input = columns.plan();
      plan = make_rank(std::move(rank));
    } else {  // with all others over the same rows in the same order
      WindowNode node;
      place_window(columns, pending[i], node);
      node.calls.push_back(placed_call(columns, pending[i]));
      for (size_t j = i + 1; j < pending.size(); ++j) {
        if (!pending[j].rank && same_window(pending[i], pending[j])) {
          node.calls.push_back(placed_call(columns, pending[j]));
          done.push_back(j);
        }
      }
      node.input = columns.plan();
      plan = make_window(std::move(node));
    }
    size_t first = plan->schema.size() - done.size();
    for (size_t k = 0; k < done.size(); ++k) {
      values[done[k]] = make_column(first + k, plan->schema[first + k].type);
    }
  }
  for (ExprRef* expression : expressions) {
    *expression = with_values(*expression, level.id, values);
  }
  return plan;
}

}  // namespace tidemark
