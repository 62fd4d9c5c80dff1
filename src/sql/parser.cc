#include "sql/parser.h"

#include "sql/lexer.h"
#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Status expect_end(TokenStream& in) {
  return in.at_kind(TokenKind::kEnd) ? Status() : in.unexpected("the end of the text");
}

}  // namespace

Result<Statement> read_statement(TokenStream& in) {
  in.start_statement();
  Statement statement;
  statement.position = in.position();
  std::optional<StatementNode> node = TRY(read_change(in));
  if (!node) {
    node = TRY(read_session(in));
  }
  if (!node) {
    return in.unexpected("");
  }
  statement.node = std::move(*node);
  statement.end = in.previous_end();
  return statement;
}

Result<Statement> parse_statement(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  while (in.accept_quietly(";")) {
  }
  Statement statement = TRY(read_statement(in));
  if (!in.accept(";")) {
    if (!in.at_kind(TokenKind::kEnd)) {
      return in.unexpected("");
    }
  }
  while (in.accept_quietly(";")) {
  }
  TRY(expect_end(in));
  return statement;
}

Result<std::vector<Statement>> parse_script(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  std::vector<Statement> statements;
  while (true) {
    while (in.accept_quietly(";")) {
    }
    if (in.at_kind(TokenKind::kEnd)) {
      return statements;
    }
    statements.push_back(TRY(read_statement(in)));
    if (!in.accept(";") && !in.at_kind(TokenKind::kEnd)) {
      return in.unexpected("");
    }
  }
}

Result<Expr> parse_expression(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  Expr expr = TRY(read_expr(in));
  TRY(expect_end(in));
  return expr;
}

Result<QueryPtr> parse_query(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  QueryPtr query = TRY(read_query_ptr(in));
  TRY(expect_end(in));
  return query;
}

Result<TypeName> parse_type(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  TypeName type = TRY(read_type(in));
  TRY(expect_end(in));
  return type;
}

}  // namespace tidemark::sql
