// VERIFY VIEW and WAIT FOR LSN: what is shown, held against the source.

#include <algorithm>
#include <chrono>
#include <functional>

#include <fmt/core.h>

#include "base/ascii.h"
#include "engine/bind_view.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr size_t kDifferencesShown = 20;

struct Comparison {
  bool is_done = false;
  Lsn mark;
  size_t rows = 0;
  size_t differences = 0;
  std::string text;  // the first ones
  Status status;
};

std::string row_text(const std::vector<const Column*>& columns, size_t row) {
  std::string text;
  for (const Column* column : columns) {
    text += text.empty() ? "" : ", ";
    text += column->is_null(row) ? "NULL" : text_of(*column, row);
  }
  return text;
}

// By a sum over each one's rows, which is soon made. If they differ, the view's rows are taken from
// the fresh ones, piece by piece: what is left differs.
void compare(OutputOperator& view, OutputOperator& fresh, const std::function<void()>& make_room,
             Comparison& result) {
  Checksum of_view = view.checksum(make_room);
  result.rows = static_cast<size_t>(of_view.rows());
  if (of_view == fresh.checksum(make_room)) {
    return;
  }
  view.for_each_piece(OutputOperator::kPieceRows, [&](const ZBatch& piece) {
    fresh.subtract(piece);
    make_room();
    return true;
  });
  fresh.for_each_piece(OutputOperator::kPieceRows, [&](const ZBatch& left) {
    std::vector<const Column*> columns;
    for (const ColumnRef& column : left.rows.columns) {
      columns.push_back(column.get());
    }
    for (size_t row = 0; row < left.rows.rows; ++row) {
      if (++result.differences > kDifferencesShown) {
        continue;
      }
      int64_t weight = left.weight(row);
      result.text += fmt::format(
          "\n{} ({}){}",
          weight < 0 ? "only in the view:" : "missing in the view:", row_text(columns, row),
          weight == 1 || weight == -1 ? "" : fmt::format(" x {}", std::abs(weight)));
    }
    return true;
  });
}

}  // namespace

// The view's query is run anew over the base tables, from a snapshot of its own. In the step in
// which that answer is complete both stand at the same position of the source, and are compared.
Result<StatementResult> StatementExecutor::run(const sql::VerifyView& statement) {
  ObjectRef object = TRY(find(statement.name));
  if (!object->is_materialized_view()) {
    return Status::invalid_argument(fmt::format("VERIFY VIEW takes a materialized view: {} is a {}",
                                                object->name.object, object->kind_text()))
        .with_position(statement.name.position());
  }
  BindContext context{catalog_, {}, {}, bind_context().zone};
  context.expand_materialized_views = true;
  StepLoop& loop = engine_.step_loop();
  Status missing;
  int64_t now_us = 0;
  loop.run([&] {
    if (Dataflow* view = loop.find_view(object->id)) {
      context.zone = view->context.eval.zone;
      now_us = view->context.eval.now_us;
    } else {
      missing = Status::unavailable(fmt::format("view {} does not run", object->name.object));
    }
  });
  TRY(std::move(missing));
  BoundQuery bound = TRY(bind_materialized_view(context, *object));
  PlannedDataflow planned =
      TRY(plan_dataflow(bound, 0, "verify " + object->name.object, context.zone, Sharing::kNone));
  auto subscription = std::make_shared<Subscription>(engine_.options().subscription_bytes_max);
  auto result = std::make_shared<Comparison>();  // shared with the step thread
  Result<DataflowId> started = Status::cancelled("the engine is shutting down");
  loop.run([&] {
    started = loop.add_dataflow(std::move(planned));
    if (!started.ok()) {
      return;
    }
    Dataflow* fresh = loop.find_dataflow(*started);
    fresh->context.eval.now_us = now_us;
    fresh->when_live = [&loop, result, id = object->id](Dataflow& fresh) {
      Dataflow* view = loop.find_view(id);
      if (view == nullptr || !loop.is_current(*view) || view->in_error || !view->live) {
        result->status = Status::unavailable("the view is not at its source's position now");
        return;
      }
      result->is_done = true;
      result->mark = fresh.mark;
      compare(
          view->graph->output(), fresh.graph->output(),
          [&loop] {
            if (Durability* durability = loop.durability()) {
              durability->make_room();
            }
          },
          *result);
    };
    // It needs as much state as what the view is made of, which may not fit into memory either.
    if (loop.durability() != nullptr && !loop.durability()->has_room_for_all()) {
      loop.durability()->spill(*fresh);
    }
    // Nobody reads the content: only its end is waited for.
    loop.subscribe(*fresh,
                   Subscriber{.subscription = subscription, .started = true, .until_first = true});
  });
  TRY(started.status());
  TRY(wait_for_end(*subscription));
  loop.run([] {});  // the turn that told us the end has ended: the comparison with it
  TRY(std::move(result->status));
  if (!result->is_done) {
    return Status::unavailable("the view could not be compared: its source began anew");
  }
  if (result->differences != 0) {
    return Status::data_error(fmt::format("view {} differs from its source at {}: {} rows{}",
                                          object->name.object, result->mark.to_string(),
                                          result->differences, result->text));
  }
  return table("VERIFY", Schema{{{"result", Type::string()}}},
               {{fmt::format("equal at {}, {} rows", result->mark.to_string(), result->rows)}});
}

Status StatementExecutor::wait_for_end(Subscription& subscription) {
  constexpr int64_t kLookUs = 50'000;  // how soon a cancel is noticed
  while (true) {
    std::optional<ViewUpdate> update = subscription.next(kLookUs);
    if (session_.cancelled_) {
      subscription.cancel();
      return Status::cancelled("cancelled by the user");
    }
    if (update && update->kind == ViewUpdate::Kind::kEnd) {
      subscription.cancel();
      engine_.step_loop().wake();
      return update->status;
    }
  }
}

// Until every materialized view shows at least what was committed up to the LSN: a reader who took
// it from pg_current_wal_insert_lsn() after its own commit sees its own writes. The grammar is
// PostgreSQL 19's.
Result<StatementResult> StatementExecutor::run(const sql::WaitForLsn& statement) {
  std::optional<Lsn> lsn = Lsn::parse(statement.lsn);
  if (!lsn) {
    return Status::invalid_argument(fmt::format("not an LSN: '{}'", statement.lsn))
        .with_hint(
            "an LSN looks like '0/306EE20'; SELECT pg_current_wal_insert_lsn() at the source gives "
            "one");
  }
  int64_t timeout_us = -1;
  bool is_no_throw = false;
  for (const sql::Option& option : statement.options) {
    std::string key = ascii_upper(option.key);
    if (key == "TIMEOUT") {
      timeout_us = TRY(parse_duration_us(option.value));
    } else if (key == "NO_THROW") {
      is_no_throw = option.value.empty() || TRY(parse_bool(option.value));
    } else if (key != "MODE") {
      return Status::invalid_argument(fmt::format("unknown option of WAIT FOR LSN: {}", option.key))
          .with_hint("options are TIMEOUT and NO_THROW")
          .with_position(option.position);
    }
  }
  if (session_.pin_ != nullptr) {
    return Status::invalid_argument("WAIT FOR LSN comes too late in this transaction block")
        .with_sqlstate("25001")
        .with_detail("the block reads at the mark of its first read")
        .with_hint("wait before BEGIN, or before the first read");
  }
  Status reached = wait_for_mark(*lsn, timeout_us);
  if (!reached.ok() && !(is_no_throw && reached.code() == StatusCode::kUnavailable)) {
    return reached;
  }
  return table("WAIT", Schema{{{"status", Type::string()}}},
               {{reached.ok() ? "success" : "timeout"}});
}

Status StatementExecutor::wait_for_min_mark() {
  std::string text = session_.setting("tidemark.min_mark");
  if (text.empty()) {
    return {};
  }
  std::optional<Lsn> mark = Lsn::parse(text);  // checked by SET
  CHECK(mark.has_value());
  if (session_.pin_ != nullptr) {
    for (const auto& [view, pinned] : session_.pin_->marks) {
      if (pinned.mark < *mark) {
        return Status::invalid_argument(
                   fmt::format("this transaction block reads at {}, before tidemark.min_mark",
                               pinned.mark.to_string()))
            .with_sqlstate("55000")
            .with_hint("set it before the block's first read");
      }
    }
    return {};
  }
  return wait_for_mark(*mark, -1);
}

Status StatementExecutor::wait_for_mark(Lsn mark, int64_t timeout_us) {
  StepLoop& loop = engine_.step_loop();
  auto waiter = std::make_shared<MarkWaiter>();
  waiter->mark = mark;
  std::vector<Source*> sources;
  loop.run([&] {
    for (auto& [key, feed] : loop.sources()) {
      if (feed->position() < mark) {
        sources.push_back(&feed->source());
      }
    }
    if (loop.sources().size() <= 1) {
      loop.add_waiter(waiter);
    }
  });
  if (loop.sources().size() > 1) {
    return Status::unsupported("WAIT FOR LSN with several sources is not supported yet");
  }
  for (Source* source : sources) {
    TRY(source->current_position().status());  // so that the stream comes there without more writes
  }
  std::unique_lock lock(waiter->mutex);
  auto deadline = std::chrono::steady_clock::now() +
                  std::chrono::microseconds(std::max<int64_t>(timeout_us, 0));
  while (!waiter->is_reached) {
    auto look = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    waiter->ready.wait_until(lock, timeout_us >= 0 ? std::min(look, deadline) : look);
    if (session_.cancelled_) {
      return Status::cancelled("cancelled by the user");
    }
    if (!waiter->is_reached && timeout_us >= 0 && std::chrono::steady_clock::now() >= deadline) {
      return Status::unavailable(
          fmt::format("the views have not reached {} in time", mark.to_string()));
    }
  }
  return {};
}

}  // namespace tidemark
