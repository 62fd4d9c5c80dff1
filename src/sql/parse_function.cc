// CREATE FUNCTION, and the body of a function in SQL.

#include "base/ascii.h"
#include "sql/lexer.h"
#include "sql/parse.h"
#include "sql/parser.h"

namespace tidemark::sql {

namespace {

// Where a string's text stands, if it is written without escapes: between quotes or dollars.
std::optional<size_t> text_position(const Token& token) {
  size_t around = token.end - token.position - token.text.size();
  bool is_plain = around % 2 == 0 && token.end - token.position >= token.text.size() + 2;
  return is_plain ? std::optional<size_t>(token.position + around / 2) : std::nullopt;
}

Status read_definition(TokenStream& in, FunctionBody& body) {
  if (in.at_kind(TokenKind::kString)) {
    body.definition_position = text_position(in.peek());
  }
  body.definition = TRY(in.string("a body or class name in quotes"));
  return {};
}

// x INT, or INT alone. A name is followed by a type, a type by ',' or ')' or its length.
Result<FunctionParameter> read_parameter(TokenStream& in) {
  for (std::string_view mode : {"OUT", "INOUT", "VARIADIC"}) {
    if (in.at(mode) && in.at_identifier(1)) {
      return in.error("a function gives one value: parameters are read only", in.position());
    }
  }
  if (in.at("IN") && (in.at_identifier(1) || in.at_kind(TokenKind::kWord, 1))) {
    in.take();
  }
  FunctionParameter parameter;
  bool is_two_words = in.at("DOUBLE PRECISION") || in.at("CHARACTER VARYING") ||
                      in.at("CHAR VARYING") || in.at("BINARY VARYING");
  bool has_name = in.at_identifier() && !is_two_words &&
                  (in.at_kind(TokenKind::kWord, 1) || in.at_kind(TokenKind::kQuotedIdentifier, 1));
  bool is_type_with_tail = in.at("TIME WITH") || in.at("TIME WITHOUT") || in.at("TIMESTAMP WITH") ||
                           in.at("TIMESTAMP WITHOUT");
  if (has_name && !is_type_with_tail) {
    parameter.name = TRY(in.identifier("a parameter name"));
  }
  parameter.type = TRY(read_type(in));
  if (in.at("DEFAULT") || in.at("=")) {
    return in.error("a default of a parameter is not supported yet", in.position());
  }
  return parameter;
}

// What says how a function behaves: that follows from the body, but for NULLs.
bool read_attribute(TokenStream& in, bool& strict) {
  if (in.accept_quietly("STRICT") || in.accept_quietly("RETURNS NULL ON NULL INPUT")) {
    strict = true;
    return true;
  }
  if (in.accept_quietly("CALLED ON NULL INPUT")) {
    strict = false;
    return true;
  }
  for (std::string_view words :
       {"IMMUTABLE", "STABLE", "VOLATILE", "LEAKPROOF", "PARALLEL SAFE", "PARALLEL RESTRICTED",
        "PARALLEL UNSAFE", "DETERMINISTIC", "NOT DETERMINISTIC", "CONTAINS SQL"}) {
    if (in.accept_quietly(words)) {
      return true;
    }
  }
  return false;
}

Result<FunctionSignature> read_signature(TokenStream& in) {
  FunctionSignature signature;
  if (!in.accept(")")) {
    do {
      signature.parameters.push_back(TRY(read_parameter(in)));
    } while (in.accept(","));
    TRY(in.expect(")"));
  }
  TRY(in.expect("RETURNS"));
  if (in.at("SETOF") || in.at("TABLE")) {
    return in.error("a function gives one value: RETURNS SETOF and RETURNS TABLE are not supported",
                    in.position());
  }
  signature.returns = TRY(read_type(in));
  return signature;
}

// LANGUAGE, AS, RETURN and attributes stand in any order.
Status read_sql_function(TokenStream& in, CreateFunction& create) {
  FunctionBody& body = create.body;
  bool has_body = false;
  while (true) {
    if (read_attribute(in, create.signature->strict)) {
      continue;
    }
    if (body.language.empty() && in.accept("LANGUAGE")) {
      body.language = ascii_upper(TRY(in.any_word("a language")).text);
    } else if (!has_body && in.accept("AS")) {
      TRY(read_definition(in, body));
      has_body = true;
    } else if (!has_body && in.accept("RETURN")) {
      create.returned = std::make_unique<Expr>(TRY(read_expr(in)));
      has_body = true;
    } else if (has_body) {
      return {};
    } else {
      return in.unexpected("");
    }
  }
}

}  // namespace

Result<std::vector<TypeName>> read_argument_types(TokenStream& in) {
  std::vector<TypeName> types;
  if (in.accept(")")) {
    return types;
  }
  do {
    types.push_back(TRY(read_parameter(in)).type);
  } while (in.accept(","));
  TRY(in.expect(")"));
  return types;
}

Result<FunctionBody> read_function_body(TokenStream& in) {
  FunctionBody body;
  TRY(in.expect("AS"));
  TRY(read_definition(in, body));
  if (in.accept("LANGUAGE")) {
    body.language = ascii_upper(TRY(in.any_word("a language")).text);
  }
  if (in.accept("USING")) {
    do {
      FunctionResource resource;
      resource.kind = ascii_upper(TRY(in.any_word("JAR")).text);
      resource.path = TRY(in.string("a path in quotes"));
      body.resources.push_back(std::move(resource));
    } while (in.accept(","));
  }
  body.options = TRY(read_with_options(in));
  return body;
}

Result<StatementNode> read_create_function(TokenStream& in, CreateMode mode, bool temporary,
                                           bool system) {
  CreateFunction create{.mode = mode, .temporary = temporary, .system = system};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a function name"));
  if (in.accept("(")) {
    create.signature = TRY(read_signature(in));
    TRY(read_sql_function(in, create));
  } else {
    create.body = TRY(read_function_body(in));
  }
  return StatementNode(std::move(create));
}

// e, RETURN e, or SELECT e: nothing but one expression.
Result<Expr> parse_function_body(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  std::optional<Expr> expr;
  if (in.at("SELECT") || in.at("WITH") || in.at("VALUES")) {
    QueryPtr query = TRY(read_query_ptr(in));
    auto* select = std::get_if<Select>(&query->body);
    bool is_expression = select != nullptr && query->with.empty() && query->order_by.empty() &&
                         !query->limit && !query->offset && select->from.empty() &&
                         !select->where && select->group_by.empty() && !select->having &&
                         !select->qualify && !select->distinct && select->items.size() == 1 &&
                         !std::holds_alternative<Star>(select->items[0].expr.node);
    if (!is_expression) {
      return Status::unsupported(
                 "the body of a function is one expression: a query in it is not "
                 "supported yet")
          .with_hint("SELECT may stand before the expression, and nothing behind it")
          .with_position(query->position);
    }
    expr = std::move(select->items[0].expr);
  } else {
    in.accept("RETURN");
    expr = TRY(read_expr(in));
  }
  in.accept(";");
  if (!in.at_kind(TokenKind::kEnd)) {
    return in.unexpected("the end of the body");
  }
  return std::move(*expr);
}

}  // namespace tidemark::sql
