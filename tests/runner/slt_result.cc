#include "tests/runner/slt_result.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include "types/text.h"

namespace tidemark {

namespace {

std::string formatted(const Column& column, size_t row, char type) {
  if (column.is_null(row)) {
    return "NULL";
  }
  std::string text = text_of(column, row);
  bool is_boolean = column.type().kind == TypeKind::kBoolean;
  if (type == 'I' && is_boolean) {
    return text == "true" ? "1" : "0";
  }
  if (type == 'I' && !column.type().is_integer()) {
    return fmt::format("{}", static_cast<int64_t>(std::strtod(text.c_str(), nullptr)));
  }
  if (type == 'R') {
    return fmt::format("{:.3f}", std::strtod(text.c_str(), nullptr));
  }
  if (text.empty()) {
    return "(empty)";
  }
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r'; }, '@');
  return text;
}

std::string squeezed(const std::string& text) {
  std::string result;
  for (char c : text) {
    bool is_blank = c == ' ' || c == '\t';
    if (!is_blank) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  while (!result.empty() && result.back() == ' ') {
    result.pop_back();
  }
  return result;
}

std::string difference_of(const std::vector<std::string>& ours,
                          const std::vector<std::string>& expected) {
  for (size_t i = 0; i < std::max(ours.size(), expected.size()); ++i) {
    std::string a = i < ours.size() ? ours[i] : "nothing";
    std::string b = i < expected.size() ? expected[i] : "nothing";
    if (a != b) {
      return fmt::format("value {} is {} where {} is expected", i + 1, a, b);
    }
  }
  return "";
}

// One line a row, its values parted by blanks or tabs.
std::string row_difference(const SltRecord& record, const SltRows& rows, bool is_ordered) {
  std::vector<std::string> ours, expected;
  for (const std::vector<std::string>& row : rows) {
    ours.push_back(squeezed(fmt::format("{}", fmt::join(row, " "))));
  }
  for (const std::string& line : record.expected) {
    expected.push_back(squeezed(line));
  }
  if (record.sort != SltSort::kNone || !is_ordered) {
    std::ranges::sort(ours);
    std::ranges::sort(expected);
  }
  return difference_of(ours, expected);
}

}  // namespace

SltRows slt_rows(const MemoryAnswer& answer, const std::string& types) {
  SltRows rows(answer.rows.rows);
  for (size_t c = 0; c < answer.schema.size(); ++c) {
    const Column& column = *answer.rows.columns[c];
    char type = c < types.size() ? types[c] : 'T';
    for (size_t row = 0; row < rows.size(); ++row) {
      rows[row].push_back(formatted(column, row, type));
    }
  }
  return rows;
}

std::string slt_hash(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    text += value + "\n";
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) == 1);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += fmt::format("{:02x}", digest[i]);
  }
  return fmt::format("{} values hashing to {}", values.size(), hex);
}

std::vector<std::string> slt_values(const SltRecord& record, SltRows rows) {
  if (record.sort == SltSort::kRows) {
    std::ranges::sort(rows);
  }
  std::vector<std::string> values;
  for (std::vector<std::string>& row : rows) {
    values.insert(values.end(), row.begin(), row.end());
  }
  if (record.sort == SltSort::kValues) {
    std::ranges::sort(values);
  }
  return values;
}

std::string slt_difference(const SltRecord& record, SltRows rows, bool is_ordered) {
  size_t columns = record.types.size();
  if (!rows.empty() && rows[0].size() != columns) {
    return fmt::format("{} columns where {} are expected", rows[0].size(), columns);
  }
  std::vector<std::string> values = slt_values(record, rows);
  if (record.expected.size() == 1 &&
      record.expected[0].find(" values hashing to ") != std::string::npos) {
    std::string hash = slt_hash(values);
    return hash == record.expected[0]
               ? ""
               : fmt::format("{} where {} is expected", hash, record.expected[0]);
  }
  if (record.expected.size() != values.size()) {
    return record.expected.size() == rows.size()
               ? row_difference(record, rows, is_ordered)
               : fmt::format("{} rows where {} lines are expected", rows.size(),
                             record.expected.size());
  }
  if (record.sort != SltSort::kNone || is_ordered || columns == 0) {
    return difference_of(values, record.expected);
  }
  SltRows expected;
  for (size_t i = 0; i < record.expected.size(); i += columns) {
    auto at = record.expected.begin() + static_cast<ptrdiff_t>(i);
    expected.emplace_back(at, at + static_cast<ptrdiff_t>(columns));
  }
  std::ranges::sort(rows);
  std::ranges::sort(expected);
  return difference_of(slt_values(record, rows), slt_values(record, expected));
}

}  // namespace tidemark
