#pragma once
// Long texts that a table has stored, by their bytes: a row that replaces another mostly has the
// same ones, which then need not be stored again. For keyed_table*.cc only.

#include <bit>
#include <vector>

#include "types/hash.h"
#include "types/string_ref.h"

namespace tidemark {

class KnownTexts {
 public:
  explicit KnownTexts(size_t texts_max) : size_(std::bit_ceil(texts_max * 2)) {}

  // A long text that lives as long as the table's heap. May displace another.
  void add(StringRef text) {
    places_.resize(size_);
    places_[place_of(text)] = text;
  }
  // The stored text of these bytes, or null.
  const StringRef* find(StringRef text) const {
    if (places_.empty()) {
      return nullptr;
    }
    const StringRef& known = places_[place_of(text)];
    return known == text ? &known : nullptr;
  }

 private:
  size_t place_of(StringRef text) const { return hash_bytes(text.view()) & (size_ - 1); }

  size_t size_;                    // a power of two
  std::vector<StringRef> places_;  // made with the first text; an empty one is none
};

}  // namespace tidemark
