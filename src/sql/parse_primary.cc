// The operands of operators: literals, names, parentheses, constructors.

#include <charconv>

#include "sql/limits.h"
#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<Expr> read_placeholder(TokenStream& in) {
  const Token& token = in.take();
  if (token.text.empty()) {
    return Expr{Parameter{in.next_parameter()}, token.position};
  }
  uint32_t index = 0;
  const char* end = token.text.data() + token.text.size();
  if (std::from_chars(token.text.data(), end, index).ptr != end || index == 0 || index > 65535) {
    return in.error("a parameter is numbered from $1 to $65535", token.position);
  }
  return Expr{Parameter{index}, token.position};
}

Result<Expr> read_case(TokenStream& in) {
  size_t position = in.position();
  in.take();
  Case node;
  if (!in.at("WHEN")) {
    node.operand = TRY(read_expr_ptr(in));
  }
  TRY(in.expect("WHEN"));
  do {
    CaseBranch branch;
    branch.when = TRY(read_expr_ptr(in));
    TRY(in.expect("THEN"));
    branch.then = TRY(read_expr_ptr(in));
    node.branches.push_back(std::move(branch));
  } while (in.accept("WHEN"));
  if (in.accept("ELSE")) {
    node.otherwise = TRY(read_expr_ptr(in));
  }
  TRY(in.expect("END"));
  return Expr{std::move(node), position};
}

// CAST(x AS type), TRY_CAST(x AS type)
Result<Expr> read_cast(TokenStream& in) {
  size_t position = in.position();
  Cast node;
  node.is_try = in.at("TRY_CAST");
  in.take();
  TRY(in.expect("("));
  node.operand = TRY(read_expr_ptr(in));
  TRY(in.expect("AS"));
  node.type = std::make_unique<TypeName>(TRY(read_type(in)));
  TRY(in.expect(")"));
  return Expr{std::move(node), position};
}

Result<std::vector<Expr>> read_listed(TokenStream& in, std::string_view close) {
  std::vector<Expr> items;
  if (!in.at(close)) {
    items = TRY(read_exprs(in));
  }
  TRY(in.expect(close));
  return items;
}

Result<Expr> read_subquery(TokenStream& in, SubqueryKind kind, size_t position) {
  QueryPtr query = TRY(read_query_in_parentheses(in));
  return Expr{Subquery{kind, std::move(query)}, position};
}

// (e), (a, b), (q)
Result<Expr> read_parenthesized(TokenStream& in) {
  size_t position = in.position();
  if (at_query(in, 1)) {
    return read_subquery(in, SubqueryKind::kScalar, position);
  }
  in.take();
  std::vector<Expr> items = TRY(read_exprs(in));
  TRY(in.expect(")"));
  if (items.size() == 1) {
    return std::move(items.front());
  }
  return Expr{RowConstructor{std::move(items)}, position};
}

// ROW(..), ARRAY[..], ARRAY(q), MULTISET(q), MAP[..], EXISTS (q): the constructors named by a word.
Result<std::optional<Expr>> read_constructor(TokenStream& in) {
  size_t position = in.position();
  auto some = [](Expr expr) { return std::optional<Expr>(std::move(expr)); };
  if (in.accept_quietly("ROW (")) {
    return some(Expr{RowConstructor{TRY(read_listed(in, ")"))}, position});
  }
  if (in.accept_quietly("ARRAY [")) {
    return some(Expr{ArrayConstructor{TRY(read_listed(in, "]"))}, position});
  }
  if (in.accept_quietly("MAP [")) {
    std::vector<Expr> entries = TRY(read_listed(in, "]"));
    if (entries.size() % 2 != 0) {
      return in.error("MAP[..] needs a value for each key", position);
    }
    return some(Expr{MapConstructor{std::move(entries)}, position});
  }
  SubqueryKind kind = in.at("EXISTS")  ? SubqueryKind::kExists
                      : in.at("ARRAY") ? SubqueryKind::kArray
                                       : SubqueryKind::kMultiset;
  if ((in.at("EXISTS (") || in.at("ARRAY (") || in.at("MULTISET (")) && at_query(in, 2)) {
    in.take();
    return some(TRY(read_subquery(in, kind, position)));
  }
  return std::optional<Expr>();
}

// a, a.b, a.*, f(..), a.f(..)
Result<Expr> read_name_or_call(TokenStream& in) {
  size_t position = in.position();
  bool quoted = in.at_kind(TokenKind::kQuotedIdentifier);
  std::string upper = in.peek().upper;
  Name name;
  name.parts.push_back(TRY(in.any_word("an expression")));
  while (in.at(".") && !in.at(". *")) {
    in.take();
    quoted = in.at_kind(TokenKind::kQuotedIdentifier);
    name.parts.push_back(TRY(in.any_word("a name")));
  }
  if (in.accept_quietly(". *")) {
    return Expr{Star{std::move(name)}, position};
  }
  if (in.at("(")) {
    return read_call(in, std::move(name), quoted);
  }
  if (!quoted && name.parts.size() == 1 && is_bare_function(upper)) {
    FunctionCall call;
    call.name.parts.push_back({upper, position});
    return Expr{std::move(call), position};
  }
  return Expr{ColumnRef{std::move(name)}, position};
}

// Reserved words that are also names of functions.
bool at_reserved_function(const TokenStream& in) {
  static constexpr std::string_view kNames[] = {"LEFT (", "RIGHT (", "REPLACE (", "IF (",
                                                "UNNEST ("};
  for (std::string_view name : kNames) {
    if (in.at(name)) {
      return true;
    }
  }
  return false;
}

Result<Expr> read_word(TokenStream& in) {
  size_t position = in.position();
  if (in.accept_quietly("NULL")) {
    return Expr{NullLiteral{}, position};
  }
  if (in.at("TRUE") || in.at("FALSE")) {
    bool value = in.at("TRUE");
    in.take();
    return Expr{BooleanLiteral{value}, position};
  }
  if (in.at("CASE")) {
    return read_case(in);
  }
  if (in.at("CAST (") || in.at("TRY_CAST (")) {
    return read_cast(in);
  }
  if (std::optional<Expr> literal = TRY(read_datetime_literal(in))) {
    return std::move(*literal);
  }
  if (std::optional<Expr> constructor = TRY(read_constructor(in))) {
    return std::move(*constructor);
  }
  if ((in.at("FINAL") || in.at("RUNNING")) && in.at_identifier(1) && in.at("(", 2)) {
    FunctionCall call;
    call.name.parts.push_back({in.take().upper, position});
    call.args.push_back(TRY(read_name_or_call(in)));
    return Expr{std::move(call), position};
  }
  if (in.at_identifier() || at_reserved_function(in)) {
    return read_name_or_call(in);
  }
  return in.unexpected("an expression");
}

// Whether what follows a parenthesised query can still belong to a query.
bool continues_query(const TokenStream& in, size_t ahead) {
  static constexpr std::string_view kWords[] = {")",     "UNION",  "INTERSECT", "EXCEPT", "ORDER",
                                                "LIMIT", "OFFSET", "FETCH",     ";",      "ON"};
  for (std::string_view word : kWords) {
    if (in.at(word, ahead)) {
      return true;
    }
  }
  return in.at_kind(TokenKind::kEnd, ahead);
}

}  // namespace

bool at_query(const TokenStream& in, size_t ahead) {
  size_t parentheses = 0;
  while (in.at("(", ahead + parentheses)) {
    if (++parentheses > kNestingMax) {
      return false;
    }
  }
  size_t first = ahead + parentheses;
  if (!in.at("SELECT", first) && !in.at("VALUES", first) &&
      !(in.at("WITH", first) && (in.at_identifier(first + 1) || in.at("RECURSIVE", first + 1)))) {
    return false;
  }
  // ((q) + 1) begins like a query: what stands behind each inner parenthesis tells.
  size_t i = first;
  for (size_t open = parentheses; open > 0; --open) {
    for (size_t depth = 1; depth > 0; ++i) {
      if (in.at_kind(TokenKind::kEnd, i)) {
        return true;
      }
      depth += in.at("(", i) ? 1 : 0;
      depth -= in.at(")", i) ? 1 : 0;
    }
    if (!continues_query(in, i)) {
      return false;
    }
  }
  return true;
}

Result<Expr> read_primary(TokenStream& in) {
  const Token& token = in.peek();
  auto number = [&](NumberKind kind) {
    in.take();
    return Expr{NumberLiteral{kind, token.text}, token.position};
  };
  switch (token.kind) {
    case TokenKind::kInteger:
      return number(NumberKind::kInteger);
    case TokenKind::kDecimal:
      return number(NumberKind::kDecimal);
    case TokenKind::kDouble:
      return number(NumberKind::kDouble);
    case TokenKind::kString:
      return Expr{StringLiteral{in.take().text}, token.position};
    case TokenKind::kBytes:
      return Expr{BytesLiteral{in.take().text}, token.position};
    case TokenKind::kParameter:
      return read_placeholder(in);
    case TokenKind::kQuotedIdentifier:
      return read_name_or_call(in);
    case TokenKind::kWord:
      return read_word(in);
    case TokenKind::kOperator:
      return in.at("(") ? read_parenthesized(in) : Result<Expr>(in.unexpected("an expression"));
    case TokenKind::kMeasure:
      return in.error("not a number: " + token.text, token.position);
    case TokenKind::kEnd:
    case TokenKind::kHintBegin:
    case TokenKind::kHintEnd:
      return in.unexpected("an expression");
  }
  return in.unexpected("an expression");
}

}  // namespace tidemark::sql
