// The part of StepLoop for parts: pieces of graphs that several dataflows read.
//
//   source ─► part ─┬─► graph of a view
//                   ├─► graph of another
//                   └─► graph of one that has just begun: first what the part holds
//
// A part runs before its readers, in each step that has input for it, and what comes out of it is
// their input in that step, as if it stood in each of their graphs. So they are ready when it is,
// their marks are those of its tables, and it has none. Who begins to read it begins with what it
// holds, and the source is not read again.

#include <algorithm>
#include <functional>
#include <numeric>
#include <type_traits>
#include <utility>

#include "dataflow/operators/arrange.h"
#include "dataflow/operators/holding.h"
#include "engine/engine.h"
#include "engine/step_loop.h"
#include "plan/same_plan.h"
#include "plan/shareable.h"

namespace tidemark {

namespace {

Delta pick(const Delta& delta, const std::vector<size_t>& columns) {
  Delta picked{delta.reset, {}};
  for (const ZBatch& batch : delta.batches) {
    picked.batches.push_back(std::move(pick(batch, columns).batches[0]));
  }
  return picked;
}

// What a part holds, with all that has gone through its graph.
Delta content_of(Dataflow& part) {
  if (part.part->holder != nullptr) {
    return part.part->holder->content();
  }
  ZBatch rows = part.tables[0].upsert.content();
  return rows.rows.rows == 0 ? Delta() : Delta{false, {std::move(rows)}};
}

std::vector<size_t> all_of(size_t columns) {
  std::vector<size_t> all(columns);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// Where the part has what is asked for; nullopt: it gives something else.
std::optional<std::vector<size_t>> places_of(const Dataflow& part, const TableRequest& request) {
  return part.part->table != nullptr ? columns_of(*part.part->table, request) : std::nullopt;
}

std::optional<std::vector<size_t>> places_of(const Dataflow& part, const PartRequest& request) {
  const Part& there = *part.part;
  const SharedInput& wanted = request.input;
  if (there.plan == nullptr || there.key.has_value() != wanted.key.has_value() ||
      part.context.eval.zone != request.zone) {
    return std::nullopt;
  }
  if (!wanted.key) {
    return places_in(std::get<AggregateNode>(there.plan->node),
                     std::get<AggregateNode>(wanted.plan->node));
  }
  if (!request.slice) {
    return there.key == wanted.key && same_plan(*there.plan, *wanted.plan)
               ? std::optional(all_of(there.width))
               : std::nullopt;
  }
  if (!there.slice || there.key->size() != wanted.key->size()) {
    return std::nullopt;
  }
  std::optional<std::vector<size_t>> places = places_in(*there.slice, *request.slice);
  for (size_t k = 0; places && k < wanted.key->size(); ++k) {
    if ((*places)[k] != k) {
      return std::nullopt;
    }
  }
  return places;
}

// The part that keeps the rows of which one of a slice is made; null: it reads the source itself.
const Dataflow* rows_of(const Dataflow& part) {
  return part.parts.empty() ? nullptr : part.parts[0].part;
}

NodeId node_of(const TableRequest& request) {
  return request.node;
}

NodeId node_of(const PartRequest& request) {
  return request.input.node;
}

PlannedDataflow plan_of(const TableRequest& request) {
  return plan_part(define_part(request));
}

PlannedDataflow plan_of(PartRequest& request) {
  CHECK(request.part != nullptr);
  return std::move(*request.part);
}

// What it holds can be had at once, in one step: it is in memory, and not much of what a step may
// make. Else only those can read it that do so from its beginning.
bool can_be_joined(Dataflow& part, size_t step_bytes_max) {
  if (!part.has_begun) {
    return true;
  }
  bool is_complete = true;
  auto look = [&](StateTable& table) { is_complete = is_complete && table.is_complete(); };
  HoldingOperator* holder = part.part->holder;
  if (holder != nullptr) {
    holder->visit_tables(look);
    return is_complete && holder->content_bytes() <= step_bytes_max / 4;
  }
  Upsert& rows = part.tables[0].upsert;
  rows.visit_state(look);
  return rows.keeps_rows() && is_complete && rows.state_bytes() <= step_bytes_max / 4;
}

}  // namespace

// Of those that can be read now, and outlive the process if the reader does, the narrowest.
template <typename Request>
Dataflow* StepLoop::find_part(const Request& request, const Dataflow& reader) {
  // What is made of the same rows shows the same of them in each step.
  const Dataflow* rows = nullptr;
  if constexpr (std::is_same_v<Request, PartRequest>) {
    bool is_one_of_several = request.input.is_one_of_several;
    rows = is_one_of_several ? find_part(request.part->tables[0], reader) : nullptr;
    if (is_one_of_several && rows == nullptr) {
      return nullptr;
    }
  }
  Dataflow* narrowest = nullptr;
  for (auto& [id, dataflow] : dataflows_) {
    if (dataflow->is_part() && !dataflow->failed && !dataflow->stopped() &&
        (dataflow->is_kept || !reader.is_kept) && places_of(*dataflow, request) &&
        can_be_joined(*dataflow, options_.step_bytes_max) &&
        (rows == nullptr || rows_of(*dataflow) == rows) &&
        (narrowest == nullptr || dataflow->part->width < narrowest->part->width)) {
      narrowest = dataflow.get();
    }
  }
  return narrowest;
}

// The part that gives what is asked for: the one that it had, one that is there, or a new one.
template <typename Request>
Result<PartFeed*> StepLoop::read_part(Dataflow& reader, Request& request,
                                      std::optional<DataflowId> known) {
  Dataflow* part = known ? find_dataflow(*known) : find_part(request, reader);
  if (known && (part == nullptr || !part->is_part() || !places_of(*part, request))) {
    return Status::unavailable("state that it shares with others is not there");
  }
  if (part == nullptr) {
    PlannedDataflow planned = plan_of(request);
    planned.dataflow.is_kept = reader.is_kept;
    part = TRY(new_dataflow(std::move(planned)));
  }
  if (std::ranges::find(part->downstream, reader.id) == part->downstream.end()) {
    part->downstream.push_back(reader.id);
  }
  // A new one that is itself to be given something first gives that on as what it holds.
  bool begins_with_it = !part->has_begun && part->has_joined();
  return &reader.parts.emplace_back(PartFeed{
      .part = part, .node = node_of(request), .has_joined = known.has_value() || begins_with_it});
}

Status StepLoop::read_parts(Dataflow& dataflow, PlannedDataflow& planned, bool is_resumed) {
  if (is_resumed && planned.known_parts.size() != planned.part_count()) {
    return Status::unavailable("state that it shares with others is not there");
  }
  size_t next = 0;
  auto known = [&] {
    return is_resumed ? std::optional(planned.known_parts[next++]) : std::nullopt;
  };
  std::vector<TableRequest> own;
  for (TableRequest& request : planned.tables) {
    if (planned.has_part(request)) {
      PartFeed* feed = TRY(read_part(dataflow, request, known()));
      feed->columns = *places_of(*feed->part, request);
    } else {
      own.push_back(std::move(request));
    }
  }
  planned.tables = std::move(own);
  for (PartRequest& request : planned.parts) {
    PartFeed* feed = TRY(read_part(dataflow, request, known()));
    const Part& part = *feed->part->part;
    std::vector<size_t> places = *places_of(*feed->part, request);
    feed->joins = request.input.readers.size();
    for (auto [join, side] : request.input.readers) {
      join->read_from(side, part.arrange->arrangement(), places);
      part.arrange->add_reader();
    }
    feed->columns = part.arrange != nullptr ? all_of(part.width) : std::move(places);
  }
  // A join takes its sides from where they are in the same step: all that it has of one that began
  // before, and of one that begins with it.
  if (!dataflow.has_joined()) {
    for (PartFeed& feed : dataflow.parts) {
      feed.has_joined = feed.has_joined && feed.part->part->arrange == nullptr;
    }
  }
  return {};
}

void StepLoop::leave_parts(Dataflow& dataflow) {
  for (PartFeed& feed : dataflow.parts) {
    std::erase(feed.part->downstream, dataflow.id);
    for (size_t i = 0; i < feed.joins; ++i) {
      feed.part->part->arrange->remove_reader();
    }
  }
}

// What comes out is the readers' input in the same step; the state that they read in it is that
// through the last one, so the part commits when they have run: commit_parts().
void StepLoop::step_part(Dataflow& part) {
  part.has_begun = true;
  run_graph(part);
  Delta out = part.graph->take_exit();
  for (DataflowId id : part.downstream) {
    Dataflow* reader = find_dataflow(id);
    if (reader == nullptr || reader->failed) {
      continue;
    }
    for (const PartFeed& feed : reader->parts) {
      if (feed.part == &part && feed.has_joined) {
        reader->graph->push(feed.node, pick(out, feed.columns));
        reader->has_part_input = true;  // also without rows: a commit may have ended
      }
    }
  }
}

bool StepLoop::take_part_input(Dataflow& dataflow) {
  return std::exchange(dataflow.has_part_input, false);
}

void StepLoop::commit_parts() {
  for (Dataflow* dataflow : in_order_) {
    if (dataflow->is_part()) {
      dataflow->graph->commit();
    }
  }
}

bool StepLoop::is_joining() const {
  return !std::ranges::all_of(in_order_, [](const Dataflow* each) { return each->has_joined(); });
}

// True: it has input for a step, to be published by the next.
bool StepLoop::join_parts(Dataflow& dataflow) {
  bool any = false;
  for (PartFeed& feed : dataflow.parts) {
    if (std::exchange(feed.has_joined, true)) {
      continue;
    }
    any = true;
    dataflow.has_open = dataflow.has_open || feed.part->has_open;
    dataflow.graph->push(feed.node, pick(content_of(*feed.part), feed.columns));
  }
  dataflow.dirty = dataflow.dirty || any;
  return any;
}

std::vector<const Dataflow*> StepLoop::parts_for(const PlannedDataflow& planned) {
  std::vector<const Dataflow*> parts;
  auto add = [&](const Dataflow* part) {
    if (part != nullptr && std::ranges::find(parts, part) == parts.end()) {
      parts.push_back(part);
    }
    return part != nullptr;
  };
  std::function<void(const PlannedDataflow&)> look = [&](const PlannedDataflow& reader) {
    for (const TableRequest& request : reader.tables) {
      if (reader.has_part(request)) {
        add(find_part(request, planned.dataflow));
      }
    }
    for (const PartRequest& request : reader.parts) {
      if (!add(find_part(request, planned.dataflow))) {
        look(*request.part);
      }
    }
  };
  look(planned);
  return parts;
}

}  // namespace tidemark
