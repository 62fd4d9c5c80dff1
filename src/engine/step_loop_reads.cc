// The part of the step loop for those who read views once: contents at the end of a turn, and pins
// that keep a turn readable.

#include <algorithm>

#include <fmt/core.h>

#include "base/available_memory.h"
#include "engine/durability.h"
#include "engine/point_read.h"
#include "engine/step_loop.h"

namespace tidemark {

namespace {

// Changes kept for pins, over all views; past it the oldest pin is given up.
constexpr size_t kPinnedRowsMax = 8'000'000;

}  // namespace

// The dataflow of a view as a statement has bound it.
Result<Dataflow*> StepLoop::readable_view(const CatalogObject& object) {
  Dataflow* view = find_view(object.id);
  if (view == nullptr) {
    return Status::not_found("the view has just been dropped").with_sqlstate("42P01");
  }
  if (view->revision != object.revision) {
    return view_was_changed(view->name);
  }
  if (std::optional<Status> why = obstacle(*view)) {
    return *why;
  }
  return view;
}

Result<std::optional<ViewRead>> StepLoop::read_view(const CatalogObject& object, const ReadPin* pin,
                                                    const BoundPoint* point) {
  Dataflow* view = TRY(readable_view(object));
  ViewRead read;
  read.object = object.id;
  read.revision = view->revision;
  read.turn = turn_;
  if (pin != nullptr) {
    auto mark = pin->marks.find(object.id);
    if (mark == pin->marks.end()) {
      return Status::unsupported(
                 fmt::format("view {} was not there yet when this transaction block began "
                             "to read",
                             view->name))
          .with_sqlstate("55000");
    }
    if (pin->turn < oldest_kept_turn_) {
      return Status::unavailable("too much has changed since this transaction block began to read")
          .with_sqlstate("72000")
          .with_hint("ROLLBACK and begin again; shorter blocks keep less");
    }
    if (pin->turn < view->shape_turn) {
      return Status::unsupported(
                 fmt::format("view {} has other columns since this transaction block began to read",
                             view->name))
          .with_sqlstate("55000")
          .with_hint("ROLLBACK and begin again");
    }
    read.turn = pin->turn;
    read.mark = mark->second.mark;
    read.commit_time_us = mark->second.commit_time_us;
    read.published_us = mark->second.published_us;
  } else {
    if (!view->live || !is_current(*view)) {
      return std::optional<ViewRead>();
    }
    read.mark = view->mark;
    read.commit_time_us = view->commit_time_us;
    read.published_us = view->published_us;
  }
  OutputOperator& output = view->graph->output();
  std::vector<const Column*> key;
  if (point != nullptr && !output.is_content_loaded() && view->history.needs_content(read.turn)) {
    key = values_for(*point, output.key());
  }
  if (!key.empty()) {
    read.is_of_point = true;
    read.base = std::make_shared<const ViewContent>(output.find(key));
    view->history.take_back_later(read);
  } else {
    TRY(fits(*view));
    view->history.read(read, turn_, [&] { return whole_content(*view); });
  }
  if (std::optional<Status> why = obstacle(*view)) {  // the store could not be read
    return *why;
  }
  return std::optional<ViewRead>(std::move(read));
}

Result<StepLoop::EarlierView> StepLoop::read_view_as_of(const CatalogObject& object, Lsn mark) {
  Dataflow* view = TRY(readable_view(object));
  if (!view->live || view->mark < mark) {
    std::string where = view->live ? "is at " + view->mark.to_string() : "shows nothing yet";
    return Status::unavailable(fmt::format("view {} {}, and has not reached mark {}", view->name,
                                           where, mark.to_string()))
        .with_sqlstate("55000")
        .with_hint(fmt::format("WAIT FOR LSN '{}' waits for it", mark.to_string()));
  }
  EarlierView read{.now = {}, .since = TRY(view->log.after(mark, view->mark))};
  read.now.object = object.id;
  read.now.turn = turn_;
  read.now.mark = view->mark;
  TRY(fits(*view));
  view->history.read(read.now, turn_, [&] { return whole_content(*view); });
  if (std::optional<Status> why = obstacle(*view)) {
    return *why;
  }
  return read;
}

// Where it is not all in memory: with what a reader gets it is there twice.
bool StepLoop::may_load(Dataflow& view) {
  OutputOperator& output = view.graph->output();
  return durability_ == nullptr || output.is_content_loaded() ||
         durability_->has_room(2 * output.unloaded_bytes());
}

ZBatch StepLoop::whole_content(Dataflow& view) {
  OutputOperator& output = view.graph->output();
  return may_load(view) ? output.content() : output.passing_content();
}

Status StepLoop::fits(Dataflow& view) {
  if (view.history.base() != nullptr || may_load(view)) {
    return {};
  }
  uint64_t wanted = view.graph->output().unloaded_bytes();
  uint64_t available = available_memory(), own = own_memory();
  if (own + wanted <= available) {
    return {};
  }
  return Status::unavailable(
             fmt::format("the content of view {} does not fit into memory: about {} MB, {} MB are "
                         "free",
                         view.name, wanted >> 20, (available - std::min(own, available)) >> 20))
      .with_sqlstate("53200")
      .with_hint("a query of this view alone, outside a transaction block, reads it in pieces");
}

Result<std::optional<ViewRead>> StepLoop::read_in_pieces(
    const CatalogObject& object, const std::function<bool(const ZBatch&)>& f) {
  Dataflow* view = TRY(readable_view(object));
  if (!view->live || !is_current(*view) || view->history.base() != nullptr || may_load(*view)) {
    return std::optional<ViewRead>();
  }
  give_back_free_memory();
  view->graph->output().for_each_piece(OutputOperator::kPieceRows, f);
  if (std::optional<Status> why = obstacle(*view)) {  // the store could not be read
    return *why;
  }
  ViewRead read;
  read.object = object.id;
  read.mark = view->mark;
  read.commit_time_us = view->commit_time_us;
  read.published_us = view->published_us;
  return std::optional(std::move(read));
}

void StepLoop::drop_large_bases(uint64_t bytes_min) {
  for (auto& [id, dataflow] : dataflows_) {
    const std::shared_ptr<const ViewContent>& base = dataflow->history.base();
    if (base != nullptr && held_bytes(base->rows()) >= bytes_min) {
      dataflow->history.drop_base(first_pinned());
      hide(*dataflow);
    }
  }
}

std::shared_ptr<ReadPin> StepLoop::pin() {
  auto pin = std::make_shared<ReadPin>();
  pin->turn = turn_;
  for (const auto& [id, dataflow] : dataflows_) {
    if (dataflow->is_view() && dataflow->live) {
      pin->marks[dataflow->object] = {dataflow->mark, dataflow->commit_time_us,
                                      dataflow->published_us};
    }
  }
  pins_.push_back(pin);
  return pin;
}

uint64_t StepLoop::first_pinned() const {
  uint64_t first = UINT64_MAX;
  for (const std::weak_ptr<ReadPin>& weak : pins_) {
    if (std::shared_ptr<ReadPin> pin = weak.lock()) {
      first = std::min(first, pin->turn);
    }
  }
  return first;
}

void StepLoop::rebase_view(ObjectId object, uint64_t turn,
                           std::shared_ptr<const ViewContent> content) {
  if (Dataflow* view = find_view(object)) {
    view->history.rebase(turn, std::move(content), first_pinned());
  }
}

// At the end of a turn: what can be read is shown, all at once.
void StepLoop::show_views() {
  std::vector<std::pair<ObjectId, PublishedViews::Shown>> changed;
  for (const auto& [id, dataflow] : dataflows_) {
    const auto& base = dataflow->history.base();
    bool is_wanted = dataflow->is_view() && base != nullptr && dataflow->live &&
                     is_current(*dataflow) && !obstacle(*dataflow);
    std::shared_ptr<const ViewRead>& shown = dataflow->shown;
    if (!is_wanted) {
      if (std::exchange(shown, nullptr) != nullptr) {
        changed.emplace_back(dataflow->object, nullptr);
      }
      continue;
    }
    if (shown != nullptr && shown->base == base && shown->revision == dataflow->revision &&
        shown->mark == dataflow->mark && shown->published_us == dataflow->published_us &&
        shown->changed_rows == dataflow->history.changed_rows()) {
      continue;
    }
    auto read = std::make_shared<ViewRead>();
    read->object = dataflow->object;
    read->revision = dataflow->revision;
    read->is_of_only_source = sources_.size() <= 1;
    read->turn = turn_;
    read->mark = dataflow->mark;
    read->commit_time_us = dataflow->commit_time_us;
    read->published_us = dataflow->published_us;
    dataflow->history.read(*read, turn_, [] { return ZBatch(); });  // has a base
    shown = std::move(read);
    changed.emplace_back(dataflow->object, shown);
  }
  if (!changed.empty()) {
    published_.replace(changed);
  }
}

// Failed, or dropped.
void StepLoop::hide(Dataflow& dataflow) {
  if (std::exchange(dataflow.shown, nullptr) != nullptr) {
    published_.remove(dataflow.object);
  }
}

void StepLoop::keep_history(Dataflow& dataflow, const ZBatch& changes) {
  if (dataflow.is_view()) {
    dataflow.history.add(turn_, changes, first_pinned());
  }
}

void StepLoop::trim_history() {
  if (pins_.empty()) {
    return;
  }
  size_t held = 0;
  for (const auto& [id, dataflow] : dataflows_) {
    held += dataflow->history.held_rows();
  }
  size_t before = pins_.size();
  std::erase_if(pins_, [](const std::weak_ptr<ReadPin>& pin) { return pin.expired(); });
  if (held > kPinnedRowsMax && !pins_.empty()) {
    oldest_kept_turn_ = turn_ + 1;  // all that are pinned now
    pins_.clear();
  }
  if (pins_.size() != before) {
    for (const auto& [id, dataflow] : dataflows_) {
      dataflow->history.trim(first_pinned());
    }
  }
}

}  // namespace tidemark
