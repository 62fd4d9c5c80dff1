#pragma once
// The columns that names can refer to at one place of a query.

#include <string>
#include <vector>

#include "base/status.h"
#include "expr/expr.h"
#include "sql/ast_expr.h"
#include "types/type.h"

namespace tidemark {

struct ScopeColumn {
  std::string table;  // alias, or the table's own name; may be empty
  std::string name;
  Type type;
  // A column that USING or NATURAL has merged with another: it needs its table's name, and * leaves
  // it out.
  bool merged = false;
};

struct Scope {
  std::vector<ScopeColumn> columns;  // in the order of the input's columns
  uint32_t id = 0;                   // unique in the statement; names OuterExpr's scope
  const Scope* outer = nullptr;      // of the enclosing query, whose columns may be meant too

  // `a`, `t.a`, `db.t.a`: a column of this scope, else of an enclosing one (an OuterExpr). If there
  // is none of this name, the only one whose name differs in case alone, as PostgreSQL folds names.
  // Errors: no such column (with the nearest and those there are), or more than one.
  Result<ExprRef> resolve(const sql::Name& name) const;
  // The column of this scope alone; nothing if it has none of that name.
  Result<std::optional<size_t>> find(const sql::Name& name) const;
  // The only column of the name but for case.
  std::optional<size_t> find_folded(const sql::Name& name) const;

  bool has_table(const std::string& name) const;
};

}  // namespace tidemark
