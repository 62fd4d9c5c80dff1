#pragma once
// NTILE with a constant, small number of tiles. Where each tile of a partition begins is known by
// places (state/places.h): a change costs the changed rows, and those that come into another tile
// because a tile's beginning moved over them.
//
// What is kept follows from the rows; it is in memory only.
//
// Thread rule: the step thread.

#include <map>
#include <memory>
#include <string>

#include "dataflow/operators/over_keys.h"
#include "state/places.h"

namespace tidemark {

class TileWindow {
 public:
  // nullptr: some call is of another kind.
  static std::unique_ptr<TileWindow> make(const OverSpec& spec, const OverKeys& keys,
                                          const std::vector<Type>& types);

  // Before a partition's changes are in `rows`.
  void find(const OrderedTable& rows, std::string_view partition);
  // The changes, in order, are of one partition, and in `rows` now.
  void step(OrderedTable& rows, std::span<const KeyChange> changes, OverOutput& output);
  void clear() { partitions_.clear(); }

 private:
  TileWindow(const OverSpec& spec, const OverKeys& keys, const std::vector<Type>& types);

  struct Partition {
    int64_t rows = 0;
    std::vector<Places> beginnings;  // for each call, of its tiles but the first
  };
  // So many copies of a row in these tiles, one for each call.
  struct Piece {
    int64_t copies;
    std::vector<int64_t> tiles;
    bool operator==(const Piece&) const = default;
  };

  // Of each tile but the first of `tiles`, where there are so many rows.
  static std::vector<int64_t> numbers(int64_t tiles, int64_t rows);
  // Adds all keys that changed or came into other tiles, in order.
  static void merge(std::vector<KeyCopies>& keys, std::vector<KeyCopies> more);
  static std::vector<Piece> pieces_of(const std::vector<Places>& beginnings, std::string_view key,
                                      int64_t copies);
  // Of the last of the rows.
  void emit(std::span<const Piece> pieces, int64_t sign, const std::vector<Column>& rows,
            OverOutput& output) const;

  const OverKeys& keys_;
  std::vector<Type> types_;
  std::vector<int64_t> tiles_;  // by call
  std::map<std::string, Partition, std::less<>> partitions_;
};

}  // namespace tidemark
