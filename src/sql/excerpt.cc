#include "sql/excerpt.h"

#include <algorithm>

#include <fmt/core.h>

namespace tidemark::sql {

namespace {

constexpr size_t kColumnsMax = 100;    // of a line shown whole
constexpr size_t kColumnsBefore = 60;  // kept in front of the caret of a longer one

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The byte where column `column` begins: columns count code points.
size_t byte_of_column(std::string_view line, size_t column) {
  size_t i = 0;
  while (i < line.size() && column > 0) {
    ++i;
    while (i < line.size() && is_continuation(line[i])) {
      ++i;
    }
    --column;
  }
  return i;
}

size_t count_columns(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string with_caret(std::string_view line, size_t caret) {
  size_t columns = count_columns(line);
  size_t column = count_columns(line.substr(0, caret));
  size_t from = columns > kColumnsMax && column > kColumnsBefore ? column - kColumnsBefore : 0;
  size_t to = std::min(columns, from + kColumnsMax);
  size_t from_byte = byte_of_column(line, from);
  std::string shown(line.substr(from_byte, byte_of_column(line, to) - from_byte));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  std::string_view left = from > 0 ? ".." : "";
  std::string_view right = to < columns ? ".." : "";
  return fmt::format("  {}{}{}\n  {}^", left, shown, right,
                     std::string(left.size() + column - from, ' '));
}

}  // namespace

std::string excerpt(const Status& status, std::string_view text) {
  std::string out = status.message();
  if (status.position()) {
    size_t position = std::min(*status.position(), text.size());
    // The end of the text is shown behind its last visible byte, not on an empty line.
    while (position == text.size() && !text.empty() &&
           (text.back() == '\n' || text.back() == '\r')) {
      text.remove_suffix(1);
      position = text.size();
    }
    size_t before = position == 0 ? std::string_view::npos : text.rfind('\n', position - 1);
    size_t line_start = before == std::string_view::npos ? 0 : before + 1;
    size_t line_end = std::min(text.find('\n', position), text.size());
    auto line_number =
        1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(line_start), '\n');
    std::string_view line = text.substr(line_start, line_end - line_start);
    out = fmt::format("line {}: {}\n{}", line_number, out, with_caret(line, position - line_start));
  }
  if (!status.hint().empty()) {
    out += fmt::format("\nhint: {}", status.hint());
  }
  return out;
}

}  // namespace tidemark::sql
