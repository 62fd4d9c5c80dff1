// The part of the step loop for those who go on from a mark: what views have published is kept, and
// handed to a reader who comes back.

#include <algorithm>

#include <fmt/core.h>

#include "engine/source_feed.h"
#include "engine/step_loop.h"

namespace tidemark {

// After the mark has moved on from `before`.
void StepLoop::log_changes(Dataflow& dataflow, Lsn before, bool is_reread, const ZBatch& changes) {
  Lsn first = std::exchange(dataflow.first_unshown, Lsn{});
  if (!dataflow.is_view()) {
    return;
  }
  if (!dataflow.live || dataflow.mark < before) {
    dataflow.log.begin(dataflow.mark);
    return;
  }
  if (changes.rows.rows == 0 && !is_reread) {
    return;
  }
  // Of what was read anew nobody knows when it came to be, and what it was in between.
  Lsn next{before.value + 1};
  first = is_reread || !first.valid() ? next : std::max(first, next);
  dataflow.log.add(first, dataflow.mark, dataflow.commit_time_us, dataflow.published_us, changes);
}

// A reader whose mark the view had not reached yet.
void StepLoop::go_on_with(Dataflow& dataflow, Subscriber& subscriber, const ViewUpdate& update) {
  if (dataflow.mark < *subscriber.as_of) {
    return;
  }
  subscriber.started = true;
  // Also of what has not changed: a view that was read anew may have become empty meanwhile.
  if (!dataflow.log.after(*subscriber.as_of, dataflow.mark).ok()) {
    Status why = Status::unavailable(fmt::format("the view was not shown at mark {} again",
                                                 subscriber.as_of->to_string()))
                     .with_sqlstate("72000")
                     .with_hint("SUBSCRIBE without AS OF MARK gives the whole content first");
    send(subscriber, end_with(dataflow.mark, why));
    return;
  }
  bool has_these = dataflow.mark == *subscriber.as_of;
  if (update.kind != ViewUpdate::Kind::kChanges || !has_these) {
    send(subscriber, update);
  }
}

Result<ChangeLogRead> StepLoop::resubscribe(Dataflow& view, Subscriber subscriber) {
  if (std::optional<Status> why = obstacle(view)) {
    return *why;
  }
  auto source = sources_.find(view.source_key);
  bool comes_again =
      source != sources_.end() && *subscriber.as_of <= source->second->shown_before();
  ChangeLogRead read;
  if (!(comes_again && *subscriber.as_of > view.mark)) {
    read = TRY(view.log.after(*subscriber.as_of, view.mark));
    subscriber.started = true;
    ViewUpdate shown;  // which may be later than the last change
    shown.mark = view.mark;
    shown.commit_time_us = view.commit_time_us;
    shown.published_us = view.published_us;
    send(subscriber, std::move(shown));
  }
  view.subscribers.push_back(std::move(subscriber));
  return read;
}

}  // namespace tidemark
