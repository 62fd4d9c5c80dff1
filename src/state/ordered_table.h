#pragma once
// Weighted keys in order: what MIN and MAX, top-n, OVER and range conditions stand on. A key is
// bytes whose order is the wanted order (types/key_codec.h); whoever needs the values reads them
// back from the key.
//
// As long as nothing is taken back, a user who needs no order yet can leave keys loose: at the end
// of a list, where they may repeat. They are sorted in before a checkpoint, and before anything
// else than add_loose() is asked.
//
// With a store (state_table.h) a key is one entry there, its value the weight. What is only in the
// store is merged in by scans, and read by add() and weight(): a batch of them goes faster after
// fault_in().
//
// Thread rule: the step thread. Scans end before the next change.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_set.h>

#include "state/small_bytes.h"
#include "state/state_table.h"
#include "state/store.h"

namespace tidemark {

// In memory a key with weight 0 is one that the store still has.
struct OrderedEntry {
  int64_t weight = 0;
  bool is_changed = false;  // since the last stage()
  bool is_stored = false;   // the store has the key, or will have when the staged batch is written
  uint8_t stage = 0;        // the last one that had it, as the table counts them
};

// So much more weight for a key.
struct KeyChange {
  std::string key;
  int64_t weight;
};
// Puts them in order, each key once; what comes to nothing goes.
void add_up(std::vector<KeyChange>& changes);

class OrderedTable final : public StateTable {
 public:
  // Adds to the weight of a key and returns it. A key whose weight becomes 0 is gone; weights may
  // be negative.
  int64_t add(std::string_view key, int64_t weight);
  int64_t weight(std::string_view key);
  // Whether add_loose() may be called now: all keys are in memory, no weight was ever below 0, and
  // loose keys did not repeat much.
  bool takes_loose() const { return is_complete_ && !was_taken_back_ && !is_repetitive_; }
  // Adds to the weight of a key, which is above 0. Scans need unite() after it.
  void add_loose(std::string_view key, int64_t weight);
  void unite();
  // Each of the keys is to be asked for, or changed, before the next step.
  void fault_in(std::span<const std::string_view> keys);
  void erase_prefix(std::string_view prefix);
  void clear();
  // No key at all; reads the store if it has to.
  bool is_empty() const;
  // Keys in memory: all, if the table is complete. Loose ones count as often as they came.
  size_t size() const { return live_ + loose_.size(); }

  // Keys in order, forwards or backwards.
  class Scan {
   public:
    bool valid() const { return source_ != Source::kNone; }
    std::string_view key() const;
    int64_t weight() const;
    void next();

   private:
    friend class OrderedTable;
    enum class Source : uint8_t { kNone, kMemory, kStore, kBoth };
    void choose();
    bool memory_valid() const;
    void step();

    const OrderedTable* table_ = nullptr;
    bool is_forward_ = true;
    Source source_ = Source::kNone;
    absl::btree_map<SmallBytes, OrderedEntry>::const_iterator
        memory_;  // backward: one past its entry
    std::optional<StoreCursor> store_;
  };
  // From the first key at or after this one, upwards.
  Scan forward(std::string_view first) const;
  // From the last key before this one, downwards.
  Scan backward(std::string_view before) const;

  void stage_some(StoreBatch& batch, size_t entries_max) override;
  void staged_is_durable() override;
  size_t changed_entries() const override { return changed_.size() + loose_.size(); }
  bool warm(size_t entries_max) override;
  size_t evict(size_t entries_max) override;
  bool index_loose(size_t entries_max) override;
  size_t surplus_entries() const override { return size() / 4; }
  size_t held_bytes() const override;
  size_t held_rows() const override { return size(); }

 private:
  using Map = absl::btree_map<SmallBytes, OrderedEntry>;
  struct LooseKey {
    SmallBytes key;
    int64_t weight;
  };

  Map::iterator entry_of(std::string_view key);
  void fault_in_piece(std::span<const std::string_view> keys);
  int64_t add_united(std::string_view key, int64_t weight);
  void note_changed(Map::iterator entry);
  void settle(Map::iterator entry);
  std::optional<int64_t> read_weight(std::string_view value) const;

  Map entries_;
  size_t live_ = 0;        // entries whose weight is not 0
  size_t heap_bytes_ = 0;  // of keys that do not fit into their entry
  std::vector<LooseKey> loose_;
  // Of every 64th key by hash: its hash, and how often such keys came.
  absl::flat_hash_set<uint64_t> sample_;
  size_t sampled_ = 0;
  bool is_repetitive_ = false;
  bool was_taken_back_ = false;
  std::vector<SmallBytes> changed_;
  std::vector<SmallBytes> staged_erased_;
  uint8_t stage_ = 0;       // the last one; begins anew after 255
  bool is_staged_ = false;  // its batch is not on disk yet
};

}  // namespace tidemark
