#include "state/ordered_table.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/bytes.h"
#include "types/hash.h"

namespace tidemark {

void add_up(std::vector<KeyChange>& changes) {
  std::ranges::sort(changes, {}, &KeyChange::key);
  std::vector<KeyChange> sums;
  for (KeyChange& change : changes) {
    if (!sums.empty() && sums.back().key == change.key) {
      sums.back().weight += change.weight;
    } else {
      sums.push_back(std::move(change));
    }
  }
  std::erase_if(sums, [](const KeyChange& change) { return change.weight == 0; });
  changes = std::move(sums);
}

// The entry of a key, made (with weight 0) if the key is new; from the store if only that has it.
OrderedTable::Map::iterator OrderedTable::entry_of(std::string_view key) {
  auto [entry, is_new] = entries_.try_emplace(SmallBytes(key));
  if (!is_new) {
    return entry;
  }
  heap_bytes_ += entry->first.heap_bytes();
  if (!is_complete_) {
    Result<std::optional<std::string>> value = store_->get(prefix_ + std::string(key));
    if (!value.ok()) {
      fail(value.status());
    } else if (*value) {
      entry->second.weight = read_weight(**value).value_or(0);
      entry->second.is_stored = true;
      ++live_;
    }
  }
  return entry;
}

std::optional<int64_t> OrderedTable::read_weight(std::string_view value) const {
  ByteReader in(value);
  int64_t weight = in.fixed<int64_t>();
  return in.at_end() ? std::optional(weight) : std::nullopt;
}

void OrderedTable::note_changed(Map::iterator entry) {
  if (store_ != nullptr && !entry->second.is_changed) {
    entry->second.is_changed = true;
    changed_.push_back(entry->first);
  }
}

// Takes the entry away if neither memory nor the store needs it.
void OrderedTable::settle(Map::iterator entry) {
  if (entry->second.weight == 0 && !entry->second.is_stored) {
    heap_bytes_ -= entry->first.heap_bytes();
    entries_.erase(entry);
  }
}

int64_t OrderedTable::add(std::string_view key, int64_t weight) {
  unite();
  was_taken_back_ = was_taken_back_ || weight < 0;
  return add_united(key, weight);
}

int64_t OrderedTable::add_united(std::string_view key, int64_t weight) {
  Map::iterator entry = entry_of(key);
  int64_t before = entry->second.weight;
  int64_t after = before + weight;
  live_ += (after != 0 ? 1 : 0) - (before != 0 ? 1 : 0);
  entry->second.weight = after;
  if (before != after) {
    note_changed(entry);
  }
  settle(entry);
  return after;
}

void OrderedTable::add_loose(std::string_view key, int64_t weight) {
  constexpr uint64_t kSampleEvery = 64;
  constexpr size_t kSampleMin = 64;  // fewer say nothing
  CHECK(weight > 0);
  loose_.push_back({SmallBytes(key), weight});
  heap_bytes_ += loose_.back().key.heap_bytes();
  uint64_t hash = hash_bytes(key);
  if (hash % kSampleEvery == 0) {
    sample_.insert(hash);
    ++sampled_;
    is_repetitive_ = sampled_ >= kSampleMin && sample_.size() * 4 < sampled_ * 3;
  }
  if (is_repetitive_) {
    unite();
    sample_ = {};
  }
}

void OrderedTable::unite() {
  if (loose_.empty()) {
    return;
  }
  std::vector<LooseKey> loose = std::move(loose_);
  loose_.clear();
  std::ranges::sort(loose, [](const LooseKey& a, const LooseKey& b) { return a.key < b.key; });
  for (const LooseKey& each : loose) {
    heap_bytes_ -= each.key.heap_bytes();
    add_united(each.key.view(), each.weight);
  }
}

bool OrderedTable::index_loose(size_t entries_max) {
  if (loose_.size() <= kLooseFew) {
    return false;
  }
  auto first = loose_.end() - static_cast<ptrdiff_t>(std::min(entries_max, loose_.size()));
  std::vector<LooseKey> some(std::make_move_iterator(first), std::make_move_iterator(loose_.end()));
  loose_.erase(first, loose_.end());
  for (const LooseKey& each : some) {
    heap_bytes_ -= each.key.heap_bytes();
    add_united(each.key.view(), each.weight);
  }
  return true;
}

int64_t OrderedTable::weight(std::string_view key) {
  unite();
  Map::iterator entry = entry_of(key);
  int64_t weight = entry->second.weight;
  settle(entry);
  return weight;
}

void OrderedTable::fault_in(std::span<const std::string_view> keys) {
  constexpr size_t kPieceKeys = 1024;
  for (size_t first = 0; !is_complete_ && first < keys.size(); first += kPieceKeys) {
    fault_in_piece(keys.subspan(first, std::min(kPieceKeys, keys.size() - first)));
  }
}

// Keys that the store has not got are there too afterwards, without a weight: they are not asked
// for again.
void OrderedTable::fault_in_piece(std::span<const std::string_view> keys) {
  std::vector<std::string> wanted;
  for (std::string_view key : keys) {
    if (!entries_.contains(SmallBytes(key))) {
      wanted.push_back(prefix_ + std::string(key));
    }
  }
  std::vector<std::optional<std::string>> values;
  if (Status status = store_->get(wanted, values); !status.ok()) {
    fail(std::move(status));
    return;
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto [entry, is_new] =
        entries_.try_emplace(SmallBytes(std::string_view(wanted[i]).substr(prefix_.size())));
    if (is_new) {
      heap_bytes_ += entry->first.heap_bytes();
    }
    if (is_new && values[i]) {
      entry->second = {read_weight(*values[i]).value_or(0), false, true};
      ++live_;
    }
  }
}

void OrderedTable::erase_prefix(std::string_view prefix) {
  unite();
  std::vector<std::pair<std::string, int64_t>> found;
  for (Scan scan = forward(prefix); scan.valid() && scan.key().starts_with(prefix); scan.next()) {
    found.emplace_back(scan.key(), scan.weight());
  }
  for (const auto& [key, weight] : found) {
    add(key, -weight);
  }
}

void OrderedTable::clear() {
  entries_.clear();
  loose_.clear();
  sample_ = {};
  sampled_ = 0;
  is_repetitive_ = false;
  was_taken_back_ = false;
  changed_.clear();
  staged_erased_.clear();
  live_ = 0;
  heap_bytes_ = 0;
  warmed_to_ = prefix_;
  note_cleared();
}

bool OrderedTable::is_empty() const {
  return is_complete_ ? size() == 0 : !forward({}).valid();
}

// --- scans ---

OrderedTable::Scan OrderedTable::forward(std::string_view first) const {
  CHECK(loose_.empty());
  Scan scan;
  scan.table_ = this;
  scan.memory_ = entries_.lower_bound(SmallBytes(first));
  if (!is_complete_) {
    scan.store_.emplace(store_->scan_from(prefix_, prefix_ + std::string(first)));
  }
  scan.choose();
  return scan;
}

OrderedTable::Scan OrderedTable::backward(std::string_view before) const {
  CHECK(loose_.empty());
  Scan scan;
  scan.table_ = this;
  scan.is_forward_ = false;
  scan.memory_ = entries_.lower_bound(SmallBytes(before));
  if (!is_complete_) {
    scan.store_.emplace(store_->scan_before(prefix_, prefix_ + std::string(before)));
  }
  scan.choose();
  return scan;
}

bool OrderedTable::Scan::memory_valid() const {
  return is_forward_ ? memory_ != table_->entries_.end() : memory_ != table_->entries_.begin();
}

// Finds the nearer of memory's and the store's next keys; memory's word counts where both have one,
// and weight 0 there means that the key is gone.
void OrderedTable::Scan::choose() {
  for (;;) {
    bool in_memory = memory_valid();
    bool in_store = store_ && store_->valid();
    if (!in_memory && !in_store) {
      source_ = Source::kNone;
      return;
    }
    auto memory = memory_;
    if (in_memory && !is_forward_) {
      --memory;
    }
    source_ = in_memory ? Source::kMemory : Source::kStore;
    if (in_memory && in_store) {
      int order = memory->first.view().compare(store_->key().substr(table_->prefix_.size()));
      if (order == 0) {
        source_ = Source::kBoth;
      } else if ((order > 0) == is_forward_) {
        source_ = Source::kStore;
      }
    }
    if (source_ == Source::kStore || memory->second.weight != 0) {
      return;
    }
    step();
  }
}

// Leaves the current key.
void OrderedTable::Scan::step() {
  if (source_ != Source::kStore) {
    is_forward_ ? ++memory_ : --memory_;
  }
  if (source_ != Source::kMemory) {
    is_forward_ ? store_->next() : store_->previous();
  }
}

void OrderedTable::Scan::next() {
  step();
  choose();
}

std::string_view OrderedTable::Scan::key() const {
  if (source_ == Source::kStore) {
    return store_->key().substr(table_->prefix_.size());
  }
  auto memory = memory_;
  return (is_forward_ ? memory : --memory)->first.view();
}

int64_t OrderedTable::Scan::weight() const {
  if (source_ == Source::kStore) {
    return table_->read_weight(store_->value()).value_or(0);
  }
  auto memory = memory_;
  return (is_forward_ ? memory : --memory)->second.weight;
}

// --- the store ---

void OrderedTable::stage_some(StoreBatch& batch, size_t entries_max) {
  unite();
  stage_cleared(batch);
  stage_ += is_staged_ ? 0 : 1;
  is_staged_ = true;
  std::string key = prefix_, value;
  size_t rest = changed_.size() - std::min(entries_max, changed_.size());
  for (SmallBytes& changed : std::span(changed_).subspan(rest)) {
    auto entry = entries_.find(changed);
    if (entry == entries_.end() || !entry->second.is_changed) {
      continue;
    }
    key.resize(prefix_.size());
    key += changed.view();
    entry->second.is_changed = false;
    if (entry->second.weight == 0) {
      batch.erase(key);
      staged_erased_.push_back(std::move(changed));
    } else {
      value.clear();
      append_fixed(entry->second.weight, value);
      batch.put(key, value);
      entry->second.is_stored = true;
      entry->second.stage = stage_;
      note_stored();
    }
  }
  changed_.resize(rest);
}

void OrderedTable::staged_is_durable() {
  for (const SmallBytes& key : staged_erased_) {
    auto entry = entries_.find(key);
    if (entry != entries_.end() && !entry->second.is_changed) {
      entry->second.is_stored = false;
      settle(entry);
    }
  }
  staged_erased_.clear();
  is_staged_ = false;
}

bool OrderedTable::warm(size_t entries_max) {
  if (is_complete_) {
    return true;
  }
  StoreCursor cursor = store_->scan_from(prefix_, warmed_to_, Store::Reading::kAll);
  for (size_t read = 0; cursor.valid() && read < entries_max; cursor.next(), ++read) {
    std::optional<int64_t> weight = read_weight(cursor.value());
    if (!weight) {
      fail(Status::corruption(fmt::format(
          "an entry of the state has a length that cannot be: {} bytes", cursor.value().size())));
      return false;
    }
    auto [entry, is_new] = entries_.try_emplace(SmallBytes(cursor.key().substr(prefix_.size())));
    if (is_new) {
      entry->second = {*weight, false, true};
      heap_bytes_ += entry->first.heap_bytes();
      live_ += *weight != 0 ? 1 : 0;
    }
    warmed_to_ = std::string(cursor.key()) + '\0';
  }
  if (!cursor.status().ok()) {
    fail(cursor.status());
    return false;
  }
  is_complete_ = !cursor.valid();
  return is_complete_;
}

size_t OrderedTable::evict(size_t entries_max) {
  unite();
  size_t evicted = 0;
  for (auto entry = entries_.begin(); entry != entries_.end() && evicted < entries_max;) {
    bool is_on_disk = entry->second.is_stored && !entry->second.is_changed &&
                      !(is_staged_ && entry->second.stage == stage_);
    if (is_on_disk && entry->second.weight != 0) {
      heap_bytes_ -= entry->first.heap_bytes();
      entry = entries_.erase(entry);
      --live_;
      ++evicted;
    } else {
      ++entry;
    }
  }
  if (evicted != 0) {
    is_complete_ = false;
    warmed_to_ = prefix_;
  }
  return evicted;
}

size_t OrderedTable::held_bytes() const {
  // A B-tree's nodes are about three quarters full.
  return entries_.size() * sizeof(Map::value_type) * 4 / 3 + heap_bytes_ +
         loose_.capacity() * sizeof(LooseKey) +
         (changed_.capacity() + staged_erased_.capacity()) * sizeof(SmallBytes);
}

}  // namespace tidemark
