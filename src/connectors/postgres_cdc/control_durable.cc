// The control session's part in what is kept at the server: names, slots, and the end.

#include <algorithm>

#include <fmt/core.h>

#include "connectors/postgres_cdc/control_session.h"

namespace tidemark {

Status ControlSession::take_durable_name_locked() {
  name_ = options_.publication.empty() ? durable_name_ : options_.publication;
  QueryResult found = TRY(query_locked("SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = " +
                                       quote_literal(name_)));
  exists_ = found.rows() != 0 && options_.publication.empty();
  owns_name_ = TRY(lock_name_locked(durable_name_));
  return {};
}

Result<uint32_t> ControlSession::publication_oid() {
  std::lock_guard lock(mutex_);
  QueryResult found = TRY(query_locked(
      "SELECT oid FROM pg_catalog.pg_publication WHERE pubname = " + quote_literal(name_)));
  return found.rows() == 0 ? 0 : static_cast<uint32_t>(found.integer(0, 0));
}

Result<std::vector<uint32_t>> ControlSession::unpublished(const std::vector<TableInfo>& tables) {
  std::vector<uint32_t> missing;
  std::lock_guard lock(mutex_);
  if (!options_.publication.empty()) {
    for (const TableInfo& table : tables) {
      Status covered = check_ready_made(*connection_, name_, {table});
      if (!covered.ok() && covered.code() == StatusCode::kUnavailable) {
        return covered;
      }
      if (!covered.ok()) {
        missing.push_back(table.oid);
      }
    }
    return missing;
  }
  QueryResult found = TRY(query_locked(
      "SELECT r.prrelid FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON "
      "p.oid = r.prpubid WHERE p.pubname = " +
      quote_literal(name_)));
  for (const TableInfo& table : tables) {
    bool is_published = false;
    for (size_t i = 0; i < found.rows() && !is_published; ++i) {
      is_published = found.integer(i, 0) == table.oid;
    }
    if (!is_published) {
      missing.push_back(table.oid);
    }
  }
  return missing;
}

Result<SlotState> ControlSession::slot_state(const std::string& slot) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  return read_slot(*connection_, slot);
}

Result<SlotUse> ControlSession::slot_use(const std::string& slot) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  return read_slot_use(*connection_, slot);
}

Status ControlSession::give_up_slot(const std::string& slot, int own_pid) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  auto may_end = [&](int pid) { return may_end_locked(slot, pid, own_pid); };
  if (options_.slot.empty()) {
    return drop_slot(*connection_, slot, may_end, interrupt_);
  }
  TRY(tidemark::free_slot(*connection_, slot, may_end, interrupt_));
  return query_locked("SELECT pg_catalog.pg_replication_slot_advance(" + quote_literal(slot) +
                      ", pg_catalog.pg_current_wal_lsn())")
      .status();
}

// A walsender of ours, left by a connection that was cut; or one that a dead process left under our
// name, as a living one would hold the lock. A slot that the user named may be another program's.
bool ControlSession::may_end_locked(const std::string& slot, int pid, int own_pid) {
  return pid == own_pid || (owns_name_ && slot == durable_name_);
}

Status ControlSession::free_slot(const std::string& slot, int own_pid) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  return tidemark::free_slot(
      *connection_, slot, [&](int pid) { return may_end_locked(slot, pid, own_pid); }, interrupt_);
}

Status ControlSession::drop_kept(const std::string& slot, int own_pid) {
  std::lock_guard lock(mutex_);
  if (!connection_) {
    return Status::unavailable("not connected");
  }
  TRY(drop_slot(
      *connection_, slot, [&](int pid) { return may_end_locked(slot, pid, own_pid); }, interrupt_));
  if (exists_) {
    TRY(query_locked("DROP PUBLICATION IF EXISTS " + quote_identifier(name_)));
    exists_ = false;
  }
  return {};
}

void ControlSession::close() {
  std::lock_guard lock(mutex_);
  bool is_dropped = connection_ && exists_ && options_.publication.empty() &&
                    durable_name_.empty() && !connection_->is_broken();
  if (is_dropped) {
    connection_->ignore_interrupt();
    Status dropped = query_locked("SET lock_timeout = '2s'; DROP PUBLICATION IF EXISTS " +
                                  quote_identifier(name_))
                         .status();
    (void)dropped.ok();  // what cannot be dropped now is found and taken over by the next run
  }
  disconnect_locked();
  exists_ = false;
}

}  // namespace tidemark
