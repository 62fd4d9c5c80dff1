#include "engine/change_log.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/bytes.h"
#include "engine/stored_rows.h"
#include "zset/changelog.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// Of one view: in the store, or in memory if there is none.
constexpr size_t kStoredBytesMax = 64 << 20;
constexpr size_t kHeldBytesMax = 16 << 20;
// The parts of an entry in the store, and of the log itself.
constexpr char kHead = 'h';
constexpr char kRows = 'r';
constexpr char kStart = 's';

std::string encode_head(const ChangeLogEntry& entry) {
  std::string out;
  append_fixed(entry.first.value, out);
  append_fixed(entry.mark.value, out);
  append_fixed(entry.commit_time_us, out);
  append_fixed(entry.published_us, out);
  append_varint(entry.bytes, out);
  return out;
}

Status damaged() {
  return Status::corruption("the changes that a view keeps cannot be read");
}

}  // namespace

Result<std::vector<ViewUpdate>> ChangeLogRead::updates(
    const std::optional<std::vector<size_t>>& key) const {
  std::vector<ViewUpdate> updates;
  for (const ChangeLogEntry& entry : entries_) {
    std::shared_ptr<const ZBatch> changes = TRY(rows_of(entry));
    ViewUpdate update;
    update.mark = entry.mark;
    update.commit_time_us = entry.commit_time_us;
    update.published_us = entry.published_us;
    if (changes->rows.rows != 0) {
      update.kind = ViewUpdate::Kind::kChanges;
      update.changes = to_changelog(*changes, key);
    }
    updates.push_back(std::move(update));
  }
  return updates;
}

Result<std::vector<ZBatch>> ChangeLogRead::undone() const {
  std::vector<ZBatch> batches;
  for (const ChangeLogEntry& entry : entries_) {
    std::shared_ptr<const ZBatch> changes = TRY(rows_of(entry));
    if (changes->rows.rows != 0) {
      batches.push_back(negated(*changes));
    }
  }
  return batches;
}

Result<std::shared_ptr<const ZBatch>> ChangeLogRead::rows_of(const ChangeLogEntry& entry) const {
  if (entry.changes != nullptr) {
    return entry.changes;
  }
  std::string name = prefix_;
  append_big_endian(entry.number, name);
  std::optional<std::string> rows = TRY(store_->get(name += kRows));
  if (!rows) {
    return Status::unavailable("the mark has just left what is kept of the view")
        .with_sqlstate("72000");
  }
  return std::make_shared<const ZBatch>(TRY(decode_rows(*rows, types_)));
}

std::string ChangeLog::entry_key(uint64_t number, char part) const {
  std::string key = prefix_;
  append_big_endian(number, key);
  return key += part;
}

std::string ChangeLog::encode_start() const {
  std::string out;
  append_fixed(start_.value, out);
  append_fixed(next_number_, out);
  return out;
}

Status ChangeLog::attach(const Store& store, std::string prefix, const std::vector<Type>& types,
                         std::optional<Lsn> mark) {
  store_ = &store;
  prefix_ = std::move(prefix);
  types_ = types;
  if (!mark) {
    return {};
  }
  std::optional<std::string> start = TRY(store.get(entry_key(0, kStart)));
  if (!start) {
    begin(*mark);  // of a version that kept none
    return {};
  }
  ByteReader in(*start);
  start_ = Lsn{in.fixed<uint64_t>()};
  next_number_ = in.fixed<uint64_t>();
  if (in.failed() || !in.at_end()) {
    return damaged();
  }
  stored_start_ = std::move(*start);
  for (StoreCursor cursor = store.scan(prefix_); cursor.valid();) {
    std::string_view key = cursor.key();
    ByteReader name(key.substr(prefix_.size()));
    ChangeLogEntry entry;
    entry.number = name.big_endian<uint64_t>();
    char part = name.fixed<char>();
    if (name.failed() || !name.at_end()) {
      return damaged();
    }
    if (part == kHead && entry.number < next_number_) {
      ByteReader head(cursor.value());
      entry.first = Lsn{head.fixed<uint64_t>()};
      entry.mark = Lsn{head.fixed<uint64_t>()};
      entry.commit_time_us = head.fixed<int64_t>();
      entry.published_us = head.fixed<int64_t>();
      entry.bytes = head.varint();
      if (head.failed() || !head.at_end()) {
        return damaged();
      }
      bytes_ += entry.bytes;
      entries_.push_back(std::move(entry));
    }
    cursor.seek(entry_key(entry.number + 1, kHead));  // past its rows
    TRY(cursor.status());
  }
  first_stored_ = entries_.empty() ? next_number_ : entries_.front().number;
  next_staged_ = next_number_;
  return {};
}

void ChangeLog::begin(Lsn mark) {
  entries_.clear();
  bytes_ = 0;
  start_ = mark;
}

void ChangeLog::add(Lsn first, Lsn mark, int64_t commit_time_us, int64_t published_us,
                    const ZBatch& changes) {
  if (retention_us_ == 0) {
    begin(mark);
    return;
  }
  auto kept = std::make_shared<const ZBatch>(owned(changes));
  ChangeLogEntry entry{.number = next_number_++,
                       .first = first,
                       .mark = mark,
                       .commit_time_us = commit_time_us,
                       .published_us = published_us,
                       .bytes = sizeof(ChangeLogEntry) + held_bytes(*kept),
                       .changes = std::move(kept)};
  bytes_ += entry.bytes;
  entries_.push_back(std::move(entry));
  trim(published_us);
}

void ChangeLog::drop_first() {
  start_ = entries_.front().mark;
  bytes_ -= entries_.front().bytes;
  entries_.pop_front();
}

void ChangeLog::trim(int64_t now_us) {
  size_t bytes_max = store_ != nullptr ? kStoredBytesMax : kHeldBytesMax;
  while (!entries_.empty() &&
         (bytes_ > bytes_max || entries_.front().published_us < now_us - retention_us_)) {
    drop_first();
  }
}

Result<ChangeLogRead> ChangeLog::after(Lsn mark, Lsn shown) const {
  if (!start_.valid() || mark < start_) {
    return Status::unavailable(
               fmt::format("mark {} is older than what is kept of the view, which begins at {}",
                           mark.to_string(), start_.to_string()))
        .with_sqlstate("72000")
        .with_hint(
            "without AS OF MARK there is always the newest content; 'retention' in WITH of CREATE "
            "MATERIALIZED VIEW keeps changes longer");
  }
  auto next = std::ranges::upper_bound(entries_, mark, {}, &ChangeLogEntry::mark);
  if (mark > shown || (next != entries_.end() && mark >= next->first)) {
    return Status::invalid_argument(
               fmt::format("the view was never shown at mark {}", mark.to_string()))
        .with_hint("ask for a mark that this view has told");
  }
  ChangeLogRead read;
  read.entries_.assign(
      next, std::ranges::upper_bound(next, entries_.end(), shown, {}, &ChangeLogEntry::mark));
  read.types_ = types_;
  read.store_ = store_;
  read.prefix_ = prefix_;
  return read;
}

Result<std::optional<ZBatch>> ChangeLog::changes_at(Lsn mark) const {
  auto entry = std::ranges::lower_bound(entries_, mark, {}, &ChangeLogEntry::mark);
  if (entry == entries_.end() || entry->mark != mark) {
    return std::optional<ZBatch>();
  }
  if (entry->changes != nullptr) {
    return std::optional(*entry->changes);
  }
  std::optional<std::string> rows = TRY(store_->get(entry_key(entry->number, kRows)));
  return rows ? std::optional(TRY(decode_rows(*rows, types_))) : std::nullopt;
}

void ChangeLog::stage(StoreBatch& batch) {
  uint64_t first_kept = entries_.empty() ? next_number_ : entries_.front().number;
  for (; first_stored_ < std::min(first_kept, next_staged_); ++first_stored_) {
    batch.erase(entry_key(first_stored_, kHead));
    batch.erase(entry_key(first_stored_, kRows));
  }
  first_stored_ = std::max(first_stored_, std::min(first_kept, next_number_));
  for (const ChangeLogEntry& entry : entries_) {
    if (entry.number >= next_staged_) {
      batch.put(entry_key(entry.number, kHead), encode_head(entry));
      batch.put(entry_key(entry.number, kRows), encode_rows(*entry.changes));
    }
  }
  next_staged_ = next_number_;
  std::string start = encode_start();
  if (start != stored_start_) {
    batch.put(entry_key(0, kStart), start);
    stored_start_ = std::move(start);
  }
}

void ChangeLog::staged_is_durable() {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->number < next_staged_) {
      if (entry->changes == nullptr) {
        return;
      }
      entry->changes.reset();
    }
  }
}

}  // namespace tidemark
