#pragma once
// What every container of state has in common. Operators hold their state in such tables and
// nowhere else, so that checkpoints, restarts, memory accounting and eviction are written once, in
// this layer:
//
//   - memory is an overlay over what the last checkpoint wrote: an entry in memory is the newest,
//   an entry that is
//     not in memory is looked up in the store, unless the table is complete (every entry is in
//     memory);
//   - what changed since the last checkpoint is tracked per entry, so that a checkpoint costs the
//   change;
//   - a table without a store (an interactive query) is always complete and tracks nothing.
//
//   attach ─► (changes) ─► stage: changes into a batch ─► batch written elsewhere ─►
//   staged_is_durable
//                 ▲                                                                        │
//                 └────────────────────────────────────────────────────────────────────────┘
//
// Between stage() and staged_is_durable() the table goes on changing; what is staged meanwhile goes
// into the same batch, which is not being written yet. An error of the store shows in status():
// what the table says from then on is not to be published.
//
// Thread rule: the step thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"

namespace tidemark {

class Store;
class StoreBatch;

class StateTable {
 public:
  virtual ~StateTable() = default;

  // From now on the table is kept in the store, under keys that begin with the prefix. Called on a
  // table that has no entries; `is_stored`: an earlier process left entries there. The store
  // outlives the table.
  void attach(const Store& store, std::string prefix, bool is_stored);
  // Every entry is in memory.
  bool is_complete() const { return is_complete_; }
  const Status& status() const { return status_; }

  // Adds to the batch what changed since the last one: all, or about so many entries of it, as
  // often as is needed, where nobody relies on what is in the store before all is there.
  virtual void stage_some(StoreBatch& batch, size_t entries_max) = 0;
  void stage(StoreBatch& batch) { stage_some(batch, SIZE_MAX); }
  // The batch of the last stage() is on disk.
  virtual void staged_is_durable() = 0;
  // Entries changed since the last stage().
  virtual size_t changed_entries() const = 0;
  // Reads about this many of the entries that are only in the store. True: the table is complete.
  virtual bool warm(size_t entries_max) = 0;
  void load_all();
  // Drops up to this many entries from memory that are on disk as they are: not those of a staged
  // batch before staged_is_durable(). Returns how many.
  virtual size_t evict(size_t entries_max) = 0;
  // How many entries to evict for a quarter of the memory held to be free.
  virtual size_t surplus_entries() const = 0;
  // Entries that were taken in without a place to be found at (loose rows) get one, about this many
  // of them: when there is nothing else to do, so that no change that needs all of them waits.
  // True: there may be more. Few are left as they are.
  virtual bool index_loose(size_t entries_max) = 0;
  static constexpr size_t kLooseFew = 8192;  // some 1 ms
  // Bytes of memory held, and rows.
  virtual size_t held_bytes() const = 0;
  virtual size_t held_rows() const = 0;

 protected:
  StateTable() = default;
  StateTable(StateTable&&) = default;
  StateTable& operator=(StateTable&&) = default;

  // What the subclass does when it empties itself, and when it stages: everything below the prefix
  // goes first.
  void note_cleared();
  void stage_cleared(StoreBatch& batch);
  void note_stored() { is_anything_stored_ = true; }
  void fail(Status status);

  const Store* store_ = nullptr;
  std::string prefix_;
  bool is_complete_ = true;
  std::string warmed_to_;  // keys up to here have been read; whole, with the prefix

 private:
  bool is_anything_stored_ = false;
  bool is_cleared_ = false;
  Status status_;
};

// Called with each table of an operator, always in the same order: the order is part of the layout
// on disk.
using StateVisitor = std::function<void(StateTable&)>;

}  // namespace tidemark
