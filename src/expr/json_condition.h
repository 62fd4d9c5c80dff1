#pragma once
// What a filter of a JSON path asks of a value.

#include <memory>
#include <vector>

#include "expr/json_path.h"

namespace re2 {
class RE2;
}

namespace tidemark {

// The values that a path leads to, or one that is written.
struct JsonOperand {
  enum class Kind : uint8_t { kFromCurrent, kFromDocument, kLiteral };  // @, $, a value
  Kind kind = Kind::kLiteral;
  std::vector<JsonStep> steps;
  JsonValue literal;
};

struct JsonCondition {
  enum class Kind : uint8_t {
    kAnd,
    kOr,
    kNot,
    kExists,  // left leads somewhere
    // Some value of left is so to some value of right.
    kEqual,
    kLess,
    kLessEqual,
    kIn,  // equal to an element
    kStartsWith,
    kMatches,  // some text of left matches the pattern
  };
  Kind kind = Kind::kExists;
  std::vector<JsonCondition> parts{};  // of kAnd, kOr, kNot
  JsonOperand left{};
  JsonOperand right{};
  std::shared_ptr<const re2::RE2> pattern{};  // shared: immutable
};

}  // namespace tidemark
