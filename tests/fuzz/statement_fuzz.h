#pragma once
// What a text from anywhere must not break: the laws of the parser, and the binder over what it has
// read. A law that does not hold ends the process.

#include <string_view>

#include "catalog/catalog.h"
#include "plan/bind/bind_query.h"
#include "sql/ast_statement.h"

namespace tidemark {

class StatementFuzz {
 public:
  // Tables of every type, a view and a function, for texts to name.
  StatementFuzz();

  // Parses the text as a script and as an expression; every statement is written and read again,
  // every query bound and optimized.
  void run(std::string_view text);
  // Queries that were bound without an error.
  size_t bound() const { return bound_; }

 private:
  void add_table(const std::string& name, std::string_view columns);
  void run_statement(const sql::Statement& statement);
  void run_query(const sql::Query& query);
  BindContext context();

  Catalog catalog_;
  size_t bound_ = 0;
};

}  // namespace tidemark
