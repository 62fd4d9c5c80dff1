// Type names.

#include <array>

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

TypeNamePtr boxed(TypeName type) {
  return std::make_unique<TypeName>(std::move(type));
}

NamedType named(std::string_view name, size_t position) {
  NamedType type;
  type.name.parts.push_back({std::string(name), position});
  return type;
}

// [(p [, s])]
Result<std::vector<uint32_t>> read_parameters(TokenStream& in) {
  std::vector<uint32_t> parameters;
  if (in.accept_quietly("(")) {
    do {
      parameters.push_back(TRY(in.number("a length or precision")));
    } while (in.accept(","));
    TRY(in.expect(")"));
  }
  return parameters;
}

// TIME and TIMESTAMP with their zones
Result<NamedType> read_temporal(TokenStream& in) {
  size_t position = in.position();
  bool is_timestamp = in.at("TIMESTAMP");
  in.take();
  std::vector<uint32_t> parameters = TRY(read_parameters(in));
  NamedType type = named(is_timestamp ? "TIMESTAMP" : "TIME", position);
  if (in.accept_quietly("WITH LOCAL TIME ZONE")) {
    type = named(is_timestamp ? "TIMESTAMP_LTZ" : "TIME", position);
  } else if (in.accept_quietly("WITH TIME ZONE")) {
    type = named(is_timestamp ? "TIMESTAMP WITH TIME ZONE" : "TIME WITH TIME ZONE", position);
  } else {
    in.accept_quietly("WITHOUT TIME ZONE");
  }
  type.parameters = std::move(parameters);
  return type;
}

Result<NamedType> read_named(TokenStream& in) {
  struct Synonym {
    std::string_view words;
    std::string_view name;
  };
  static constexpr std::array<Synonym, 8> kSynonyms = {{{"DOUBLE PRECISION", "DOUBLE"},
                                                        {"CHARACTER VARYING", "VARCHAR"},
                                                        {"CHAR VARYING", "VARCHAR"},
                                                        {"BINARY VARYING", "VARBINARY"},
                                                        {"CHARACTER", "CHAR"},
                                                        {"INTEGER", "INT"},
                                                        {"DEC", "DECIMAL"},
                                                        {"NULL", "NULL"}}};
  static constexpr std::array<std::string_view, 39> kBuiltIn = {
      "CHAR",    "VARCHAR", "STRING",        "BOOLEAN",  "BINARY",      "VARBINARY", "BYTES",
      "DECIMAL", "NUMERIC", "TINYINT",       "SMALLINT", "INT",         "BIGINT",    "FLOAT",
      "DOUBLE",  "DATE",    "TIMESTAMP_LTZ", "VARIANT",  "TEXT",        "INT2",      "INT4",
      "INT8",    "FLOAT4",  "FLOAT8",        "BOOL",     "TIMESTAMPTZ", "TIMETZ",    "BYTEA",
      "UUID",    "JSON",    "JSONB",         "REAL",     "SERIAL",      "BIGSERIAL", "SMALLSERIAL",
      "BPCHAR",  "OID",     "REGCLASS",      "NAME"};
  size_t position = in.position();
  for (const Synonym& synonym : kSynonyms) {
    if (in.accept_quietly(synonym.words)) {
      NamedType type = named(synonym.name, position);
      type.parameters = TRY(read_parameters(in));
      return type;
    }
  }
  NamedType type;
  const std::string upper = in.peek().upper;
  type.name = TRY(in.name("a type"));
  if (type.name.parts.size() == 1 &&
      std::find(kBuiltIn.begin(), kBuiltIn.end(), upper) != kBuiltIn.end()) {
    type.name.parts.front().text = upper;
  }
  type.parameters = TRY(read_parameters(in));
  return type;
}

// name type ['comment'], or type alone; `close` ends the list
Result<std::vector<RowField>> read_fields(TokenStream& in, std::string_view close) {
  std::vector<RowField> fields;
  if (in.accept(close)) {
    return fields;
  }
  do {
    RowField field;
    bool is_type_alone = in.at(",", 1) || in.at(close, 1) || in.at("(", 1) || in.at("<", 1) ||
                         in.at("NOT", 1) ||
                         (in.at("ARRAY", 1) && (in.at(",", 2) || in.at(close, 2))) ||
                         in.at("DOUBLE PRECISION") || in.at("WITH", 1);
    if (!is_type_alone) {
      field.name = TRY(in.any_word("a field name"));
    }
    field.type = boxed(TRY(read_type(in)));
    if (in.at_kind(TokenKind::kString)) {
      field.comment = in.take().text;
    }
    fields.push_back(std::move(field));
  } while (in.accept(","));
  TRY(in.expect(close));
  return fields;
}

Result<TypeName> read_raw(TokenStream& in) {
  TypeName type{.position = in.position()};
  in.take();
  TRY(in.expect("("));
  RawType raw;
  raw.class_name = TRY(in.string("a class name"));
  TRY(in.expect(","));
  raw.serializer = TRY(in.string("a serializer"));
  TRY(in.expect(")"));
  type.node = std::move(raw);
  return type;
}

Result<TypeName> read_structured(TokenStream& in) {
  TypeName type{.position = in.position()};
  in.take();
  TRY(in.expect("<"));
  StructuredType structured;
  structured.class_name = TRY(in.string("a class name"));
  if (in.accept(",")) {
    structured.fields = TRY(read_fields(in, ">"));
  } else {
    TRY(in.expect(">"));
  }
  type.node = std::move(structured);
  return type;
}

// The type before any ARRAY, MULTISET or [] behind it.
Result<TypeName> read_base_type(TokenStream& in) {
  TypeName type{.position = in.position()};
  if (in.accept_quietly("ARRAY <")) {
    type.node = ArrayType{boxed(TRY(read_type(in)))};
    TRY(in.expect(">"));
  } else if (in.accept_quietly("MULTISET <")) {
    type.node = MultisetType{boxed(TRY(read_type(in)))};
    TRY(in.expect(">"));
  } else if (in.accept_quietly("MAP <")) {
    MapType map;
    map.key = boxed(TRY(read_type(in)));
    TRY(in.expect(","));
    map.value = boxed(TRY(read_type(in)));
    TRY(in.expect(">"));
    type.node = std::move(map);
  } else if (in.accept_quietly("ROW <>")) {
    type.node = RowType{};
  } else if (in.accept_quietly("ROW <")) {
    type.node = RowType{TRY(read_fields(in, ">"))};
  } else if (in.accept_quietly("ROW (")) {
    type.node = RowType{TRY(read_fields(in, ")"))};
  } else if (in.at("RAW (")) {
    return read_raw(in);
  } else if (in.at("STRUCTURED <")) {
    return read_structured(in);
  } else if (in.accept_quietly("INTERVAL")) {
    IntervalType interval;
    if (at_time_unit(in)) {
      interval.units = TRY(read_interval_units(in));
    }
    type.node = std::move(interval);
  } else if (in.at("TIMESTAMP") || in.at("TIME")) {
    type.node = TRY(read_temporal(in));
  } else {
    type.node = TRY(read_named(in));
  }
  return type;
}

bool accept_nullability(TokenStream& in, TypeName& type) {
  if (in.accept_quietly("NOT NULL")) {
    type.not_null = true;
    return true;
  }
  return false;
}

}  // namespace

Result<TypeName> read_type(TokenStream& in) {
  Level level(in);
  TRY(level.check());
  TypeName type = TRY(read_base_type(in));
  while (true) {
    bool not_null = accept_nullability(in, type);
    size_t position = type.position;
    if (in.accept_quietly("ARRAY")) {
      type = TypeName{.node = ArrayType{boxed(std::move(type))}, .position = position};
    } else if (in.accept_quietly("MULTISET")) {
      type = TypeName{.node = MultisetType{boxed(std::move(type))}, .position = position};
    } else if (in.at("[ ]")) {
      in.accept_quietly("[ ]");
      type = TypeName{.node = ArrayType{boxed(std::move(type))}, .position = position};
    } else {
      if (!not_null && !in.at("NULL ON")) {  // RETURNING t NULL ON EMPTY
        in.accept_quietly("NULL");
      }
      return type;
    }
    TRY(level.grow());
  }
}

}  // namespace tidemark::sql
