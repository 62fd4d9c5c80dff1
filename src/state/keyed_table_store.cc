// The part of KeyedTable that speaks to the store: what changed goes there, what is missing comes
// from there.

#include <algorithm>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <fmt/core.h>

#include "state/keyed_table.h"
#include "state/store.h"
#include "types/hash.h"
#include "types/key_codec.h"
#include "types/row_codec.h"

namespace tidemark {

namespace {

Status wrong_length(std::string_view value) {
  return Status::corruption(
      fmt::format("an entry of the state has a length that cannot be: {} bytes", value.size()));
}

}  // namespace

// A key that is erased in memory must not come back from the store before its deletion is written
// there.
struct KeyedTable::Overlay {
  absl::flat_hash_set<std::string> erased;            // since the last stage()
  absl::flat_hash_set<std::string> erased_in_flight;  // in the staged batch
  size_t bytes = 0;                                   // about, of all of them
};

// Their keys as columns; their values one after the other.
struct KeyedTable::StoredRows {
  std::vector<Column> keys;
  std::string values;
  std::vector<size_t> value_ends;

  size_t size() const { return value_ends.size(); }
  std::string_view value(size_t row) const {
    size_t begin = row == 0 ? 0 : value_ends[row - 1];
    return std::string_view(values).substr(begin, value_ends[row] - begin);
  }
};

KeyedTable::KeyedTable(std::vector<Type> key_types, std::vector<Type> payload_types,
                       size_t fixed_bytes, size_t stored_bytes)
    : fixed_bytes_(fixed_bytes), stored_bytes_(std::min(stored_bytes, fixed_bytes)) {
  CHECK(fixed_bytes % 8 == 0);  // of 16 where there are Int128 accumulators
  for (Type& type : key_types) {
    keys_.push_back(std::make_shared<Column>(std::move(type)));
  }
  for (Type& type : payload_types) {
    payload_.emplace_back(std::move(type));
  }
  reset_memory();
}

KeyedTable::~KeyedTable() = default;
KeyedTable::KeyedTable(KeyedTable&&) noexcept = default;
KeyedTable& KeyedTable::operator=(KeyedTable&&) noexcept = default;

void KeyedTable::append_key(std::span<const Column* const> keys, size_t row,
                            std::string& out) const {
  for (const Column* column : keys) {
    append_sort_key(*column, row, false, false, out);
  }
}

void KeyedTable::append_key(uint32_t id, std::string& out) const {
  for (const std::shared_ptr<Column>& column : keys_) {
    append_sort_key(*column, id, false, false, out);
  }
}

void KeyedTable::append_entry(uint32_t id, std::string& out) const {
  for (const Column& column : payload_) {
    append_value(column, id, out);
  }
  out.append(reinterpret_cast<const char*>(fixed(id)), stored_bytes_);
  if (extension_ != nullptr) {
    extension_->append(*this, id, out);
  }
}

void KeyedTable::read_entry(uint32_t id, std::string_view value) {
  ByteReader in(value);
  for (Column& column : payload_) {
    read_value(in, column, id);
  }
  if (std::string_view bytes = in.take(stored_bytes_); !bytes.empty()) {
    std::memcpy(fixed(id), bytes.data(), bytes.size());
  }
  if (extension_ != nullptr && !in.failed()) {
    extension_->read(*this, id, in);
  }
  if (!in.at_end()) {
    fail(wrong_length(value));
  }
}

void KeyedTable::note_changed(uint32_t id) {
  flags_[id] |= kChanged;
  changed_.push_back(id);
}

void KeyedTable::note_erased(uint32_t id) {
  if (overlay_ == nullptr) {
    overlay_ = std::make_unique<Overlay>();
  }
  std::string key;
  append_key(id, key);
  overlay_->bytes += sizeof key + key.capacity();
  overlay_->erased.insert(std::move(key));
}

void KeyedTable::clear() {
  reset_memory();
  warmed_to_ = prefix_;
  note_cleared();
  if (overlay_ != nullptr) {
    overlay_.reset();  // all keys go at once; none is looked up any more
  }
}

bool KeyedTable::is_erased(std::string_view key) const {
  auto has = [&](const absl::flat_hash_set<std::string>& keys) {
    return !keys.empty() && keys.contains(absl::string_view(key.data(), key.size()));
  };
  return overlay_ != nullptr && (has(overlay_->erased) || has(overlay_->erased_in_flight));
}

void KeyedTable::stage_some(StoreBatch& batch, size_t entries_max) {
  unite();
  stage_cleared(batch);
  std::string key = prefix_, value;
  if (overlay_ != nullptr) {
    for (const std::string& erased : overlay_->erased) {
      key.resize(prefix_.size());
      key += erased;
      batch.erase(key);
    }
    if (overlay_->erased_in_flight.empty()) {
      std::swap(overlay_->erased, overlay_->erased_in_flight);
    }
    overlay_->erased_in_flight.merge(overlay_->erased);
    overlay_->erased.clear();
  }
  size_t rest = changed_.size() - std::min(entries_max, changed_.size());
  for (uint32_t id : std::span(changed_).subspan(rest)) {
    if ((flags_[id] & (kLive | kChanged)) != (kLive | kChanged)) {
      continue;
    }
    key.resize(prefix_.size());
    append_key(id, key);
    value.clear();
    append_entry(id, value);
    batch.put(key, value);
    flags_[id] = kLive | kStored | kStaged;
    note_stored();
  }
  if (rest == 0 && staged_.empty()) {
    std::swap(changed_, staged_);
  } else {
    staged_.insert(staged_.end(), changed_.begin() + static_cast<ptrdiff_t>(rest), changed_.end());
    changed_.resize(rest);
  }
}

void KeyedTable::staged_is_durable() {
  for (uint32_t id : staged_) {
    if (id < flags_.size()) {  // it may have another row by now, which has not been staged
      flags_[id] &= static_cast<uint8_t>(~kStaged);
    }
  }
  staged_.clear();
  if (staged_.capacity() > flags_.size() / 8) {
    staged_.shrink_to_fit();  // after a first content; else as much changes again
  }
  if (overlay_ != nullptr) {
    overlay_->bytes =
        overlay_->bytes * overlay_->erased.size() /
        std::max<size_t>(overlay_->erased.size() + overlay_->erased_in_flight.size(), 1);
    overlay_->erased_in_flight = {};
  }
}

size_t KeyedTable::changed_entries() const {
  return changed_.size() + (overlay_ != nullptr ? overlay_->erased.size() : 0);
}

size_t KeyedTable::overlay_bytes() const {
  return overlay_ != nullptr ? overlay_->bytes : 0;
}

void KeyedTable::fault_in_row(std::span<const Column* const> keys, size_t row, uint64_t hash) {
  std::string key;
  append_key(keys, row, key);
  if (is_erased(key)) {
    return;
  }
  Result<std::optional<std::string>> value = store_->get(prefix_ + key);
  if (!value.ok()) {
    fail(value.status());
  } else if (*value) {
    reserve_for(1);
    uint32_t id = insert_at(free_slot(hash), keys, row, hash);
    flags_[id] |= kStored;
    read_entry(id, **value);
    tell_loaded();
  }
}

void KeyedTable::tell_loaded() {
  if (extension_ != nullptr) {
    extension_->loaded(*this);
  }
}

void KeyedTable::fault_in(std::span<const Column* const> keys, size_t rows,
                          std::span<const uint64_t> hashes) {
  if (is_complete_) {
    return;
  }
  absl::flat_hash_map<std::string, uint32_t> wanted;  // key -> one of its rows
  std::string key;
  for (uint32_t i = 0; i < rows; ++i) {
    if (find_in_memory(keys, i, hashes[i]) == kNone) {
      key.clear();
      append_key(keys, i, key);
      if (!is_erased(key)) {
        wanted.try_emplace(key, i);
      }
    }
  }
  std::vector<std::string> stored_keys;
  std::vector<uint32_t> key_rows;
  for (const auto& [bytes, row] : wanted) {
    stored_keys.push_back(prefix_ + bytes);
    key_rows.push_back(row);
  }
  std::vector<std::optional<std::string>> values;
  if (Status status = store_->get(stored_keys, values); !status.ok()) {
    fail(std::move(status));
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i]) {
      reserve_for(1);
      uint64_t hash = hashes[key_rows[i]];
      uint32_t id = insert_at(free_slot(hash), keys, key_rows[i], hash);
      flags_[id] |= kStored;
      read_entry(id, *values[i]);
    }
  }
  tell_loaded();
}

void KeyedTable::fault_in_prefix(std::span<const Column* const> keys, size_t row) {
  if (is_complete_) {
    return;
  }
  std::string prefix = prefix_;
  append_key(keys, row, prefix);
  load_prefix(prefix);
}

std::vector<uint32_t> KeyedTable::find_prefix(std::span<const Column* const> keys, size_t row) {
  CHECK(!is_complete_);
  std::string prefix = prefix_;
  append_key(keys, row, prefix);
  std::vector<uint32_t> ids = load_prefix(prefix);
  // And those that the store does not have yet.
  for (const std::vector<uint32_t>* news : {&changed_, &staged_}) {
    for (uint32_t id : *news) {
      if (is_live(id) && key_begins_with(id, keys, row)) {
        ids.push_back(id);
      }
    }
  }
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  return ids;
}

// The ids of the rows whose keys begin so in the store and are not erased here.
std::vector<uint32_t> KeyedTable::load_prefix(std::string_view prefix) {
  StoredRows rows;
  StoreCursor cursor = store_->scan(prefix);
  return read_stored(cursor, SIZE_MAX, Texts::kOfTable, rows) ? take_in(rows)
                                                              : std::vector<uint32_t>();
}

// The next entries, less those that are erased here. False: they cannot be read.
bool KeyedTable::read_stored(StoreCursor& cursor, size_t entries_max, Texts texts,
                             StoredRows& rows) {
  for (const std::shared_ptr<Column>& key : keys_) {
    rows.keys.emplace_back(key->type());
  }
  for (size_t i = 0; i < entries_max && cursor.valid(); ++i, cursor.next()) {
    std::string_view key = cursor.key().substr(prefix_.size());
    if (is_erased(key)) {
      continue;
    }
    ByteReader in(key);
    for (size_t k = 0; k < keys_.size(); ++k) {
      read_sort_key(in, false, rows.keys[k], texts == Texts::kOfTable ? *keys_[k] : rows.keys[k]);
    }
    if (!in.at_end()) {
      fail(Status::corruption(
          fmt::format("a key of the state cannot be read: {} bytes", key.size())));
      return false;
    }
    rows.values += cursor.value();
    rows.value_ends.push_back(rows.values.size());
  }
  if (Status status = cursor.status(); !status.ok()) {
    fail(std::move(status));
    return false;
  }
  return true;
}

// Rows that memory may have already, perhaps newer; their ids.
std::vector<uint32_t> KeyedTable::take_in(const StoredRows& rows) {
  std::vector<const Column*> keys;
  for (const Column& column : rows.keys) {
    keys.push_back(&column);
  }
  std::vector<uint64_t> hashes;
  hash_rows(keys, rows.size(), hashes);
  std::vector<uint32_t> ids(rows.size());
  loaded_.clear();
  resolve(keys, rows.size(), hashes, ids.data(), Missing::kIsLoaded);
  for (const NewRow& row : loaded_) {
    flags_[row.id] |= kStored;
    read_entry(row.id, rows.value(row.row));
  }
  if (dead_string_bytes_ > kCompactMin) {
    compact_strings();
  }
  tell_loaded();
  return ids;
}

bool KeyedTable::warm(size_t entries_max) {
  if (is_complete_) {
    return true;
  }
  StoreCursor cursor = store_->scan_from(prefix_, warmed_to_, Store::Reading::kAll);
  StoredRows rows;
  if (!read_stored(cursor, entries_max, Texts::kOfTable, rows)) {
    return false;
  }
  warmed_to_ = cursor.valid() ? cursor.key() : prefix_;
  take_in(rows);
  is_complete_ = !cursor.valid() && status().ok();
  return is_complete_;
}

void KeyedTable::for_each_stored(size_t rows_max, const std::function<bool(ZBatch)>& f) {
  CHECK(is_held_ && payload_.empty() && stored_bytes_ == sizeof(int64_t) && loose_from_ == kNone);
  if (is_complete_) {
    return;
  }
  // What is erased here may be so on disk too after f: a cursor shows the store as it was when it
  // was made.
  std::string from = prefix_;
  for (bool goes_on = true; goes_on;) {
    StoreCursor cursor = store_->scan_from(prefix_, from, Store::Reading::kAll);
    StoredRows stored;
    if (!read_stored(cursor, rows_max, Texts::kOfRows, stored)) {
      return;
    }
    goes_on = cursor.valid();
    from = goes_on ? cursor.key() : std::string_view();
    ZBatch piece = not_in_memory(stored);
    goes_on = status().ok() && (piece.rows.rows == 0 || f(std::move(piece))) && goes_on;
  }
}

uint64_t KeyedTable::unloaded_bytes() const {
  return is_complete_ ? 0 : store_->unpacked_bytes(prefix_);
}

ZBatch KeyedTable::not_in_memory(const StoredRows& stored) {
  absl::InlinedVector<const Column*, 8> keys;
  for (const Column& column : stored.keys) {
    keys.push_back(&column);
  }
  std::vector<uint64_t> hashes;
  hash_rows(keys, stored.size(), hashes);
  ZBatch result;
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < stored.size(); ++row) {
    if (find_in_memory(keys, row, hashes[row]) != kNone) {
      continue;
    }
    std::string_view value = stored.value(row);
    if (value.size() != sizeof(int64_t)) {
      fail(wrong_length(value));
      return {};
    }
    rows.push_back(row);
    std::memcpy(&result.weights.emplace_back(), value.data(), value.size());
  }
  if (std::ranges::all_of(result.weights, [](int64_t weight) { return weight == 1; })) {
    result.weights = {};
  }
  result.rows.rows = rows.size();
  for (const Column& key : stored.keys) {
    auto column = std::make_shared<Column>(key.type());
    column->append_rows(key, rows);
    result.rows.columns.push_back(std::move(column));
  }
  return result;
}

size_t KeyedTable::evict(size_t entries_max) {
  if (is_held_) {
    return 0;
  }
  unite();
  size_t evicted = 0;
  for (size_t looked = 0; looked < flags_.size() && evicted < entries_max; ++looked) {
    evict_hand_ = evict_hand_ < flags_.size() ? evict_hand_ : 0;
    if (flags_[evict_hand_] == (kLive | kStored)) {
      if (extension_ != nullptr) {
        extension_->release(*this, evict_hand_);
      }
      remove_from_memory(evict_hand_, hash_of(evict_hand_));
      ++evicted;
    }
    ++evict_hand_;
  }
  if (evicted != 0) {
    is_complete_ = false;
    warmed_to_ = prefix_;
  }
  return evicted;
}

}  // namespace tidemark
