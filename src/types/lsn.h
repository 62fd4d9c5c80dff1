#pragma once
// A position in a Postgres write-ahead log, printed as Postgres prints it: "0/306EE20".

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

struct Lsn {
  uint64_t value = 0;  // byte position; 0 is invalid
  auto operator<=>(const Lsn&) const = default;
  bool valid() const { return value != 0; }
  std::string to_string() const;
  static std::optional<Lsn> parse(std::string_view text);
};

}  // namespace tidemark
