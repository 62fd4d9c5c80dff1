#include "zset/checksum.h"

#include "types/hash.h"

namespace tidemark {

void Checksum::hash(std::span<const Column* const> columns, size_t first, size_t rows) {
  hashes_.resize(rows);
  hash_rows(columns, first, rows, hashes_.data());
}

}  // namespace tidemark
