#include "types/lsn.h"

#include <charconv>

#include <fmt/core.h>

namespace tidemark {

std::string Lsn::to_string() const {
  return fmt::format("{:X}/{:X}", value >> 32, value & 0xffffffffu);
}

std::optional<Lsn> Lsn::parse(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  auto part = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.size() > 8) {
      return std::nullopt;
    }
    return value;
  };
  auto high = part(text.substr(0, slash));
  auto low = part(text.substr(slash + 1));
  if (!high || !low) {
    return std::nullopt;
  }
  return Lsn{(*high << 32) | *low};
}

}  // namespace tidemark
