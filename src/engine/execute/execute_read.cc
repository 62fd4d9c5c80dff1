// SELECT as a question that is answered once: the contents of views (at one mark) and of system
// tables go through the query's graph in one step, on the thread that asked. A query that reads
// tables of a source is a dataflow like any other, ended by its first answer.

#include <chrono>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "engine/execute/executor.h"
#include "engine/execute/result_rows.h"
#include "engine/point_read.h"
#include "engine/step_loop.h"
#include "engine/system/snapshot.h"
#include "expr/eval.h"
#include "physical/planner.h"
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
  bool is_visible(int64_t oid) const override { return names_().is_visible(oid); }
  std::string current_schema() const override { return names_().current_schema(); }
  std::string current_user() const override { return names_().current_user(); }
  std::string setting(std::string_view name) const override { return names_().setting(name); }

 private:
  std::function<const SystemNames&()> names_;
};

// Whether every row of the result comes from one row of the input, so that no operator is needed.
bool is_row_wise(const LogicalPlan& plan) {
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    return is_row_wise(*filter->input);
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    return is_row_wise(*project->input);
  }
  return std::holds_alternative<ScanNode>(plan.node);
}

ZBatch select_rows(const ZBatch& batch, std::span<const uint32_t> chosen) {
  ZBatch result{batch.rows.select(chosen), {}};
  if (!batch.weights.empty()) {
    for (uint32_t row : chosen) {
      result.weights.push_back(batch.weights[row]);
    }
  }
  return result;
}

// `content`: of the one object that the plan scans, all its columns.
ZBatch evaluate_rows(const LogicalPlan& plan, const ZBatch& content, EvalContext& context) {
  if (const auto* scan = std::get_if<ScanNode>(&plan.node)) {
    ZBatch result{{{}, content.rows.rows}, content.weights};
    for (size_t column : scan->columns) {
      result.rows.columns.push_back(content.rows.columns[column]);
    }
    return result;
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    ZBatch input = evaluate_rows(*filter->input, content, context);
    std::vector<uint32_t> chosen;
    evaluate_filter(*filter->predicate, input.rows, context, chosen);
    return chosen.size() == input.rows.rows ? input : select_rows(input, chosen);
  }
  const auto& project = std::get<ProjectNode>(plan.node);
  ZBatch input = evaluate_rows(*project.input, content, context);
  ZBatch result{{{}, input.rows.rows}, std::move(input.weights)};
  for (const ExprRef& expression : project.expressions) {
    result.rows.columns.push_back(evaluate_column(*expression, input.rows, context));
  }
  return result;
}

// Each row as often as its weight says.
RowBatch repeated(const ZBatch& batch) {
  bool all_once = std::ranges::all_of(batch.weights, [](int64_t weight) { return weight == 1; });
  if (all_once) {
    return batch.rows;
  }
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < batch.rows.rows; ++row) {
    rows.insert(rows.end(), static_cast<size_t>(std::max<int64_t>(batch.weight(row), 0)), row);
  }
  return batch.rows.select(rows);
}

}  // namespace

// The contents of the views that the plan reads, at one mark.
Result<std::optional<std::vector<ViewRead>>> StatementExecutor::read_views(
    const std::vector<const GraphInput*>& views) {
  std::vector<ViewRead> reads;
  Status failed;
  bool is_there = true;
  StepLoop& loop = engine_.step_loop();
  bool in_block = session_.transaction_ == TransactionState::kBlock;
  loop.run([&] {
    for (const GraphInput* view : views) {
      Result<std::optional<ViewRead>> read = loop.read_view(view->object->id, session_.pin_.get());
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
  return std::optional(std::move(reads));
}

ZBatch StatementExecutor::add_up(ObjectId view, const ViewRead& read) {
  if (read.changes.empty()) {
    return read.base->rows();
  }
  std::vector<ZBatch> batches{read.base->rows()};
  for (const std::shared_ptr<const ZBatch>& changes : read.changes) {
    batches.push_back(*changes);
  }
  auto sum = std::make_shared<ViewContent>(consolidate(batches));
  sum->want_as(*read.base);
  // The next reader need not add them up again.
  StepLoop& loop = engine_.step_loop();
  loop.post([&loop, view, turn = read.turn, sum] { loop.rebase_view(view, turn, sum); });
  return sum->rows();
}

Result<StatementResult> StatementExecutor::read_tables(const BoundQuery& bound) {
  if (session_.pin_ != nullptr || session_.has_read_tables_) {
    return Status::unsupported(
               "a table of a source can be read only once in a transaction block, and alone")
        .with_detail("of a table only its newest state is there, not that at the block's mark")
        .with_hint("read it through a materialized view");
  }
  session_.has_read_tables_ = session_.transaction_ == TransactionState::kBlock;
  uint64_t id = 0;
  return first_answer(TRY(start_stream(bound, false, id)));
}

Result<StatementResult> StatementExecutor::read_once(const BoundQuery& bound) {
  PhysicalPlan plan = build_graph(bound.plan);
  std::vector<const GraphInput*> views;
  for (const GraphInput& input : plan.inputs) {
    if (input.object->is_materialized_view()) {
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
  if (!views.empty()) {
    if (session_.has_read_tables_) {
      return read_tables(bound);  // which says why not
    }
    std::optional<std::vector<ViewRead>> reads = TRY(read_views(views));
    for (size_t round = 0; !reads; ++round) {
      // A dataflow over the views answers when all of them show something.
      uint64_t id = 0;
      StatementResult first = TRY(first_answer(TRY(start_stream(bound, false, id))));
      if (session_.transaction_ != TransactionState::kBlock || round == kRoundsMax) {
        return first;
      }
      reads = TRY(read_views(views));
    }
    EvalContext eval;
    std::optional<PointRead> point =
        plan.inputs.size() == 1 ? as_point_read(*bound.plan, eval) : std::nullopt;
    for (size_t i = 0; i < views.size(); ++i) {
      const ViewRead& read = (*reads)[i];
      std::optional<ZBatch> found = point ? find_rows(read, *point) : std::nullopt;
      contents[views[i]->node] = found ? *std::move(found) : add_up(views[i]->object->id, read);
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

// `contents`: of each input of the graph, all columns of its object.
Result<RowBatch> StatementExecutor::evaluate_once(const BoundQuery& bound, PhysicalPlan& plan,
                                                  const std::map<NodeId, ZBatch>& contents) {
  StepContext context;
  context.eval.zone = bind_context().zone;
  context.eval.now_us = now_us();
  LazyNames names([this]() -> const SystemNames& { return system_snapshot(); });
  context.eval.names = &names;
  size_t visible = bound.plan->schema.size() - bound.hidden;
  if (plan.inputs.size() == 1 && plan.constants.empty() && is_row_wise(*bound.plan)) {
    ZBatch rows = evaluate_rows(*bound.plan, contents.at(plan.inputs[0].node), context.eval);
    if (!context.eval.errors.empty()) {
      return row_error(context.eval.errors[0].status.message());
    }
    return in_order(repeated(rows), bound.order, visible);
  }
  for (const GraphInput& input : plan.inputs) {
    plan.graph->push(input.node, pick(contents.at(input.node), input.columns));
  }
  for (auto& [node, rows] : plan.constants) {
    plan.graph->push(node, Delta{false, {ZBatch{std::move(rows), {}}}});
  }
  TRY(plan.graph->step(context));
  if (std::optional<std::string> error = plan.graph->error()) {
    return row_error(*error);
  }
  return in_order(repeated(plan.graph->output().publish()), bound.order, visible);
}

}  // namespace tidemark
