#pragma once
// The columns that names can refer to at one place of a query.

#include <string>
#include <vector>

#include "base/status.h"
#include "sql/ast_expr.h"
#include "types/type.h"

namespace tidemark {

struct ScopeColumn {
  std::string table;  // alias, or the table's own name; may be empty
  std::string name;
  Type type;
};

struct Scope {
  std::vector<ScopeColumn> columns;  // in the order of the input's columns

  // `a`, `t.a`, `db.t.a`. Errors: no such column (with the nearest and those there are), or more
  // than one.
  Result<size_t> resolve(const sql::Name& name) const;
};

}  // namespace tidemark
