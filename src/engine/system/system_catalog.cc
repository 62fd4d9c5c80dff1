// The list of system tables, and how their rows are laid out.

#include <charconv>

#include <fmt/core.h>

#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"
#include "types/nested.h"

namespace tidemark {

namespace {

constexpr ObjectId kFirstSystemId = ObjectId{1} << 62;  // above all that a catalog gives

struct TypeWord {
  std::string_view word;
  TypeKind kind;
  uint32_t wire_oid;  // 0: by the kind
};

// `t` at the end of a word makes an array of it: "oid[]".
constexpr TypeWord kTypes[] = {
    {"oid", TypeKind::kBigint, 26},     {"name", TypeKind::kVarchar, 19},
    {"char", TypeKind::kVarchar, 18},   {"text", TypeKind::kVarchar, 0},
    {"bool", TypeKind::kBoolean, 0},    {"int2", TypeKind::kSmallint, 0},
    {"int4", TypeKind::kInt, 0},        {"int8", TypeKind::kBigint, 0},
    {"float4", TypeKind::kFloat, 0},    {"float8", TypeKind::kDouble, 0},
    {"regproc", TypeKind::kBigint, 24}, {"timestamptz", TypeKind::kTimestampLtz, 0},
    {"xid", TypeKind::kBigint, 28}};

Type type_of_word(std::string_view word) {
  if (word.ends_with("[]")) {
    return Type::array(type_of_word(word.substr(0, word.size() - 2)));
  }
  for (const TypeWord& known : kTypes) {
    if (known.word == word) {
      Type type = known.kind == TypeKind::kVarchar        ? Type::string()
                  : known.kind == TypeKind::kTimestampLtz ? Type::timestamp_ltz()
                                                          : Type::of(known.kind);
      type.wire_oid = known.wire_oid;
      return type;
    }
  }
  CHECK(false);
}

SystemCell default_cell(const Type& type, std::optional<std::string_view> text) {
  if (text == "NULL" || (!text && (type.kind == TypeKind::kArray || type.is_timestamp()))) {
    return std::monostate();
  }
  if (type.kind == TypeKind::kBoolean) {
    return text == "true";
  }
  if (type.is_numeric()) {
    int64_t number = 0;
    std::string_view digits = text.value_or("0");
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
  }
  return std::string(text.value_or(""));
}

std::vector<SystemRows::ColumnSpec> read_columns(std::string_view text) {
  std::vector<SystemRows::ColumnSpec> specs;
  while (!text.empty()) {
    size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t colon = word.find(':'), equals = word.find('=');
    CHECK(colon != word.npos);
    std::string_view type_word =
        word.substr(colon + 1, equals == word.npos ? equals : equals - colon - 1);
    Type type = type_of_word(type_word);
    std::optional<std::string_view> otherwise;
    if (equals != word.npos) {
      otherwise = word.substr(equals + 1);
    }
    specs.push_back({{std::string(word.substr(0, colon)), type}, default_cell(type, otherwise)});
  }
  return specs;
}

struct Entry {
  const SystemTable* table;
  std::vector<SystemRows::ColumnSpec> columns;
};

// Built at first use, from constant tables.
const std::vector<Entry>& entries() {
  static const std::vector<Entry> list = [] {
    std::vector<Entry> result;
    for (std::span<const SystemTable> family :
         {relation_tables(), type_tables(), server_tables(), convenience_tables(), empty_tables(),
          information_tables(), own_tables()}) {
      for (const SystemTable& table : family) {
        result.push_back({&table, read_columns(table.columns)});
      }
    }
    return result;
  }();
  return list;
}

template <typename T>
std::string packed(const Type& element, const std::vector<T>& values) {
  Column column(element);
  for (const T& value : values) {
    if constexpr (std::is_same_v<T, std::string>) {
      column.append_string(value);
    } else if (column.type().physical() == PhysicalKind::kInt32) {
      column.append<int32_t>(static_cast<int32_t>(value));
    } else {
      column.append<int64_t>(value);
    }
  }
  return pack_array(column);
}

void append_cell(Column& column, const SystemCell& cell) {
  const Type& type = column.type();
  if (std::holds_alternative<std::monostate>(cell)) {
    column.append_null();
  } else if (const auto* truth = std::get_if<bool>(&cell)) {
    column.append<uint8_t>(*truth ? 1 : 0);
  } else if (const auto* text = std::get_if<std::string>(&cell)) {
    column.append_string(*text);
  } else if (const auto* numbers = std::get_if<std::vector<int64_t>>(&cell)) {
    column.append_string(packed(type.children[0], *numbers));
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&cell)) {
    column.append_string(packed(type.children[0], *texts));
  } else {
    const auto* whole = std::get_if<int64_t>(&cell);
    double real = whole != nullptr ? static_cast<double>(*whole) : std::get<double>(cell);
    int64_t number = whole != nullptr ? *whole : static_cast<int64_t>(real);
    switch (type.physical()) {
      case PhysicalKind::kInt32:
        column.append<int32_t>(static_cast<int32_t>(number));
        break;
      case PhysicalKind::kInt64:
        column.append<int64_t>(number);
        break;
      case PhysicalKind::kFloat:
        column.append<float>(static_cast<float>(real));
        break;
      case PhysicalKind::kDouble:
        column.append<double>(real);
        break;
      default:
        CHECK(false);
    }
  }
}

}  // namespace

SystemRows::SystemRows(std::span<const ColumnSpec> specs) : specs_(specs) {
  for (const ColumnSpec& spec : specs) {
    columns_.emplace_back(spec.field.type);
  }
}

void SystemRows::add(std::initializer_list<Cell> cells) {
  size_t found = 0;
  for (size_t i = 0; i < specs_.size(); ++i) {
    const SystemCell* cell = &specs_[i].otherwise;
    for (const auto& [name, value] : cells) {
      if (name == specs_[i].field.name) {
        cell = &value;
        ++found;
      }
    }
    append_cell(columns_[i], *cell);
  }
  CHECK(found == cells.size());
}

RowBatch SystemRows::finish() {
  return to_batch(std::move(columns_));
}

namespace {

std::vector<ObjectRef> make_system_objects() {
  std::vector<ObjectRef> objects;
  for (size_t i = 0; i < entries().size(); ++i) {
    const Entry& entry = entries()[i];
    CatalogObject object;
    object.id = kFirstSystemId + static_cast<ObjectId>(entry.table->oid);
    object.name = {std::string(kDefaultCatalog), std::string(entry.table->schema),
                   std::string(entry.table->name)};
    for (const SystemRows::ColumnSpec& spec : entry.columns) {
      object.schema.fields.push_back(spec.field);
    }
    object.definition = SystemTableDefinition{i};
    objects.push_back(std::make_shared<const CatalogObject>(std::move(object)));
  }
  return objects;
}

}  // namespace

std::span<const ObjectRef> system_objects() {
  // Made at first use, from constant tables; the engines of a process share them.
  static const std::vector<ObjectRef> objects = make_system_objects();
  return objects;
}

const SystemTable& system_table(size_t index) {
  return *entries()[index].table;
}

RowBatch system_rows(size_t index, const SystemSnapshot& snapshot) {
  const Entry& entry = entries()[index];
  SystemRows rows(entry.columns);
  if (entry.table->fill != nullptr) {
    entry.table->fill(snapshot, rows);
  }
  return rows.finish();
}

}  // namespace tidemark
