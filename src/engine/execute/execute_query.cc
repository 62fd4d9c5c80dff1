#include <chrono>

#include <fmt/core.h>

#include "base/ascii.h"
#include "engine/execute/executor.h"
#include "engine/execute/result_rows.h"
#include "engine/plan_dataflow.h"
#include "engine/step_loop.h"
#include "engine/view_options.h"
#include "physical/planner.h"
#include "plan/optimizer.h"
#include "zset/changelog.h"

namespace tidemark {

namespace {

// Reads what is kept up to date: not only system tables, and views as they were at a mark.
bool can_change(const LogicalPlan& plan) {
  const auto* scan = std::get_if<ScanNode>(&plan.node);
  if (scan != nullptr) {
    return !scan->object->is_system_table() && !scan->as_of;
  }
  return std::ranges::any_of(inputs_of(plan), [](const PlanRef& p) { return can_change(*p); });
}

}  // namespace

BindContext StatementExecutor::bind_context() const {
  BindContext context{catalog_, session_.catalog_, session_.database_, session_.zone()};
  context.parameters = parameters_;
  return context;
}

Sharing StatementExecutor::sharing() const {
  Result<bool> is_on = parse_bool(session_.setting("tidemark.share_state"));
  return is_on.ok() && *is_on ? Sharing::kResults : Sharing::kNone;
}

Result<BoundQuery> StatementExecutor::bind(const sql::Query& query) {
  BoundQuery bound = TRY(bind_query(query, bind_context()));
  bound.plan = optimize(bound.plan);
  for (std::string& text : bound.notices) {
    notice(std::move(text));
  }
  return bound;
}

Result<uint64_t> StatementExecutor::start_dataflow(const BoundQuery& bound, ObjectId object,
                                                   std::string name,
                                                   std::shared_ptr<Subscription> subscription,
                                                   Sharing sharing) {
  PlannedDataflow planned =
      TRY(plan_dataflow(bound, object, std::move(name), bind_context().zone, sharing));
  if (ObjectRef view = object == 0 ? nullptr : catalog_.find_by_id(object)) {
    planned.dataflow.log.configure(TRY(retention_us(*view)));
  }
  Result<uint64_t> id = Status::cancelled("the engine is shutting down");
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    id = loop.add_dataflow(std::move(planned));
    if (id.ok() && subscription) {
      loop.subscribe(*loop.find_dataflow(*id), Subscriber{.subscription = subscription});
    }
  });
  return id;
}

// For a query that answers once: the first content, which for a materialized view is its newest.
Result<StatementResult> StatementExecutor::first_answer(StreamResult stream) {
  RowsResult result;
  size_t visible = stream.schema.size() - stream.hidden;
  result.schema = stream.schema;
  result.schema.fields.resize(visible);
  ViewUpdate update = TRY(first_content(*stream.subscription));
  result.rows = in_order(update.changes.rows, stream.order, visible);
  result.mark = update.mark;
  result.commit_time_us = update.commit_time_us;
  result.published_us = update.published_us;
  stream.subscription->cancel();
  engine_.step_loop().wake();
  result.tag = fmt::format("SELECT {}", result.rows.rows);
  return StatementResult{std::move(result), std::move(notices_)};
}

Result<ViewUpdate> StatementExecutor::first_content(Subscription& subscription) {
  constexpr int64_t kLookUs = 50'000;  // how soon a cancel is noticed
  while (true) {
    std::optional<ViewUpdate> update = subscription.next(kLookUs);
    if (session_.cancelled_) {
      subscription.cancel();
      return Status::cancelled("cancelled by the user");
    }
    if (!update) {
      continue;
    }
    if (update->kind == ViewUpdate::Kind::kChanges) {
      return std::move(*update);
    }
    if (update->kind == ViewUpdate::Kind::kEnd) {
      subscription.cancel();
      return update->status.ok() ? Status::cancelled("the query ended without an answer")
                                 : update->status;
    }
  }
}

Result<StatementResult> StatementExecutor::run_query(const sql::Query& query, bool stream,
                                                     bool progress) {
  constexpr int kRoundsMax = 3;  // a view may be changed between being bound and being read
  for (int round = 1;; ++round) {
    uint64_t version = catalog_.version();
    BoundQuery bound = TRY(bind(query));
    if (std::optional<StatementResult> rows = stream ? std::nullopt : look_up(bound, version)) {
      return *std::move(rows);
    }
    Result<StatementResult> result = run_bound(bound, stream, progress);
    if (result.ok() || !is_view_changed(result.status()) || round == kRoundsMax) {
      return result;
    }
  }
}

Result<StatementResult> StatementExecutor::run_bound(const BoundQuery& bound, bool stream,
                                                     bool progress) {
  if (!stream || !can_change(*bound.plan)) {
    return read_once(bound);
  }
  return stream_query(bound, progress);
}

StreamResult StatementExecutor::new_stream(const BoundQuery& bound, bool progress) const {
  StreamResult result;
  result.schema = bound.plan->schema;
  result.hidden = bound.hidden;
  result.order = bound.order;
  result.key = bound.plan->key;
  result.progress = progress;
  result.subscription = std::make_shared<Subscription>(engine_.options().subscription_bytes_max);
  return result;
}

// A live query; its first content waits in the subscription.
Result<StreamResult> StatementExecutor::start_stream(const BoundQuery& bound, bool progress,
                                                     Sharing sharing, uint64_t& id) {
  StreamResult result = new_stream(bound, progress);
  std::string name = session_.setting("pipeline.name");
  id = TRY(start_dataflow(bound, 0, name.empty() ? "query" : name, result.subscription, sharing));
  return result;
}

Result<StatementResult> StatementExecutor::stream_query(const BoundQuery& bound, bool progress) {
  uint64_t id = 0;
  StreamResult result = TRY(start_stream(bound, progress, sharing(), id));
  if (session_.setting("tidemark.until") == "caught-up") {
    // The end is known only once the sources have said where they are now.
    StepLoop& loop = engine_.step_loop();
    std::vector<Source*> sources;
    loop.run([&] {
      std::vector<DataflowId> pending{id};
      while (!pending.empty()) {
        Dataflow* dataflow = loop.find_dataflow(pending.back());
        pending.pop_back();
        if (dataflow == nullptr) {
          continue;
        }
        dataflow->for_each_table(
            [&](const TableFeed& table) { sources.push_back(loop.find_source(table.source_key)); });
        for (const ViewFeed& view : dataflow->views) {
          pending.push_back(view.upstream);
        }
      }
    });
    // With several sources every one has its own position; today a query has one.
    Lsn until;
    for (Source* source : sources) {
      Result<Lsn> position = source->current_position();
      if (!position.ok()) {
        result.subscription->cancel();
        return position.status();
      }
      until = std::max(until, *position);
    }
    loop.run([&] {
      if (Dataflow* dataflow = loop.find_dataflow(id)) {
        for (Subscriber& subscriber : dataflow->subscribers) {
          if (subscriber.subscription == result.subscription) {
            subscriber.until = until;
          }
        }
      }
      loop.end_done(id);
    });
  }
  return StatementResult{std::move(result), std::move(notices_)};
}

Result<StatementResult> StatementExecutor::run(const sql::QueryStatement& statement) {
  return run_query(*statement.query, session_.is_streaming(), true);
}

Result<StatementResult> StatementExecutor::run(const sql::Subscribe& statement) {
  bool progress = false, snapshot = true;
  for (const sql::Option& option : statement.options) {
    std::string key;
    for (char c : option.key) {
      key += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (key == "PROGRESS") {
      progress = TRY(parse_bool(option.value));
    } else if (key == "SNAPSHOT") {
      snapshot = TRY(parse_bool(option.value));
    } else {
      return Status::invalid_argument(fmt::format("unknown option of SUBSCRIBE: {}", option.key))
          .with_hint("options are SNAPSHOT and PROGRESS")
          .with_position(option.position);
    }
  }
  if (statement.as_of_mark) {
    return resubscribe(statement, progress);
  }
  StatementResult result = statement.query ? TRY(run_query(*statement.query, true, progress))
                                           : TRY(run_query(query_of(statement), true, progress));
  if (auto* stream = std::get_if<StreamResult>(&result.outcome); stream != nullptr && !snapshot) {
    TRY(first_content(*stream->subscription));  // what changes from there on is told
  }
  return result;
}

// Goes on from a mark that the view has told: what it has published since, then what comes.
Result<StatementResult> StatementExecutor::resubscribe(const sql::Subscribe& statement,
                                                       bool progress) {
  Lsn mark = TRY(parse_mark(*statement.as_of_mark));
  ObjectRef view = statement.query ? nullptr : TRY(catalog_.find(TRY(full_name(statement.name))));
  if (view == nullptr || !view->is_materialized_view()) {
    return Status::unsupported("AS OF MARK needs a materialized view, which keeps its changes")
        .with_hint("CREATE MATERIALIZED VIEW v AS ...; SUBSCRIBE v AS OF MARK '...'");
  }
  BoundQuery bound = TRY(bind_query(query_of(statement), bind_context()));
  uint64_t bound_revision = bound.objects.at(0)->revision;
  StreamResult result = new_stream(bound, progress);
  StepLoop& loop = engine_.step_loop();
  Result<ChangeLogRead> since = Status::not_found("the view has just been dropped");
  loop.run([&] {
    Dataflow* dataflow = loop.find_view(view->id);
    if (dataflow != nullptr && dataflow->revision != bound_revision) {
      since = view_was_changed(dataflow->name);
    } else if (dataflow != nullptr) {
      since = loop.resubscribe(*dataflow,
                               Subscriber{.subscription = result.subscription, .as_of = mark});
    }
  });
  TRY(since.status());
  Result<std::vector<ViewUpdate>> updates = since->updates(result.key);
  if (!updates.ok()) {
    result.subscription->cancel();
    return updates.status();
  }
  result.subscription->put_first(std::move(*updates));
  return StatementResult{std::move(result), std::move(notices_)};
}

// SUBSCRIBE v is SUBSCRIBE (SELECT * FROM v).
sql::Query StatementExecutor::query_of(const sql::Subscribe& statement) {
  sql::Select select;
  select.items.push_back({sql::Expr{sql::Star{}, statement.name.position()}, {}});
  sql::TableRef table;
  table.position = statement.name.position();
  table.node = sql::NamedTable{statement.name, {}, nullptr, {}};
  select.from.push_back(std::move(table));
  sql::Query query;
  query.body = std::move(select);
  query.position = statement.name.position();
  return query;
}

}  // namespace tidemark
