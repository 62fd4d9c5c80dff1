#pragma once
// Paths of SQL/JSON: `lax $.a.b[0]`, `strict $['a b'][*].c`. As Flink (Jayway) reads them: an array
// is not opened by a name. `..` and filters are not known.

#include <string>
#include <string_view>
#include <vector>

#include "types/json.h"

namespace tidemark {

struct JsonPath {
  enum class StepKind : uint8_t { kMember, kAllMembers, kElement, kAllElements };
  struct Step {
    StepKind kind = StepKind::kMember;
    std::string name;
    int64_t index = 0;  // from the end if negative
  };
  bool strict = false;  // what is missing is an error
  std::vector<Step> steps;

  bool is_definite() const;  // leads to one value at most
  // What the path leads to, in order.
  std::vector<const JsonValue*> find(const JsonValue& document) const;
};

// kDataError: not a path.
Result<JsonPath> parse_json_path(std::string_view text);

}  // namespace tidemark
