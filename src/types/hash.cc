#include "types/hash.h"

#include <algorithm>
#include <cmath>

#include "types/text_words.h"

namespace tidemark {

namespace {

constexpr uint64_t kSeed = 0x9E3779B97F4A7C15;
constexpr uint64_t kMixer = 0xD6E8FEB86659FD93;

// 64 x 64 -> 128 bit product folded to 64 bits: every input bit reaches every output bit.
inline uint64_t mix(uint64_t a, uint64_t b) {
  UInt128 product = static_cast<UInt128>(a ^ kSeed) * (b ^ kMixer);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Words of 8 bytes, the last ones overlapping what came before them. Up to 32 bytes it is four
// words without a branch, for lengths that vary from row to row.
inline uint64_t hash_one(const StringRef& value) {
  TextWords text(value);
  size_t size = text.size, last = size - 8;
  uint64_t hash = mix(text.word(0) ^ size, text.word(std::min<size_t>(8, last)));
  for (size_t i = 16; i + 16 < size; i += 16) {
    hash = mix(text.word(i) ^ hash, text.word(i + 8));
  }
  return mix(text.word(std::min<size_t>(last, std::max<size_t>(16, size) - 16)) ^ hash,
             text.word(last));
}
template <typename T>
inline uint64_t hash_one(const T& value) {
  if constexpr (std::is_floating_point_v<T>) {
    double canonical =
        std::isnan(value) ? std::nan("") : (value == 0 ? 0.0 : static_cast<double>(value));
    uint64_t bits = 0;
    std::memcpy(&bits, &canonical, 8);
    return mix(bits, kSeed);
  } else if constexpr (sizeof(T) == 16) {
    return mix(static_cast<uint64_t>(value),
               static_cast<uint64_t>(static_cast<UInt128>(value) >> 64));
  } else {
    return mix(static_cast<uint64_t>(value), kSeed);
  }
}

// The bytes of a text this many rows on are asked for: they are elsewhere in memory.
constexpr size_t kTextsAhead = 32;
constexpr uint64_t kNullHash = 0x2545F4914F6CDD1D;

}  // namespace

uint64_t hash_bytes(std::string_view bytes) {
  return hash_one(StringRef(bytes));
}

void hash_rows(std::span<const Column* const> columns, size_t first, size_t rows,
               uint64_t* hashes) {
  if (columns.empty()) {
    std::fill_n(hashes, rows, kSeed);
  }
  bool is_first = true;
  for (const Column* column : columns) {
    visit_physical(column->physical(), [&](auto tag) {
      using T = decltype(tag);
      const T* values = column->data<T>() + first;
      const uint8_t* nulls = column->nulls() != nullptr ? column->nulls() + first : nullptr;
      if (is_first && nulls == nullptr) {
        size_t i = 0;
        if constexpr (std::is_same_v<T, StringRef>) {
          for (; i + kTextsAhead < rows; ++i) {
            __builtin_prefetch(TextWords(values[i + kTextsAhead]).data);
            hashes[i] = hash_one(values[i]);
          }
        }
        for (; i < rows; ++i) {
          hashes[i] = hash_one(values[i]);
        }
        return;
      }
      for (size_t i = 0; i < rows; ++i) {
        uint64_t hash = nulls != nullptr && nulls[i] ? kNullHash : hash_one(values[i]);
        hashes[i] = is_first ? hash : mix(hashes[i], hash);
      }
    });
    is_first = false;
  }
}

void hash_rows(std::span<const Column* const> columns, size_t rows, std::vector<uint64_t>& hashes) {
  hashes.resize(rows);
  hash_rows(columns, 0, rows, hashes.data());
}

}  // namespace tidemark
