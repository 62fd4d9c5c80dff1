// The part of the step loop by which a new version of a materialized view takes the place of the
// one that is shown.
//
//   build: hydrates, runs ──► complete ──► placement begins ──► is on disk ──► in its place
//          beside the old                  nothing new is        the next       readers see the
//          version                         shown from here on    start finds it difference, at once
//
// Both versions are exact at the source's position, so the change of the definition is a change of
// content like any other: the rows of the new version less those of the old, at one mark. Readers,
// the change log and transaction blocks need to know no more than that. No commit has the mark:
// positions of the log are multiples of eight, and it is the one behind the last that was shown.
//
// Without a data directory the placement is durable when it begins.

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "engine/durability.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

bool is_same_shape(const Dataflow& a, const Dataflow& b) {
  const Schema& x = a.graph->output().schema();
  const Schema& y = b.graph->output().schema();
  return a.source_key == b.source_key &&
         std::ranges::equal(x.fields, y.fields, [](const Field& left, const Field& right) {
           return left.name == right.name && left.type.same_as(right.type);
         });
}

// Columns of one schema in another, by name; nullopt: some are not there, or of another type.
std::optional<std::vector<size_t>> places_in(const Schema& to, const Schema& from,
                                             const std::vector<size_t>& columns) {
  std::vector<size_t> places;
  for (size_t column : columns) {
    std::optional<size_t> place = to.find(from[column].name);
    if (!place || !to[*place].type.same_as(from[column].type)) {
      return std::nullopt;
    }
    places.push_back(*place);
  }
  return places;
}

// NOT IN over a column that cannot be NULL runs without looking for NULLs: the one thing that a
// running query takes from a column's nullability.
bool relies_on_values(const Dataflow& reader, const Schema& before, const Schema& after,
                      const std::vector<size_t>& columns) {
  return reader.plan.find(join_type_text(JoinType::kAnti)) != std::string::npos &&
         std::ranges::any_of(columns, [&](size_t column) {
           return after[column].type.nullable && !before[column].type.nullable;
         });
}

Status other_columns(const std::string& view) {
  return Status::unavailable(fmt::format("view {} was changed, and has other columns now", view))
      .with_sqlstate("55000")
      .with_hint("run the query again: it begins with the new content");
}

}  // namespace

// A build that is complete; null: there is none.
Dataflow* StepLoop::complete_build() const {
  for (const auto& [id, dataflow] : dataflows_) {
    bool is_kept = !dataflow->is_durable || durability_->has_all_of(id);
    if (dataflow->is_build && dataflow->live && !dataflow->in_error && !dataflow->failed &&
        is_kept && is_current(*dataflow)) {
      // Marks that an earlier process has shown are shown again by the version that it had.
      auto source = sources_.find(dataflow->source_key);
      if (source == sources_.end() || !source->second->is_replaying()) {
        return dataflow.get();
      }
    }
  }
  return nullptr;
}

bool StepLoop::may_place() const {
  return !placement_ && complete_build() != nullptr;
}

void StepLoop::begin_placement() {
  Dataflow* complete = placement_ ? nullptr : complete_build();
  if (complete == nullptr) {
    return;
  }
  Dataflow& fresh = *complete;
  Dataflow* old = find_view(fresh.object);
  Placement placement{.new_version = fresh.id, .mark = fresh.mark};
  if (old != nullptr) {
    placement.old_version = old->id;
    placement.is_same_shape = !old->failed && is_same_shape(*old, fresh);
    if (old->live && old->source_key == fresh.source_key) {
      placement.mark = std::max(fresh.mark, Lsn{old->mark.value + 1});
    }
  }
  if (placement.is_same_shape) {
    ZBatch both[] = {negated(old->graph->output().content()), fresh.graph->output().content()};
    placement.difference = consolidate(both);
    if (old->live) {
      old->log.add(Lsn{old->mark.value + 1}, placement.mark, fresh.commit_time_us, clock_.wall_us(),
                   placement.difference);
    } else {
      old->log.begin(placement.mark);
    }
  } else {
    fresh.log.begin(placement.mark);
  }
  placement_ = std::move(placement);
}

void StepLoop::placement_is_durable() {
  if (placement_) {
    placement_->is_durable = true;
    wake();
  }
}

// At the beginning of a turn, when all views stand where the last one has left them.
void StepLoop::place_versions() {
  while (durability_ == nullptr && may_place()) {
    begin_placement();
    place_version(*std::exchange(placement_, std::nullopt));
  }
  if (placement_ && placement_->is_durable) {
    place_version(*std::exchange(placement_, std::nullopt));
  }
}

void StepLoop::place_version(const Placement& placement) {
  Dataflow* fresh = find_dataflow(placement.new_version);
  Dataflow* old = find_dataflow(placement.old_version);
  if (fresh == nullptr) {
    return;  // dropped meanwhile
  }
  fresh->is_build = false;
  fresh->mark = placement.mark;
  fresh->published_us = clock_.wall_us();
  fresh->first_unshown = Lsn{};
  fresh->shape_turn = turn_;
  if (placement.is_same_shape) {
    fresh->shape_turn = old->shape_turn;
    fresh->history = std::move(old->history);
    std::swap(fresh->log, old->log);
    old->log_id = std::exchange(fresh->log_id, old->log_owner());
    old->log_id = old->log_id != 0 ? old->log_id : fresh->id;
    keep_history(*fresh, placement.difference);
  }
  std::exchange(fresh->when_placed, nullptr)(*fresh);
  fresh->definition = nullptr;
  if (old != nullptr) {
    fresh->shown = std::move(old->shown);
    hand_over_readers(*old, *fresh, placement);
    remove_dataflow(old->id);
  }
  sort_dataflows();
}

// Those who read the old version read the new one, or are told why they cannot.
void StepLoop::hand_over_readers(Dataflow& from, Dataflow& to, const Placement& placement) {
  const Schema& before = from.graph->output().schema();
  const Schema& after = to.graph->output().schema();
  std::optional<ZBatch> gone, come;  // whole contents, if somebody needs them
  for (DataflowId id : std::exchange(from.downstream, {})) {
    Dataflow* reader = find_dataflow(id);
    if (reader == nullptr) {
      continue;
    }
    to.downstream.push_back(id);
    for (ViewFeed& view : reader->views) {
      if (view.upstream != from.id) {
        continue;
      }
      view.upstream = to.id;
      reader->dirty = true;
      std::optional<std::vector<size_t>> places = places_in(after, before, view.columns);
      bool goes_on =
          reader->object != 0
              ? places && reader->source_key == to.source_key  // checked when the build began
              : placement.is_same_shape && !relies_on_values(*reader, before, after, view.columns);
      if (!goes_on) {
        fail(*reader, other_columns(to.name));
      } else if (!view.ready) {
        view.columns = *places;
        wants_fill_ = true;
      } else if (placement.is_same_shape) {
        reader->graph->push(view.node, pick(placement.difference, view.columns));
      } else {
        if (!gone) {
          gone = from.graph->output().content();
          come = to.graph->output().content();
        }
        reader->graph->push(view.node, pick(negated(*gone), view.columns));
        reader->graph->push(view.node, pick(*come, *places));
        view.columns = *places;
      }
    }
  }
  if (placement.is_same_shape) {
    std::ranges::move(from.subscribers, std::back_inserter(to.subscribers));
    from.subscribers.clear();
    tell_subscribers(to, placement.difference);
  } else {
    for (Subscriber& subscriber : std::exchange(from.subscribers, {})) {
      send(subscriber, end_with(to.mark, other_columns(to.name)));
    }
  }
}

// A new version may read views that are younger than the readers of the old one.
void StepLoop::sort_dataflows() {
  in_order_.clear();
  std::set<DataflowId> done;
  std::function<void(Dataflow&)> add = [&](Dataflow& dataflow) {
    if (!done.insert(dataflow.id).second) {
      return;
    }
    for (const PartFeed& feed : dataflow.parts) {
      add(*feed.part);
    }
    for (const ViewFeed& view : dataflow.views) {
      if (Dataflow* upstream = find_dataflow(view.upstream)) {
        add(*upstream);
      }
    }
    in_order_.push_back(&dataflow);
  };
  for (auto& [id, dataflow] : dataflows_) {
    add(*dataflow);
  }
}

}  // namespace tidemark
