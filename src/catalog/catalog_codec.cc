#include "catalog/catalog_codec.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/overloaded.h"
#include "types/type_codec.h"

namespace tidemark {

namespace {

constexpr uint8_t kObjectVersion = 2;
constexpr uint8_t kObjectVersionWithoutIndexes = 1;
constexpr uint8_t kCatalogVersion = 1;
enum class DefinitionTag : uint8_t {
  kTable = 1,
  kView = 2,
  kMaterializedView = 3,
  kMaterializedViewWith = 4,
  kFunction = 5,
  kSink = 6,
  kJob = 7,
};

template <typename Number>
void append_numbers(const std::vector<Number>& numbers, std::string& out) {
  append_varint(numbers.size(), out);
  for (Number number : numbers) {
    append_varint(number, out);
  }
}

template <typename Number>
std::vector<Number> read_numbers(ByteReader& in) {
  std::vector<Number> numbers;
  for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
    numbers.push_back(in.varint());
  }
  return numbers;
}

void append_definition(const CatalogObject& object, std::string& out) {
  std::visit(Overloaded{
                 [&](const TableDefinition& table) {
                   append_fixed(table.is_sink ? DefinitionTag::kSink : DefinitionTag::kTable, out);
                   append_options(table.with, out);
                   if (table.is_sink) {
                     return;
                   }
                   append_bytes(table.source_key, out);
                   append_bytes(table.display_name, out);
                   append_schema(table.hidden, out);
                   append_numbers(table.row_key, out);
                 },
                 [&](const ViewDefinition& view) {
                   append_fixed(DefinitionTag::kView, out);
                   append_bytes(view.query, out);
                   append_varint(view.columns.size(), out);
                   for (const std::string& column : view.columns) {
                     append_bytes(column, out);
                   }
                 },
                 [&](const MaterializedViewDefinition& view) {
                   append_fixed(view.options.empty() ? DefinitionTag::kMaterializedView
                                                     : DefinitionTag::kMaterializedViewWith,
                                out);
                   append_bytes(view.query, out);
                   if (!view.options.empty()) {
                     append_options(view.options, out);
                   }
                   append_varint(view.indexes.size(), out);
                   for (const IndexDefinition& index : view.indexes) {
                     append_varint(index.id, out);
                     append_bytes(index.name, out);
                     append_numbers(index.columns, out);
                   }
                 },
                 [&](const FunctionDefinition& function) {
                   append_fixed(DefinitionTag::kFunction, out);
                   append_bytes(function.body, out);
                   append_type(function.result, out);
                   append_fixed(uint8_t{function.strict}, out);
                 },
                 [](const SystemTableDefinition&) { CHECK(false); },  // never stored
                 [&](const JobDefinition& job) {
                   append_fixed(DefinitionTag::kJob, out);
                   append_bytes(job.title, out);
                   append_varint(job.inserts.size(), out);
                   for (const JobDefinition::Insert& insert : job.inserts) {
                     append_varint(insert.sink, out);
                     append_bytes(insert.query, out);
                     append_numbers(insert.columns, out);
                   }
                 },
             },
             object.definition);
}

void read_definition(ByteReader& in, uint8_t version, CatalogObject& object) {
  auto tag = in.fixed<DefinitionTag>();
  switch (tag) {
    case DefinitionTag::kSink:
      object.definition = TableDefinition{.with = read_options(in), .is_sink = true};
      return;
    case DefinitionTag::kJob: {
      JobDefinition job{.title = std::string(in.bytes())};
      for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
        JobDefinition::Insert insert{.sink = in.varint(), .query = std::string(in.bytes())};
        insert.columns = read_numbers<size_t>(in);
        job.inserts.push_back(std::move(insert));
      }
      object.definition = std::move(job);
      return;
    }
    case DefinitionTag::kTable: {
      TableDefinition table;
      table.with = read_options(in);
      table.source_key = in.bytes();
      table.display_name = in.bytes();
      table.hidden = read_schema(in);
      table.row_key = read_numbers<size_t>(in);
      object.definition = std::move(table);
      return;
    }
    case DefinitionTag::kView: {
      ViewDefinition view;
      view.query = in.bytes();
      for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
        view.columns.emplace_back(in.bytes());
      }
      object.definition = std::move(view);
      return;
    }
    case DefinitionTag::kMaterializedView:
    case DefinitionTag::kMaterializedViewWith: {
      MaterializedViewDefinition view{std::string(in.bytes()), {}, {}};
      if (tag == DefinitionTag::kMaterializedViewWith) {
        view.options = read_options(in);
      }
      uint64_t indexes = version == kObjectVersionWithoutIndexes ? 0 : in.varint();
      for (uint64_t left = indexes; left != 0 && !in.failed(); --left) {
        IndexDefinition index{.id = in.varint(), .name = std::string(in.bytes()), .columns = {}};
        index.columns = read_numbers<size_t>(in);
        if (std::ranges::any_of(index.columns,
                                [&](size_t column) { return column >= object.schema.size(); })) {
          in.fail();
        }
        view.indexes.push_back(std::move(index));
      }
      object.definition = std::move(view);
      return;
    }
    case DefinitionTag::kFunction: {
      FunctionDefinition function;
      function.body = in.bytes();
      function.result = read_type(in);
      function.strict = in.fixed<uint8_t>() != 0;
      object.definition = std::move(function);
      return;
    }
  }
  in.fail();
}

}  // namespace

void append_options(const Options& options, std::string& out) {
  append_varint(options.size(), out);
  for (const auto& [key, value] : options) {
    append_bytes(key, out);
    append_bytes(value, out);
  }
}

Options read_options(ByteReader& in) {
  Options options;
  for (uint64_t left = in.varint(); left != 0 && !in.failed(); --left) {
    std::string key(in.bytes());
    options[key] = in.bytes();
  }
  return options;
}

std::string encode_object(const CatalogObject& object) {
  std::string out;
  append_fixed(kObjectVersion, out);
  append_varint(object.id, out);
  append_bytes(object.name.catalog, out);
  append_bytes(object.name.database, out);
  append_bytes(object.name.object, out);
  append_schema(object.schema, out);
  append_numbers(object.primary_key, out);
  append_bytes(object.comment, out);
  append_bytes(object.context_catalog, out);
  append_bytes(object.context_database, out);
  append_numbers(object.depends_on, out);
  append_definition(object, out);
  return out;
}

Result<CatalogObject> decode_object(std::string_view bytes) {
  ByteReader in(bytes);
  CatalogObject object;
  auto version = in.fixed<uint8_t>();
  if (version != kObjectVersion && version != kObjectVersionWithoutIndexes) {
    in.fail();
  }
  object.id = in.varint();
  object.name.catalog = in.bytes();
  object.name.database = in.bytes();
  object.name.object = in.bytes();
  object.schema = read_schema(in);
  object.primary_key = read_numbers<size_t>(in);
  object.comment = in.bytes();
  object.context_catalog = in.bytes();
  object.context_database = in.bytes();
  object.depends_on = read_numbers<ObjectId>(in);
  read_definition(in, version, object);
  if (!in.at_end()) {
    return Status::corruption("a definition in the data directory cannot be read");
  }
  return object;
}

std::string encode_catalog(const CatalogInfo& info) {
  std::string out;
  append_fixed(kCatalogVersion, out);
  append_bytes(info.name, out);
  append_bytes(info.type, out);
  append_options(info.options, out);
  append_bytes(info.comment, out);
  return out;
}

Result<CatalogInfo> decode_catalog(std::string_view bytes) {
  ByteReader in(bytes);
  CatalogInfo info;
  if (in.fixed<uint8_t>() != kCatalogVersion) {
    in.fail();
  }
  info.name = in.bytes();
  info.type = in.bytes();
  info.options = read_options(in);
  info.comment = in.bytes();
  if (!in.at_end()) {
    return Status::corruption("a catalog in the data directory cannot be read");
  }
  return info;
}

}  // namespace tidemark
