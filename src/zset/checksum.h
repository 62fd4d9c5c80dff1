#pragma once
// A sum over the rows of a multiset, whatever their order and however their weights are split: of
// the same rows it is the same. Other rows have the same sum by chance, once in 2^64 times.
//
// Not stable across versions: never written to disk.

#include <span>

#include "types/column.h"

namespace tidemark {

class Checksum {
 public:
  // Row i counts weight_of(i) times, which may be below 0.
  template <typename WeightOf>
  void add(std::span<const Column* const> columns, size_t first, size_t rows,
           WeightOf&& weight_of) {
    hash(columns, first, rows);
    for (size_t i = 0; i < rows; ++i) {
      add(hashes_[i], weight_of(first + i));
    }
  }
  int64_t rows() const { return rows_; }
  bool operator==(const Checksum& other) const {
    return sum_ == other.sum_ && rows_ == other.rows_;
  }

 private:
  void hash(std::span<const Column* const> columns, size_t first, size_t rows);
  void add(uint64_t hash, int64_t weight) {
    // Two halves, so that sums of different hashes do not meet where 64 bits wrap.
    constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
    unsigned __int128 wide = static_cast<unsigned __int128>(hash ^ kOdd) * (hash | 1);
    sum_ += wide * static_cast<unsigned __int128>(static_cast<__int128>(weight));
    rows_ += weight;
  }

  unsigned __int128 sum_ = 0;
  int64_t rows_ = 0;
  std::vector<uint64_t> hashes_;  // scratch
};

}  // namespace tidemark
