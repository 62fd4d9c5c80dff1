#include "engine/system/snapshot.h"

#include <algorithm>

#include "base/ascii.h"
#include "engine/function_text.h"
#include "engine/system/system_table.h"

namespace tidemark {

namespace {

// "a"."b.c" or a.b, as a statement would have it: unquoted parts in lower case as PostgreSQL folds
// them, and as they are written.
std::vector<std::string> name_parts(std::string_view text, bool is_folded) {
  std::vector<std::string> parts(1);
  bool is_quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      if (is_quoted && i + 1 < text.size() && text[i + 1] == '"') {
        parts.back() += text[++i];
      } else {
        is_quoted = !is_quoted;
      }
    } else if (c == '.' && !is_quoted) {
      parts.emplace_back();
    } else {
      parts.back() += is_quoted || !is_folded ? c : ascii_lower(std::string_view(&c, 1))[0];
    }
  }
  return parts;
}

std::string quoted(const std::string& name) {
  bool is_plain =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
      });
  if (is_plain) {
    return name;
  }
  std::string text = "\"";
  for (char c : name) {
    text += c;
    text += c == '"' ? "\"" : "";
  }
  return text + "\"";
}

}  // namespace

int64_t SystemSnapshot::oid_of(const CatalogObject& object) const {
  return object.is_system_table()
             ? system_table(std::get<SystemTableDefinition>(object.definition).table).oid
             : kOidFirstObject + static_cast<int64_t>(object.id);
}

std::string SystemSnapshot::schema_name(const CatalogObject& object) const {
  bool is_default = !object.is_system_table() && object.name.catalog == kDefaultCatalog &&
                    object.name.database == kDefaultDatabase;
  return is_default ? "public" : object.name.database;
}

int64_t SystemSnapshot::schema_oid(const CatalogObject& object) const {
  std::string name = schema_name(object);
  for (const SystemSchema& known : schemas) {
    if (known.name == name) {
      return known.oid;
    }
  }
  return 0;
}

const CatalogObject* SystemSnapshot::find(int64_t oid) const {
  for (const ObjectRef& object : objects) {
    if (oid_of(*object) == oid) {
      return object.get();
    }
  }
  return nullptr;
}

const SystemDataflow* SystemSnapshot::dataflow_of(ObjectId object) const {
  for (const SystemDataflow& dataflow : dataflows) {
    if (dataflow.object == object && !dataflow.is_build) {
      return &dataflow;
    }
  }
  return nullptr;
}

const SystemDataflow* SystemSnapshot::build_of(ObjectId object) const {
  for (const SystemDataflow& dataflow : dataflows) {
    if (dataflow.object == object && dataflow.is_build) {
      return &dataflow;
    }
  }
  return nullptr;
}

std::vector<SystemIndex> SystemSnapshot::indexes_of(const CatalogObject& object) const {
  std::vector<SystemIndex> indexes;
  if (!object.primary_key.empty()) {
    indexes.push_back({oid_of(object) + kOidFirstIndex, object.name.object + "_pkey", &object,
                       &object.primary_key, true});
  }
  for (const IndexDefinition& index : object.indexes()) {
    indexes.push_back({kOidFirstObject + static_cast<int64_t>(index.id), index.name, &object,
                       &index.columns, false});
  }
  return indexes;
}

std::optional<SystemIndex> SystemSnapshot::find_index(int64_t oid) const {
  for (const ObjectRef& object : objects) {
    for (SystemIndex& index : indexes_of(*object)) {
      if (index.oid == oid) {
        return std::move(index);
      }
    }
  }
  return std::nullopt;
}

std::optional<int64_t> SystemSnapshot::relation_oid(std::string_view text) const {
  for (bool is_folded : {true, false}) {
    std::vector<std::string> parts = name_parts(text, is_folded);
    const std::string& name = parts.back();
    for (const ObjectRef& object : objects) {
      bool in_schema = parts.size() == 1 ? is_visible(oid_of(*object))
                                         : schema_name(*object) == parts[parts.size() - 2];
      if (!in_schema) {
        continue;
      }
      if (object->name.object == name) {
        return oid_of(*object);
      }
      for (const SystemIndex& index : indexes_of(*object)) {
        if (index.name == name) {
          return index.oid;
        }
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> SystemSnapshot::relation_name(int64_t oid) const {
  std::optional<SystemIndex> index = find_index(oid);
  const CatalogObject* object = index ? index->object : find(oid);
  if (object == nullptr) {
    return std::nullopt;
  }
  std::string name = quoted(index ? index->name : object->name.object);
  return is_visible(oid) ? name : quoted(schema_name(*object)) + "." + name;
}

std::optional<std::string> SystemSnapshot::definition(int64_t oid) const {
  if (std::optional<SystemIndex> index = find_index(oid)) {
    std::string columns;
    for (size_t part : *index->columns) {
      columns += (columns.empty() ? "" : ", ") + quoted(index->object->schema[part].name);
    }
    return std::string(index->is_key ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") +
           quoted(index->name) + " ON " + quoted(schema_name(*index->object)) + "." +
           quoted(index->object->name.object) + " USING btree (" + columns + ")";
  }
  const CatalogObject* object = find(oid);
  if (object == nullptr) {
    return std::nullopt;
  }
  if (const auto* view = std::get_if<ViewDefinition>(&object->definition)) {
    return " " + view->query + ";";
  }
  if (const auto* view = std::get_if<MaterializedViewDefinition>(&object->definition)) {
    return " " + view->query + ";";
  }
  return std::nullopt;
}

std::optional<std::string> SystemSnapshot::function_text(int64_t oid, FunctionText what) const {
  for (const ObjectRef& function : functions) {
    if (oid_of(*function) == oid) {
      return what == FunctionText::kArguments ? pg_arguments_text(*function)
             : what == FunctionText::kResult  ? pg_result_text(*function)
                                              : create_function_text(*function);
    }
  }
  return std::nullopt;
}

std::optional<std::string> SystemSnapshot::index_column(int64_t oid, int64_t n) const {
  std::optional<SystemIndex> index = find_index(oid);
  if (!index || n < 1 || n > static_cast<int64_t>(index->columns->size())) {
    return std::nullopt;
  }
  return quoted(index->object->schema[(*index->columns)[static_cast<size_t>(n) - 1]].name);
}

bool SystemSnapshot::is_visible(int64_t oid) const {
  std::optional<SystemIndex> index = find_index(oid);
  const CatalogObject* object = index ? index->object : find(oid);
  for (const ObjectRef& function : functions) {
    object = oid_of(*function) == oid ? function.get() : object;
  }
  if (object == nullptr) {
    return oid < kOidFirstObject;  // types, functions, operators
  }
  std::string name = schema_name(*object);
  return name == schema || name == "pg_catalog";
}

std::string SystemSnapshot::setting(std::string_view name) const {
  for (const auto& [key, value] : settings) {
    if (ascii_lower(key) == ascii_lower(name)) {
      return value;
    }
  }
  return "";
}

}  // namespace tidemark
