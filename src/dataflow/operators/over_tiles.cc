#include "dataflow/operators/over_tiles.h"

#include <algorithm>

namespace tidemark {

std::unique_ptr<TileWindow> TileWindow::make(const OverSpec& spec, const OverKeys& keys,
                                             const std::vector<Type>& types) {
  bool serves = std::ranges::all_of(spec.calls, [](const OverCall& call) {
    return call.function == WindowFunction::kNtile && !call.offset_column &&
           are_few_tiles(call.offset);
  });
  return serves ? std::unique_ptr<TileWindow>(new TileWindow(spec, keys, types)) : nullptr;
}

TileWindow::TileWindow(const OverSpec& spec, const OverKeys& keys, const std::vector<Type>& types)
    : keys_(keys), types_(types) {
  for (const OverCall& call : spec.calls) {
    tiles_.push_back(call.offset);
  }
}

// The first tiles have one row more where the rows do not come out even.
std::vector<int64_t> TileWindow::numbers(int64_t tiles, int64_t rows) {
  int64_t few = rows / tiles, larger = rows % tiles;
  std::vector<int64_t> numbers;
  for (int64_t tile = 1; tile < tiles; ++tile) {
    numbers.push_back(tile * few + std::min(tile, larger));
  }
  return numbers;
}

void TileWindow::find(const OrderedTable& rows, std::string_view partition) {
  auto known = partitions_.lower_bound(partition);
  if (known != partitions_.end() && known->first == partition) {
    return;
  }
  Partition found;
  for (OrderedTable::Scan scan = rows.forward(partition);
       scan.valid() && scan.key().starts_with(partition); scan.next()) {
    found.rows += copies_of(scan.weight());
  }
  for (int64_t tiles : tiles_) {
    found.beginnings.emplace_back(std::string(partition), static_cast<size_t>(tiles - 1));
    found.beginnings.back().follow(rows, {}, numbers(tiles, found.rows));
  }
  partitions_.emplace_hint(known, partition, std::move(found));
}

void TileWindow::merge(std::vector<KeyCopies>& keys, std::vector<KeyCopies> more) {
  std::vector<KeyCopies> all;
  std::ranges::merge(std::move(keys), std::move(more), std::back_inserter(all), {}, &KeyCopies::key,
                     &KeyCopies::key);
  auto doubles = std::ranges::unique(all, {}, &KeyCopies::key);
  all.erase(doubles.begin(), doubles.end());
  keys = std::move(all);
}

std::vector<TileWindow::Piece> TileWindow::pieces_of(const std::vector<Places>& beginnings,
                                                     std::string_view key, int64_t copies) {
  std::vector<Piece> pieces;
  // For each call the tile of the next copy.
  std::vector<int64_t> tiles(beginnings.size());
  for (int64_t passed = 0; passed < copies;) {
    int64_t next = copies;
    for (size_t call = 0; call < beginnings.size(); ++call) {
      std::span<const Places::Place> all = beginnings[call].all();
      auto behind = std::ranges::partition_point(all, [&](const Places::Place& place) {
        return place.copies_before(key, copies) <= passed;
      });
      tiles[call] = behind - all.begin() + 1;
      if (behind != all.end()) {
        next = std::min(next, behind->copies_before(key, copies));
      }
    }
    pieces.push_back({next - passed, tiles});
    passed = next;
  }
  return pieces;
}

void TileWindow::emit(std::span<const Piece> pieces, int64_t sign, const std::vector<Column>& rows,
                      OverOutput& output) const {
  for (const Piece& piece : pieces) {
    for (size_t c = 0; c < rows.size(); ++c) {
      output.columns[c].append_copy(rows[c], rows[c].size() - 1);
    }
    for (size_t call = 0; call < tiles_.size(); ++call) {
      output.columns[rows.size() + call].append(piece.tiles[call]);
    }
    output.weights.push_back(sign * piece.copies);
  }
}

void TileWindow::step(OrderedTable& rows, std::span<const KeyChange> changes, OverOutput& output) {
  std::string_view first = changes[0].key;
  auto found = partitions_.find(first.substr(0, keys_.partition_bytes(first)));
  CHECK(found != partitions_.end());
  Partition& partition = found->second;
  std::vector<KeyCopies> changed;
  for (const KeyChange& change : changes) {
    int64_t now = rows.weight(change.key);
    changed.push_back({change.key, copies_of(now - change.weight), copies_of(now)});
    partition.rows += changed.back().now - changed.back().before;
  }
  std::vector<Places> before = partition.beginnings;
  std::vector<KeyCopies> affected;
  for (size_t call = 0; call < tiles_.size(); ++call) {
    merge(affected,
          partition.beginnings[call].follow(rows, changed, numbers(tiles_[call], partition.rows)));
  }
  std::vector<Column> moved(types_.begin(), types_.end());
  for (const KeyCopies& key : affected) {
    std::vector<Piece> old = pieces_of(before, key.key, key.before);
    std::vector<Piece> now = pieces_of(partition.beginnings, key.key, key.now);
    if (old != now) {
      OverKeys::read_row(key.key, keys_.sort_bytes(key.key), moved);
      emit(old, -1, moved, output);
      emit(now, 1, moved, output);
    }
  }
  if (partition.rows == 0) {
    partitions_.erase(found);
  }
}

}  // namespace tidemark
