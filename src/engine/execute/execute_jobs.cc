// INSERT INTO and EXECUTE STATEMENT SET, which begin jobs (one of constants is written at once);
// SHOW JOBS and STOP JOB.

#include <algorithm>
#include <random>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/nearest.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/plan_insert.h"
#include "engine/step_loop.h"
#include "plan/bind/parameters.h"
#include "sql/parser.h"
#include "sql/unparse.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

// 128 bits: nobody gives the same twice, so files of two jobs never have one name.
std::string new_job_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

Status check_form(const sql::Insert& insert) {
  const char* what = insert.overwrite                                      ? "INSERT OVERWRITE"
                     : !insert.partition.empty()                           ? "INSERT ... PARTITION"
                     : insert.on_conflict != sql::OnConflict::kUnspecified ? "ON CONFLICT"
                     : !insert.hints.empty()                               ? "a hint on the sink"
                                                                           : nullptr;
  return what == nullptr ? Status()
                         : Status::unsupported(fmt::format("{} is not supported yet", what))
                               .with_position(insert.target.position());
}

// The query without the rows that have NULL where the sink says NOT NULL.
std::string without_nulls(const std::string& query, const CatalogObject& sink,
                          const std::vector<size_t>& columns) {
  std::string names, condition;
  for (size_t i = 0; i < columns.size(); ++i) {
    names += fmt::format("{}c{}", i == 0 ? "" : ", ", i);
    if (!sink.schema[columns[i]].type.nullable) {
      condition += fmt::format("{}c{} IS NOT NULL", condition.empty() ? "" : " AND ", i);
    }
  }
  return condition.empty()
             ? query
             : fmt::format("SELECT * FROM ({}) AS t ({}) WHERE {}", query, names, condition);
}

// A row of SHOW JOBS.
struct Job {
  std::string id, name, status, message;
  int64_t started_us = 0;
};

Job shown_job(const Dataflow& dataflow) {
  Job job{.id = std::to_string(dataflow.id),
          .name = dataflow.name,
          .status = dataflow.failed ? "FAILED"
                    : dataflow.live ? "RUNNING"
                                    : "INITIALIZING",
          .message = dataflow.failed ? dataflow.failed->message() : "",
          .started_us = dataflow.started_us};
  Status error = dataflow.sink == nullptr ? Status() : dataflow.sink->last_error();
  if (!dataflow.failed && !error.ok()) {
    bool is_tried_again = error.code() == StatusCode::kUnavailable;
    job.status = is_tried_again ? "RESTARTING" : "FAILED";
    job.message = error.message();
  } else if (dataflow.in_error) {
    job.message = dataflow.row_error().value_or("");
  } else if (std::optional<Status> stopped = dataflow.stopped()) {
    job.message = stopped->message();
  }
  return job;
}

}  // namespace

Result<ObjectRef> StatementExecutor::find_sink(const sql::Insert& insert) {
  TRY(check_form(insert));
  ObjectRef object = TRY(find(insert.target));
  if (object->is_sink()) {
    return object;
  }
  std::string name = object->name.object;
  bool is_source = object->is_table();
  return Status::invalid_argument(
             is_source ? fmt::format("{} is read from its source, and cannot be written here", name)
                       : fmt::format("{} is a {}, and not a sink", name, object->kind_text()))
      .with_sqlstate("42809")
      .with_hint(is_source ? "write it at its source; or CREATE TABLE t (...) WITH ('connector' = "
                             "'filesystem', 'path' = '...', 'format' = '...') makes a sink"
                           : "CREATE TABLE t (...) WITH ('connector' = 'filesystem', 'path' = "
                             "'...', 'format' = '...') makes a sink")
      .with_position(insert.target.position());
}

Result<std::vector<size_t>> StatementExecutor::insert_columns(const sql::Insert& insert,
                                                              const CatalogObject& sink) {
  std::vector<size_t> columns;
  for (size_t i = 0; insert.columns.empty() && i < sink.schema.size(); ++i) {
    columns.push_back(i);
  }
  for (const sql::Name& name : insert.columns) {
    std::optional<size_t> column = sink.schema.find(name.last());
    if (!column) {
      auto nearest = nearest_name(name.last(), sink.schema.names());
      return Status::not_found(
                 fmt::format("no such column of {}: {}", sink.name.object, name.last()))
          .with_sqlstate("42703")
          .with_hint(nearest ? fmt::format("did you mean {}?", *nearest) : "")
          .with_position(name.position());
    }
    if (std::ranges::find(columns, *column) != columns.end()) {
      return Status::invalid_argument(fmt::format("column is given twice: {}", name.last()))
          .with_sqlstate("42701")
          .with_position(name.position());
    }
    columns.push_back(*column);
  }
  for (size_t i = 0; i < sink.schema.size(); ++i) {
    bool is_given = std::ranges::find(columns, i) != columns.end();
    if (!is_given && !sink.schema[i].type.nullable) {
      return Status::invalid_argument(fmt::format("column {} of {} is NOT NULL, and is not given",
                                                  sink.schema[i].name, sink.name.object))
          .with_sqlstate("23502")
          .with_position(insert.target.position());
    }
  }
  return columns;
}

Result<StatementExecutor::NewInsert> StatementExecutor::new_insert(const sql::Insert& insert) {
  ObjectRef sink = TRY(find_sink(insert));
  std::vector<size_t> columns = TRY(insert_columns(insert, *sink));
  size_t position = insert.target.position();
  std::string text = sql::unparse(*insert.query);
  Result<BoundQuery> bound = bind_insert(*insert.query, *sink, columns, bind_context());
  if (bound.ok() && ascii_upper(session_.setting("table.exec.sink.not-null-enforcer")) == "DROP") {
    // The job's query leaves the rows out, so that it does so in every later process too.
    text = without_nulls(text, *sink, columns);
    sql::QueryPtr query = TRY(sql::parse_query(text));
    bound = bind_insert(*query, *sink, columns, bind_context());
  }
  if (!bound.ok()) {
    return bound.status().with_position(position);
  }
  return NewInsert{.sink = std::move(sink),
                   .columns = std::move(columns),
                   .query = std::move(bound).value(),
                   .text = std::move(text),
                   .position = position};
}

Result<StatementResult> StatementExecutor::run(const sql::Insert& statement) {
  std::vector<NewInsert> inserts;
  inserts.push_back(TRY(new_insert(statement)));
  return start_inserts(std::move(inserts));
}

Result<StatementResult> StatementExecutor::run(const sql::StatementSet& statement) {
  if (statement.inserts.empty()) {
    return Status::invalid_argument("the statement set has no INSERT");
  }
  std::vector<NewInsert> inserts;
  for (const sql::Insert& insert : statement.inserts) {
    inserts.push_back(TRY(new_insert(insert)));
  }
  return start_inserts(std::move(inserts));
}

// Constants are written when all else has begun: what is wrong with the statement is found before
// anything of it can be seen.
Result<StatementResult> StatementExecutor::start_inserts(std::vector<NewInsert> inserts) {
  std::vector<NewInsert> of_job;
  std::vector<ConstantRows> constants;
  for (NewInsert& insert : inserts) {
    if (insert.query.objects.empty()) {
      constants.push_back(TRY(constant_rows(insert)));
    } else {
      of_job.push_back(std::move(insert));
    }
  }
  if (of_job.empty()) {
    size_t count = 0;
    for (const ConstantRows& each : constants) {
      count += each.rows.rows;
    }
    TRY(write_constants(std::move(constants)));
    return done(fmt::format("INSERT 0 {}", count));
  }
  ObjectRef job = TRY(start_job(std::move(of_job)));
  if (Status status = write_constants(std::move(constants)); !status.ok()) {
    TRY(end_job(job));
    return status;
  }
  return table("INSERT 0 1", Schema{{{"job id", Type::string()}}}, {{job->name.object}});
}

Result<StatementExecutor::ConstantRows> StatementExecutor::constant_rows(const NewInsert& insert) {
  for (const std::string& text : insert.query.notices) {
    notice(text);
  }
  StatementResult answer = TRY(read_once(insert.query));
  notices_ = std::move(answer.notices);
  return ConstantRows{.sink = insert.sink,
                      .rows = std::move(std::get<RowsResult>(answer.outcome).rows)};
}

Status StatementExecutor::write_constants(std::vector<ConstantRows> constants) {
  std::string id = new_job_id();
  for (size_t i = 0; i < constants.size(); ++i) {
    const CatalogObject& target = *constants[i].sink;
    std::unique_ptr<Sink> sink = TRY(open_sink(engine_, target, fmt::format("{}-{}", id, i)));
    TRY(write_rows(*sink, target.schema, std::move(constants[i].rows)));
  }
  return {};
}

Result<ObjectRef> StatementExecutor::start_job(std::vector<NewInsert> inserts) {
  if (parameters_ != nullptr && parameters_->size() != 0) {
    return Status::unsupported("a job cannot have parameters")
        .with_hint("write their values into the statement");
  }
  CatalogObject object;
  JobDefinition definition;
  std::vector<BoundQuery> queries;
  std::vector<ObjectRef> used;
  definition.title = session_.setting("pipeline.name");
  for (NewInsert& insert : inserts) {
    insert.query.objects.push_back(insert.sink);
    for (const ObjectRef& needed : insert.query.objects) {
      if (needed->temporary) {
        return Status::invalid_argument(fmt::format("a job cannot use the temporary {} {}",
                                                    needed->kind_text(), needed->name.object))
            .with_detail("it would not be there after a restart");
      }
      if (std::ranges::find(object.depends_on, needed->id) == object.depends_on.end()) {
        object.depends_on.push_back(needed->id);
        used.push_back(needed);
      }
    }
    for (std::string& text : insert.query.notices) {
      notice(std::move(text));
    }
    if (queries.empty()) {
      object.name = insert.sink->name;
    }
    if (session_.setting("pipeline.name").empty()) {
      definition.title += (queries.empty() ? "insert-into_" : ",") + insert.sink->name.object;
    }
    definition.inserts.push_back(
        {insert.sink->id, std::move(insert.text), std::move(insert.columns)});
    queries.push_back(std::move(insert.query));
  }
  TRY(check_unchanging(used));
  object.name.object = new_job_id();
  object.context_catalog = session_.catalog_;
  object.context_database = session_.database_;
  object.definition = std::move(definition);
  ObjectRef job = TRY(create_object(std::move(object), used));
  if (Status status = start_dataflows(*job, queries); !status.ok()) {
    TRY(forget_object(job));
    return status;
  }
  return job;
}

// All of them, or none.
Status StatementExecutor::start_dataflows(const CatalogObject& job,
                                          const std::vector<BoundQuery>& queries) {
  std::vector<PlannedDataflow> planned;
  for (size_t i = 0; i < queries.size(); ++i) {
    planned.push_back(
        TRY(plan_insert(engine_, queries[i], job, i, bind_context().zone, sharing())));
    TRY(planned.back().dataflow.sink->check());
  }
  StepLoop& loop = engine_.step_loop();
  Status status;
  loop.run([&] {
    std::vector<DataflowId> begun;
    for (PlannedDataflow& one : planned) {
      Result<DataflowId> id = loop.add_dataflow(std::move(one));
      if (!id.ok()) {
        status = id.status();
        break;
      }
      begun.push_back(*id);
    }
    if (!status.ok()) {
      std::ranges::for_each(begun, [&](DataflowId id) { loop.remove_dataflow(id); });
    }
  });
  return status;
}

Result<StatementResult> StatementExecutor::show_jobs() {
  std::vector<Job> jobs;
  std::vector<ObjectRef> defined = catalog_.jobs();
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    for (const auto& [id, dataflow] : loop.dataflows()) {
      if (dataflow->is_part()) {
        continue;
      }
      Job job = shown_job(*dataflow);
      auto owner = std::ranges::find(defined, dataflow->object, &CatalogObject::id);
      if (owner == defined.end()) {
        jobs.push_back(std::move(job));
        continue;
      }
      job.id = (*owner)->name.object;
      auto known = std::ranges::find(jobs, job.id, &Job::id);
      if (known == jobs.end()) {
        jobs.push_back(std::move(job));
      } else if (job.status != "RUNNING") {
        *known = std::move(job);
      }
    }
  });
  for (const ObjectRef& job : defined) {
    if (std::ranges::find(jobs, job->name.object, &Job::id) == jobs.end()) {
      std::string why;
      for (const std::string& text : engine_.start_notices()) {
        why = text.find(job->name.object) != std::string::npos ? text : why;
      }
      jobs.push_back({job->name.object, std::get<JobDefinition>(job->definition).title, "FAILED",
                      std::move(why)});
    }
  }
  std::vector<std::vector<std::string>> rows;
  for (Job& job : jobs) {
    std::string started;
    if (job.started_us != 0) {
      append_timestamp(job.started_us, started);
    }
    rows.push_back({std::move(job.id), std::move(job.name), std::move(job.status),
                    std::move(started), std::move(job.message)});
  }
  Schema schema;
  for (const char* name : {"job id", "job name", "status", "start time", "message"}) {
    schema.fields.push_back({name, Type::string()});
  }
  return table("SHOW", std::move(schema), std::move(rows));
}

Result<StatementResult> StatementExecutor::run(const sql::StopJob& statement) {
  if (ObjectRef job = catalog_.find_job(statement.id)) {
    if (statement.savepoint || statement.drain) {
      notice(
          "WITH SAVEPOINT and WITH DRAIN have no effect: a job's state goes with it, and what is "
          "committed stays");
    }
    TRY(end_job(job));
    return done("STOP JOB");
  }
  bool found = false;
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    for (auto& [id, dataflow] : loop.dataflows()) {
      const Placement* placement = loop.placement();
      bool is_placed = placement != nullptr && placement->new_version == id;
      bool is_whole = dataflow->is_view() || dataflow->sink != nullptr || dataflow->is_part();
      if (std::to_string(id) == statement.id && !is_whole && !is_placed) {
        found = true;
        loop.remove_dataflow(id);
        break;
      }
    }
  });
  if (!found) {
    return Status::not_found(fmt::format("no such job: {}", statement.id))
        .with_hint("SHOW JOBS lists them; a materialized view ends with DROP");
  }
  return done("STOP JOB");
}

// First the definition: a start that still found it without its state would write all again.
Status StatementExecutor::end_job(const ObjectRef& job) {
  TRY(forget_object(job));
  std::vector<std::unique_ptr<SinkFeed>> sinks;
  StepLoop& loop = engine_.step_loop();
  loop.run([&] {
    std::vector<DataflowId> ids;
    for (const auto& [id, dataflow] : loop.dataflows()) {
      if (dataflow->object == job->id) {
        ids.push_back(id);
      }
    }
    for (DataflowId id : ids) {
      sinks.push_back(std::move(loop.find_dataflow(id)->sink));
      loop.remove_dataflow(id);
    }
  });
  for (const std::unique_ptr<SinkFeed>& sink : sinks) {
    if (Status status = sink->finish(); !status.ok()) {
      notice(fmt::format("the job is stopped, and something of it is left: {}", status.message()));
    }
  }
  return {};
}

// Whether a job goes on with another definition of what it reads.
Status StatementExecutor::check_job(const CatalogObject& job, const CatalogObject& old,
                                    const ObjectRef& changed) {
  BindContext context = bind_context();
  context.instead = changed;
  StepLoop& loop = engine_.step_loop();
  size_t inserts = std::get<JobDefinition>(job.definition).inserts.size();
  for (size_t i = 0; i < inserts; ++i) {
    std::optional<std::string> running;
    loop.run([&] {
      for (const auto& [id, dataflow] : loop.dataflows()) {
        if (dataflow->object == job.id && dataflow->insert == i) {
          running = dataflow->plan;
          context.zone = dataflow->context.eval.zone;
        }
      }
    });
    BoundQuery bound = TRY(bind_insert(context, job, i));
    PlannedDataflow planned = TRY(plan_dataflow(bound, 0, "", context.zone, Sharing::kNone));
    if (!running || planned.dataflow.plan != *running) {
      return Status::invalid_argument(fmt::format(
          "it was begun with the old {}, and cannot go on with another plan", old.kind_text()));
    }
  }
  return {};
}

}  // namespace tidemark
