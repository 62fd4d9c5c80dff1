// Functions of PostgreSQL's catalog that its clients call when they look around (PostgreSQL 15
// manual, "System Information Functions"). Those about objects ask EvalContext::names; without
// names they give NULL.

#include <algorithm>

#include "base/ascii.h"
#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "types/nested.h"
#include "types/pg_type_name.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

constexpr std::string_view kVersion =
    "PostgreSQL 15.0 (tidemark " TIDEMARK_VERSION ") on x86_64-pc-linux-gnu, 64-bit";

// Takes any arguments, gives NULL: what would describe things that are not here.
void no_value(const KernelFrame& frame, Arguments) {
  for (size_t row = 0; row < frame.rows; ++row) {
    frame.out.set_null(row);
  }
}
void true_kernel(const KernelFrame& frame, Arguments) {
  std::fill_n(frame.out.mutable_data<uint8_t>(), frame.rows, uint8_t{1});
}
void zero_kernel(const KernelFrame&, Arguments) {}

template <char kResult, Kernel kKernel>
Result<BoundFunction> bind_anything(std::span<const Type> types) {
  std::vector<Type> taken(types.begin(), types.end());
  for (Type& type : taken) {
    type = type.kind == TypeKind::kNull ? Type::string() : type.as_nullable();
  }
  return BoundFunction{kKernel, type_of_letter(kResult), std::move(taken), NullRule::kCalled,
                       false};
}

template <const std::string_view& kText>
void text_kernel(const KernelFrame& frame, Arguments) {
  fill_text(frame, [](size_t, std::string& text) {
    text = kText;
    return true;
  });
}
constexpr std::string_view kUtf8 = "UTF8";
constexpr std::string_view kEmpty;
constexpr std::string_view kDatabase = "tidemark";

void format_type(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& text) {
    if (a[0].is_null(row)) {
      return false;
    }
    auto oid = static_cast<uint32_t>(a[0].at<int64_t>(row));
    int64_t modifier = a[1].is_null(row) ? -1 : a[1].at<int64_t>(row);
    text = pg_type_name(oid, static_cast<int32_t>(modifier));
    return true;
  });
}

void user_by_id(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& text) {
    // Everything belongs to the one role that is always there.
    text = a[0].at<int64_t>(row) == 10 ? "tidemark"
                                       : fmt::format("unknown (OID={})", a[0].at<int64_t>(row));
    return true;
  });
}

void is_visible(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  fill<uint8_t>(frame, [&](size_t row) {
    return names == nullptr || names->is_visible(a[0].at<int64_t>(row));
  });
}

void view_definition(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t row, std::string& text) {
    std::optional<std::string> definition =
        names == nullptr ? std::nullopt : names->definition(a[0].at<int64_t>(row));
    text = definition.value_or("");
    return definition.has_value();
  });
}

template <FunctionText kWhat>
void function_text(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t row, std::string& text) {
    std::optional<std::string> told =
        names == nullptr ? std::nullopt : names->function_text(a[0].at<int64_t>(row), kWhat);
    text = told.value_or("");
    return told.has_value() || kWhat != FunctionText::kDefinition;
  });
}

void index_definition(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t row, std::string& text) {
    int64_t oid = a[0].at<int64_t>(row), column = a.size() > 1 ? a[1].at<int64_t>(row) : 0;
    std::optional<std::string> told = names == nullptr ? std::nullopt
                                      : column == 0    ? names->definition(oid)
                                                       : names->index_column(oid, column);
    text = told.value_or("");
    return told.has_value();
  });
}

// Of each element a row of it and of its place.
void expand_array(const KernelFrame& frame, Arguments a) {
  const Type& element = frame.argument_types[0].children[0];
  fill_text(frame, [&](size_t row, std::string& text) {
    std::vector<std::string> rows;
    for (std::string_view packed : packed_elements(a[0].string_at(row), element)) {
      auto place = static_cast<int32_t>(rows.size() + 1);
      std::string fields(packed);
      fields += '\0';
      fields.append(reinterpret_cast<const char*>(&place), sizeof(place));
      auto length = static_cast<uint32_t>(fields.size());
      rows.emplace_back(1, '\0');
      rows.back().append(reinterpret_cast<const char*>(&length), sizeof(length));
      rows.back() += fields;
    }
    text = pack_elements(std::vector<std::string_view>(rows.begin(), rows.end()));
    return true;
  });
}

Result<BoundFunction> bind_expand_array(std::span<const Type> types) {
  if (types.size() != 1 || types[0].kind != TypeKind::kArray ||
      types[0].children[0].kind == TypeKind::kNull) {
    return Status::invalid_argument("takes an array");
  }
  Type row = Type::of(TypeKind::kRow);
  row.children = {types[0].children[0].as_nullable(), Type::integer()};
  row.field_names = {"x", "n"};
  return BoundFunction{expand_array, Type::array(std::move(row)), {types[0].as_nullable()}};
}

void relation_name(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t row, std::string& text) {
    int64_t oid = a[0].at<int64_t>(row);
    std::optional<std::string> name = names == nullptr ? std::nullopt : names->relation_name(oid);
    text = name ? *name : oid == 0 ? "-" : std::to_string(oid);
    return true;
  });
}

// The cast to regclass; a number in quotes is that number.
template <bool kMissingIsNull>
void relation_oid(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::string_view name = a[0].string_at(row);
    bool is_number = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
    std::optional<int64_t> oid;
    if (is_number) {
      oid = std::strtoll(std::string(name).c_str(), nullptr, 10);
    } else if (names != nullptr) {
      oid = names->relation_oid(name);
    }
    if (oid) {
      frame.out.mutable_data<int64_t>()[row] = *oid;
    } else if (kMissingIsNull || names == nullptr) {
      frame.out.set_null(row);
    } else {
      frame.fail(row, fmt::format("relation \"{}\" does not exist", name));
    }
  }
}

Result<BoundFunction> bind_relation_oid(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"s", 'l', relation_oid<false>, true>(types)));
  bound.result.wire_oid = 2205;
  return bound;
}
// The cast to regtype: by the name in SQL or in pg_type.
void type_oid(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::string name(a[0].string_at(row));
    if (std::optional<uint32_t> oid = pg_type_by_name(name)) {
      frame.out.mutable_data<int64_t>()[row] = *oid;
    } else {
      frame.out.set_null(row);
    }
  }
}

Result<BoundFunction> bind_type_oid(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"s", 'l', type_oid>(types)));
  bound.result.wire_oid = 2206;
  return bound;
}

Result<BoundFunction> bind_to_regclass(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"s", 'l', relation_oid<true>>(types)));
  bound.result.wire_oid = 2205;
  return bound;
}

void current_schema(const KernelFrame& frame, Arguments) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t, std::string& text) {
    text = names == nullptr ? "public" : names->current_schema();
    return true;
  });
}

void current_schemas(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    Column schemas(Type::string());
    if (a[0].at<uint8_t>(row) != 0) {
      schemas.append_string("pg_catalog");
    }
    schemas.append_string(frame.context.names == nullptr ? "public"
                                                         : frame.context.names->current_schema());
    frame.out.mutable_data<StringRef>()[row] = frame.out.intern(pack_array(schemas));
  }
}

Result<BoundFunction> bind_current_schemas(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"b", 's', current_schemas>(types)));
  bound.result = Type::array(Type::string());
  return bound;
}

void current_user(const KernelFrame& frame, Arguments) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t, std::string& text) {
    text = names == nullptr ? "tidemark" : names->current_user();
    return true;
  });
}

void backend_pid(const KernelFrame& frame, Arguments) {
  const SystemNames* names = frame.context.names;
  std::string id = names == nullptr ? "" : names->setting("tidemark.connection_id");
  std::fill_n(frame.out.mutable_data<int64_t>(), frame.rows,
              static_cast<int64_t>(std::strtoll(id.c_str(), nullptr, 10)));
}

// current_setting(name [, missing_ok]), and set_config, whose effect is left to SET.
void current_setting(const KernelFrame& frame, Arguments a) {
  const SystemNames* names = frame.context.names;
  fill_text(frame, [&](size_t row, std::string& text) {
    text = names == nullptr ? "" : names->setting(a[0].string_at(row));
    return names != nullptr;
  });
}

// The place of the last element, or of the first.
template <bool kLast>
void array_bound(const KernelFrame& frame, Arguments a) {
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    uint32_t count = packed_count(a[0].string_at(row));
    frame.out.mutable_data<int32_t>()[row] = kLast ? static_cast<int32_t>(count) : 1;
    if (count == 0) {
      frame.out.set_null(row);
    }
  }
}

template <Kernel kKernel, char kResult, char kSecond>
Result<BoundFunction> bind_array(std::span<const Type> types) {
  if (types.size() < 2 || (types[0].kind != TypeKind::kArray && types[0].kind != TypeKind::kNull)) {
    return Status::invalid_argument("takes an array first");
  }
  Type array = types[0].kind == TypeKind::kNull ? Type::array(Type::string()) : types[0];
  return BoundFunction{kKernel,
                       type_of_letter(kResult),
                       {array.as_nullable(), type_of_letter(kSecond)},
                       NullRule::kStrict,
                       false};
}

// The cast to regproc: the functions that tell arrays from other types.
void function_oid(const KernelFrame& frame, Arguments a) {
  fill<int64_t>(frame, [&](size_t row) -> int64_t {
    std::string_view name = a[0].string_at(row);
    size_t dot = name.rfind('.');
    name = dot == name.npos ? name : name.substr(dot + 1);
    return name == "array_in"     ? 750
           : name == "array_out"  ? 751
           : name == "array_recv" ? 2400
           : name == "array_send" ? 2401
                                  : 0;
  });
}

Result<BoundFunction> bind_function_oid(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"s", 'l', function_oid>(types)));
  bound.result.wire_oid = 24;
  return bound;
}

void append_json(const Column& column, size_t row, std::string& out) {
  const Type& type = column.type();
  if (type.kind == TypeKind::kNull || column.is_null(row)) {
    out += "null";
  } else if (type.kind == TypeKind::kBoolean || type.is_numeric()) {
    append_text(column, row, out);
  } else {
    out += '"';
    for (char c : text_of(column, row)) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out += fmt::format("\\u{:04x}", static_cast<int>(c));
      } else {
        out += c;
      }
    }
    out += '"';
  }
}

// Keys and values in turn.
void json_build_object(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& text) {
    text = "{";
    for (size_t i = 0; i < a.size(); ++i) {
      text += i == 0 ? "" : i % 2 == 0 ? ", " : " : ";
      append_json(*a[i].column, row * a[i].stride, text);
    }
    text += "}";
    return true;
  });
}

Result<BoundFunction> bind_json_build_object(std::span<const Type> types) {
  if (types.size() % 2 != 0) {
    return Status::invalid_argument("argument list must have even number of elements");
  }
  return bind_anything<'s', json_build_object>(types);
}

void quote_ident(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& text) {
    std::string_view name = a[0].string_at(row);
    bool is_plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
                    std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
                    });
    text += is_plain ? "" : "\"";
    for (char c : name) {
      text += c;
      text += c == '"' ? "\"" : "";
    }
    text += is_plain ? "" : "\"";
    return true;
  });
}

// Takes the first part of a name off its text; false: there is none.
bool take_part(std::string_view& name, std::string& part) {
  part.clear();
  bool is_quoted = name.starts_with('"');
  size_t i = is_quoted ? 1 : 0;
  for (; i < name.size() && (is_quoted || name[i] != '.'); ++i) {
    if (is_quoted && name[i] == '"' && !name.substr(++i).starts_with('"')) {
      is_quoted = false;
      break;
    }
    part += name.starts_with('"') ? name[i] : ascii_lower(name.substr(i, 1))[0];
  }
  name.remove_prefix(i);
  return !part.empty() && !is_quoted && (name.empty() || (name.size() > 1 && name[0] == '.'));
}

void parse_ident(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    Column parts(Type::string());
    std::string_view name = a[0].string_at(row);
    std::string part;
    do {
      name.remove_prefix(name.starts_with('.') ? 1 : 0);
      if (!take_part(name, part)) {
        return false;
      }
      parts.append_string(part);
    } while (!name.empty());
    out = pack_array(parts);
    return true;
  });
}

Result<BoundFunction> bind_parse_ident(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"s", 's', parse_ident>(types)));
  bound.result = Type::array(Type::string());
  return bound;
}

void size_pretty(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& text) {
    int64_t bytes = a[0].at<int64_t>(row);
    const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes >= 10240 && unit < 4) {
      bytes /= 1024;
      ++unit;
    }
    text = fmt::format("{} {}", bytes, kUnits[unit]);
    return true;
  });
}

constexpr std::string_view kAbsent = "Not here: NULL.";
constexpr std::string_view kAllowed = "Rights are not kept apart: TRUE.";

#define ABSENT(name) \
  { name, "catalog", name "(...)", kAbsent, name "(1)", "NULL", bind_anything<'s', no_value> }
#define ALLOWED(name)                                                        \
  {                                                                          \
    name, "catalog", name "(...)", kAllowed, name "('x', 'SELECT')", "true", \
        bind_anything<'b', true_kernel>                                      \
  }
#define SIZE_OF(name)                                                                 \
  {                                                                                   \
    name, "catalog", name "(oid)", "Sizes on disk are not told: 0.", name "(1)", "0", \
        bind_anything<'l', zero_kernel>                                               \
  }
#define VISIBLE(name)                                                                           \
  {                                                                                             \
    name, "catalog", name "(oid)", "Whether an object is found by its bare name.", name "(23)", \
        "true", bind_shape<"l", 'b', is_visible>, false                                         \
  }
#define USER_NAME(name)                                                         \
  {                                                                             \
    name, "catalog", name, "Who is logged in.", name " = SESSION_USER", "true", \
        bind_shape<"", 's', current_user>, false                                \
  }

constexpr Function kCatalogFunctions[] = {
    {"FORMAT_TYPE", "catalog", "FORMAT_TYPE(oid, modifier)", "A type's name in SQL.",
     "FORMAT_TYPE(1700, 655366)", "numeric(10,2)",
     bind_shape<"ll", 's', format_type, false, NullRule::kCalled>},
    {"PG_GET_USERBYID", "catalog", "PG_GET_USERBYID(oid)", "The name of a role.",
     "PG_GET_USERBYID(10)", "tidemark", bind_shape<"l", 's', user_by_id>},
    VISIBLE("PG_TABLE_IS_VISIBLE"),
    VISIBLE("PG_TYPE_IS_VISIBLE"),
    VISIBLE("PG_FUNCTION_IS_VISIBLE"),
    VISIBLE("PG_OPERATOR_IS_VISIBLE"),
    VISIBLE("PG_OPCLASS_IS_VISIBLE"),
    VISIBLE("PG_COLLATION_IS_VISIBLE"),
    VISIBLE("PG_CONVERSION_IS_VISIBLE"),
    VISIBLE("PG_STATISTICS_OBJ_IS_VISIBLE"),
    VISIBLE("PG_TS_DICT_IS_VISIBLE"),
    VISIBLE("PG_TS_CONFIG_IS_VISIBLE"),
    VISIBLE("PG_TS_PARSER_IS_VISIBLE"),
    VISIBLE("PG_TS_TEMPLATE_IS_VISIBLE"),
    {"PG_GET_VIEWDEF", "catalog", "PG_GET_VIEWDEF(oid [, pretty])", "The query of a view.",
     "PG_GET_VIEWDEF(1)", "NULL", bind_shape<"l?b", 's', view_definition>, false},
    {"TO_REGCLASS", "catalog", "TO_REGCLASS(name)",
     "The number of a relation; NULL: there is none.", "TO_REGCLASS('no_such')", "NULL",
     bind_to_regclass, false},
    {"REGCLASS", "catalog", "REGCLASS(name)", "The cast to regclass: the number of a relation.",
     "REGCLASS('1259')", "1259", bind_relation_oid, false},
    {"REGCLASSOUT", "catalog", "REGCLASSOUT(oid)",
     "The name of a relation, as a cast to text gives it.", "REGCLASSOUT(0)", "-",
     bind_shape<"l", 's', relation_name>, false},
    {"REGTYPE", "catalog", "REGTYPE(name)", "The cast to regtype: the number of a type.",
     "REGTYPE('integer')", "23", bind_type_oid},
    {"TO_REGTYPE", "catalog", "TO_REGTYPE(name)", "The number of a type; NULL: there is none.",
     "TO_REGTYPE('int8')", "20", bind_type_oid},
    ABSENT("PG_GET_EXPR"),
    ABSENT("PG_GET_CONSTRAINTDEF"),
    ABSENT("PG_GET_TRIGGERDEF"),
    ABSENT("PG_GET_RULEDEF"),
    ABSENT("PG_GET_PARTKEYDEF"),
    ABSENT("PG_GET_PARTITION_CONSTRAINTDEF"),
    ABSENT("PG_GET_STATISTICSOBJDEF_COLUMNS"),
    {"PG_GET_FUNCTIONDEF", "catalog", "PG_GET_FUNCTIONDEF(oid)",
     "The statement that makes a function in SQL.", "PG_GET_FUNCTIONDEF(1)", "NULL",
     bind_shape<"l", 's', function_text<FunctionText::kDefinition>>, false},
    ABSENT("PG_GET_SERIAL_SEQUENCE"),
    ABSENT("PG_GET_FUNCTION_SQLBODY"),
    ABSENT("OBJ_DESCRIPTION"),
    ABSENT("COL_DESCRIPTION"),
    ABSENT("SHOBJ_DESCRIPTION"),
    ABSENT("PG_TABLESPACE_LOCATION"),
    ABSENT("INET_SERVER_ADDR"),
    ABSENT("INET_CLIENT_ADDR"),
    {"PG_GET_INDEXDEF", "catalog", "PG_GET_INDEXDEF(oid [, column, pretty])",
     "The definition of an index; of a column, its name.", "PG_GET_INDEXDEF(1)", "NULL",
     bind_shape<"l?lb", 's', index_definition>, false},
    {"_PG_EXPANDARRAY", "catalog", "_PG_EXPANDARRAY(array)",
     "The elements and their places: rows (x, n).",
     "ARRAY(SELECT n FROM _PG_EXPANDARRAY(ARRAY[7, 9]) WHERE x = 9)", "{2}", bind_expand_array,
     true, true},
    {"PG_GET_FUNCTION_RESULT", "catalog", "PG_GET_FUNCTION_RESULT(oid)",
     "The type that a function in SQL gives; empty for the system's.", "PG_GET_FUNCTION_RESULT(1)",
     "", bind_shape<"l", 's', function_text<FunctionText::kResult>>, false},
    {"PG_GET_FUNCTION_ARGUMENTS", "catalog", "PG_GET_FUNCTION_ARGUMENTS(oid)",
     "The parameters of a function in SQL; empty for the system's.", "PG_GET_FUNCTION_ARGUMENTS(1)",
     "", bind_shape<"l", 's', function_text<FunctionText::kArguments>>, false},
    {"PG_GET_FUNCTION_IDENTITY_ARGUMENTS", "catalog", "PG_GET_FUNCTION_IDENTITY_ARGUMENTS(oid)",
     "The same.", "PG_GET_FUNCTION_IDENTITY_ARGUMENTS(1)", "",
     bind_shape<"l", 's', function_text<FunctionText::kArguments>>, false},
    {"PG_ENCODING_TO_CHAR", "catalog", "PG_ENCODING_TO_CHAR(n)", "The one encoding there is.",
     "PG_ENCODING_TO_CHAR(6)", "UTF8", bind_anything<'s', text_kernel<kUtf8>>},
    {"GETDATABASEENCODING", "catalog", "GETDATABASEENCODING()", "The same.",
     "GETDATABASEENCODING()", "UTF8", bind_anything<'s', text_kernel<kUtf8>>},
    ALLOWED("HAS_TABLE_PRIVILEGE"),
    ALLOWED("HAS_ANY_COLUMN_PRIVILEGE"),
    ALLOWED("HAS_COLUMN_PRIVILEGE"),
    ALLOWED("HAS_SCHEMA_PRIVILEGE"),
    ALLOWED("HAS_DATABASE_PRIVILEGE"),
    ALLOWED("HAS_FUNCTION_PRIVILEGE"),
    ALLOWED("HAS_TYPE_PRIVILEGE"),
    ALLOWED("PG_HAS_ROLE"),
    SIZE_OF("PG_RELATION_SIZE"),
    SIZE_OF("PG_TABLE_SIZE"),
    SIZE_OF("PG_TABLESPACE_SIZE"),
    SIZE_OF("PG_TOTAL_RELATION_SIZE"),
    SIZE_OF("PG_INDEXES_SIZE"),
    SIZE_OF("PG_DATABASE_SIZE"),
    {"PG_BACKEND_PID", "catalog", "PG_BACKEND_PID()", "The number of this connection, for KILL.",
     "PG_BACKEND_PID() >= 0", "true", bind_shape<"", 'l', backend_pid>, false},
    SIZE_OF("TXID_CURRENT"),
    {"PG_STAT_GET_NUMSCANS", "catalog", "PG_STAT_GET_NUMSCANS(oid)", "Not counted: 0.",
     "PG_STAT_GET_NUMSCANS(1)", "0", bind_anything<'l', zero_kernel>},
    SIZE_OF("PG_MY_TEMP_SCHEMA"),
    {"PG_SIZE_PRETTY", "catalog", "PG_SIZE_PRETTY(bytes)", "A size for people to read.",
     "PG_SIZE_PRETTY(123456)", "120 kB", bind_shape<"l", 's', size_pretty>},
    {"PG_IS_IN_RECOVERY", "catalog", "PG_IS_IN_RECOVERY()", "This is no standby: FALSE.",
     "PG_IS_IN_RECOVERY()", "false", bind_anything<'b', zero_kernel>},
    {"PG_IS_OTHER_TEMP_SCHEMA", "catalog", "PG_IS_OTHER_TEMP_SCHEMA(oid)", "There is none: FALSE.",
     "PG_IS_OTHER_TEMP_SCHEMA(1)", "false", bind_anything<'b', zero_kernel>},
    {"PG_RELATION_IS_PUBLISHABLE", "catalog", "PG_RELATION_IS_PUBLISHABLE(oid)",
     "Nothing is published: FALSE.", "PG_RELATION_IS_PUBLISHABLE(1)", "false",
     bind_anything<'b', zero_kernel>},
    {"CURRENT_SCHEMA", "catalog", "CURRENT_SCHEMA()", "The schema of names without one.",
     "CURRENT_SCHEMA()", "public", bind_shape<"", 's', current_schema>, false},
    {"CURRENT_SCHEMAS", "catalog", "CURRENT_SCHEMAS(implicit)", "The schemas of names without one.",
     "CURRENT_SCHEMAS(FALSE)", "{public}", bind_current_schemas, false},
    USER_NAME("CURRENT_USER"),
    USER_NAME("SESSION_USER"),
    USER_NAME("USER"),
    USER_NAME("CURRENT_ROLE"),
    {"VERSION", "catalog", "VERSION()", "What this is, as PostgreSQL's clients read it.",
     "VERSION() LIKE 'PostgreSQL 15%'", "true", bind_shape<"", 's', text_kernel<kVersion>>},
    {"CURRENT_SETTING", "catalog", "CURRENT_SETTING(name [, missing_ok])",
     "The value of a setting.", "CURRENT_SETTING('server_encoding')", "UTF8",
     bind_shape<"s?b", 's', current_setting>, false},
    {"ARRAY_UPPER", "catalog", "ARRAY_UPPER(array, dimension)",
     "The place of the last element; NULL for an empty array.", "ARRAY_UPPER(ARRAY[1, 2], 1)", "2",
     bind_array<array_bound<true>, 'i', 'i'>},
    {"ARRAY_LOWER", "catalog", "ARRAY_LOWER(array, dimension)",
     "The place of the first element; NULL for an empty array.", "ARRAY_LOWER(ARRAY[1, 2], 1)", "1",
     bind_array<array_bound<false>, 'i', 'i'>},
    {"PARSE_IDENT", "catalog", "PARSE_IDENT(name)",
     "The parts of a name that may be quoted; NULL: it is none.", "PARSE_IDENT('A.\"Bc\"')",
     "{a,Bc}", bind_parse_ident},
    {"REGPROC", "catalog", "REGPROC(name)", "The cast to regproc: the number of a function.",
     "REGPROC('array_in')", "750", bind_function_oid},
    {"JSON_BUILD_OBJECT", "catalog", "JSON_BUILD_OBJECT(key, value, ...)",
     "A JSON object as text, as PostgreSQL writes it.", "JSON_BUILD_OBJECT('a', 1, 'b', 'x')",
     "{\"a\" : 1, \"b\" : \"x\"}", bind_json_build_object},
    {"QUOTE_IDENT", "catalog", "QUOTE_IDENT(name)", "A name as it is written in a statement.",
     "QUOTE_IDENT('a b')", "\"a b\"", bind_shape<"s", 's', quote_ident>},
    {"CURRENT_DATABASE", "catalog", "CURRENT_DATABASE()", "The database of this connection.",
     "CURRENT_DATABASE()", "tidemark", bind_shape<"", 's', text_kernel<kDatabase>>},
    {"CURRENT_CATALOG", "catalog", "CURRENT_CATALOG", "As CURRENT_DATABASE.",
     "CURRENT_CATALOG = CURRENT_DATABASE()", "true", bind_shape<"", 's', text_kernel<kDatabase>>},
};

#undef ABSENT
#undef ALLOWED
#undef SIZE_OF
#undef VISIBLE
#undef USER_NAME

}  // namespace

std::span<const Function> catalog_functions() {
  return kCatalogFunctions;
}

}  // namespace tidemark
