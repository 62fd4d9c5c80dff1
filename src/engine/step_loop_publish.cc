// The part of the step loop that shows what a turn has made: marks, and what subscribers are told.

#include <fmt/core.h>

#include "engine/durability.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"
#include "zset/changelog.h"

namespace tidemark {

namespace {

// Whether a mark is that of the same commit and a later version of a view: see
// step_loop_versions.cc. Positions of commits are further apart.
bool is_version_of(Lsn mark, Lsn commit) {
  constexpr uint64_t kVersionsMax = 8;
  return mark >= commit && mark.value - commit.value < kVersionsMax;
}

}  // namespace

void StepLoop::set_mark(Dataflow& dataflow, MarkKind kind) {
  Lsn mark;
  dataflow.for_each_table([&](const TableFeed& table) {
    SourceFeed& feed = *sources_[table.source_key];
    mark = std::max(mark, kind == MarkKind::kCommit ? feed.commit_position() : feed.position());
    dataflow.commit_time_us = feed.commit_time_us();
  });
  for (ViewFeed& view : dataflow.views) {
    if (Dataflow* upstream = find_dataflow(view.upstream)) {
      mark = std::max(mark, upstream->mark);
      dataflow.commit_time_us = upstream->commit_time_us;
    }
  }
  bool counts_on =
      dataflow.reads_tables() ? !dataflow.is_mark_anew : is_version_of(dataflow.mark, mark);
  dataflow.mark = counts_on ? std::max(dataflow.mark, mark) : mark;
  dataflow.is_mark_anew = false;
  dataflow.is_reread = false;
}

bool StepLoop::is_behind_position(const Dataflow& dataflow) {
  bool is_behind = false;
  dataflow.for_each_table([&](const TableFeed& table) {
    is_behind = is_behind || sources_[table.source_key]->position() > dataflow.mark;
  });
  return is_behind;
}

void StepLoop::publish(Dataflow& dataflow) {
  std::optional<std::string> error = dataflow.row_error();
  dataflow.in_error = error.has_value();
  if (error) {
    // Not failed for ever: the view comes back when the row that is at fault is changed or gone.
    // Its readers are told now; the changes wait at the output, and the mark stays where the
    // content is.
    end_readers(dataflow, Status::data_error(*error));
    return;
  }
  // A job's mark is that of what it has given to its sink.
  dataflow.waits_for_sink = dataflow.sink != nullptr && !dataflow.sink->has_room();
  if (dataflow.waits_for_sink) {
    return;
  }
  Lsn before = dataflow.mark;
  bool is_reread = dataflow.is_reread;
  set_mark(dataflow, dataflow.live && !dataflow.is_mark_anew && !dataflow.is_reread
                         ? MarkKind::kCommit
                         : MarkKind::kPosition);
  // Those who read a first content take it themselves: fill_readers(), send_content().
  bool first = !dataflow.live;
  OutputOperator& output = dataflow.graph->output();
  ZBatch delta;
  if (first && dataflow.sink == nullptr) {
    output.publish_first(&workers_);
  } else {
    delta = output.publish(&workers_);
  }
  if (output.has_negative_rows()) {
    fail(dataflow, Status::corruption("a row was taken back that was never there: the source's "
                                      "changes do not fit its snapshot"));
    return;
  }
  keep_history(dataflow, delta);
  dataflow.published_us = clock_.wall_us();
  log_changes(dataflow, before, is_reread, delta);
  dataflow.live = true;
  if (first && dataflow.is_durable) {
    durability_->hurry();  // from the next checkpoint on it need not be read again
  }
  if (dataflow.sink != nullptr) {
    dataflow.sink->add(dataflow.mark, dataflow.commit_time_us, delta);
  }
  feed_downstream(dataflow, delta, is_reread);
  tell_subscribers(dataflow, delta);
}

void StepLoop::feed_downstream(Dataflow& dataflow, const ZBatch& changes, bool is_reread) {
  for (DataflowId id : dataflow.downstream) {
    Dataflow* reader = find_dataflow(id);
    if (reader == nullptr || reader->failed) {
      continue;
    }
    for (ViewFeed& view : reader->views) {
      if (view.upstream == dataflow.id && !view.ready) {
        wants_fill_ = true;
      } else if (view.upstream == dataflow.id) {
        reader->is_reread = reader->is_reread || is_reread;
        reader->dirty = reader->dirty || is_reread || changes.rows.rows != 0;
        if (changes.rows.rows != 0) {
          reader->graph->push(view.node, pick(changes, view.columns));
        }
      }
    }
  }
}

// What the dataflow shows has changed, and stands at its mark.
void StepLoop::tell_subscribers(Dataflow& dataflow, const ZBatch& changes) {
  if (!dataflow.subscribers.empty()) {
    ViewUpdate update;
    update.kind = changes.rows.rows == 0 ? ViewUpdate::Kind::kProgress : ViewUpdate::Kind::kChanges;
    update.mark = dataflow.mark;
    update.commit_time_us = dataflow.commit_time_us;
    update.published_us = clock_.wall_us();
    if (changes.rows.rows != 0) {
      update.changes = to_changelog(changes, dataflow.key);
    }
    for (Subscriber& subscriber : dataflow.subscribers) {
      if (subscriber.started) {
        send(subscriber, update);
      } else if (subscriber.as_of) {
        go_on_with(dataflow, subscriber, update);
      } else {
        send_content(dataflow, subscriber);
      }
    }
  }
  end_subscribers_that_are_done(dataflow);
}

void StepLoop::publish_progress(Dataflow& dataflow) {
  set_mark(dataflow, MarkKind::kPosition);
  dataflow.published_us = clock_.wall_us();
  ViewUpdate update;
  update.mark = dataflow.mark;
  update.commit_time_us = dataflow.commit_time_us;
  update.published_us = clock_.wall_us();
  dataflow.first_unshown = Lsn{};
  for (Subscriber& subscriber : dataflow.subscribers) {
    if (subscriber.as_of && !subscriber.started) {
      go_on_with(dataflow, subscriber, update);
    } else {
      send(subscriber, update);
    }
  }
  end_subscribers_that_are_done(dataflow);
}

void StepLoop::send_content(Dataflow& dataflow, Subscriber& subscriber) {
  if (Status status = fits(dataflow); !status.ok()) {
    send(subscriber, end_with(dataflow.mark, status));
    return;
  }
  ViewUpdate update;
  update.kind = ViewUpdate::Kind::kChanges;
  update.mark = dataflow.mark;
  update.commit_time_us = dataflow.commit_time_us;
  update.published_us = clock_.wall_us();
  update.changes = to_changelog(whole_content(dataflow), std::nullopt);
  subscriber.started = true;
  send(subscriber, std::move(update));
}

void StepLoop::end_subscribers_that_are_done(Dataflow& dataflow) {
  for (Subscriber& subscriber : dataflow.subscribers) {
    bool reached = subscriber.until && dataflow.mark >= *subscriber.until;
    if (dataflow.live && subscriber.started && (reached || subscriber.until_first)) {
      ViewUpdate update;
      update.kind = ViewUpdate::Kind::kEnd;
      update.mark = dataflow.mark;
      update.commit_time_us = dataflow.commit_time_us;
      send(subscriber, std::move(update));
    }
  }
}

void StepLoop::tell_snapshot(Dataflow& dataflow) {
  constexpr int64_t kEveryUs = 50'000;  // telling costs more than a batch of rows
  int64_t now_us = clock_.steady_us();
  if (now_us - dataflow.snapshot_told_us < kEveryUs) {
    return;
  }
  dataflow.snapshot_told_us = now_us;
  ViewUpdate update;
  update.kind = ViewUpdate::Kind::kSnapshot;
  dataflow.for_each_table([&](const TableFeed& table) {
    update.rows_done += table.snapshot.rows_done;
    update.rows_total += table.snapshot.rows_total;
  });
  for (Subscriber& subscriber : dataflow.subscribers) {
    send(subscriber, update);
  }
}

ViewUpdate end_with(Lsn mark, const Status& status) {
  ViewUpdate update;
  update.kind = ViewUpdate::Kind::kEnd;
  update.mark = mark;
  update.status = status;
  return update;
}

// Its readers, direct and through views, learn why nothing newer comes. The views themselves go on
// when that is mended.
void StepLoop::end_readers(Dataflow& dataflow, const Status& status) {
  for (Subscriber& subscriber : dataflow.subscribers) {
    send(subscriber, end_with(dataflow.mark, status));
  }
  for (DataflowId id : dataflow.downstream) {
    if (Dataflow* reader = find_dataflow(id)) {
      end_readers(*reader, status);
    }
  }
}

void StepLoop::end_done(DataflowId id) {
  if (Dataflow* dataflow = find_dataflow(id)) {
    end_subscribers_that_are_done(*dataflow);
  }
}

void StepLoop::subscribe(Dataflow& dataflow, Subscriber subscriber) {
  if (std::optional<Status> why = obstacle(dataflow)) {
    send(subscriber, end_with(dataflow.mark, *why));
    return;
  }
  if (dataflow.live) {
    send_content(dataflow, subscriber);
  }
  dataflow.subscribers.push_back(std::move(subscriber));
  end_subscribers_that_are_done(dataflow);
}

void StepLoop::send(const Subscriber& subscriber, ViewUpdate update) {
  if (is_publishing_) {
    outbox_.emplace_back(subscriber.subscription, std::move(update));
  } else {
    subscriber.subscription->push(std::move(update));
  }
}

void StepLoop::send_outbox() {
  is_publishing_ = false;
  for (auto& [subscription, update] : outbox_) {
    subscription->push(std::move(update));
  }
  outbox_.clear();
}

}  // namespace tidemark
