// SELECT as a question that is answered once: the contents of views (at one mark) and of system
// tables go through the query's graph in one step, on the thread that asked. A query that reads
// tables of a source is a dataflow like any other, ended by its first answer.

#include <chrono>

#include <fmt/core.h>

#include "base/available_memory.h"
#include "base/overloaded.h"
#include "engine/execute/executor.h"
#include "engine/execute/result_rows.h"
#include "engine/point_read.h"
#include "engine/prepared_read.h"
#include "engine/row_wise.h"
#include "engine/step_loop.h"
#include "engine/system/snapshot.h"
#include "expr/eval.h"
#include "expr/row_error.h"
#include "physical/planner.h"
#include "plan/bind/parameters.h"
#include "types/datetime.h"
#include "zset/changelog.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

constexpr size_t kRoundsMax = 100;  // a view that stops being current between being so and the read

// Looks at the engine only if a function asks.
class LazyNames final : public SystemNames {
 public:
  explicit LazyNames(std::function<const SystemNames&()> names) : names_(std::move(names)) {}
  std::optional<int64_t> relation_oid(std::string_view name) const override {
    return names_().relation_oid(name);
  }
  std::optional<std::string> relation_name(int64_t oid) const override {
    return names_().relation_name(oid);
  }
  std::optional<std::string> definition(int64_t oid) const override {
    return names_().definition(oid);
  }
  std::optional<std::string> function_text(int64_t oid, FunctionText what) const override {
    return names_().function_text(oid, what);
  }
  std::optional<std::string> index_column(int64_t oid, int64_t n) const override {
    return names_().index_column(oid, n);
  }
  bool is_visible(int64_t oid) const override { return names_().is_visible(oid); }
  std::string current_schema() const override { return names_().current_schema(); }
  std::string current_user() const override { return names_().current_user(); }
  std::string setting(std::string_view name) const override { return names_().setting(name); }

 private:
  std::function<const SystemNames&()> names_;
};

}  // namespace

// A SELECT of single rows whose values are in its text: answered as a prepared one is, from what is
// there already. nullopt: it is none, or it has to be read. `version`: of the catalog that it was
// bound with.
std::optional<StatementResult> StatementExecutor::look_up(const BoundQuery& bound,
                                                          uint64_t version) {
  if (bound.objects.size() != 1 || !is_row_wise(*bound.plan)) {
    return std::nullopt;
  }
  std::shared_ptr<const PreparedRead> read = prepare_read(bound, bind_context(), version);
  std::optional<StatementResult> result =
      read == nullptr ? std::nullopt : session_.read_prepared(*read, Parameters());
  if (result) {
    result->notices = std::move(notices_);
  }
  return result;
}

// The contents of the views that the plan reads, at one mark.
Result<std::optional<std::vector<ViewRead>>> StatementExecutor::read_views(
    const std::vector<const GraphInput*>& views, const BoundPoint* point) {
  std::vector<ViewRead> reads;
  Status failed;
  bool is_there = true;
  StepLoop& loop = engine_.step_loop();
  bool in_block = session_.transaction_ == TransactionState::kBlock;
  loop.run([&] {
    for (const GraphInput* view : views) {
      Result<std::optional<ViewRead>> read =
          loop.read_view(*view->object, session_.pin_.get(), point);
      if (!read.ok()) {
        failed = read.status();
        return;
      }
      if (!*read) {
        is_there = false;
        return;
      }
      reads.push_back(std::move(**read));
    }
    if (in_block && session_.pin_ == nullptr) {
      session_.pin_ = loop.pin();
    }
  });
  TRY(std::move(failed));
  if (!is_there) {
    return std::optional<std::vector<ViewRead>>();
  }
  for (const ViewRead& read : reads) {
    if (in_block && !read.is_of_point) {
      session_.pinned_[read.object] = std::make_shared<const ViewRead>(read);
    }
  }
  return std::optional(std::move(reads));
}

ViewRead StatementExecutor::added_up(ObjectId view, ViewRead read) {
  if (read.changes.empty()) {
    return read;
  }
  std::vector<ZBatch> batches{read.base->rows()};
  for (const std::shared_ptr<const ViewContent>& changes : read.changes) {
    batches.push_back(changes->rows());
  }
  auto sum = std::make_shared<const ViewContent>(consolidate(batches));
  sum->make_indexes_of(*read.base);
  // The next reader need not add them up again.
  StepLoop& loop = engine_.step_loop();
  loop.post([&loop, view, turn = read.turn, sum] { loop.rebase_view(view, turn, sum); });
  read.base = std::move(sum);
  read.changes.clear();
  read.changed_rows = 0;
  return read;
}

// Of the point's rows if there is one; else, or if no index answers it yet, the whole.
ZBatch StatementExecutor::content_of(const ViewRead& read, const BoundPoint* point) {
  auto find = [&](const ViewRead& in) {
    return point != nullptr ? find_rows(in, point->read, point->values, IndexUse::kMayMake)
                            : std::nullopt;
  };
  if (!read.is_of_point && (read.wants_adding_up() || point == nullptr)) {
    ViewRead sum = added_up(read.object, read);
    std::optional<ZBatch> found = find(sum);
    return found ? *std::move(found) : sum.base->rows();
  }
  std::optional<ZBatch> found = find(read);
  return found ? *std::move(found) : added_up(read.object, read).base->rows();
}

// A view as it was at a mark: what it shows now, less what it has published since.
Result<ZBatch> StatementExecutor::content_as_of(const GraphInput& view) {
  StepLoop& loop = engine_.step_loop();
  Result<StepLoop::EarlierView> read = Status::cancelled("the engine is shutting down");
  loop.run([&] { read = loop.read_view_as_of(*view.object, *view.as_of); });
  TRY(read.status());
  std::vector<ZBatch> batches{read->now.base->rows()};
  for (const std::shared_ptr<const ViewContent>& changes : read->now.changes) {
    batches.push_back(changes->rows());
  }
  for (ZBatch& undone : TRY(read->since.undone())) {
    batches.push_back(std::move(undone));
  }
  return consolidate(batches);
}

Result<StatementResult> StatementExecutor::read_tables(const BoundQuery& bound) {
  if (session_.pin_ != nullptr || session_.has_read_tables_) {
    return Status::unsupported(
               "a table of a source can be read only once in a transaction block, and alone")
        .with_detail("of a table only its newest state is there, not that at the block's mark")
        .with_hint("read it through a materialized view");
  }
  session_.has_read_tables_ = session_.transaction_ == TransactionState::kBlock;
  // Not over shared state, which may be a moment behind: a snapshot of its own has all that was
  // committed before the statement.
  uint64_t id = 0;
  return first_answer(TRY(start_stream(bound, false, Sharing::kNone, id)));
}

Result<StatementResult> StatementExecutor::read_once(const BoundQuery& bound) {
  PhysicalPlan plan = build_graph(bound.plan, Sharing::kNone, {}, Reading::kOnce);
  std::vector<const GraphInput*> views;
  for (const GraphInput& input : plan.inputs) {
    if (input.object->is_materialized_view() && !input.as_of) {
      views.push_back(&input);
    } else if (input.object->is_table()) {
      return read_tables(bound);
    }
  }
  if (!views.empty()) {
    TRY(wait_for_min_mark());
  }
  std::map<NodeId, ZBatch> contents;
  for (const GraphInput& input : plan.inputs) {
    if (input.object->is_system_table()) {
      contents[input.node] = system_content(*input.object);
    }
  }
  RowsResult result;
  for (const GraphInput& input : plan.inputs) {
    if (input.as_of) {
      contents[input.node] = TRY(content_as_of(input));
      result.mark = std::max(result.mark, *input.as_of);
    }
  }
  if (!views.empty()) {
    if (session_.has_read_tables_) {
      return read_tables(bound);  // which says why not
    }
    std::optional<BoundPoint> point =
        plan.inputs.size() == 1 ? as_bound_point(bound.plan) : std::nullopt;
    const BoundPoint* only = point ? &*point : nullptr;
    if (plan.inputs.size() == 1 && only == nullptr &&
        session_.transaction_ != TransactionState::kBlock) {
      if (std::optional<RowsResult> rows = TRY(evaluate_in_pieces(bound, plan))) {
        return StatementResult{*std::move(rows), std::move(notices_)};
      }
    }
    std::optional<std::vector<ViewRead>> reads = TRY(read_views(views, only));
    for (size_t round = 0; !reads; ++round) {
      // A dataflow over the views answers when all of them show something.
      uint64_t id = 0;
      StatementResult first =
          TRY(first_answer(TRY(start_stream(bound, false, Sharing::kNone, id))));
      if (session_.transaction_ != TransactionState::kBlock || round == kRoundsMax) {
        return first;
      }
      reads = TRY(read_views(views, only));
    }
    for (size_t i = 0; i < views.size(); ++i) {
      const ViewRead& read = (*reads)[i];
      contents[views[i]->node] = content_of(read, only);
      result.mark = std::max(result.mark, read.mark);
      result.commit_time_us = std::max(result.commit_time_us, read.commit_time_us);
      result.published_us = std::max(result.published_us, read.published_us);
    }
  }
  result.schema = visible_schema(bound);
  result.rows = TRY(evaluate_once(bound, plan, contents));
  result.tag = fmt::format("SELECT {}", result.rows.rows);
  return StatementResult{std::move(result), std::move(notices_)};
}

StepContext StatementExecutor::once_context(const SystemNames& names) {
  StepContext context;
  context.eval.zone = bind_context().zone;
  context.eval.now_us = now_us();
  context.eval.names = &names;
  context.limits = {.cancelled = &session_.cancelled_,
                    .bytes_max = engine_.options().step_bytes_max};
  return context;
}

// `contents`: of each input of the graph, all columns of its object.
Result<RowBatch> StatementExecutor::evaluate_once(const BoundQuery& bound, PhysicalPlan& plan,
                                                  const std::map<NodeId, ZBatch>& contents) {
  LazyNames names([this]() -> const SystemNames& { return system_snapshot(); });
  StepContext context = once_context(names);
  size_t visible = bound.plan->schema.size() - bound.hidden;
  if (plan.inputs.size() == 1 && plan.constants.empty() && is_row_wise(*bound.plan)) {
    ZBatch rows = evaluate_rows(*bound.plan, contents.at(plan.inputs[0].node), context.eval);
    if (!context.eval.errors.empty()) {
      return row_error(context.eval.errors[0].status.message());
    }
    return in_order(repeated(rows), bound.order, visible);
  }
  for (const GraphInput& input : plan.inputs) {
    // Once: a row is not taken back then.
    const ZBatch& content = contents.at(input.node);
    bool is_sum = has_retractions(std::span(&content, 1));
    plan.graph->push(input.node,
                     pick(is_sum ? consolidate(std::span(&content, 1)) : content, input.columns));
  }
  return answer_of(bound, plan, context);
}

// The graph's, with the constants, to all that has been pushed.
Result<RowBatch> StatementExecutor::answer_of(const BoundQuery& bound, PhysicalPlan& plan,
                                              StepContext& context) {
  for (auto& [node, rows] : plan.constants) {
    plan.graph->push(node, Delta{false, {ZBatch{std::move(rows), {}}}});
  }
  TRY(plan.graph->step(context));
  if (std::optional<std::string> error = plan.graph->error()) {
    return row_error(*error);
  }
  size_t visible = bound.plan->schema.size() - bound.hidden;
  return in_order(repeated(plan.graph->output().publish()), bound.order, visible);
}

// The graph takes each piece, on the step thread, and keeps of it what it has to.
Result<std::optional<RowsResult>> StatementExecutor::evaluate_in_pieces(const BoundQuery& bound,
                                                                        PhysicalPlan& plan) {
  LazyNames names([this]() -> const SystemNames& { return system_snapshot(); });
  StepContext context = once_context(names);
  const GraphInput& input = plan.inputs[0];
  uint64_t available = available_memory();
  Status status;
  auto take = [&](const ZBatch& piece) {
    plan.graph->push(input.node, pick(piece, input.columns));
    status = plan.graph->step(context);
    if (status.ok() && own_memory() > available / 10 * 9) {
      status = Status::unavailable("the answer, or what it takes to find it, fills the memory")
                   .with_sqlstate("53200")
                   .with_hint("ask for less: with WHERE, or with LIMIT");
    }
    return status.ok();
  };
  Result<std::optional<ViewRead>> read = Status::cancelled("the engine is shutting down");
  StepLoop& loop = engine_.step_loop();
  loop.run([&] { read = loop.read_in_pieces(*input.object, take); });
  TRY(read.status());
  TRY(std::move(status));
  if (!*read) {
    return std::optional<RowsResult>();
  }
  RowsResult result;
  result.mark = (*read)->mark;
  result.commit_time_us = (*read)->commit_time_us;
  result.published_us = (*read)->published_us;
  result.schema = visible_schema(bound);
  result.rows = TRY(answer_of(bound, plan, context));
  result.tag = fmt::format("SELECT {}", result.rows.rows);
  return std::optional(std::move(result));
}

}  // namespace tidemark
