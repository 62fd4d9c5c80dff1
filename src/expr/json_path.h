#pragma once
// Paths of SQL/JSON: `lax $.a.b[0]`, `strict $['a b'][*].c`, `$..id`, `$.items[?(@.price >
// 10)].name`. As Flink (Jayway) reads them: a name does not open an array.
// docs/reference/functions.md has the whole of it.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/json.h"

namespace tidemark {

struct JsonCondition;  // expr/json_condition.h

struct JsonStep {
  enum class Kind : uint8_t {
    kMember,
    kElement,
    kAll,          // members or elements
    kDescend,      // `..`: the value and all values in it, each before its own
    kFilter,       // [?(..)]: an array's elements or the object itself, where the condition holds
    kFilterItems,  // ?(..): the same, and scalars
  };
  Kind kind = Kind::kMember;
  std::string name;
  int64_t index = 0;                                 // from the end if negative
  std::shared_ptr<const JsonCondition> condition{};  // shared: immutable
};

struct JsonPath {
  bool strict = false;  // what is missing is an error
  std::vector<JsonStep> steps;

  bool is_definite() const;  // leads to one value at most
  // What the path leads to, in order; a value twice if there are two ways. kDataError: there are
  // too many ways.
  Result<std::vector<const JsonValue*>> find(const JsonValue& document) const;
};

// kDataError: not a path.
Result<JsonPath> parse_json_path(std::string_view text);

}  // namespace tidemark
