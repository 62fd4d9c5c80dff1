// JSON lines: a row an object. Values as Flink's json format writes them: numbers and booleans as
// such, DATE, TIME and TIMESTAMP as text, bytes in base64, ARRAY, MAP and ROW as arrays and
// objects. JSON has no NaN and no infinity: they are text.
//
//   json             {"a":1,"b":"x"}
//   changelog-json   {"op":"+I","mark":"0/16B2D80","data":{"a":1,"b":"x"}}
//   debezium-json    {"before":null,"after":{"a":1,"b":"x"},"op":"c"}; as Flink's sink writes it:
//   +I and
//                    +U are "c", -U and -D are "d"

#include <cmath>

#include "base/base64.h"
#include "formats/row_encoder.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/json.h"
#include "types/nested.h"
#include "types/text.h"

namespace tidemark {

namespace {

struct JsonStyle {
  bool is_iso_time = false;  // "2020-01-31T10:00:00" instead of "2020-01-31 10:00:00"
  bool has_nulls = true;     // members whose value is NULL are written
};

using ValueWriter = void (*)(const Column& column, size_t row, const JsonStyle& style,
                             std::string& out);

void append_value(const Column& column, size_t row, const JsonStyle& style, std::string& out);

void append_plain(const Column& column, size_t row, const JsonStyle&, std::string& out) {
  append_text(column, row, out);
}

void append_as_string(const Column& column, size_t row, const JsonStyle&, std::string& out) {
  append_json_string(text_of(column, row), out);
}

void append_string(const Column& column, size_t row, const JsonStyle&, std::string& out) {
  append_json_string(column.string_at(row), out);
}

template <typename T>
void append_floating(const Column& column, size_t row, const JsonStyle&, std::string& out) {
  if (std::isfinite(column.data<T>()[row])) {
    append_text(column, row, out);
  } else {
    append_json_string(text_of(column, row), out);
  }
}

void append_decimal(const Column& column, size_t row, const JsonStyle&, std::string& out) {
  std::string text = text_of(column, row);
  bool is_number = text.back() >= '0' && text.back() <= '9';  // not NaN, not Infinity
  is_number ? void(out += text) : append_json_string(text, out);
}

void append_time_text(const Column& column, size_t row, const JsonStyle& style, std::string& out) {
  std::string text;
  int64_t us = column.data<int64_t>()[row];
  append_timestamp(us, text);
  bool is_finite = us != kTimestampInfinity && us != kTimestampNegativeInfinity;
  if (style.is_iso_time && is_finite) {
    text[text.find(' ')] = 'T';
  }
  if (column.type().kind == TypeKind::kTimestampLtz && is_finite) {
    text += 'Z';
  }
  append_json_string(text, out);
}

void append_bytes(const Column& column, size_t row, const JsonStyle&, std::string& out) {
  out += '"';
  append_base64(column.string_at(row), out);
  out += '"';
}

void append_array(const Column& column, size_t row, const JsonStyle& style, std::string& out) {
  Column elements(column.type().children[0]);
  unpack_array(column.string_at(row), elements);
  out += '[';
  for (size_t i = 0; i < elements.size(); ++i) {
    out += i == 0 ? "" : ",";
    append_value(elements, i, style, out);
  }
  out += ']';
}

void append_map(const Column& column, size_t row, const JsonStyle& style, std::string& out) {
  Column keys(column.type().children[0]), values(column.type().children[1]);
  unpack_map(column.string_at(row), keys, values);
  out += '{';
  for (size_t i = 0; i < keys.size(); ++i) {
    out += i == 0 ? "" : ",";
    append_json_string(keys.is_null(i) ? "null" : text_of(keys, i), out);
    out += ':';
    append_value(values, i, style, out);
  }
  out += '}';
}

void append_row(const Column& column, size_t row, const JsonStyle& style, std::string& out) {
  const Type& type = column.type();
  std::string_view bytes = column.string_at(row);
  out += '{';
  bool is_first = true;
  for (size_t i = 0; i < type.children.size(); ++i) {
    Column field(type.children[i]);
    unpack_element(bytes, field);
    if (field.is_null(0) && !style.has_nulls) {
      continue;
    }
    out += std::exchange(is_first, false) ? "" : ",";
    append_json_string(type.field_names[i], out);
    out += ':';
    append_value(field, 0, style, out);
  }
  out += '}';
}

ValueWriter writer_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::kNull:
    case TypeKind::kBoolean:
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
    case TypeKind::kBigint:
      return append_plain;
    case TypeKind::kFloat:
      return append_floating<float>;
    case TypeKind::kDouble:
      return append_floating<double>;
    case TypeKind::kDecimal:
      return append_decimal;
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      return append_string;
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      return append_bytes;
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kIntervalMonth:
    case TypeKind::kIntervalDay:
      return append_as_string;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return append_time_text;
    case TypeKind::kArray:
    case TypeKind::kMultiset:
      return append_array;
    case TypeKind::kMap:
      return append_map;
    case TypeKind::kRow:
      return append_row;
  }
  CHECK(false);
}

void append_value(const Column& column, size_t row, const JsonStyle& style, std::string& out) {
  if (column.is_null(row)) {
    out += "null";
  } else {
    writer_of(column.type().kind)(column, row, style, out);
  }
}

enum class Envelope : uint8_t { kNone, kChangelog, kDebezium };

class JsonEncoder final : public RowEncoder {
 public:
  JsonEncoder(std::string_view format, Envelope envelope, JsonStyle style, const Schema& schema)
      : format_(format), envelope_(envelope), style_(style) {
    for (const Field& field : schema.fields) {
      std::string name;
      append_json_string(field.name, name);
      members_.push_back({name + ":", writer_of(field.type.kind)});
    }
  }

  Status encode(const ChangeBatch& changes, Lsn mark, std::string& out) const override {
    if (envelope_ == Envelope::kNone) {
      TRY(check_append_only(changes, format_));
    }
    std::string after_op = "\",\"mark\":\"" + mark.to_string() + "\",\"data\":";
    for (size_t row = 0; row < changes.rows.rows; ++row) {
      RowKind kind = changes.kinds[row];
      switch (envelope_) {
        case Envelope::kNone:
          append_object(changes.rows, row, out);
          break;
        case Envelope::kChangelog:
          out += "{\"op\":\"";
          out += row_kind_text(kind);
          out += after_op;
          append_object(changes.rows, row, out);
          out += '}';
          break;
        case Envelope::kDebezium:
          out += is_retraction(kind) ? "{\"before\":" : "{\"before\":null,\"after\":";
          append_object(changes.rows, row, out);
          out += is_retraction(kind) ? ",\"after\":null,\"op\":\"d\"}" : ",\"op\":\"c\"}";
          break;
      }
      out += '\n';
    }
    return {};
  }

 private:
  struct Member {
    std::string name;  // in quotes, with the colon
    ValueWriter write;
  };

  void append_object(const RowBatch& rows, size_t row, std::string& out) const {
    out += '{';
    bool is_first = true;
    for (size_t i = 0; i < members_.size(); ++i) {
      const Column& column = *rows.columns[i];
      bool is_null = column.is_null(row);
      if (is_null && !style_.has_nulls) {
        continue;
      }
      if (!std::exchange(is_first, false)) {
        out += ',';
      }
      out += members_[i].name;
      if (is_null) {
        out += "null";
      } else {
        members_[i].write(column, row, style_, out);
      }
    }
    out += '}';
  }

  std::string format_;
  Envelope envelope_;
  JsonStyle style_;
  std::vector<Member> members_;
};

}  // namespace

Result<std::unique_ptr<RowEncoder>> make_json_encoder(const Format& format, const Options& options,
                                                      const Schema& schema) {
  JsonStyle style;
  std::string prefix = std::string(format.name) + ".";
  if (auto given = options.find(prefix + "timestamp-format.standard"); given != options.end()) {
    if (given->second != "SQL" && given->second != "ISO-8601") {
      return Status::invalid_argument("option '" + given->first + "' is SQL or ISO-8601: '" +
                                      given->second + "'");
    }
    style.is_iso_time = given->second == "ISO-8601";
  }
  if (auto given = options.find(prefix + "encode.ignore-null-fields"); given != options.end()) {
    style.has_nulls = !TRY(parse_bool(given->second));
  }
  Envelope envelope = format.name == "json"             ? Envelope::kNone
                      : format.name == "changelog-json" ? Envelope::kChangelog
                                                        : Envelope::kDebezium;
  return std::unique_ptr<RowEncoder>(
      std::make_unique<JsonEncoder>(format.name, envelope, style, schema));
}

}  // namespace tidemark
