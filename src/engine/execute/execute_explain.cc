// EXPLAIN, and EXPLAIN ANALYZE: a query is run until its first content, and its operators say what
// that has cost them; then those of the materialized views that it reads, since they began.

#include <functional>
#include <map>
#include <ranges>
#include <set>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/clock.h"
#include "engine/execute/executor.h"
#include "engine/plan_dataflow.h"
#include "engine/point_read.h"
#include "engine/step_loop.h"
#include "physical/planner.h"
#include "plan/optimizer.h"

namespace tidemark {

namespace {

// What the snapshots of its tables leave out.
std::string snapshot_text(const PhysicalPlan& plan) {
  std::string text;
  for (const GraphInput& input : plan.inputs) {
    std::vector<std::string> conditions;
    for (const ExprRef& condition : snapshot_conditions(input)) {
      conditions.push_back(expr_to_string(*condition, input.object->schema.names()));
    }
    if (!conditions.empty()) {
      text += fmt::format("Snapshot(table=[{}], where=[{}])\n", input.object->name.object,
                          fmt::join(conditions, ", "));
    }
  }
  return text;
}

// How a read of the plan finds its rows, if not by reading a whole view; empty otherwise.
std::string lookup_text(const PlanRef& plan) {
  std::optional<PointRead> point = as_point_read(plan);
  if (!point || !point->object->is_materialized_view() || !point->is_declared) {
    return "";
  }
  std::string columns;
  for (size_t column : point->columns) {
    columns += (columns.empty() ? "" : ", ") + point->object->schema[column].name;
  }
  return fmt::format(
      "\n== Once ==\nIndexLookup(view=[{}], columns=[{}]): SELECT that answers once reads no "
      "more\n",
      point->object->name.object, columns);
}

}  // namespace

Result<StatementResult> StatementExecutor::run(const sql::Explain& statement) {
  const sql::Query* query = nullptr;
  const auto* insert = std::get_if<sql::Insert>(&statement.statement->node);
  if (insert != nullptr) {
    query = insert->query.get();
  } else if (const auto* select = std::get_if<sql::QueryStatement>(&statement.statement->node)) {
    query = select->query.get();
  } else if (const auto* view =
                 std::get_if<sql::CreateMaterializedView>(&statement.statement->node)) {
    query = view->query.get();
  } else if (const auto* plain = std::get_if<sql::CreateView>(&statement.statement->node)) {
    query = plain->query.get();
  } else {
    return Status::unsupported("EXPLAIN of this statement is not supported yet")
        .with_position(statement.statement->position);
  }
  bool is_kept = insert != nullptr ||
                 std::holds_alternative<sql::CreateMaterializedView>(statement.statement->node);
  bool with_mode = false, analyze = false;
  for (sql::ExplainDetail detail : statement.details) {
    analyze = analyze || detail == sql::ExplainDetail::kAnalyze;
    with_mode = with_mode || detail == sql::ExplainDetail::kChangelogMode;
  }
  if (analyze && insert != nullptr) {
    return Status::unsupported("EXPLAIN ANALYZE of an INSERT is not supported yet")
        .with_position(statement.statement->position);
  }
  if (analyze) {
    return explain_analyze(*query);
  }
  BoundQuery bound = TRY(bind_query(*query, bind_context()));
  std::string text = "== Abstract Syntax Tree ==\n" + plan_to_string(*bound.plan) + "\n";
  PlanRef optimized = nullptr;
  std::string sink;
  if (insert != nullptr) {
    NewInsert into = TRY(new_insert(*insert));
    sink = "Sink(" + into.sink->name.object + ")\n";
    optimized = into.query.plan;
  } else {
    optimized = optimize(bound.plan);
  }
  text += "== Optimized Physical Plan ==\n" + sink + plan_to_string(*optimized, with_mode) + "\n";
  text += "== Optimized Execution Plan ==\n";
  PhysicalPlan physical = build_graph(optimized);
  text += snapshot_text(physical);
  for (const Graph::NodeInfo& node : physical.graph->nodes()) {
    text += node.name + "\n";
  }
  text += sink;
  bound.plan = std::move(optimized);
  text += is_kept ? "" : lookup_text(bound.plan);
  text += shared_state(bound, is_kept);
  return table("EXPLAIN", Schema{{{"result", Type::string()}}}, {{text}});
}

// The state that it would share, were it begun now.
std::string StatementExecutor::shared_state(const BoundQuery& bound, bool is_kept) {
  Result<PlannedDataflow> planned = plan_dataflow(bound, 0, "", bind_context().zone, sharing());
  if (!planned.ok()) {
    return "";
  }
  planned->dataflow.is_kept = is_kept;
  std::string text;
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    for (const Dataflow* part : loop.parts_for(*planned)) {
      std::map<DataflowId, std::string> readers;  // one may read it in several ways
      loop.with_readers(*loop.find_dataflow(part->id), [&](Dataflow& reader) {
        if (!reader.is_part()) {
          readers[reader.id] = reader.name;
        }
      });
      std::string what = "Rows by key";
      for (const Graph::NodeInfo& node : part->graph->nodes()) {
        what = node.name;
      }
      text += fmt::format("{}: {}, with {}\n", part->name, what,
                          fmt::join(std::views::values(readers), ", "));
    }
  });
  return text.empty() ? "" : "\n== Shared State ==\n" + text;
}

namespace {

// `lag`: of the job, to its last publication.
void add_operators(const std::string& job, const Graph& graph, std::optional<int64_t> lag,
                   std::vector<std::vector<std::string>>& rows) {
  for (const Graph::NodeInfo& node : graph.nodes()) {
    rows.push_back({job, node.name,
                    fmt::format("{:.3f}", static_cast<double>(node.stats.time_ns) / 1e6),
                    std::to_string(node.stats.rows_in), std::to_string(node.stats.retractions),
                    std::to_string(node.stats.rows_out), std::to_string(node.state_rows),
                    std::to_string(node.state_bytes),
                    lag ? fmt::format("{:.3f}", static_cast<double>(*lag) / 1e3) : ""});
  }
}

// And of theirs.
void add_operators_of_parts(const Dataflow& dataflow, std::optional<int64_t> lag,
                            std::vector<std::vector<std::string>>& rows) {
  std::set<const Dataflow*> seen;
  std::function<void(const Dataflow&)> add = [&](const Dataflow& reader) {
    for (const PartFeed& feed : reader.parts) {
      if (seen.insert(feed.part).second) {
        add_operators(feed.part->name, *feed.part->graph, lag, rows);
        add(*feed.part);
      }
    }
  };
  add(dataflow);
}

}  // namespace

Result<StatementResult> StatementExecutor::explain_analyze(const sql::Query& query) {
  BoundQuery bound = TRY(bind(query));
  std::vector<std::vector<std::string>> rows;
  if (bound.objects.empty()) {
    PhysicalPlan plan = build_graph(bound.plan);
    TRY(evaluate_once(bound, plan, {}));
    add_operators("query", *plan.graph, std::nullopt, rows);
  } else {
    auto subscription = std::make_shared<Subscription>(engine_.options().subscription_bytes_max);
    uint64_t id = TRY(start_dataflow(bound, 0, "explain", subscription, sharing()));
    TRY(first_content(*subscription));
    StepLoop& loop = engine_.step_loop();
    loop.run([&] {
      if (Dataflow* dataflow = loop.find_dataflow(id)) {
        auto lag = lag_us(dataflow->commit_time_us, dataflow->published_us);
        add_operators("query", *dataflow->graph, lag, rows);
        add_operators_of_parts(*dataflow, lag, rows);
      }
      for (const ObjectRef& object : bound.objects) {
        Dataflow* view = object->is_materialized_view() ? loop.find_view(object->id) : nullptr;
        if (view != nullptr) {
          auto lag = lag_us(view->commit_time_us, view->published_us);
          add_operators(view->name, *view->graph, lag, rows);
          add_operators_of_parts(*view, lag, rows);
        }
      }
    });
    subscription->cancel();
    loop.wake();
  }
  Schema schema;
  for (const char* name : {"job", "operator", "time ms", "rows in", "retractions", "rows out",
                           "state rows", "state bytes", "lag ms"}) {
    schema.fields.push_back({name, Type::string()});
  }
  return table("EXPLAIN", std::move(schema), std::move(rows));
}

}  // namespace tidemark
