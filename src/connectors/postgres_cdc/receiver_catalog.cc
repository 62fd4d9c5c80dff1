// What the receiver does when a table is altered at the source.
//
//   described in the stream, or seen by the watch ─► review: what is the table like now?
//     nothing that matters, or a new name: the plan is replaced, rows go on
//     rows changed that were not sent:     the reader lapses and is read anew, as one added later
//     it cannot be read any more:          the reader stops; when the table changes again it is
//                                          tried again
//
// A table is described anew before the first row after an ALTER, so its readers never take a row
// under the wrong description; of what sends no row the watch learns within a second.

#include <algorithm>

#include <fmt/core.h>

#include "connectors/postgres_cdc/receiver.h"
#include "connectors/postgres_cdc/receiver_epoch.h"

namespace tidemark {

namespace {

bool is_of_connection(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kCancelled;
}

bool reads_alike(const ReaderPlan& a, const ReaderPlan& b) {
  return a.shape == b.shape &&
         std::ranges::equal(a.columns, b.columns, [](const auto& x, const auto& y) {
           return x.source_name == y.source_name && x.declared_oid == y.declared_oid;
         });
}

}  // namespace

std::unique_ptr<ChangeDecoder> Receiver::make_decoder() {
  auto decoder = std::make_unique<ChangeDecoder>(
      ChangeDecoder::Callbacks{
          .emit = [this](SourceEvent event) { return emit(std::move(event)); },
          .described =
              [this](uint32_t table) { return review({table}, decoder_->commit_position()); },
          .unreadable = [this](ReaderId id,
                               const Status& why) { return read_anew(id, why.message()); }},
      delivered_, spools_.get());
  if (goes_on_) {
    decoder->set_alone_until(goes_on_->alone_until);
  }
  return decoder;
}

Result<ReaderPlan> Receiver::plan_reader(const ReaderRequest& request) {
  const TableShape* known = request.known ? &*request.known : nullptr;
  TableInfo info =
      TRY(control_.table_info(request.schema, request.table, known == nullptr ? 0 : known->oid));
  TRY(check_table(info));
  ReaderPlan plan = TRY(make_reader_plan(std::move(info), request.spec, known));
  plan.asked_schema = request.schema;
  plan.asked_table = request.table;
  {
    std::lock_guard lock(mutex_);
    auto reader = readers_.find(request.id);
    if (reader != readers_.end()) {
      reader->second.known = plan.shape;
      ++readers_version_;
    }
  }
  return plan;
}

void Receiver::refuse_reader(ReaderId id, Status status) {
  {
    std::lock_guard lock(mutex_);
    if (!readers_.contains(id)) {
      return;
    }
    if (is_durable() || had_content_.contains(id)) {
      stopped_[id] = status;
      ++readers_version_;
      queue_.push_now(
          SourceEvent{.reader = id, .body = ReaderStoppedEvent{.status = std::move(status)}});
      return;
    }
  }
  fail_reader(id, std::move(status));
}

// Tells the watch which tables are read, or wait to be readable again.
void Receiver::watch_tables(Epoch& epoch) {
  if (epoch.watch == nullptr) {
    auto changed = [this](std::vector<ControlSession::Watched> tables) {
      post([this, tables = std::move(tables)](ChangeDecoder&) {
        retry_stopped(tables);
        std::vector<uint32_t> oids;
        for (const ControlSession::Watched& table : tables) {
          oids.push_back(table.oid);
        }
        return review(oids);
      });
    };
    epoch.watch = std::make_unique<CatalogWatch>(
        control_, epoch.slot,
        CatalogWatch::Callbacks{.changed = std::move(changed),
                                .slot_used = [this](const SlotUse& use) { note_use(use); },
                                .lost = [this](Status status) { lose(std::move(status)); }});
  }
  if (std::exchange(epoch.watched_position, received()) != received()) {
    epoch.watch->moved();
  }
  std::vector<ControlSession::Watched> tables;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(epoch.watched_readers, readers_version_) == readers_version_) {
      return;
    }
    for (const auto& [id, request] : readers_) {
      ControlSession::Watched table{.schema = request.schema,
                                    .table = request.table,
                                    .oid = request.known ? request.known->oid : 0};
      bool is_watched = request.known || stopped_.contains(id);
      if (is_watched && std::ranges::find(tables, table) == tables.end()) {
        tables.push_back(std::move(table));
      }
    }
  }
  epoch.watch->watch(std::move(tables));
}

Status Receiver::review(const std::vector<uint32_t>& tables, Lsn commit) {
  for (ReaderId id : decoder_->reader_ids()) {
    if (!decoder_->has_reader(id)) {
      continue;
    }
    std::shared_ptr<const ReaderPlan> plan = decoder_->plan(id);
    if (std::ranges::find(tables, plan->table.oid) == tables.end()) {
      continue;
    }
    if (decoder_->is_ready(id)) {
      TRY(review_reader(id, *plan, commit));
    } else {
      unreviewed_.insert(plan->table.oid);
    }
  }
  return {};
}

Status Receiver::review_reader(ReaderId id, const ReaderPlan& plan, Lsn commit) {
  ReaderRequest request;
  {
    std::lock_guard lock(mutex_);
    auto found = readers_.find(id);
    if (found == readers_.end()) {
      return {};
    }
    request = found->second;
  }
  // A backlog describes a table as often as it was truncated, and the catalogs have had it all.
  if (commit.valid() && commit < request.reviewed) {
    return {};
  }
  request.known = plan.shape;
  Result<ReaderPlan> now = plan_reader(request);
  if (!now.ok() && is_of_connection(now.status())) {
    return std::move(now).status();
  }
  if (!now.ok()) {
    {
      std::lock_guard lock(mutex_);
      if (!readers_.contains(id)) {
        return {};  // removed while the catalog was asked
      }
      stopped_[id] = now.status();
      ++readers_version_;
    }
    return decoder_->lapse_reader(id, ReaderStoppedEvent{.status = std::move(now).status()});
  }
  std::string why = why_read_anew(plan.shape, now->shape);
  if (why.empty() && !TRY(control_.unpublished({now->table})).empty()) {
    why = "it had left the publication";
  }
  if (!why.empty()) {
    return read_anew(id, why);
  }
  Lsn includes = now->table.includes;
  if (!reads_alike(plan, *now)) {
    TRY(decoder_->replace_plan(id, std::make_shared<const ReaderPlan>(std::move(*now))));
  }
  std::lock_guard lock(mutex_);
  if (auto reader = readers_.find(id); reader != readers_.end()) {
    reader->second.reviewed = includes;
  }
  return {};
}

Status Receiver::read_anew(ReaderId id, std::string_view why) {
  TRY(decoder_->lapse_reader(id, ResetEvent{}));
  if (spools_ != nullptr) {
    spools_->forget(id);
  }
  std::lock_guard lock(mutex_);
  auto reader = readers_.find(id);
  if (reader != readers_.end() && std::ranges::find(pending_, id) == pending_.end()) {
    pending_.push_back(id);
    begun_anew_ =
        fmt::format("{}.{} is read anew: {}", reader->second.schema, reader->second.table, why);
  }
  return {};
}

void Receiver::withdraw_if_unread(const ReaderPlan& plan) {
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, request] : readers_) {
      if (request.schema == plan.asked_schema && request.table == plan.asked_table) {
        return;
      }
    }
  }
  if (epoch_ != nullptr && epoch_->watch != nullptr) {
    epoch_->watch->withdraw(plan.table);
  }
}

void Receiver::retry_stopped(const std::vector<ControlSession::Watched>& changed) {
  std::lock_guard lock(mutex_);
  std::erase_if(stopped_, [&](const auto& entry) {
    const ReaderRequest& request = readers_.at(entry.first);
    bool is_changed = std::ranges::any_of(changed, [&](const ControlSession::Watched& table) {
      return table.schema == request.schema && table.table == request.table;
    });
    if (is_changed) {
      pending_.push_back(entry.first);
    }
    return is_changed;
  });
}

}  // namespace tidemark
