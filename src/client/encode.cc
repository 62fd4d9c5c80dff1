#include "client/encode.h"

#include <fmt/core.h>

#include "client/width.h"
#include "types/json.h"

namespace tidemark {

namespace {

// A JSON number by RFC 8259: Postgres's texts of finite numbers are all of that form.
bool is_json_number(std::string_view text) {
  std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  return !digits.empty() && digits[0] >= '0' && digits[0] <= '9';
}

void append_json_value(const Cell& cell, const Type& type, std::string& out) {
  if (!cell) {
    out += "null";
  } else if (type.kind == TypeKind::kBoolean) {
    out += *cell == "t" ? "true" : "false";
  } else if (type.is_numeric() && is_json_number(*cell)) {
    out += *cell;
  } else {
    append_json_string(*cell, out);
  }
}

void append_csv_field(std::string_view text, std::string& out) {
  bool plain = !text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos;
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  for (char c : text) {
    out += c;
    if (c == '"') {
      out += '"';
    }
  }
  out += '"';
}

}  // namespace

void append_json_change(std::span<const AnswerColumn> columns, RowKind op, std::string_view mark,
                        const Row& row, std::string& out) {
  out += "{\"op\":\"";
  out += row_kind_text(op);
  out += "\",\"mark\":";
  if (mark.empty()) {
    out += "null";
  } else {
    append_json_string(mark, out);
  }
  out += ",\"data\":{";
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) {
      out += ',';
    }
    append_json_string(columns[i].name, out);
    out += ':';
    append_json_value(row[i], columns[i].type, out);
  }
  out += "}}\n";
}

void append_csv_header(std::span<const AnswerColumn> columns, std::string& out) {
  out += "op,mark";
  for (const AnswerColumn& column : columns) {
    out += ',';
    append_csv_field(column.name, out);
  }
  out += '\n';
}

void append_csv_change(std::span<const AnswerColumn> columns, RowKind op, std::string_view mark,
                       const Row& row, std::string& out) {
  out += row_kind_text(op);
  out += ',';
  out += mark;
  for (size_t i = 0; i < columns.size(); ++i) {
    out += ',';
    if (!row[i]) {
      continue;
    }
    bool is_boolean = columns[i].type.kind == TypeKind::kBoolean;
    append_csv_field(is_boolean ? (*row[i] == "t" ? "true" : "false") : std::string_view(*row[i]),
                     out);
  }
  out += '\n';
}

}  // namespace tidemark
