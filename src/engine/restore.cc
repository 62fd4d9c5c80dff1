#include "engine/restore.h"

#include <functional>
#include <set>

#include <fmt/core.h>

#include "auth/scram.h"
#include "catalog/catalog_codec.h"
#include "connectors/registry.h"
#include "engine/bind_view.h"
#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/external_catalog.h"
#include "engine/plan_insert.h"
#include "engine/source_feed.h"
#include "engine/step_loop.h"
#include "engine/view_build.h"
#include "engine/view_options.h"

namespace tidemark {

namespace {

class Restorer {
 public:
  explicit Restorer(Engine& engine)
      : engine_(engine), store_(engine.durability()->store()), loop_(engine.step_loop()) {}

  Status run() {
    TRY(catalogs());
    TRY(databases());
    TRY(objects());
    TRY(users());
    TRY(sources());
    engine_.durability()->drop_orphaned_read_ahead();
    TRY(views());
    TRY(drop_orphans());
    loop_.start_sources();
    return {};
  }
  std::vector<std::string> take_notices() { return std::move(notices_); }

 private:
  // Calls f(key without the prefix, value) for every record below a prefix.
  template <typename F>
  Status for_each(std::string_view prefix, F&& f) {
    for (found_.seek(prefix); found_.valid() && found_.key().starts_with(prefix); found_.next()) {
      TRY(f(found_.key().substr(prefix.size()), found_.value()));
    }
    return found_.status();
  }

  Status users() {
    return for_each(kUserPrefix, [&](std::string_view key, std::string_view value) -> Status {
      if (!value.empty() && !ScramVerifier::parse(value)) {
        return Status::corruption("the verifier of a password cannot be read: user " +
                                  std::string(key));
      }
      engine_.users().put({std::string(key), std::string(value)});
      return {};
    });
  }

  Status catalogs() {
    return for_each(kCatalogPrefix, [&](std::string_view, std::string_view value) -> Status {
      CatalogInfo info = TRY(decode_catalog(value));
      std::shared_ptr<ExternalCatalog> external;
      if (info.type != "generic_in_memory") {
        external = TRY(make_external_catalog(info));
      }
      return engine_.catalog().create_catalog(std::move(info), std::move(external), true);
    });
  }

  Status databases() {
    return for_each(kDatabasePrefix, [&](std::string_view key, std::string_view) -> Status {
      size_t end = key.find('\0');
      if (end == std::string_view::npos) {
        return Status::corruption("a database's record in the data directory cannot be read");
      }
      return engine_.catalog().create_database(std::string(key.substr(0, end)),
                                               std::string(key.substr(end + 1)), true);
    });
  }

  Status objects() {
    return for_each(kObjectPrefix, [&](std::string_view, std::string_view value) -> Status {
      return engine_.catalog().restore(TRY(decode_object(value)));
    });
  }

  Status sources() {
    return for_each(kSourcePrefix, [&](std::string_view key, std::string_view value) -> Status {
      SourceRecord record = TRY(decode_source(value));
      // ALTER keeps a table at once, and the source's record with the next checkpoint.
      for (const ObjectRef& object : engine_.catalog().objects()) {
        const auto* table = std::get_if<TableDefinition>(&object->definition);
        if (table != nullptr && table->source_key == key) {
          record.with = with_changes(std::move(record.with), table->with);
        }
      }
      TRY(loop_.resume_source(std::string(key), record));
      if (record.is_abandoned) {
        auto entry = loop_.sources().find(std::string(key));
        entry->second->source().abandon();
        engine_.durability()->forget_source(entry->first, std::move(entry->second));
        loop_.sources().erase(entry);
      }
      return {};
    });
  }

  Status views() {
    TRY(for_each(kDataflowPrefix, [&](std::string_view key, std::string_view value) -> Status {
      ByteReader in(key);
      DataflowId id = in.big_endian<uint32_t>();
      records_[id] = TRY(decode_dataflow(value));
      loop_.reserve_ids(id + 1);
      for (DataflowId part : records_[id].parts) {
        loop_.reserve_ids(part + 1);  // also if it is gone: the name must not come to mean another
      }
      return {};
    }));
    for (auto& [id, record] : records_) {
      if (record.object != 0 && record.state != VersionState::kBuild &&
          !record.definition.empty()) {
        TRY(take_place(id, record));
      }
    }
    for (const auto& [id, record] : records_) {
      if (record.object == 0 && !record.definition.empty()) {
        TRY(table_part(id, record));
      }
    }
    for (const auto& [id, record] : records_) {
      if (record.object != 0) {
        TRY(start(id));
      }
    }
    // Parts that nobody has taken up: their state has no record from here on.
    std::erase_if(records_, [&](const auto& entry) {
      const auto& [id, record] = entry;
      bool is_left = record.object == 0 && loop_.find_dataflow(id) == nullptr;
      if (is_left) {
        left_parts_.push_back(id);
      }
      return is_left;
    });
    for (auto& [id, dataflow] : loop_.dataflows()) {
      dataflow->owed.reset();
    }
    // Made just before the end, and not begun.
    for (const ObjectRef& object : engine_.catalog().objects()) {
      if (object->is_materialized_view() && !started_.contains(object->id)) {
        TRY(begin(*object));
      }
      if (object->is_job()) {
        TRY(begin_inserts(*object));
      }
    }
    return {};
  }

  // A view that was made just before the end, or was about to be read anew.
  Status begin(const CatalogObject& view) {
    started_.insert(view.id);
    PlannedDataflow planned = TRY(plan(view, "UTC", Sharing::kResults));
    TRY(start_upstream(planned));
    return loop_.add_dataflow(std::move(planned)).status();
  }

  // Of a job that was made just before the end: those that were not begun. Nothing is written yet.
  Status begin_inserts(const CatalogObject& job) {
    size_t inserts = std::get<JobDefinition>(job.definition).inserts.size();
    for (size_t i = 0; i < inserts; ++i) {
      if (begun_inserts_.contains({job.id, i})) {
        continue;
      }
      Result<PlannedDataflow> planned = plan(job, i, "UTC", Sharing::kResults);
      Status status =
          planned.ok() ? loop_.add_dataflow(std::move(planned).value()).status() : planned.status();
      if (!status.ok()) {
        notices_.push_back(
            fmt::format("job {} does not run: {}", job.name.object, status.to_string()));
      }
    }
    return {};
  }

  // A new version that took its view's place just before the end.
  Status take_place(DataflowId id, DataflowRecord& record) {
    Result<ObjectRef> object = engine_.catalog().replace(TRY(decode_object(record.definition)));
    if (!object.ok()) {
      return {};  // dropped
    }
    record.definition.clear();
    StoreBatch batch;
    batch.put(object_key((*object)->id), encode_object(**object));
    batch.put(dataflow_key(id), encode_dataflow(record));
    return store_.write(batch);
  }

  // Rows of a table, before all that read them; a part that nobody reads any more goes with the
  // first turn.
  Status table_part(DataflowId id, const DataflowRecord& record) {
    PlannedDataflow planned =
        plan_part(std::make_shared<const CatalogObject>(TRY(decode_object(record.definition))));
    bool has_source = loop_.find_source(planned.dataflow.source_key) != nullptr;
    return record.is_live && planned.dataflow.plan == record.plan && has_source
               ? resume_part(id, record, std::move(planned))
               : Status();
  }

  Status resume_part(DataflowId id, const DataflowRecord& record, PlannedDataflow planned) {
    TRY(resume_parts(record, planned));
    planned.dataflow.id = id;
    planned.dataflow.is_kept = true;
    planned.known_parts = record.parts;
    return loop_.resume_dataflow(std::move(planned));
  }

  // Whether all parts that it had are there, running or as they were left.
  bool are_parts_there(const DataflowRecord& record, const PlannedDataflow& planned) {
    if (record.parts.size() != planned.part_count()) {
      return false;
    }
    size_t tables = planned.part_count() - planned.parts.size();
    std::set<DataflowId> resumable;  // one may be read twice, then with fewer columns
    for (size_t i = 0; i < record.parts.size(); ++i) {
      DataflowId id = record.parts[i];
      const Dataflow* running = loop_.find_dataflow(id);
      if (running != nullptr ? running->is_part() : resumable.contains(id)) {
        continue;
      }
      auto left = records_.find(id);
      if (running != nullptr || i < tables || left == records_.end()) {
        return false;
      }
      const PlannedDataflow& part = *planned.parts[i - tables].part;
      if (!left->second.is_live || left->second.plan != part.dataflow.plan ||
          !are_parts_there(left->second, part)) {
        return false;
      }
      resumable.insert(id);
    }
    return true;
  }

  // If it cannot bring back its parts itself: before it, those that share them. One of them is
  // asked for by its whole plan, where this one reads less of it.
  Status start_sharers(const DataflowRecord& record, const PlannedDataflow& planned) {
    if (are_parts_there(record, planned)) {
      return {};
    }
    for (DataflowId part : all_parts(record)) {
      for (const auto& [id, other] : records_) {
        if (other.object != 0 && loop_.find_dataflow(part) == nullptr &&
            all_parts(other).contains(part)) {
          TRY(start(id));
        }
      }
    }
    return {};
  }

  // With those of its parts.
  std::set<DataflowId> all_parts(const DataflowRecord& record) const {
    std::set<DataflowId> all;
    std::function<void(const DataflowRecord&)> add = [&](const DataflowRecord& reader) {
      for (DataflowId part : reader.parts) {
        auto found = records_.find(part);
        if (all.insert(part).second && found != records_.end()) {
          add(found->second);
        }
      }
    };
    add(record);
    return all;
  }

  // They are resumed for the first of those that had them.
  Status resume_parts(const DataflowRecord& record, PlannedDataflow& planned) {
    size_t tables = planned.part_count() - planned.parts.size();
    for (size_t i = tables; i < record.parts.size(); ++i) {
      DataflowId id = record.parts[i];
      if (loop_.find_dataflow(id) == nullptr) {
        PlannedDataflow part = std::move(*planned.parts[i - tables].part);
        TRY(resume_part(id, records_.at(id), std::move(part)));
      }
    }
    return {};
  }

  // After the views that it reads.
  Status start(DataflowId id) {
    const DataflowRecord& record = records_.at(id);
    if (!begun_.insert(id).second) {
      return {};
    }
    ObjectRef object = engine_.catalog().find_by_id(record.object);
    if (object == nullptr || !(object->is_materialized_view() || object->is_job())) {
      return engine_.durability()->forget_dataflow(id);  // dropped just before the end
    }
    bool is_build = record.state == VersionState::kBuild;
    Status status = is_build           ? build(id, record, *object)
                    : object->is_job() ? job(id, record, *object)
                                       : view(id, record, *object);
    if (status.ok() || status.code() == StatusCode::kCorruption) {
      return status;
    }
    notices_.push_back(is_build ? fmt::format("the new version of view {} is given up: {}",
                                              object->name.object, status.to_string())
                                : fmt::format("{} {} does not run: {}",
                                              object->is_job() ? "job" : "view",
                                              object->name.object, status.to_string()));
    return is_build ? engine_.durability()->forget_dataflow(id) : leave_behind(id);
  }

  // The sources go on without it: its state will not be that of their positions.
  Status leave_behind(DataflowId id) {
    DataflowRecord& record = records_.at(id);
    record.is_live = false;
    StoreBatch batch;
    batch.put(dataflow_key(id), encode_dataflow(record));
    return store_.write(batch);
  }

  Status start_upstream(const PlannedDataflow& planned) {
    for (const ViewRequest& view : planned.views) {
      for (const auto& [id, record] : records_) {
        if (record.object == view.object && record.state != VersionState::kBuild) {
          TRY(start(id));
        }
      }
      ObjectRef object = engine_.catalog().find_by_id(view.object);
      if (object != nullptr && !started_.contains(view.object)) {
        TRY(begin(*object));
      }
    }
    return {};
  }

  Result<PlannedDataflow> plan(const CatalogObject& object, const std::string& zone,
                               Sharing sharing) {
    BoundQuery bound = TRY(bind_materialized_view({engine_.catalog(), {}, {}, zone}, object));
    PlannedDataflow planned =
        TRY(plan_dataflow(bound, object.id, object.name.object, zone, sharing));
    planned.dataflow.revision = object.revision;
    planned.dataflow.log.configure(TRY(retention_us(object)));
    return planned;
  }

  Status view(DataflowId id, const DataflowRecord& record, const CatalogObject& object) {
    started_.insert(object.id);
    PlannedDataflow planned = TRY(plan(object, record.zone, record.sharing));
    TRY(start_upstream(planned));
    TRY(start_sharers(record, planned));
    if (!TRY(resume_or_add(id, record, std::move(planned), "view " + object.name.object))) {
      return {};
    }
    // If it has just taken its place, its readers go on with the difference, or are read anew.
    Dataflow* dataflow = loop_.find_dataflow(id);
    if (record.state == VersionState::kPlaced) {
      dataflow->owed = TRY(dataflow->log.changes_at(dataflow->mark));
    }
    if (record.state != VersionState::kPlaced || dataflow->owed) {
      resumed_.insert(object.id);
    }
    return {};
  }

  Result<PlannedDataflow> plan(const CatalogObject& job, size_t insert, const std::string& zone,
                               Sharing sharing) {
    BoundQuery bound = TRY(bind_insert({engine_.catalog(), {}, {}, zone}, job, insert));
    return plan_insert(engine_, bound, job, insert, zone, sharing);
  }

  // What a job has written is not written again: it goes on with its state, or with the difference.
  Status job(DataflowId id, const DataflowRecord& record, const CatalogObject& object) {
    begun_inserts_.insert({object.id, record.insert});
    PlannedDataflow planned = TRY(plan(object, record.insert, record.zone, record.sharing));
    TRY(start_upstream(planned));
    TRY(start_sharers(record, planned));
    bool has_written = record.mark.valid();
    if (!has_written) {
      TRY(engine_.durability()->forget_dataflow(id));
      return loop_.add_dataflow(std::move(planned)).status();
    }
    if (planned.dataflow.plan != record.plan) {
      return Status::unsupported(
                 "this version runs it by another plan, which cannot go on from what is written")
          .with_hint(fmt::format("STOP JOB '{}', and begin it again with an empty sink",
                                 object.name.object));
    }
    planned.dataflow.id = id;
    planned.dataflow.mark = record.mark;
    planned.dataflow.commit_time_us = record.commit_time_us;
    planned.dataflow.context.eval.now_us = record.started_us;
    planned.dataflow.sink_token = record.token;
    planned.known_parts = record.parts;
    bool goes_on = record.is_live && are_parts_there(record, planned) &&
                   std::ranges::all_of(planned.views, [&](const auto& view) {
                     return resumed_.contains(view.object);
                   });
    if (goes_on) {
      TRY(resume_parts(record, planned));
    }
    return goes_on ? loop_.resume_dataflow(std::move(planned))
                   : loop_.reread_dataflow(std::move(planned));
  }

  Status build(DataflowId id, const DataflowRecord& record, const CatalogObject& view) {
    CatalogObject object = TRY(decode_object(record.definition));
    PlannedDataflow planned = TRY(plan(object, record.zone, record.sharing));
    TRY(start_upstream(planned));
    TRY(start_sharers(record, planned));
    make_build(engine_, view, std::move(object), planned.dataflow);
    return resume_or_add(id, record, std::move(planned),
                         fmt::format("the new version of view {}", view.name.object))
        .status();
  }

  // True: it goes on where it was.
  Result<bool> resume_or_add(DataflowId id, const DataflowRecord& record, PlannedDataflow planned,
                             const std::string& what) {
    bool reads_live_views = std::ranges::all_of(
        planned.views, [&](const ViewRequest& view) { return resumed_.contains(view.object); });
    bool is_same_plan = planned.dataflow.plan == record.plan;
    bool has_all_parts = are_parts_there(record, planned);
    if (record.is_live && is_same_plan && reads_live_views && has_all_parts) {
      TRY(resume_parts(record, planned));
      planned.known_parts = record.parts;
      planned.dataflow.id = id;
      planned.dataflow.mark = record.mark;
      planned.dataflow.commit_time_us = record.commit_time_us;
      planned.dataflow.context.eval.now_us = record.started_us;
      planned.dataflow.log_id = record.log;
      planned.dataflow.is_just_placed = record.state == VersionState::kPlaced;
      TRY(loop_.resume_dataflow(std::move(planned)));
      return true;
    }
    notices_.push_back(fmt::format("{} is read anew: {}", what,
                                   !record.is_live ? "it was not complete when the program ended"
                                   : !is_same_plan ? "this version runs it by another plan"
                                   : !reads_live_views
                                       ? "a view that it reads is read anew"
                                       : "what it shares with others is read anew"));
    TRY(engine_.durability()->forget_dataflow(id));
    TRY(loop_.add_dataflow(std::move(planned)));
    return false;
  }

  // State whose dataflow is gone: the drop was recorded, and the end came before the next
  // checkpoint. Also records of parts that are left.
  Status drop_orphans() {
    StoreBatch batch;
    for (DataflowId id : left_parts_) {
      batch.erase(dataflow_key(id));
    }
    StoreCursor cursor = store_.scan({});  // as it is now
    for (std::string_view kind : {kStatePrefix, kChangeLogPrefix, kSinkPrefix}) {
      cursor.seek(kind);
      while (cursor.valid() && cursor.key().starts_with(kind)) {
        ByteReader in(cursor.key().substr(kind.size()));
        DataflowId id = in.big_endian<uint32_t>();
        std::string prefix = kind == kStatePrefix  ? state_prefix(id)
                             : kind == kSinkPrefix ? sink_prefix(id)
                                                   : change_log_prefix(id);
        bool is_used = records_.contains(id) || loop_.find_dataflow(id) != nullptr;
        if (kind == kChangeLogPrefix) {
          is_used = std::ranges::any_of(loop_.dataflows(),
                                        [&](auto& d) { return d.second->log_owner() == id; });
        }
        if (!is_used) {
          batch.erase_prefix(prefix);
        }
        cursor.seek(end_of_prefix(prefix));
      }
      TRY(cursor.status());
    }
    return batch.count() == 0 ? Status() : store_.write(batch);
  }

  Engine& engine_;
  Store& store_;
  StepLoop& loop_;
  StoreCursor found_ = store_.scan({});  // by this start
  std::map<DataflowId, DataflowRecord> records_;
  std::vector<DataflowId> left_parts_;
  std::set<DataflowId> begun_;
  std::set<ObjectId> started_;
  std::set<ObjectId> resumed_;
  std::set<std::pair<ObjectId, size_t>> begun_inserts_;
  std::vector<std::string> notices_;
};

}  // namespace

Result<std::vector<std::string>> restore(Engine& engine) {
  Restorer restorer(engine);
  Status status;
  engine.step_loop().run([&] { status = restorer.run(); });
  TRY(std::move(status));
  return restorer.take_notices();
}

}  // namespace tidemark
