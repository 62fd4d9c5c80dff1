// The part of StepLoop that opens sources and begins dataflows, new ones and those of an earlier
// process.

#include <random>

#include <fmt/core.h>

#include "connectors/registry.h"
#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"

namespace tidemark {

namespace {

// What a durable source is called at the upstream; `doctor` knows the form.
std::string new_durable_name() {
  std::random_device random;
  return fmt::format("tidemark_{:08x}", random());
}

}  // namespace

SourceOpening StepLoop::opening_of(const std::string& key, Options with,
                                   const std::string& durable_name) {
  SourceOpening opening{.with = std::move(with), .wake = [this] { wake(); }};
  if (options_.note_source) {
    opening.note_state = [this, key](const SourceStatus& status) {
      options_.note_source(key, status);
    };
  }
  if (durability_ != nullptr) {
    opening.durable_name = durable_name;
    opening.read_ahead_directory = durability_->read_ahead_directory(durable_name);
    opening.crash = &durability_->crash_point();
  }
  return opening;
}

Result<Source*> StepLoop::open_source(const std::string& key, const Options& with) {
  if (Source* open = find_source(key)) {
    return open;
  }
  Connector* connector = TRY(find_connector(with.at("connector")));
  SourceRecord record{.with = with};
  if (durability_ != nullptr) {
    // Known to us before it is known there, so that nothing is left there without an owner.
    record.durable_name = new_durable_name();
    TRY(durability_->put_source(key, record));
  }
  SourceOpening opening = opening_of(key, with, record.durable_name);
  std::unique_ptr<Source> source = TRY(connector->open_source(std::move(opening)));
  auto [entry, inserted] = sources_.emplace(
      key, std::make_unique<SourceFeed>(*this, key, std::move(source), std::move(record)));
  return &entry->second->source();
}

Status StepLoop::resume_source(const std::string& key, const SourceRecord& record) {
  Connector* connector = TRY(find_connector(record.with.at("connector")));
  SourceOpening opening = opening_of(key, record.with, record.durable_name);
  if (record.position.valid()) {
    opening.resume = ResumePoint{record.position, record.token, durability_->published().of(key)};
  }
  std::unique_ptr<Source> source = TRY(connector->open_source(std::move(opening)));
  auto [feed, inserted] =
      sources_.emplace(key, std::make_unique<SourceFeed>(*this, key, std::move(source), record));
  feed->second->set_shown_before(durability_->published().of(key));
  return {};
}

void StepLoop::start_sources() {
  for (auto& [key, feed] : sources_) {
    if (!feed->readers.empty()) {
      feed->start();
    }
  }
}

// A source that no view reads any more would hold back the upstream's log for nothing.
void StepLoop::abandon_unread_sources() {
  constexpr int64_t kPatienceUs = 10'000'000;  // the next query may want it
  int64_t now = clock_.steady_us();
  for (auto entry = sources_.begin(); entry != sources_.end();) {
    SourceFeed& feed = *entry->second;
    if (!feed.readers.empty()) {
      feed.unread_since_us = 0;
    } else if (feed.unread_since_us == 0) {
      feed.unread_since_us = now;
    }
    if (feed.unread_since_us == 0 || now - feed.unread_since_us < kPatienceUs) {
      ++entry;
      continue;
    }
    feed.source().abandon();
    durability_->forget_source(entry->first, std::move(entry->second));
    entry = sources_.erase(entry);
  }
}

void StepLoop::feed_from_tables(Dataflow& dataflow, std::vector<TableRequest>& tables,
                                bool is_resumed) {
  for (TableRequest& request : tables) {
    SourceFeed& feed = *sources_.at(request.source_key);
    request.spec.is_resumed = is_resumed;
    request.spec.row_key = request.row_key;
    ReaderId reader = feed.source().add_reader(std::move(request.spec));
    feed.readers[reader] = dataflow.id;
    dataflow.tables.push_back(
        TableFeed{.source_key = request.source_key,
                  .reader = reader,
                  .node = request.node,
                  .width = request.width,
                  .upsert = Upsert(std::move(request.types), std::move(request.row_key)),
                  .ready = is_resumed});
  }
}

Result<DataflowId> StepLoop::add_dataflow(PlannedDataflow planned) {
  DataflowId id = TRY(new_dataflow(std::move(planned)))->id;
  start_sources();
  wake();
  return id;
}

Result<Dataflow*> StepLoop::new_dataflow(PlannedDataflow planned) {
  for (const ViewRequest& view : planned.views) {
    Dataflow* upstream = find_view(view.object);
    if (upstream == nullptr) {
      return Status::not_found("a materialized view of this query is gone");
    }
    if (upstream->revision != view.revision) {
      return view_was_changed(upstream->name);
    }
    if (std::optional<Status> why = obstacle(*upstream)) {
      return *why;
    }
    // A view of constants is the same at every mark of any source.
    if (planned.dataflow.source_key.empty() || upstream->source_key.empty()) {
      planned.dataflow.source_key += upstream->source_key;
    } else if (planned.dataflow.source_key != upstream->source_key) {
      return Status::unsupported("a query over two sources is not supported yet");
    }
  }
  for (const TableRequest& table : planned.tables) {
    TRY(open_source(table.source_key, table.spec.with));
  }
  auto owned = std::make_unique<Dataflow>(std::move(planned.dataflow));
  Dataflow& dataflow = *owned;
  dataflow.id = next_id_++;
  dataflow.sharing = planned.sharing;
  dataflow.started_us = clock_.wall_us();
  dataflow.context.eval.now_us = dataflow.started_us;
  if (Status status = read_parts(dataflow, planned, false); !status.ok()) {
    drop_feeds(dataflow);
    return status;
  }
  feed_from_tables(dataflow, planned.tables, false);
  if (durability_ != nullptr && dataflow.is_kept) {
    if (Status status = durability_->attach(dataflow, false); !status.ok()) {
      drop_feeds(dataflow);
      return status;
    }
  }
  if (dataflow.sink != nullptr) {
    dataflow.sink->start([this] { wake(); });
  }
  for (auto& [node, rows] : planned.constants) {
    dataflow.graph->push(node, Delta{false, {ZBatch{std::move(rows), {}}}});
  }
  for (const ViewRequest& view : planned.views) {
    Dataflow* upstream = find_view(view.object);
    upstream->downstream.push_back(dataflow.id);
    dataflow.views.push_back({upstream->id, view.node, view.columns});
    wants_fill_ = wants_fill_ || upstream->live;
  }
  in_order_.push_back(&dataflow);
  dataflows_.emplace(dataflow.id, std::move(owned));
  return &dataflow;
}

// Those who have begun to read a view that is live get what it holds, at the beginning of a turn:
// all views stand where the last one has left them.
void StepLoop::fill_readers() {
  // A reader's first step has what its parts hold.
  if (!wants_fill_ || is_joining()) {
    return;
  }
  wants_fill_ = false;
  for (Dataflow* reader : in_order_) {
    for (ViewFeed& view : reader->views) {
      Dataflow* upstream = find_dataflow(view.upstream);
      if (!reader->failed && !view.ready && upstream != nullptr && upstream->live) {
        fill_reader(*reader, view, *upstream);
      }
    }
  }
}

// In pieces, if memory is short: what a piece has changed goes to the disk before the next.
void StepLoop::fill_reader(Dataflow& reader, ViewFeed& view, Dataflow& upstream) {
  OutputOperator& output = upstream.graph->output();
  bool is_whole = durability_ == nullptr ||
                  (output.is_content_loaded() && durability_->has_room(output.state_bytes()));
  output.for_each_piece(is_whole ? SIZE_MAX : OutputOperator::kPieceRows, [&](const ZBatch& piece) {
    reader.graph->push(view.node, pick(piece, view.columns));
    if (!is_whole) {
      run_graph(reader);
      durability_->make_room();
    }
    return !reader.failed;
  });
  view.ready = true;
  reader.dirty = true;
}

Result<Dataflow*> StepLoop::restored_dataflow(PlannedDataflow planned, bool is_resumed) {
  for (const ViewRequest& view : planned.views) {
    if (find_view(view.object) == nullptr) {
      return Status::unavailable("a view that it reads does not run");
    }
  }
  for (const TableRequest& table : planned.tables) {
    if (is_resumed && find_source(table.source_key) == nullptr) {
      return Status::unavailable("the source that it reads is not known any more");
    }
    TRY(open_source(table.source_key, table.spec.with));
  }
  auto owned = std::make_unique<Dataflow>(std::move(planned.dataflow));
  Dataflow& dataflow = *owned;
  dataflow.sharing = planned.sharing;
  dataflow.started_us = clock_.wall_us();
  dataflow.live = !dataflow.is_part();
  if (dataflow.live) {
    dataflow.graph->output().resume();
  }
  dataflow.has_begun = true;
  dataflow.dirty = false;
  if (Status status = read_parts(dataflow, planned, is_resumed); !status.ok()) {
    drop_feeds(dataflow);
    return status;
  }
  feed_from_tables(dataflow, planned.tables, is_resumed);
  for (const ViewRequest& view : planned.views) {
    Dataflow* upstream = find_view(view.object);
    upstream->downstream.push_back(dataflow.id);
    dataflow.views.push_back({upstream->id, view.node, view.columns, is_resumed || upstream->live});
    if (dataflow.source_key.empty()) {
      dataflow.source_key = upstream->source_key;
    }
  }
  if (Status status = durability_->attach(dataflow, true); !status.ok()) {
    drop_feeds(dataflow);
    return status;
  }
  if (dataflow.sink != nullptr) {
    dataflow.waits_for_sink = true;  // perhaps: what waits is published, if there is anything
    dataflow.sink->start([this] { wake(); });
  }
  in_order_.push_back(&dataflow);
  dataflows_.emplace(dataflow.id, std::move(owned));
  return &dataflow;
}

Status StepLoop::resume_dataflow(PlannedDataflow planned) {
  Dataflow& dataflow = *TRY(restored_dataflow(std::move(planned), true));
  for (const ViewFeed& view : dataflow.views) {
    Dataflow* upstream = find_dataflow(view.upstream);
    if (upstream->owed) {
      dataflow.graph->push(view.node, pick(*upstream->owed, view.columns));
      dataflow.dirty = true;
    }
  }
  if (dataflow.is_build) {
    durability_->note_change();  // it may be complete
  }
  // A row error that stood then stands now.
  dataflow.in_error = dataflow.row_error().has_value();
  return {};
}

Status StepLoop::reread_dataflow(PlannedDataflow planned) {
  Dataflow& dataflow = *TRY(restored_dataflow(std::move(planned), false));
  for (TableFeed& table : dataflow.tables) {
    Delta delta;
    table.upsert.reset(delta);
    dataflow.graph->push(table.node, std::move(delta));
  }
  for (const PartFeed& feed : dataflow.parts) {
    dataflow.graph->push(feed.node, Delta{true, {}});
  }
  for (const ViewFeed& view : dataflow.views) {
    dataflow.graph->push(view.node, Delta{true, {}});
    Dataflow* upstream = find_dataflow(view.upstream);
    ZBatch content = upstream->live ? upstream->graph->output().content() : ZBatch();
    if (content.rows.rows != 0) {
      dataflow.graph->push(view.node, pick(content, view.columns));
    }
  }
  dataflow.dirty = true;
  dataflow.is_reread = true;
  return {};
}

}  // namespace tidemark
