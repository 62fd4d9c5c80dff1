#include "client/full_screen.h"

#include <deque>
#include <optional>

#include <signal.h>
#include <unistd.h>

#include "client/live_table.h"
#include "client/screen.h"
#include "client/table_view.h"

namespace tidemark {

namespace {

constexpr int64_t kFrame_us = 16'000;  // at most about 60 pictures a second
constexpr int64_t kFade_us = 100'000;  // while changes stand out, they are looked at again
constexpr int64_t kFadeEnd_us = 1'600'000;
constexpr size_t kLogMax = 1000;    // changes kept in changelog mode
constexpr int kEventsMax = 20'000;  // taken before keys and the screen have their turn

// What the answer has brought so far.
class Gathered {
 public:
  Gathered(FullScreen::Mode mode, size_t rows_max) : mode_(mode), rows_max_(rows_max) {}

  // True if there is something new to see.
  bool take(AnswerEvent event, const Answer& answer, int64_t now_us) {
    switch (event.kind) {
      case AnswerEvent::Kind::kHead:
        head_ = answer.head();
        if (mode_ == FullScreen::Mode::kTable) {
          table_.emplace(*head_, rows_max_);
        }
        return false;
      case AnswerEvent::Kind::kRow:
        add(std::move(event), now_us);
        in_update_ = true;
        return false;
      case AnswerEvent::Kind::kMark:
        if (table_) {
          table_->commit();
        }
        marked_ = true;
        in_update_ = false;
        return true;
      default:
        return true;
    }
  }

  Content content(const Answer& answer, int64_t now_us) {
    Content content{.head = head_ ? &*head_ : nullptr, .table = table_ ? &*table_ : nullptr};
    content.log = head_ && !table_ ? &log_ : nullptr;
    content.freshness = answer.freshness();
    content.is_reading = !marked_;
    content.now_us = now_us;
    if (reading_since_us_ == 0 && content.freshness.snapshot_rows > 0) {
      reading_since_us_ = now_us;
    }
    content.reading_since_us = reading_since_us_;
    return content;
  }

  bool in_update() const { return marked_ && in_update_; }
  int64_t last_change_us() const {
    return table_ ? table_->last_change_us() : log_.empty() ? 0 : log_.back().time_us;
  }

 private:
  void add(AnswerEvent event, int64_t now_us) {
    if (table_) {
      table_->apply(event.op, std::move(event.row), now_us);
      return;
    }
    log_.push_back({.op = event.op, .row = std::move(event.row), .time_us = marked_ ? now_us : 0});
    if (log_.size() > kLogMax) {
      log_.pop_front();
    }
  }

  FullScreen::Mode mode_;
  size_t rows_max_;
  std::optional<AnswerHead> head_;
  std::optional<LiveTable> table_;
  std::deque<LoggedChange> log_;
  bool marked_ = false;
  bool in_update_ = false;
  int64_t reading_since_us_ = 0;
};

}  // namespace

FullScreen::FullScreen(Mode mode, std::string query, size_t rows_max, size_t column_width_max)
    : mode_(mode),
      query_(std::move(query)),
      rows_max_(rows_max),
      column_width_max_(column_width_max) {}

RunEnd FullScreen::show(Answer& answer, AnswerEvent event, Signals& signals, int64_t deadline_us) {
  std::unique_ptr<Screen> screen = Screen::open();
  if (screen == nullptr) {
    return {
        .kind = RunEnd::Kind::kFailed,
        .status =
            Status::unsupported("this terminal cannot show a live table")
                .with_hint(
                    "SET 'sql-client.execution.result-mode' = 'tableau', or use --output tableau")};
  }
  Gathered gathered(mode_, rows_max_);
  TableView view(query_, column_width_max_, mode_ == Mode::kChangelog);
  bool dirty = true;
  bool ended = false;
  int64_t drawn_us = 0;
  while (true) {
    int64_t now = steady_us();
    bool more = !ended;  // whether the answer may have more to give at once
    for (int events = 0; more && events < kEventsMax; ++events) {
      if (event.kind == AnswerEvent::Kind::kNothing) {
        event = answer.poll();
      }
      if (event.kind == AnswerEvent::Kind::kFailed) {
        return {.kind = RunEnd::Kind::kFailed, .status = event.status};
      }
      ended = event.kind == AnswerEvent::Kind::kDone;
      more = !ended && event.kind != AnswerEvent::Kind::kNothing;
      dirty = gathered.take(std::move(event), answer, now) || dirty;
      event = {};
    }
    Content content = gathered.content(answer, now);
    content.has_ended = ended;
    for (KeyPress key = screen->next_key(); key.key != Key::kNone; key = screen->next_key()) {
      if (!view.press(key, content)) {
        return {.kind = ended ? RunEnd::Kind::kDone : RunEnd::Kind::kLeft};
      }
      if (key.key == Key::kRefresh) {
        screen->redraw();
      }
      dirty = true;
    }
    while (std::optional<int> signal = signals.take()) {
      if (*signal != SIGWINCH) {
        return {.kind = RunEnd::Kind::kInterrupted, .signal = *signal};
      }
      screen->resize();
      dirty = true;
    }
    if (deadline_us >= 0 && now >= deadline_us) {
      return {.kind = ended ? RunEnd::Kind::kDone : RunEnd::Kind::kTimeUp};
    }
    bool fades =
        gathered.last_change_us() != 0 && drawn_us - gathered.last_change_us() < kFadeEnd_us;
    dirty = dirty || (fades && now - drawn_us >= kFade_us);
    // Half an update is never shown.
    if (dirty && !gathered.in_update() && now - drawn_us >= kFrame_us) {
      screen->draw(view.render(content, screen->width(), screen->height()));
      drawn_us = now;
      dirty = false;
    }
    if (!more) {
      int64_t wait = dirty && !gathered.in_update() ? kFrame_us : fades ? kFade_us : -1;
      int64_t left = deadline_us < 0 ? -1 : std::max<int64_t>(0, deadline_us - now);
      wait = wait < 0 || (left >= 0 && left < wait) ? left : wait;
      wait_for(
          {.socket = ended ? -1 : answer.socket(), .signals = signals.fd(), .keys = STDIN_FILENO},
          wait);
    }
  }
}

}  // namespace tidemark
