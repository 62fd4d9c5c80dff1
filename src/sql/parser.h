#pragma once
// SQL text to AST: Flink SQL, the Postgres spellings that its users type, and our own statements.
//
// Laws: for every text, an AST or a Status of code kInvalidArgument with a position; never a crash.
// parse(unparse(parse(x))) equals parse(x) (unparse.h). The text need not outlive the AST.

#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/ast_statement.h"

namespace tidemark::sql {

// One statement; a final `;` may follow. Text without a statement is an error.
Result<Statement> parse_statement(std::string_view text);

// Statements separated by `;`; empty ones are skipped. Positions count from the start of `text`.
Result<std::vector<Statement>> parse_script(std::string_view text);

Result<Expr> parse_expression(std::string_view text);
Result<QueryPtr> parse_query(std::string_view text);
// The body of a function in SQL: e, RETURN e or SELECT e.
Result<Expr> parse_function_body(std::string_view text);
Result<TypeName> parse_type(std::string_view text);

}  // namespace tidemark::sql
