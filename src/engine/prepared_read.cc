#include "engine/prepared_read.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/overloaded.h"
#include "engine/engine.h"
#include "engine/execute/result_rows.h"
#include "engine/row_wise.h"
#include "engine/step_loop.h"
#include "expr/functions/families.h"
#include "plan/bind/parameters.h"
#include "plan/rewrite.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

// Depends on nothing but the row: not on the clock, and not on objects that only the step thread
// knows.
bool is_of_row(const Expr& expr) {
  auto all = [](const std::vector<ExprRef>& parts) {
    return std::ranges::all_of(parts, [](const ExprRef& part) { return is_of_row(*part); });
  };
  return std::visit(Overloaded{
                        [](const ColumnExpr&) { return true; },
                        [](const LiteralExpr&) { return true; },
                        [](const OuterExpr&) { return true; },
                        [&](const CallExpr& call) {
                          return call.function->deterministic &&
                                 call.function->family != catalog_functions()[0].family &&
                                 all(call.arguments);
                        },
                        [&](const LogicExpr& logic) { return all(logic.conditions); },
                        [&](const CaseExpr& cases) {
                          return is_of_row(*cases.otherwise) &&
                                 std::ranges::all_of(cases.branches, [](const auto& branch) {
                                   return is_of_row(*branch.first) && is_of_row(*branch.second);
                                 });
                        },
                        // A cast to regclass and its kin asks for names.
                        [&](const CastExpr& cast) {
                          return is_of_row(*cast.input) && cast.input->type.wire_oid == 0 &&
                                 expr.type.wire_oid == 0;
                        },
                    },
                    expr.node);
}

bool has_open(const Expr& expr) {
  bool found = false;
  for_each_outer(expr, [&](const OuterExpr&) { found = true; });
  return found;
}

}  // namespace

std::shared_ptr<const PreparedRead> prepare_read(const BoundQuery& bound,
                                                 const BindContext& context,
                                                 uint64_t catalog_version) {
  std::optional<PointRead> point = as_point_read(bound.plan);
  if (!point || !point->object->is_materialized_view()) {
    return nullptr;
  }
  bool is_of_rows = true;
  bool has_open_parts = false;
  std::vector<PlanRef> nodes{bound.plan};
  while (!nodes.empty()) {
    PlanRef plan = nodes.back();
    nodes.pop_back();
    bool is_held = point->is_whole && std::holds_alternative<FilterNode>(plan->node);
    for_each_expression(*plan, [&](const Expr& expr) {
      is_of_rows = is_of_rows && is_of_row(expr);
      has_open_parts = has_open_parts || (!is_held && has_open(expr));
    });
    for (PlanRef& input : inputs_of(*plan)) {
      nodes.push_back(std::move(input));
    }
  }
  if (!is_of_rows) {
    return nullptr;
  }
  auto read = std::make_shared<PreparedRead>();
  read->catalog_version = catalog_version;
  read->catalog = context.current_catalog;
  read->database = context.current_database;
  read->zone = context.zone;
  read->point = *std::move(point);
  read->has_open_parts = has_open_parts;
  read->schema = visible_schema(bound);
  read->order = bound.order;
  return read;
}

bool Session::is_current(const PreparedRead& read) const {
  return read.catalog_version == engine_.catalog().version() && read.catalog == catalog_ &&
         read.database == database_ && read.zone == zone();
}

std::optional<StatementResult> Session::read_prepared(const PreparedRead& read,
                                                      const Parameters& parameters) {
  if (!is_current(read) || is_streaming()) {
    return std::nullopt;
  }
  std::optional<std::vector<ColumnRef>> values = values_of(read.point, &parameters);
  std::shared_ptr<const ViewRead> view = shown(read.point.object->id);
  if (!values || view == nullptr || view->revision != read.point.object->revision ||
      !reaches_min_mark(*view) || (view->wants_adding_up() && view->base->claim_adding_up())) {
    return std::nullopt;
  }
  std::optional<ZBatch> found = find_rows(*view, read.point, *values, IndexUse::kMadeOnly);
  if (!found) {
    return std::nullopt;
  }
  PlanRef plan = read.point.plan;
  if (read.has_open_parts) {
    plan = map_expressions(plan, [&](const ExprRef& e) { return parameters.values_in(e); });
  }
  EvalContext context{.zone = read.zone, .now_us = 0, .errors = {}};
  ZBatch rows =
      evaluate_rows(*plan, *found, context, read.point.is_whole ? Filters::kHold : Filters::kApply);
  if (!context.errors.empty()) {
    return std::nullopt;  // execute() tells the error
  }
  RowsResult result;
  result.schema = read.schema;
  result.rows = in_order(repeated(rows), read.order, read.schema.size());
  result.tag = fmt::format("SELECT {}", result.rows.rows);
  result.mark = view->mark;
  result.commit_time_us = view->commit_time_us;
  result.published_us = view->published_us;
  return StatementResult{.outcome = std::move(result), .notices = {}, .is_looked_up = true};
}

std::shared_ptr<const ViewRead> Session::shown(uint64_t view) const {
  if (transaction_ == TransactionState::kIdle) {
    return engine_.step_loop().published().find(view);
  }
  auto read = pinned_.find(view);
  bool is_there = transaction_ == TransactionState::kBlock && read != pinned_.end();
  return is_there ? read->second : nullptr;
}

bool Session::reaches_min_mark(const ViewRead& view) const {
  std::string text = setting("tidemark.min_mark");
  if (text.empty()) {
    return true;
  }
  std::optional<Lsn> mark = Lsn::parse(text);
  return mark && view.is_of_only_source && view.mark >= *mark;
}

std::string Session::zone() const {
  std::string name = setting("table.local-time-zone");
  return name == "default" ? "UTC" : name;
}

bool Session::is_streaming() const {
  return ascii_upper(setting("execution.runtime-mode")) != "BATCH";
}

}  // namespace tidemark
