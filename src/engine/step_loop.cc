#include "engine/step_loop.h"

#include <algorithm>

#include <fmt/core.h>

#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/source_feed.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

constexpr size_t kPollBytesMax = 8 << 20;  // keeps a step under some tens of milliseconds

// A step may change several times as many bytes, which stay in memory until they are on disk.
size_t poll_bytes_max(uint64_t memory_limit) {
  // What a step makes of them takes up to thirty times as much for its time.
  constexpr uint64_t kPollBytesMin = 256 << 10;
  return memory_limit == 0 ? kPollBytesMax
                           : std::clamp<uint64_t>(memory_limit / 128, kPollBytesMin, kPollBytesMax);
}

std::string clock_text(int64_t us) {
  std::string text;
  append_timestamp(us, text);
  return text + " UTC";
}

}  // namespace

Delta pick(const ZBatch& rows, const std::vector<size_t>& columns) {
  ZBatch picked;
  picked.rows.rows = rows.rows.rows;
  picked.weights = rows.weights;
  for (size_t column : columns) {
    picked.rows.columns.push_back(rows.rows.columns[column]);
  }
  return Delta{false, {std::move(picked)}};
}

StepLoop::StepLoop(const EngineOptions& options, Durability* durability)
    : options_(options),
      clock_(options.simulation ? *options.simulation->clock : system_clock()),
      durability_(durability),
      workers_(options.workers) {
  if (durability_ != nullptr) {
    durability_->start(*this);
  }
  if (!options.simulation) {
    thread_ = std::thread([this] { loop(); });
  }
}

StepLoop::~StepLoop() {
  if (!thread_.joinable()) {
    return;
  }
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  thread_.join();
}

void StepLoop::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  ready_.notify_one();
}

void StepLoop::post(std::function<void()> command) {
  {
    std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  ready_.notify_one();
}

void StepLoop::run(std::function<void()> command) {
  if (!thread_.joinable() || std::this_thread::get_id() == thread_.get_id()) {
    command();
    return;
  }
  std::mutex done_mutex;
  std::condition_variable done_ready;
  bool done = false;
  post([&] {
    command();
    // Notified under the lock: the waiter's variables live until it has seen `done`.
    std::lock_guard lock(done_mutex);
    done = true;
    done_ready.notify_one();
  });
  std::unique_lock lock(done_mutex);
  done_ready.wait(lock, [&] { return done; });
}

void StepLoop::loop() {
  for (bool more = false; wait_for_work(more), run_commands();) {
    more = turn();
  }
  end();
}

// False: it was the last time.
bool StepLoop::run_commands() {
  std::deque<std::function<void()>> commands;
  bool stop = false;
  {
    std::lock_guard lock(mutex_);
    woken_ = false;
    stop = stopping_;
    commands.swap(commands_);
  }
  for (auto& command : commands) {
    command();
  }
  return !stop;
}

bool StepLoop::turn() {
  ++turn_;
  int64_t began_us = clock_.steady_us();
  fill_readers();
  // A new version that is on its way to the disk changes the view at the mark that it has now.
  bool is_held_back = durability_ != nullptr && (durability_->holds_back() || placement_);
  bool more = !is_held_back && poll_sources();
  note_backlog(more, began_us);
  is_publishing_ = true;
  step_closed();
  show_views();
  send_outbox();
  tell_waiters();
  more = step_open() || more || wants_fill_;
  note_backlog(false, began_us);
  if (durability_ != nullptr) {
    durability_->turn();
    // What an earlier process left comes to memory while there is nothing else to do.
    bool holds_back = durability_->holds_back() || (placement_ && !placement_->is_durable);
    more = more || (is_held_back && !holds_back) || durability_->warm();
  } else {
    for (auto& [key, feed] : sources_) {
      feed->acknowledge(feed->position());
    }
  }
  collect_garbage();
  trim_history();
  return more || index_loose();
}

// Rows that only came get their places while there is nothing else to do, a piece a turn: the first
// commit that takes one back would wait for all of them. True: there are more.
bool StepLoop::index_loose() {
  constexpr size_t kEntries = 8192;  // some 1 ms, which a commit may have to wait
  for (auto& [id, dataflow] : dataflows_) {
    bool is_built = dataflow->live || (dataflow->is_part() && dataflow->ready());
    if (!dataflow->has_loose || !is_built || dataflow->failed) {
      continue;
    }
    dataflow->has_loose = dataflow->graph->index_loose(kEntries);
    if (dataflow->has_loose) {
      return true;
    }
  }
  return false;
}

// More waits than one turn takes, sources are behind with their sending, or the turn is a long one.
void StepLoop::note_backlog(bool more, int64_t began_us) {
  constexpr int64_t kLongTurnUs = 10'000;
  int64_t now_us = clock_.steady_us();
  bool is_behind = more || now_us - began_us > kLongTurnUs;
  for (auto& [key, feed] : sources_) {
    is_behind = feed->take_late() || is_behind;
  }
  if (is_behind) {
    backlog_.note(now_us);
  }
}

void StepLoop::end() {
  if (durability_ != nullptr) {
    durability_->finish();
  }
  for (auto& [id, dataflow] : dataflows_) {
    fail(*dataflow, Status::cancelled("the engine is shutting down"));
  }
  sources_.clear();
  in_order_.clear();
  dataflows_.clear();
}

void StepLoop::wait_for_work(bool more) {
  if (more) {
    return;
  }
  std::unique_lock lock(mutex_);
  auto has_work = [&] { return woken_ || stopping_ || !commands_.empty(); };
  std::optional<int64_t> due_us;
  if (durability_ != nullptr) {
    due_us = durability_->due_us();
  }
  if (due_us) {
    ready_.wait_for(lock,
                    std::chrono::microseconds(std::max<int64_t>(*due_us - clock_.steady_us(), 0)),
                    has_work);
  } else {
    ready_.wait(lock, has_work);
  }
}

bool StepLoop::poll_sources() {
  // Under load a poll nearly always ends within a commit; a checkpoint that is due needs one that
  // does not.
  constexpr int kEventsMax = 4096;
  bool is_due = durability_ != nullptr && durability_->is_due();
  bool more = false;
  size_t bytes_max = poll_bytes_max(options_.memory_limit_bytes);
  for (auto& [key, feed] : sources_) {
    uint64_t commits_max = feed->is_replaying() ? 1 : options_.step_commits_max;
    if (commits_max == 0) {
      bool waiting = feed->source().poll(bytes_max, *feed);
      for (int i = 0; is_due && waiting && feed->mid_commit() && i < kEventsMax; ++i) {
        waiting = feed->source().poll(1, *feed);
      }
      more = more || waiting;
      continue;
    }
    uint64_t last = feed->commits() + commits_max;
    bool waiting = true;
    while (waiting && feed->commits() < last) {
      waiting = feed->source().poll(1, *feed);
    }
    more = more || waiting;
  }
  return more;
}

void StepLoop::run_graph(Dataflow& dataflow) {
  dataflow.has_loose = true;
  dataflow.context.step = ++step_;
  dataflow.context.limits.bytes_max = options_.step_bytes_max;
  dataflow.context.workers = &workers_;
  Status status = dataflow.is_part() ? dataflow.graph->run(dataflow.context)
                                     : dataflow.graph->step(dataflow.context);
  if (durability_ != nullptr && status.ok()) {
    durability_->note_change();
    if (durability_->store().is_damaged()) {
      status = damage();
    }
  }
  if (!status.ok()) {
    fail(dataflow, std::move(status));
  }
}

// Whole commits, then publication: a view's readers come after it.
void StepLoop::step_closed() {
  place_versions();
  std::map<std::string, bool> moved;
  for (auto& [key, feed] : sources_) {
    moved[key] = feed->take_moved();
    if (moved[key] && durability_ != nullptr) {
      durability_->note_change();
      if (!feed->is_replaying()) {
        durability_->published().note(key, feed->position());
      }
    }
    if (Lsn first = feed->take_first_commit(); first.valid()) {
      for (auto& [id, dataflow] : dataflows_) {
        if (dataflow->source_key == key && !dataflow->first_unshown.valid()) {
          dataflow->first_unshown = first;
        }
      }
    }
    if (feed->take_status_changed()) {
      SourceStatus status = feed->source().status();
      for (auto& [id, dataflow] : dataflows_) {
        bool reads = false;
        dataflow->for_each_table(
            [&](const TableFeed& table) { reads = reads || table.source_key == key; });
        if (!reads || dataflow->failed || status.state != SourceState::kStale) {
          continue;
        }
        ViewUpdate update;
        update.kind = ViewUpdate::Kind::kStale;
        update.mark = dataflow->mark;
        update.message =
            fmt::format("stale since {}: {}", clock_text(status.stale_since_us), status.message);
        for (Subscriber& subscriber : dataflow->subscribers) {
          send(subscriber, update);
        }
      }
    }
  }
  for (Dataflow* dataflow : in_order_) {
    if (dataflow->failed) {
      continue;
    }
    bool any_moved = false;
    for (const ViewFeed& view : dataflow->views) {
      const Dataflow* upstream = find_dataflow(view.upstream);
      any_moved = any_moved || (upstream != nullptr && upstream->mark > dataflow->mark);
    }
    for (TableFeed& table : dataflow->tables) {
      if (!table.closed.empty()) {
        dataflow->graph->push(table.node, std::move(table.closed));
        table.closed.clear();
        dataflow->dirty = true;
      }
    }
    dataflow->dirty = take_part_input(*dataflow) || dataflow->dirty;
    if (!dataflow->has_joined()) {
      continue;  // its first step has what its parts hold: step_open()
    }
    if (dataflow->is_part()) {
      if (std::exchange(dataflow->dirty, false)) {
        dataflow->has_open = dataflow->reads_open();
        step_part(*dataflow);
      }
      continue;
    }
    dataflow->for_each_table(
        [&](const TableFeed& table) { any_moved = any_moved || moved[table.source_key]; });
    // What came of a commit that has not ended may be at the output: it waits for the end.
    bool has_room_again =
        dataflow->waits_for_sink && !dataflow->has_open && dataflow->sink->has_room();
    if (dataflow->dirty || dataflow->waits_for_views || has_room_again) {
      if (std::exchange(dataflow->dirty, false)) {
        dataflow->has_open = dataflow->reads_open();
        run_graph(*dataflow);
      }
      if (dataflow->failed || dataflow->reads_open()) {
        continue;  // the end of the commit will come by the part
      }
      if (!dataflow->ready()) {
        tell_snapshot(*dataflow);
        continue;
      }
      dataflow->waits_for_views = !is_current(*dataflow);
      if (dataflow->waits_for_views) {
        continue;
      }
      publish(*dataflow);
      if (dataflow->live && !dataflow->in_error && !dataflow->failed && !dataflow->waits_for_sink &&
          is_behind_position(*dataflow)) {
        publish_progress(*dataflow);
      }
    } else if (any_moved && dataflow->live && is_current(*dataflow) && !dataflow->in_error &&
               !dataflow->waits_for_sink) {
      publish_progress(*dataflow);
    }
  }
  commit_parts();
}

bool StepLoop::is_current(const Dataflow& dataflow) const {
  return dataflow.ready() && std::ranges::all_of(dataflow.views, [&](const ViewFeed& view) {
           auto upstream = dataflows_.find(view.upstream);
           return upstream != dataflows_.end() && upstream->second->live &&
                  !upstream->second->in_error && is_current(*upstream->second);
         });
}

// The part of a large commit that has arrived goes through the graphs now, and stays unpublished
// until the commit's end: what is gathered at the output waits there.
//
// It is here that those who have begun to read a part get what it holds: that is what has gone
// through the graphs, with the part of a commit that has arrived. True: somebody has, and can be
// published in the next turn.
bool StepLoop::step_open() {
  bool has_joined = false;
  for (Dataflow* dataflow : in_order_) {
    if (dataflow->failed) {
      continue;
    }
    bool any = false;
    for (TableFeed& table : dataflow->tables) {
      if (!table.open.empty()) {
        dataflow->graph->push(table.node, std::move(table.open));
        table.open.clear();
        any = true;
      }
    }
    any = take_part_input(*dataflow) || any;
    dataflow->has_open = dataflow->has_open || any;
    if (join_parts(*dataflow)) {
      has_joined = any = true;
    }
    if (any && dataflow->is_part()) {
      step_part(*dataflow);
    } else if (any) {
      run_graph(*dataflow);
    }
  }
  commit_parts();
  return has_joined;
}

void StepLoop::add_waiter(std::shared_ptr<MarkWaiter> waiter) {
  waiters_.push_back(std::move(waiter));
}

// A view that shows nothing now, because it is in error or not complete yet, is not waited for: its
// readers learn that when they read. One that is being read anew is: it still shows what it had.
void StepLoop::tell_waiters() {
  for (auto& [id, dataflow] : dataflows_) {
    if (dataflow->live && dataflow->when_live) {
      std::exchange(dataflow->when_live, nullptr)(*dataflow);
    }
  }
  std::erase_if(waiters_, [&](const std::shared_ptr<MarkWaiter>& waiter) {
    bool is_reached = std::ranges::all_of(sources_, [&](const auto& entry) {
      return entry.second->readers.empty() || entry.second->position() >= waiter->mark;
    });
    for (const auto& [id, dataflow] : dataflows_) {
      bool counts = dataflow->is_view() && dataflow->live && !dataflow->source_key.empty() &&
                    !obstacle(*dataflow);
      is_reached = is_reached && (!counts || dataflow->mark >= waiter->mark);
    }
    if (is_reached) {
      std::lock_guard lock(waiter->mutex);
      waiter->is_reached = true;
      waiter->ready.notify_all();
    }
    return is_reached || waiter.use_count() == 1;
  });
}

// What is computed from the store is not to be shown any more.
Status StepLoop::damage() const {
  return durability_->store().damage().with_hint(
      "stop, and start with another data directory: the sources are read again");
}

std::optional<Status> StepLoop::obstacle(const Dataflow& dataflow) {
  if (dataflow.failed) {
    return dataflow.failed;
  }
  if (dataflow.is_durable && durability_->store().is_damaged()) {
    return damage();
  }
  if (std::optional<Status> stopped = dataflow.stopped()) {
    return stopped;
  }
  if (dataflow.in_error) {
    // It may be gone already in what is not published yet.
    return Status::data_error(dataflow.row_error().value_or("a row of it was in error"));
  }
  for (const ViewFeed& view : dataflow.views) {
    if (const Dataflow* upstream = find_dataflow(view.upstream)) {
      if (std::optional<Status> found = obstacle(*upstream)) {
        return found;
      }
    }
  }
  return std::nullopt;
}

void StepLoop::fail(Dataflow& dataflow, Status status) {
  if (dataflow.failed) {
    return;
  }
  dataflow.failed = status;
  hide(dataflow);
  for (Subscriber& subscriber : dataflow.subscribers) {
    send(subscriber, end_with(dataflow.mark, status));
  }
  for (DataflowId id : dataflow.downstream) {
    if (Dataflow* reader = find_dataflow(id)) {
      if (dataflow.is_part()) {
        fail(*reader, status);
        continue;
      }
      fail(*reader, Status(status.code(),
                           fmt::format("view {} stopped: {}", dataflow.name, status.message()))
                        .with_hint(status.hint()));
    }
  }
}

void StepLoop::collect_garbage() {
  std::vector<DataflowId> gone;
  do {  // a part goes with its last reader
    gone.clear();
    for (auto& [id, dataflow] : dataflows_) {
      std::erase_if(dataflow->subscribers, [](const Subscriber& subscriber) {
        return subscriber.subscription->cancelled();
      });
      if (dataflow->object == 0 && dataflow->subscribers.empty() && dataflow->downstream.empty()) {
        gone.push_back(id);
      }
    }
    for (DataflowId id : gone) {
      remove_dataflow(id);
    }
  } while (!gone.empty());
  if (durability_ != nullptr) {
    abandon_unread_sources();
  }
}

Source* StepLoop::find_source(const std::string& key) {
  auto found = sources_.find(key);
  return found == sources_.end() ? nullptr : &found->second->source();
}

void StepLoop::drop_feeds(Dataflow& dataflow) {
  for (TableFeed& table : dataflow.tables) {
    SourceFeed& feed = *sources_[table.source_key];
    feed.readers.erase(table.reader);
    feed.source().remove_reader(table.reader);
  }
  leave_parts(dataflow);
}

void StepLoop::remove_dataflow(DataflowId id) {
  Dataflow* dataflow = find_dataflow(id);
  if (dataflow == nullptr) {
    return;
  }
  fail(*dataflow, Status::cancelled("the view was dropped"));
  drop_feeds(*dataflow);
  if (dataflow->is_durable) {
    // Not to be known any more is wanted, not needed: a state without a record is taken away at the
    // next start.
    static_cast<void>(durability_->detach(id).ok());
  }
  for (ViewFeed& view : dataflow->views) {
    if (Dataflow* upstream = find_dataflow(view.upstream)) {
      std::erase(upstream->downstream, id);
    }
  }
  std::erase(in_order_, dataflow);
  dataflows_.erase(id);
}

Dataflow* StepLoop::find_dataflow(DataflowId id) {
  auto found = dataflows_.find(id);
  return found == dataflows_.end() ? nullptr : found->second.get();
}

Dataflow* StepLoop::find_view(ObjectId object) {
  for (auto& [id, dataflow] : dataflows_) {
    if (dataflow->object == object && dataflow->is_view()) {
      return dataflow.get();
    }
  }
  return nullptr;
}

Dataflow* StepLoop::find_build(ObjectId object) {
  for (auto& [id, dataflow] : dataflows_) {
    if (dataflow->object == object && dataflow->is_build) {
      return dataflow.get();
    }
  }
  return nullptr;
}

}  // namespace tidemark
