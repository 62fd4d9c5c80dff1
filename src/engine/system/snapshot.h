#pragma once
// What the system tables are made from: the engine as it is at one moment, with the numbers that
// PostgreSQL's clients know objects by.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/users.h"
#include "engine/session.h"
#include "expr/function.h"

namespace tidemark {

// Oids of PostgreSQL's own schemas and of its first role (src/include/catalog/*.dat).
constexpr int64_t kOidPgCatalog = 11;
constexpr int64_t kOidPublic = 2200;
constexpr int64_t kOidInformationSchema = 12900;
constexpr int64_t kOidTidemarkSchema = 12901;
constexpr int64_t kOidFirstSchema = 13100;
constexpr int64_t kOidOwner = 10;
constexpr int64_t kOidDatabase = 5;
constexpr int64_t kOidFirstObject = 16384;      // FirstNormalObjectId
constexpr int64_t kOidFirstIndex = 0x40000000;  // of keys: the table's, shifted

// A key or an index of a relation.
struct SystemIndex {
  int64_t oid = 0;
  std::string name;
  const CatalogObject* object = nullptr;
  const std::vector<size_t>* columns = nullptr;
  bool is_key = false;
};

struct SystemSchema {
  int64_t oid;
  std::string name;  // as clients see it: the default database is `public`
};

// A running view or query.
struct SystemDataflow {
  uint64_t id = 0;
  ObjectId object = 0;
  std::string name, source, state, message;
  bool is_build = false;  // a new version of the view, which is not shown yet
  bool is_job = false;    // of an INSERT
  bool is_part = false;   // state that several of the others share
  bool is_live = false;
  Lsn mark;
  int64_t commit_time_us = 0, published_us = 0, started_us = 0;
  uint64_t rows = 0;
  size_t subscribers = 0;
  struct Operator {
    std::string name;
    uint64_t rows_in = 0, rows_out = 0, state_bytes = 0;
  };
  std::vector<Operator> operators;
};

struct SystemSource {
  std::string name, state, slot, publication, message;
  Lsn position;
  Lsn acknowledged;
  Lsn current;  // of the source's own log; not valid: it was not asked, or does not answer
  // SourceStatus has their meaning.
  uint64_t held_bytes = 0, kept_bytes = 0, read_ahead_bytes = 0, budget_bytes = 0;
  int64_t held_since_us = 0;
  std::string wal_status, budget_policy;
};

// Also answers the functions of pg_catalog.
struct SystemSnapshot final : SystemNames {
  std::vector<ObjectRef> objects;    // of the current catalog, then system tables
  std::vector<ObjectRef> functions;  // of the current catalog, those in SQL
  std::vector<SystemSchema> schemas;
  std::vector<User> users;
  std::vector<SystemDataflow> dataflows;
  std::vector<SystemSource> sources;
  std::vector<std::pair<std::string, std::string>> settings;  // of the session
  std::vector<std::string> catalogs;
  std::string database;  // as clients name it
  std::string schema;    // the current one
  std::string user;

  int64_t oid_of(const CatalogObject& object) const;
  int64_t schema_oid(const CatalogObject& object) const;
  std::string schema_name(const CatalogObject& object) const;
  const CatalogObject* find(int64_t oid) const;
  std::vector<SystemIndex> indexes_of(const CatalogObject& object) const;
  std::optional<SystemIndex> find_index(int64_t oid) const;
  const SystemDataflow* dataflow_of(ObjectId object) const;
  const SystemDataflow* build_of(ObjectId object) const;

  std::optional<int64_t> relation_oid(std::string_view name) const override;
  std::optional<std::string> relation_name(int64_t oid) const override;
  std::optional<std::string> definition(int64_t oid) const override;
  std::optional<std::string> function_text(int64_t oid, FunctionText what) const override;
  std::optional<std::string> index_column(int64_t oid, int64_t n) const override;
  bool is_visible(int64_t oid) const override;
  std::string current_schema() const override { return schema; }
  std::string current_user() const override { return user; }
  std::string setting(std::string_view name) const override;
};

}  // namespace tidemark
