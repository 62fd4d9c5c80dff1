#include <fmt/core.h>

#include "sql/writer.h"

namespace tidemark::sql {

namespace {

// Built-in names are keywords and stand unquoted; so does a user's type of another name. A user's
// type spelled like a built-in one in another case is quoted by name().
bool is_built_in(const NamedType& type) {
  static constexpr std::string_view kNames[] = {
      "CHAR",          "VARCHAR", "STRING",  "BOOLEAN",     "BINARY",   "VARBINARY",
      "BYTES",         "DECIMAL", "NUMERIC", "TINYINT",     "SMALLINT", "INT",
      "BIGINT",        "FLOAT",   "DOUBLE",  "DATE",        "TIME",     "TIMESTAMP",
      "TIMESTAMP_LTZ", "VARIANT", "TEXT",    "INT2",        "INT4",     "INT8",
      "FLOAT4",        "FLOAT8",  "BOOL",    "TIMESTAMPTZ", "TIMETZ",   "BYTEA",
      "UUID",          "JSON",    "JSONB",   "REAL",        "SERIAL",   "BIGSERIAL",
      "SMALLSERIAL",   "BPCHAR",  "OID",     "REGCLASS",    "NAME",     "NULL"};
  if (type.name.parts.size() != 1) {
    return false;
  }
  for (std::string_view name : kNames) {
    if (type.name.last() == name) {
      return true;
    }
  }
  return false;
}

void write_named(Writer& out, const NamedType& type) {
  std::string_view tail;
  if (type.name.last() == "TIMESTAMP WITH TIME ZONE" || type.name.last() == "TIME WITH TIME ZONE") {
    std::string_view words = type.name.last();
    tail = words.substr(words.find(' '));
    out.raw(words.substr(0, words.find(' ')));
  } else if (is_built_in(type)) {
    out.raw(type.name.last());
  } else {
    out.name(type.name);
  }
  if (!type.parameters.empty()) {
    out.raw("(");
    out.joined(type.parameters, ", ",
               [&](uint32_t parameter) { out.raw(fmt::format("{}", parameter)); });
    out.raw(")");
  }
  out.raw(tail);
}

void write_fields(Writer& out, const std::vector<RowField>& fields) {
  out.joined(fields, ", ", [&](const RowField& field) {
    if (!field.name.text.empty()) {
      out.name(field.name);
      out.raw(" ");
    }
    out.type(*field.type);
    if (field.comment) {
      out.raw(" ");
      out.string(*field.comment);
    }
  });
}

}  // namespace

void Writer::type(const TypeName& type) {
  std::visit(Overloaded{
                 [&](const NamedType& t) { write_named(*this, t); },
                 [&](const ArrayType& t) {
                   raw("ARRAY<");
                   this->type(*t.element);
                   raw(">");
                 },
                 [&](const MultisetType& t) {
                   raw("MULTISET<");
                   this->type(*t.element);
                   raw(">");
                 },
                 [&](const MapType& t) {
                   raw("MAP<");
                   this->type(*t.key);
                   raw(", ");
                   this->type(*t.value);
                   raw(">");
                 },
                 [&](const RowType& t) {
                   raw("ROW<");
                   write_fields(*this, t.fields);
                   raw(">");
                 },
                 [&](const StructuredType& t) {
                   raw("STRUCTURED<");
                   string(t.class_name);
                   raw(t.fields.empty() ? "" : ", ");
                   write_fields(*this, t.fields);
                   raw(">");
                 },
                 [&](const RawType& t) {
                   raw("RAW(");
                   string(t.class_name);
                   raw(", ");
                   string(t.serializer);
                   raw(")");
                 },
                 [&](const IntervalType& t) {
                   raw("INTERVAL");
                   if (t.units) {
                     raw(" ");
                     interval_units(*t.units);
                   }
                 },
             },
             type.node);
  raw(type.not_null ? " NOT NULL" : "");
}

}  // namespace tidemark::sql
