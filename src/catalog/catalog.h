#pragma once
// Named objects: catalogs hold databases hold tables and views. A name resolves as
// catalog.database.object, missing parts taken from the session (Flink's rule; identifiers are
// case-sensitive).
//
// A catalog of a source database (CREATE CATALOG c WITH ('type' = 'postgres-cdc', ...)) shows the
// source's schemas as databases and its tables without DDL: they are looked up when first named.
//
// Thread rule: every method may be called from any thread; objects are immutable once made.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/options.h"
#include "base/status.h"
#include "types/type.h"

namespace tidemark {

using ObjectId = uint64_t;

inline constexpr std::string_view kDefaultCatalog = "default_catalog";
inline constexpr std::string_view kDefaultDatabase = "default_database";
// What clients of PostgreSQL connect to: the default catalog.
inline constexpr std::string_view kDatabaseName = "tidemark";

struct ObjectName {
  std::string catalog;
  std::string database;
  std::string object;
  // `c`.`d`.`o`, backticks only where needed.
  std::string to_string() const;
  auto operator<=>(const ObjectName&) const = default;
};
std::string quote_name(std::string_view name);  // with backticks if it needs them

// A table of a connector, resolved against its source; or a sink, which is written and not read:
// then there are only the options.
struct TableDefinition {
  Options with;
  std::string source_key;
  std::string display_name;     // as the source names it
  Schema hidden;                // columns after the schema's that row_key needs
  std::vector<size_t> row_key;  // see SourceTable in connectors/connector.h
  bool is_sink = false;
};
// A stored query, expanded where it is used.
struct ViewDefinition {
  std::string query;                 // canonical text; names in it are resolved from `context`
  std::vector<std::string> columns;  // given names; empty: the query's own
};
// CREATE INDEX: columns of a materialized view by which its rows are looked up.
struct IndexDefinition {
  uint64_t id = 0;  // of the same numbers as objects
  std::string name;
  std::vector<size_t> columns;
};
struct MaterializedViewDefinition {
  std::string query;
  Options options;  // of WITH
  std::vector<IndexDefinition> indexes;
};

// INSERT INTO or EXECUTE STATEMENT SET: queries whose changes go to sinks. The object's own name is
// the job's id; names in the queries are resolved from `context`.
struct JobDefinition {
  struct Insert {
    ObjectId sink = 0;
    std::string query;            // canonical text
    std::vector<size_t> columns;  // of the sink, one for each of the query's; others get NULL
  };
  std::string title;  // shown as the job's name
  std::vector<Insert> inserts;
};

// CREATE FUNCTION ... LANGUAGE SQL: an expression over its parameters, which are the object's
// schema. It stands for its calls.
struct FunctionDefinition {
  std::string body;  // as it was written; names in it are resolved from `context`
  Type result;
  bool strict = false;  // NULL if any argument is
};

// Rows that the engine makes up when they are read: pg_catalog, information_schema, tidemark.
struct SystemTableDefinition {
  size_t table = 0;  // its place in the engine's list (engine/system/)
};

struct CatalogObject {
  ObjectId id = 0;
  ObjectName name;
  Schema schema;
  std::vector<size_t> primary_key;  // a unique key of the rows; empty: none known
  bool temporary = false;
  std::string comment;
  // Catalog and database that were current when the object was made: where its query's names
  // resolve.
  std::string context_catalog;
  std::string context_database;
  std::vector<ObjectId> depends_on;
  // Counts the definitions that the object has had in this process: what was bound against one does
  // not fit the rows of another.
  uint64_t revision = 0;
  std::variant<TableDefinition, ViewDefinition, MaterializedViewDefinition, SystemTableDefinition,
               JobDefinition, FunctionDefinition>
      definition;

  bool is_table() const { return definition.index() == 0; }
  bool is_view() const { return definition.index() == 1; }
  bool is_materialized_view() const { return definition.index() == 2; }
  bool is_system_table() const { return definition.index() == 3; }
  bool is_job() const { return std::holds_alternative<JobDefinition>(definition); }
  bool is_sink() const {
    const auto* table = std::get_if<TableDefinition>(&definition);
    return table != nullptr && table->is_sink;
  }
  bool is_function() const { return std::holds_alternative<FunctionDefinition>(definition); }
  // Of a materialized view; others have none.
  const std::vector<IndexDefinition>& indexes() const;
  std::string_view kind_text() const;  // "table", "view", "materialized view", "function", ...
};
using ObjectRef =
    std::shared_ptr<const CatalogObject>;  // immutable, read by sessions and the step thread

// Looks into a source database for a catalog. Implemented above this layer.
class ExternalCatalog {
 public:
  virtual ~ExternalCatalog() = default;
  // (schema, table) pairs. Blocks on the network.
  virtual Result<std::vector<std::pair<std::string, std::string>>> list() = 0;
  virtual Result<CatalogObject> resolve(const ObjectName& name) = 0;
};

struct CatalogInfo {
  std::string name;
  std::string type;  // "generic_in_memory" or a connector's name
  Options options;
  std::string comment;
};

// Functions have names of their own, beside those of tables and views, whose case does not count.
class Catalog {
 public:
  Catalog();

  Status create_catalog(CatalogInfo info, std::shared_ptr<ExternalCatalog> external,
                        bool if_not_exists);
  // The same catalog with other options.
  Status replace_catalog(CatalogInfo info, std::shared_ptr<ExternalCatalog> external);
  Status drop_catalog(const std::string& name, bool if_exists);
  Status create_database(const std::string& catalog, const std::string& database,
                         bool if_not_exists);
  Status drop_database(const std::string& catalog, const std::string& database, bool if_exists,
                       bool cascade);
  std::vector<CatalogInfo> catalogs() const;
  Result<CatalogInfo> find_catalog(const std::string& name) const;
  Result<std::vector<std::string>> databases(const std::string& catalog) const;
  Status check_database(const std::string& catalog, const std::string& database) const;

  // The object gets its id here. kAlreadyExists if the name is taken.
  Result<ObjectRef> create(CatalogObject object);
  // An object as it was before a restart, with its id.
  Status restore(CatalogObject object);
  ObjectRef find_by_id(ObjectId id) const;          // null: there is none
  ObjectRef find_job(const std::string& id) const;  // by what SHOW JOBS calls it; null: no such job
  // Error if other objects depend on it.
  Result<ObjectRef> drop(const CatalogObject& object);
  // A new definition of the object of this id. It keeps its name, and of its indexes those that
  // kept_indexes() names. kNotFound: it was dropped meanwhile.
  Result<ObjectRef> replace(CatalogObject object);
  // Within its database. Error: the name is taken, or other objects depend on it by its old one.
  Result<ObjectRef> rename(const ObjectName& name, const std::string& to);
  // An index over a materialized view, which is given as it is with it. The index's name is one of
  // the view's database, like those of tables and views. The view is an object anew, of the same
  // id.
  Result<ObjectRef> create_index(const ObjectName& view, IndexDefinition index);
  // The view as it is without it. kNotFound: the database has no such index.
  Result<ObjectRef> drop_index(const ObjectName& index);
  // Grows with whatever could make a statement mean something else.
  uint64_t version() const { return version_; }
  // kNotFound with the nearest name that exists; jobs are not found by name. May ask an external
  // catalog.
  Result<ObjectRef> find(const ObjectName& name);
  // Resolves one to three parts against the session's catalog and database.
  // As PostgreSQL's clients write names, `public` is the default database too, `tidemark` the
  // default catalog, and the tables of pg_catalog are found without their schema.
  Result<ObjectRef> find(const std::vector<std::string>& parts, const std::string& catalog,
                         const std::string& database);
  // The function of one to three parts; null: there is none.
  ObjectRef find_function(const std::vector<std::string>& parts, const std::string& catalog,
                          const std::string& database) const;
  std::vector<ObjectRef> functions() const;
  // Tables that are in every catalog. Once, before anything is looked up.
  void set_system_tables(std::span<const ObjectRef> tables);
  std::vector<ObjectRef> system_tables() const;
  // Where a new object of this name would go.
  Result<ObjectName> full_name(const std::vector<std::string>& parts, const std::string& catalog,
                               const std::string& database) const;
  // Names in a database; for an external catalog, all tables of the schema.
  Result<std::vector<std::pair<std::string, std::string>>> list(
      const std::string& catalog, const std::string& database);  // name, kind
  std::vector<ObjectRef> objects() const;                        // tables, views and jobs
  std::vector<ObjectRef> jobs() const;
  // Direct dependents.
  std::vector<ObjectRef> dependents(ObjectId id) const;

 private:
  using Objects = std::map<std::string, ObjectRef>;  // of one database
  struct Entry {
    CatalogInfo info;
    std::shared_ptr<ExternalCatalog> external;  // null for in-memory catalogs
    std::map<std::string, Objects> databases;
    std::map<std::string, Objects> functions;  // of each database, by name in lower case
  };
  // Where the object is, or would be.
  static Objects& objects_beside(Entry& entry, const CatalogObject& object);
  Status not_found(const ObjectName& name, const Entry* entry);
  // The view that has the index; null: no view has one of that name.
  static ObjectRef find_index(const Objects& objects, const std::string& name);
  // Whether a table, view or index of the database has the name.
  static Status check_free(const Objects& objects, const std::string& name);
  ObjectRef* find_place(ObjectId id);
  Status check_unused(const CatalogObject& object, std::string_view doing) const;
  Objects* find_objects(const ObjectName& name);
  ObjectRef find_system(const std::string& schema, const std::string& name) const;

  std::atomic<uint64_t> version_ = 1;
  mutable std::mutex mutex_;  // guards everything below
  std::map<std::string, Entry> catalogs_;
  std::map<std::string, std::map<std::string, ObjectRef>> system_;  // schema, name
  ObjectId next_id_ = 1;
};

// The indexes of a view whose columns a new schema of it has too, by name, over their places there.
std::vector<IndexDefinition> kept_indexes(const CatalogObject& view, const Schema& schema);

}  // namespace tidemark
