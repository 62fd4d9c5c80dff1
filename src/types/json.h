#pragma once
// JSON documents: text to a tree and back. Numbers keep their digits as written, so that nothing is
// rounded on the way through.

#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace tidemark {

enum class JsonKind : uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  std::string text;                                        // of scalars; strings without escapes
  std::vector<JsonValue> elements;                         // of arrays
  std::vector<std::pair<std::string, JsonValue>> members;  // of objects, in the order written

  // In json.cc: pairs of an incomplete type may not be copied or destroyed here.
  JsonValue();
  JsonValue(const JsonValue&);
  JsonValue(JsonValue&&) noexcept;
  JsonValue& operator=(const JsonValue&);
  JsonValue& operator=(JsonValue&&) noexcept;
  ~JsonValue();

  bool is_scalar() const { return kind < JsonKind::kArray; }
  // The last member of this name; null: there is none.
  const JsonValue* member(std::string_view name) const;
};

// Keeps the memory of one document for the next. One thread.
class JsonParser {
 public:
  JsonParser();
  ~JsonParser();
  // kDataError: not JSON.
  Result<JsonValue> parse(std::string_view text);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

// kCompact: {"b":1,"a":[2]}. kJsonb: as Postgres shows a jsonb: {"a": [2], "b": 1}, members by
// length and bytes of their names, each name once.
enum class JsonLayout : uint8_t { kCompact, kJsonb };
void append_json(const JsonValue& value, JsonLayout layout, std::string& out);
// Equal as values: numbers by what they are (1 = 1.0 = 10e-1), objects whatever the order of
// members.
bool same_json(const JsonValue& a, const JsonValue& b);
// Two numbers as JSON writes them.
std::strong_ordering compare_json_numbers(std::string_view a, std::string_view b);
// The text in quotes, with what must be escaped escaped.
void append_json_string(std::string_view text, std::string& out);

}  // namespace tidemark
