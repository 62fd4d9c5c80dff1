#pragma once
// Names and type names of the AST. Laws: ast_expr.h.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tidemark::sql {

// One identifier without its quotes.
struct Identifier {
  std::string text;
  size_t position = 0;
};

// A name of one or more parts: `c.d.t`. Never empty unless a comment says so.
struct Name {
  std::vector<Identifier> parts;
  size_t position() const { return parts.empty() ? 0 : parts.front().position; }
  const std::string& last() const { return parts.back().text; }
};

// --- type names ------------------------------------------------------------------------------

struct TypeName;
using TypeNamePtr = std::unique_ptr<TypeName>;

enum class TimeUnit : uint8_t { kYear, kQuarter, kMonth, kWeek, kDay, kHour, kMinute, kSecond };

// DAY(3) TO SECOND(6); only `first` for a single unit.
struct IntervalUnits {
  TimeUnit first = TimeUnit::kSecond;
  std::optional<uint32_t> first_precision;
  std::optional<TimeUnit> last;
  std::optional<uint32_t> last_precision;
};

// A type known by name. Built-in and Postgres names are one upper-case part: INT, DECIMAL, TEXT,
// TIMESTAMP_LTZ. Synonyms of several words are folded: DOUBLE PRECISION is DOUBLE, CHARACTER
// VARYING is VARCHAR, TIMESTAMP(3) WITH LOCAL TIME ZONE is TIMESTAMP_LTZ(3). Two names hold spaces:
// "TIMESTAMP WITH TIME ZONE" and "TIME WITH TIME ZONE". Any other name is as written
// (user-defined).
struct NamedType {
  Name name;
  std::vector<uint32_t> parameters;  // length, or precision and scale
};
struct ArrayType {
  TypeNamePtr element;
};
struct MultisetType {
  TypeNamePtr element;
};
struct MapType {
  TypeNamePtr key;
  TypeNamePtr value;
};
struct RowField {
  Identifier name;  // empty text in ROW(INT, STRING)
  TypeNamePtr type;
  std::optional<std::string> comment;
};
struct RowType {
  std::vector<RowField> fields;
};
struct StructuredType {  // STRUCTURED<'class', name type, ..>
  std::string class_name;
  std::vector<RowField> fields;
};
struct RawType {
  std::string class_name;
  std::string serializer;
};
struct IntervalType {
  std::optional<IntervalUnits> units;  // none in Postgres's bare INTERVAL
};

struct TypeNode : std::variant<NamedType, ArrayType, MultisetType, MapType, RowType, StructuredType,
                               RawType, IntervalType> {
  using variant::variant;
  TypeNode();
  TypeNode(TypeNode&&) noexcept;
  TypeNode& operator=(TypeNode&&) noexcept;
  ~TypeNode();
};

struct TypeName {
  TypeNode node;
  bool not_null = false;
  size_t position = 0;
};

}  // namespace tidemark::sql
