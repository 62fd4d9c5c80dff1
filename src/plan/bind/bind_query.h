#pragma once
// Queries of SQL text to logical plans: names resolved in the catalog, views expanded.

#include <string>
#include <vector>

#include "base/options.h"
#include "catalog/catalog.h"
#include "plan/logical.h"
#include "sql/ast_query.h"

namespace tidemark {

class Parameters;
struct SqlFunctions;

struct BindContext {
  Catalog& catalog;
  std::string current_catalog;
  std::string current_database;
  std::string zone;
  // Materialized views are taken as their queries, down to the tables.
  bool expand_materialized_views = false;
  ObjectRef instead;  // stands for the catalog's object of its id; null: the catalog as it is
  Parameters* parameters = nullptr;   // what $1 stands for; null: there are none
  SqlFunctions* functions = nullptr;  // those met so far; set by bind_query
};

struct BoundQuery {
  PlanRef plan;
  size_t hidden = 0;                 // columns at the end of the plan's that only `order` needs
  std::vector<SortKey> order;        // top-level ORDER BY
  std::vector<ObjectRef> objects;    // tables and views named, directly or through views
  std::vector<ObjectRef> functions;  // likewise, those in SQL
  std::vector<std::string> notices;
  uint32_t scopes = 0;  // ids given to scopes so far
};

Result<BoundQuery> bind_query(const sql::Query& query, const BindContext& context);

// Checks a function that is to be made: its body gives a value of its type. Returns the functions
// that it calls. Positions of errors are those in the body.
Result<std::vector<ObjectRef>> check_sql_function(const CatalogObject& function,
                                                  BindContext context);
// Whether every query finds a function of this name, upper case, without a CREATE FUNCTION.
bool is_system_function(std::string_view name);

// What stands after AS OF MARK.
Result<Lsn> parse_mark(const std::string& text);

}  // namespace tidemark
