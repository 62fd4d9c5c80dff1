#include "connectors/postgres_cdc/catalog_watch.h"

#include <algorithm>
#include <chrono>
#include <map>

namespace tidemark {

namespace {

constexpr std::chrono::milliseconds kInterval{1000};
constexpr uint64_t kHeldBytes = 1 << 20;  // less than this is on its way

}  // namespace

CatalogWatch::CatalogWatch(ControlSession& control, std::string slot, Callbacks callbacks)
    : control_(control), slot_(std::move(slot)), callbacks_(std::move(callbacks)) {
  thread_ = std::thread([this] { run(); });
}

CatalogWatch::~CatalogWatch() {
  {
    std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void CatalogWatch::watch(std::vector<ControlSession::Watched> tables) {
  std::lock_guard lock(mutex_);
  if (tables_ != tables) {
    tables_ = std::move(tables);
    has_moved_ = true;
    wake_.notify_all();
  }
}

void CatalogWatch::moved() {
  std::lock_guard lock(mutex_);
  if (!std::exchange(has_moved_, true)) {
    wake_.notify_all();
  }
}

void CatalogWatch::withdraw(const TableInfo& table) {
  std::lock_guard lock(mutex_);
  withdrawn_.push_back(table);
  wake_.notify_all();
}

bool CatalogWatch::wait_for_work(std::vector<ControlSession::Watched>& tables,
                                 std::vector<TableInfo>& withdrawn) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kInterval, [this] { return ends_; });
  wake_.wait(lock,
             [this] { return ends_ || !withdrawn_.empty() || (has_moved_ && !tables_.empty()); });
  has_moved_ = false;
  tables = tables_;
  withdrawn = std::exchange(withdrawn_, {});
  return !ends_;
}

// What is kept for us may be confirmed without more log: it is looked at again.
bool CatalogWatch::look_at_slot() {
  Result<SlotUse> use = control_.slot_use(slot_);
  if (!use.ok()) {
    if (use.status().code() != StatusCode::kNotFound) {
      callbacks_.lost(std::move(use).status());
      return false;
    }
    return true;
  }
  callbacks_.slot_used(*use);
  if (use->current.value > use->confirmed.value + kHeldBytes) {
    moved();
  }
  return true;
}

void CatalogWatch::run() {
  std::map<std::pair<std::string, std::string>, std::string> seen;
  std::vector<ControlSession::Watched> tables;
  std::vector<TableInfo> withdrawn;
  while (wait_for_work(tables, withdrawn)) {
    for (const TableInfo& table : withdrawn) {
      // One that is read again meanwhile is seen to be missing. One that cannot be taken out now
      // stays until the publication is made anew.
      static_cast<void>(control_.unpublish(table).ok());
    }
    if (tables.empty()) {
      continue;
    }
    Result<std::vector<std::string>> digests = control_.catalog_digests(tables);
    if (!digests.ok()) {
      callbacks_.lost(std::move(digests).status());
      return;
    }
    if (!look_at_slot()) {
      return;
    }
    std::vector<ControlSession::Watched> changed;
    for (size_t i = 0; i < tables.size(); ++i) {
      auto [known, is_first] = seen.emplace(std::pair(tables[i].schema, tables[i].table), "");
      if (is_first || known->second != (*digests)[i]) {
        known->second = (*digests)[i];
        changed.push_back(tables[i]);
      }
    }
    if (!changed.empty()) {
      callbacks_.changed(std::move(changed));
    }
  }
}

}  // namespace tidemark
