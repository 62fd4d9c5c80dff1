#pragma once
// AST to canonical text: keywords upper case, one blank between words, parentheses only where the
// grammar needs them, names quoted only where they could be misread.
//
// Laws, modulo positions: parse(unparse(parse(x))) equals parse(x), and
// unparse(parse(unparse(a))) == unparse(a) for every parsed a. Equality of ASTs is equality of this
// text.

#include <string>
#include <string_view>

#include "sql/ast_statement.h"

namespace tidemark::sql {

std::string unparse(const Statement& statement);
std::string unparse(const Query& query);
std::string unparse(const Expr& expr);
std::string unparse(const TypeName& type);
std::string unparse(const TableRef& ref);
std::string unparse(const Name& name);

std::string quote_identifier(std::string_view text);  // backticks only if it needs them
std::string quote_string(std::string_view text);      // '..' with '' escapes

}  // namespace tidemark::sql
