#include "engine/durability.h"

#include <chrono>
#include <filesystem>
#include <set>

#include "catalog/catalog_codec.h"
#include "engine/engine.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"

namespace tidemark {

namespace {

// What a batch may hold, if one step does not change more: it is in memory twice while it is
// written. Sources wait when that much has changed again before it is on disk.
constexpr size_t kChangedEntriesMax = 400'000;
constexpr int64_t kSinkPatienceUs = 200'000;

}  // namespace

void Durability::visit_tables(Dataflow& dataflow, const Graph::NodeStateVisitor& visit) {
  dataflow.graph->visit_state(visit);
  for (TableFeed& feed : dataflow.tables) {
    feed.upsert.visit_state([&](StateTable& table) { visit(feed.node, 0, table); });
  }
}

Durability::Durability(std::unique_ptr<Store> store, const EngineOptions& options)
    : store_(std::move(store)),
      interval_us_(options.checkpoint_interval_us),
      is_simulated_(options.simulation.has_value()),
      clock_(is_simulated_ ? *options.simulation->clock : system_clock()),
      crash_(is_simulated_ ? CrashPoint(options.simulation->on_crash_point)
                           : CrashPoint(options.crash_at)),
      memory_limit_(options.memory_limit_bytes) {}
Durability::~Durability() = default;

void Durability::start(StepLoop& loop) {
  loop_ = &loop;
  writer_ = std::make_unique<CheckpointWriter>(
      *store_, crash_, [&loop] { loop.wake(); },
      is_simulated_ ? CheckpointWriter::Thread::kCaller : CheckpointWriter::Thread::kOwn);
}

// --- definitions ---

Status Durability::put_object(const CatalogObject& object, const std::vector<ObjectRef>& also) {
  StoreBatch batch;
  batch.put(object_key(object.id), encode_object(object));
  for (const ObjectRef& other : also) {
    batch.put(object_key(other->id), encode_object(*other));
  }
  TRY(store_->write(batch));
  crash_.pass("defined");
  return {};
}

Status Durability::erase_object(ObjectId id) {
  StoreBatch batch;
  batch.erase(object_key(id));
  return store_->write(batch);
}

Status Durability::put_catalog(const CatalogInfo& info) {
  StoreBatch batch;
  batch.put(catalog_key(info.name), encode_catalog(info));
  return store_->write(batch);
}

Status Durability::erase_catalog(const std::string& name) {
  StoreBatch batch;
  batch.erase(catalog_key(name));
  batch.erase_prefix(database_key(name, ""));
  return store_->write(batch);
}

Status Durability::put_database(const std::string& catalog, const std::string& database) {
  StoreBatch batch;
  batch.put(database_key(catalog, database), "");
  return store_->write(batch);
}

Status Durability::erase_database(const std::string& catalog, const std::string& database) {
  StoreBatch batch;
  batch.erase(database_key(catalog, database));
  return store_->write(batch);
}

Status Durability::put_user(const User& user) {
  StoreBatch batch;
  batch.put(user_key(user.name), user.verifier);
  return store_->write(batch);
}

Status Durability::erase_user(const std::string& name) {
  StoreBatch batch;
  batch.erase(user_key(name));
  return store_->write(batch);
}

// --- dataflows and sources ---

Status Durability::attach(Dataflow& dataflow, bool is_stored) {
  DataflowRecord record;
  record.object = dataflow.object;
  record.plan = dataflow.plan;
  record.state = dataflow.is_build         ? VersionState::kBuild
                 : dataflow.is_just_placed ? VersionState::kPlaced
                                           : VersionState::kShown;
  is_changed_ = is_changed_ || dataflow.is_just_placed;
  const ObjectRef& definition = dataflow.is_part() ? dataflow.part->table : dataflow.definition;
  record.definition = definition != nullptr ? encode_object(*definition) : "";
  for (const PartFeed& feed : dataflow.parts) {
    record.parts.push_back(feed.part->id);
  }
  record.log = dataflow.log_id;
  record.zone = dataflow.context.eval.zone;
  record.started_us = dataflow.context.eval.now_us;
  record.is_live = is_stored;
  record.mark = dataflow.mark;
  record.commit_time_us = dataflow.commit_time_us;
  record.insert = dataflow.insert;
  record.token = dataflow.sink_token;
  record.sharing = dataflow.sharing;
  StoreBatch batch;
  if (!is_stored) {
    batch.erase_prefix(state_prefix(dataflow.id));
    batch.erase_prefix(sink_prefix(dataflow.id));
    batch.erase_prefix(change_log_prefix(dataflow.id));
    batch.put(dataflow_key(dataflow.id), encode_dataflow(record));
    TRY(store_->write(batch));
    crash_.pass("attached");
  }
  dataflows_[dataflow.id] = std::move(record);
  visit_tables(dataflow, [&](NodeId node, size_t place, StateTable& table) {
    table.attach(*store_, state_prefix(dataflow.id, node, place), is_stored);
  });
  if (!dataflow.is_part()) {
    TRY(dataflow.log.attach(*store_, change_log_prefix(dataflow.log_owner()),
                            dataflow.graph->output().schema().types(),
                            is_stored ? std::optional(dataflow.mark) : std::nullopt));
  }
  if (dataflow.sink != nullptr) {
    TRY(dataflow.sink->attach(*store_, sink_prefix(dataflow.id), is_stored, dataflow.sink_token));
  }
  dataflow.is_durable = true;
  return {};
}

void Durability::spill(Dataflow& dataflow) {
  visit_tables(dataflow, [&](NodeId node, size_t place, StateTable& table) {
    table.attach(*store_, state_prefix(dataflow.id, node, place), false);
  });
  spilled_.insert(dataflow.id);
  dataflow.is_durable = true;
}

Status Durability::detach(DataflowId id) {
  bool is_spilled = spilled_.erase(id) != 0;
  if (dataflows_.erase(id) == 0 && !is_spilled) {
    return {};
  }
  std::erase(staged_, id);
  // A checkpoint may be on its way to the disk with more of this state, so the state goes with the
  // next one; if that never comes, the next start finds state without a record.
  erased_prefixes_.push_back(state_prefix(id));
  erased_prefixes_.push_back(sink_prefix(id));
  if (const Dataflow* dataflow = loop_->find_dataflow(id)) {
    erased_prefixes_.push_back(change_log_prefix(dataflow->log_owner()));
  }
  is_changed_ = true;
  if (is_spilled) {
    return {};
  }
  StoreBatch batch;
  batch.erase(dataflow_key(id));
  TRY(store_->write(batch));
  crash_.pass("detached");
  return {};
}

Status Durability::forget_dataflow(DataflowId id) {
  StoreBatch batch;
  batch.erase(dataflow_key(id));
  batch.erase_prefix(state_prefix(id));
  batch.erase_prefix(change_log_prefix(id));
  batch.erase_prefix(sink_prefix(id));
  return store_->write(batch);
}

Status Durability::put_placed(DataflowId id, const CatalogObject& object) {
  auto record = dataflows_.find(id);
  CHECK(record != dataflows_.end());
  DataflowRecord now = record->second;
  bool has_definition = !std::exchange(now.definition, "").empty();
  StoreBatch batch;
  batch.put(object_key(object.id), encode_object(object));
  // The mark of a record that is in a batch on its way to the disk must not be there before the
  // state is.
  if (has_definition && !writer_->is_writing()) {
    batch.put(dataflow_key(id), encode_dataflow(now));
  }
  TRY(store_->write(batch));
  record->second = std::move(now);
  note_change();
  crash_.pass("replaced");
  return {};
}

Status Durability::put_source(const std::string& key, const SourceRecord& record) {
  StoreBatch batch;
  batch.put(source_key(key), encode_source(record));
  return store_->write(batch);
}

std::string Durability::read_ahead_directory(const std::string& durable_name) const {
  return store_->directory() + "/ahead/" + durable_name;
}

void Durability::drop_orphaned_read_ahead() {
  std::set<std::string> known;
  for (const auto& [key, feed] : loop_->sources()) {
    known.insert(feed->record().durable_name);
  }
  std::error_code error;
  std::vector<std::filesystem::path> orphans;
  for (const auto& entry :
       std::filesystem::directory_iterator(store_->directory() + "/ahead", error)) {
    if (!known.contains(entry.path().filename().string())) {
      orphans.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& path : orphans) {
    std::filesystem::remove_all(path, error);
  }
}

void Durability::forget_source(const std::string& key, std::unique_ptr<SourceFeed> feed) {
  SourceRecord record = feed->record();
  record.is_abandoned = true;
  static_cast<void>(
      put_source(key, record).ok());  // else it is found again, and found unread again
  auto farewell = [this, key, feed = std::move(feed)]() mutable {
    feed.reset();
    crash_.pass("left");
    StoreBatch batch;
    batch.erase(source_key(key));
    static_cast<void>(store_->write(batch).ok());
  };
  if (is_simulated_) {
    farewell();
  } else {
    farewells_.emplace_back(std::move(farewell));
  }
}

// --- checkpoints ---

bool Durability::is_between_commits() const {
  for (const auto& [key, feed] : loop_->sources()) {
    if (feed->mid_commit()) {
      return false;
    }
  }
  return true;
}

void Durability::for_each_dataflow(const std::function<void(Dataflow&)>& f) {
  for (const auto& [id, record] : dataflows_) {
    if (Dataflow* dataflow = loop_->find_dataflow(id)) {
      f(*dataflow);
    }
  }
  for (DataflowId id : spilled_) {
    if (Dataflow* dataflow = loop_->find_dataflow(id)) {
      f(*dataflow);
    }
  }
}

void Durability::for_each_table(const std::function<void(StateTable&)>& visit) {
  for_each_dataflow([&](Dataflow& dataflow) {
    visit_tables(dataflow, [&](NodeId, size_t, StateTable& table) { visit(table); });
  });
}

size_t Durability::changed_entries() {
  size_t entries = 0;
  for_each_dataflow([&](Dataflow& dataflow) {
    if (!goes_in_pieces(dataflow)) {
      visit_tables(dataflow,
                   [&](NodeId, size_t, StateTable& table) { entries += table.changed_entries(); });
    }
  });
  return entries;
}

// Calls f with every job's sink.
template <typename F>
void Durability::for_each_sink(F&& f) {
  for (const auto& [id, record] : dataflows_) {
    Dataflow* dataflow = loop_->find_dataflow(id);
    if (dataflow != nullptr && dataflow->sink != nullptr && !dataflow->failed) {
      f(*dataflow);
    }
  }
}

// What sinks have prepared by now need not be put into the batch. They are waited for, but not for
// long: a batch has the rest.
bool Durability::are_sinks_prepared() {
  bool are_prepared = true;
  for_each_sink(
      [&](Dataflow& dataflow) { are_prepared = dataflow.sink->is_prepared() && are_prepared; });
  asked_us_ = are_prepared ? 0 : asked_us_ == 0 ? clock_.steady_us() : asked_us_;
  return are_prepared || clock_.steady_us() - asked_us_ >= kSinkPatienceUs;
}

std::optional<int64_t> Durability::due_us() const {
  if (has_pieces_) {
    return INT64_MIN / 2;
  }
  if (!is_changed_ || writer_->is_writing()) {
    return std::nullopt;
  }
  if (asked_us_ != 0) {
    return asked_us_ + kSinkPatienceUs;
  }
  return began_us_ + interval_us_;
}

bool Durability::is_due() const {
  return is_changed_ && !writer_->is_writing() && clock_.steady_us() >= began_us_ + interval_us_;
}

void Durability::turn() {
  if (writer_->take_finished()) {
    ended();
  }
  keep_within_limit();
  go_on_with_pieces();
  for_each_sink([&](Dataflow& dataflow) { is_changed_ |= dataflow.sink->has_news(); });
  bool is_full = is_memory_full_of_changes_ || changed_entries() > kChangedEntriesMax;
  is_behind_ = is_full && writer_->is_writing();
  if (writer_->is_writing() || !is_between_commits() || loop_->placement() != nullptr) {
    return;
  }
  bool is_wanted = is_changed_ && (is_due() || is_full);
  if ((is_wanted || loop_->may_place()) && are_sinks_prepared()) {
    asked_us_ = 0;
    crash_.pass("stage");
    loop_->begin_placement();
    StoreBatch batch = stage();
    began_us_ = clock_.steady_us();
    writer_->begin(std::move(batch));
  }
}

StoreBatch Durability::stage() {
  staged_.clear();
  std::set<DataflowId> unfinished;
  StoreBatch batch = take_gathered();
  for (const std::string& prefix : erased_prefixes_) {
    batch.erase_prefix(prefix);
  }
  erased_prefixes_.clear();
  const Placement* placement = loop_->placement();
  for_each_dataflow([&](Dataflow& dataflow) {
    if (dataflow.failed) {
      return;
    }
    if (goes_in_pieces(dataflow)) {
      unfinished.insert(dataflow.id);
    } else {
      staged_.push_back(dataflow.id);
      visit_tables(dataflow, [&](NodeId, size_t, StateTable& table) { table.stage(batch); });
    }
    if (!dataflow.is_part()) {
      dataflow.log.stage(batch);
    }
  });
  stage_records(unfinished, batch);
  if (placement != nullptr) {
    stage_placement(*placement, batch);
    crash_.pass("placing");
  }
  is_changed_ = !unfinished.empty();
  is_memory_full_of_changes_ = false;
  return batch;
}

// Of the unfinished ones a later batch has the rest.
void Durability::stage_records(const std::set<DataflowId>& unfinished, StoreBatch& batch) {
  for (auto& [id, record] : dataflows_) {
    Dataflow* dataflow = loop_->find_dataflow(id);
    if (dataflow == nullptr) {
      continue;
    }
    DataflowRecord now = record;
    now.is_live = (dataflow->live || dataflow->is_part()) && dataflow->ready() &&
                  !dataflow->failed && !unfinished.contains(id);
    now.mark = dataflow->mark;
    now.commit_time_us = dataflow->commit_time_us;
    if (dataflow->sink != nullptr && !dataflow->failed) {
      now.token = dataflow->sink->stage(batch);
    }
    // Its readers have had the difference in the turn in which it took its place.
    now.state = now.state == VersionState::kPlaced ? VersionState::kShown : now.state;
    if (now != record) {
      batch.put(dataflow_key(id), encode_dataflow(now));
      record = std::move(now);
    }
  }
  acknowledge_.clear();
  for (const auto& [key, feed] : loop_->sources()) {
    SourceRecord now = feed->record();
    now.with = feed->with();
    now.position = feed->position();
    now.commit_position = feed->commit_position();
    now.commit_time_us = feed->commit_time_us();
    now.token = feed->source().token();
    if (now != feed->record()) {
      batch.put(source_key(key), encode_source(now));
      feed->set_record(std::move(now));
    }
    acknowledge_.emplace_back(key, feed->position());
  }
}

// The new version's record tells the next start that it is the view, and with which definition. If
// it reads the old one's change log, that one has the new version's, which goes with it.
void Durability::stage_placement(const Placement& placement, StoreBatch& batch) {
  auto fresh = dataflows_.find(placement.new_version);
  if (fresh == dataflows_.end()) {
    return;
  }
  fresh->second.state = VersionState::kPlaced;
  fresh->second.mark = placement.mark;
  if (Dataflow* old = loop_->find_dataflow(placement.old_version)) {
    fresh->second.log = placement.is_same_shape ? old->log_owner() : fresh->second.log;
    batch.erase(dataflow_key(old->id));
  }
  batch.put(dataflow_key(placement.new_version), encode_dataflow(fresh->second));
}

void Durability::ended() {
  for (DataflowId id : staged_) {
    if (Dataflow* dataflow = loop_->find_dataflow(id)) {
      visit_tables(*dataflow, [](NodeId, size_t, StateTable& table) { table.staged_is_durable(); });
      dataflow->log.staged_is_durable();
      if (dataflow->sink != nullptr) {
        dataflow->sink->staged_is_durable();
      }
    }
  }
  staged_.clear();
  for (const auto& [key, position] : acknowledge_) {
    auto feed = loop_->sources().find(key);
    if (feed != loop_->sources().end()) {
      feed->second->acknowledge(position);
    }
  }
  acknowledge_.clear();
  if (loop_->placement() != nullptr) {
    crash_.pass("placed");
    loop_->placement_is_durable();
  }
  crash_.pass("acknowledged");
}

void Durability::finish() {
  writer_->stop();
  if (writer_->take_finished()) {
    ended();
  }
  for (asked_us_ = 0; !are_sinks_prepared();) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  is_ending_ = true;
  // A batch that could not be written stays the last one: what changed after it must not be there
  // without it.
  if (is_changed_ && !writer_->is_writing() && is_between_commits() &&
      store_->write(stage()).ok()) {
    ended();
  }
}

}  // namespace tidemark
