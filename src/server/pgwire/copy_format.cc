#include "server/pgwire/copy_format.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/options.h"
#include "server/pgwire/rows.h"

namespace tidemark::pgwire {

namespace {

void append_int16(std::string& out, int16_t value) {
  out += static_cast<char>(static_cast<uint16_t>(value) >> 8);
  out += static_cast<char>(value);
}

Status option_error(const sql::Option& option, std::string message) {
  return Status::invalid_argument(std::move(message))
      .with_sqlstate("22023")
      .with_position(option.position);
}

Result<char> one_byte(const sql::Option& option) {
  if (option.value.size() != 1) {
    return option_error(option, fmt::format("COPY {} must be a single one-byte character",
                                            ascii_lower(option.key)));
  }
  return option.value[0];
}

}  // namespace

Result<CopyFormat> CopyFormat::make(const sql::Options& options, const Schema& schema) {
  CopyFormat format;
  for (const sql::Option& option : options) {
    if (ascii_upper(option.key) == "FORMAT") {
      std::string name = ascii_lower(option.value);
      if (name != "text" && name != "csv" && name != "binary") {
        return option_error(option, fmt::format("COPY format \"{}\" not recognized", option.value))
            .with_hint("formats are text, csv and binary");
      }
      format.kind_ = name == "csv" ? Kind::kCsv : name == "binary" ? Kind::kBinary : Kind::kText;
    }
  }
  if (format.kind_ == Kind::kCsv) {
    format.delimiter_ = ',';
    format.null_.clear();
  }
  bool has_escape = false;
  format.forced_.resize(schema.size());
  for (const sql::Option& option : options) {
    std::string key = ascii_upper(option.key);
    if (key != "FORMAT" && format.kind_ == Kind::kBinary) {
      return option_error(option, fmt::format("cannot specify {} in BINARY mode", key));
    }
    if (key == "DELIMITER") {
      format.delimiter_ = TRY(one_byte(option));
    } else if (key == "NULL") {
      format.null_ = option.value;
    } else if (key == "HEADER") {
      format.has_header_ = TRY(parse_bool(option.value));
    } else if (key == "QUOTE") {
      format.quote_ = TRY(one_byte(option));
    } else if (key == "ESCAPE") {
      format.escape_ = TRY(one_byte(option));
      has_escape = true;
    } else if (key == "FORCE_QUOTE") {
      std::optional<size_t> column = schema.find(option.value);
      if (!column && option.value != "*") {
        return option_error(option, fmt::format("no such column: {}", option.value));
      }
      for (size_t i = 0; i < schema.size(); ++i) {
        format.forced_[i] = format.forced_[i] || !column || *column == i;
      }
    } else if (key == "ENCODING") {
      if (ascii_upper(option.value) != "UTF8" && ascii_upper(option.value) != "UTF-8") {
        return option_error(option, "COPY writes UTF8");
      }
    } else if (key != "FORMAT") {
      return option_error(option, fmt::format("option \"{}\" not recognized", option.key))
          .with_hint(
              "options are FORMAT, DELIMITER, NULL, HEADER, QUOTE, ESCAPE, FORCE_QUOTE, ENCODING");
    }
  }
  if (!has_escape) {
    format.escape_ = format.quote_;
  }
  TRY(format.check());
  return format;
}

Status CopyFormat::check() const {
  auto wrong = [](std::string message) {
    return Status::invalid_argument(std::move(message)).with_sqlstate("22023");
  };
  if (delimiter_ == '\n' || delimiter_ == '\r') {
    return wrong("COPY delimiter cannot be newline or carriage return");
  }
  if (null_.find_first_of("\r\n") != std::string::npos) {
    return wrong("COPY null representation cannot use newline or carriage return");
  }
  if (kind_ != Kind::kBinary && null_.find(delimiter_) != std::string::npos) {
    return wrong("COPY delimiter character must not appear in the NULL specification");
  }
  if (kind_ == Kind::kCsv && delimiter_ == quote_) {
    return wrong("COPY delimiter and quote must be different");
  }
  if (kind_ == Kind::kCsv && null_.find(quote_) != std::string::npos) {
    return wrong("CSV quote character must not appear in the NULL specification");
  }
  return {};
}

std::string CopyFormat::header(const Schema& schema) const {
  if (kind_ == Kind::kBinary) {
    // The signature, flags, and the length of no extension.
    return std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0');
  }
  std::string line;
  if (has_header_) {
    for (size_t i = 0; i < schema.size(); ++i) {
      line += i == 0 ? "" : std::string(1, delimiter_);
      if (kind_ == Kind::kCsv) {
        append_csv_field(schema[i].name, false, schema.size() == 1, line);
      } else {
        append_text_field(schema[i].name, line);
      }
    }
    line += '\n';
  }
  return line;
}

std::string CopyFormat::trailer() const {
  return kind_ == Kind::kBinary ? "\xFF\xFF" : "";
}

void CopyFormat::append_text_field(std::string_view text, std::string& out) const {
  constexpr std::string_view kPlain = "\b\f\n\r\t\v";
  constexpr std::string_view kEscaped = "bfnrtv";
  for (char c : text) {
    size_t at = kPlain.find(c);
    if (at != std::string_view::npos) {
      out += '\\';
      out += kEscaped[at];
      continue;
    }
    if (c == '\\' || c == delimiter_) {
      out += '\\';
    }
    out += c;
  }
}

void CopyFormat::append_csv_field(std::string_view text, bool is_forced, bool is_alone,
                                  std::string& out) const {
  bool is_quoted = is_forced || text == null_ || (is_alone && text == "\\.") ||
                   std::ranges::any_of(text, [&](char c) {
                     return c == delimiter_ || c == quote_ || c == '\n' || c == '\r';
                   });
  if (!is_quoted) {
    out += text;
    return;
  }
  out += quote_;
  for (char c : text) {
    if (c == quote_ || c == escape_) {
      out += escape_;
    }
    out += c;
  }
  out += quote_;
}

void CopyFormat::append_row(const RowBatch& rows, size_t row, std::string& out,
                            const TextFormat& format) const {
  size_t width = rows.columns.size();
  if (kind_ == Kind::kBinary) {
    append_int16(out, static_cast<int16_t>(width));
  }
  std::string field;
  for (size_t c = 0; c < width; ++c) {
    const Column& column = *rows.columns[c];
    bool is_null = column.type().kind == TypeKind::kNull || column.is_null(row);
    field.clear();
    if (kind_ == Kind::kBinary) {
      if (!is_null) {
        append_wire_binary(column, row, field, format);
      }
      uint32_t size = is_null ? 0xFFFFFFFFU : static_cast<uint32_t>(field.size());
      append_int16(out, static_cast<int16_t>(size >> 16));
      append_int16(out, static_cast<int16_t>(size));
      out += field;
      continue;
    }
    out += c == 0 ? "" : std::string(1, delimiter_);
    if (is_null) {
      out += null_;
      continue;
    }
    append_wire_text(column, row, field, format);
    if (kind_ == Kind::kCsv) {
      append_csv_field(field, forced_[c], width == 1, out);
    } else {
      append_text_field(field, out);
    }
  }
  out += kind_ == Kind::kBinary ? "" : "\n";
}

}  // namespace tidemark::pgwire
