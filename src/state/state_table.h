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
// Thread rule: the step thread.

#include <cstddef>
#include <functional>
#include <memory>

namespace tidemark {

class StateTable {
 public:
  virtual ~StateTable() = default;
  // Bytes of memory held.
  virtual size_t held_bytes() const = 0;

 protected:
  StateTable() = default;
  StateTable(StateTable&&) = default;
  StateTable& operator=(StateTable&&) = default;
};

// Called with each table of an operator, always in the same order: the order is part of the layout
// on disk.
using StateVisitor = std::function<void(StateTable&)>;

}  // namespace tidemark
