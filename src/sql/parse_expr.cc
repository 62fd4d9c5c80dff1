// Operators, by precedence climbing.

#include <algorithm>
#include <array>

#include "sql/call_operators.h"
#include "sql/parse.h"

namespace tidemark::sql {

namespace {

struct BinaryRow {
  std::string_view symbol;
  BinaryOperator op;
  int precedence;
};
constexpr std::array<BinaryRow, 22> kBinary = {{
    {"OR", BinaryOperator::kOr, kPrecedenceOr},
    {"AND", BinaryOperator::kAnd, kPrecedenceAnd},
    {"=", BinaryOperator::kEqual, kPrecedenceCompare},
    {"<>", BinaryOperator::kNotEqual, kPrecedenceCompare},
    {"<", BinaryOperator::kLess, kPrecedenceCompare},
    {"<=", BinaryOperator::kLessEqual, kPrecedenceCompare},
    {">", BinaryOperator::kGreater, kPrecedenceCompare},
    {">=", BinaryOperator::kGreaterEqual, kPrecedenceCompare},
    {"||", BinaryOperator::kConcat, kPrecedenceOther},
    {"->", BinaryOperator::kJsonGet, kPrecedenceOther},
    {"->>", BinaryOperator::kJsonGetText, kPrecedenceOther},
    {"~", BinaryOperator::kMatch, kPrecedenceOther},
    {"~*", BinaryOperator::kMatchInsensitive, kPrecedenceOther},
    {"!~", BinaryOperator::kNotMatch, kPrecedenceOther},
    {"!~*", BinaryOperator::kNotMatchInsensitive, kPrecedenceOther},
    {"+", BinaryOperator::kAdd, kPrecedenceAdd},
    {"-", BinaryOperator::kSubtract, kPrecedenceAdd},
    {"*", BinaryOperator::kMultiply, kPrecedenceMultiply},
    {"/", BinaryOperator::kDivide, kPrecedenceMultiply},
    {"%", BinaryOperator::kModulo, kPrecedenceMultiply},
    {"IS DISTINCT FROM", BinaryOperator::kIsDistinctFrom, kPrecedenceIs},
    {"IS NOT DISTINCT FROM", BinaryOperator::kIsNotDistinctFrom, kPrecedenceIs},
}};

// Joins `left` and what follows the operator; `left` is moved from.
Result<Expr> read_binary(TokenStream& in, Expr left, const BinaryRow& row) {
  size_t position = in.position();
  CHECK(in.accept_quietly(row.symbol));
  bool compares = row.precedence == kPrecedenceCompare;
  if (compares && (in.at("ANY (") || in.at("SOME (") || in.at("ALL ("))) {
    Quantified node{make_expr(std::move(left)), row.op, in.at("ALL"), {}};
    in.take();
    if (at_query(in, 1)) {
      node.right = TRY(read_query_in_parentheses(in));
    } else {
      TRY(in.expect("("));
      node.right = TRY(read_expr_ptr(in));
      TRY(in.expect(")"));
    }
    return Expr{std::move(node), position};
  }
  Expr right = TRY(read_expr_above(in, row.precedence + 1));
  return Expr{BinaryOp{row.op, make_expr(std::move(left)), make_expr(std::move(right))}, position};
}

Result<Expr> read_is(TokenStream& in, Expr left) {
  struct Row {
    std::string_view words;
    IsTest test;
  };
  static constexpr std::array<Row, 9> kTests = {{{"NULL", IsTest::kNull},
                                                 {"TRUE", IsTest::kTrue},
                                                 {"FALSE", IsTest::kFalse},
                                                 {"UNKNOWN", IsTest::kUnknown},
                                                 {"JSON VALUE", IsTest::kJson},
                                                 {"JSON SCALAR", IsTest::kJsonScalar},
                                                 {"JSON ARRAY", IsTest::kJsonArray},
                                                 {"JSON OBJECT", IsTest::kJsonObject},
                                                 {"JSON", IsTest::kJson}}};
  size_t position = in.position();
  in.take();
  bool negated = in.accept("NOT");
  for (const Row& row : kTests) {
    if (in.accept(row.words)) {
      return Expr{Is{make_expr(std::move(left)), row.test, negated}, position};
    }
  }
  return in.unexpected("");
}

Result<Expr> read_between(TokenStream& in, Expr left, bool negated, size_t position) {
  Between node{.operand = make_expr(std::move(left)), .negated = negated};
  node.symmetric = in.accept_quietly("SYMMETRIC");
  if (!node.symmetric) {
    in.accept_quietly("ASYMMETRIC");
  }
  node.low = make_expr(TRY(read_expr_above(in, kPrecedenceOther)));
  TRY(in.expect("AND"));
  node.high = make_expr(TRY(read_expr_above(in, kPrecedenceOther)));
  return Expr{std::move(node), position};
}

Result<Expr> read_in(TokenStream& in, Expr left, bool negated, size_t position) {
  if (in.at("(") && at_query(in, 1)) {
    QueryPtr query = TRY(read_query_in_parentheses(in));
    return Expr{InQuery{make_expr(std::move(left)), std::move(query), negated}, position};
  }
  TRY(in.expect("("));
  std::vector<Expr> items = TRY(read_exprs(in));
  TRY(in.expect(")"));
  return Expr{InList{make_expr(std::move(left)), std::move(items), negated}, position};
}

Result<Expr> read_like(TokenStream& in, Expr left, LikeKind kind, bool negated, size_t position) {
  Like node{.operand = make_expr(std::move(left)), .kind = kind, .negated = negated};
  node.pattern = make_expr(TRY(read_expr_above(in, kPrecedenceOther)));
  if (in.accept_quietly("ESCAPE")) {
    node.escape = make_expr(TRY(read_expr_above(in, kPrecedenceOther)));
  }
  return Expr{std::move(node), position};
}

// PostgreSQL's names of them as operators, which postgres_fdw sends.
struct LikeOperator {
  std::string_view symbol;
  LikeKind kind;
  bool negated;
};
constexpr std::array<LikeOperator, 4> kLikeOperators = {{{"~~", LikeKind::kLike, false},
                                                         {"!~~", LikeKind::kLike, true},
                                                         {"~~*", LikeKind::kIlike, false},
                                                         {"!~~*", LikeKind::kIlike, true}}};

// [NOT] BETWEEN, IN, LIKE, ILIKE, SIMILAR TO; the caller saw that one of them follows.
Result<Expr> read_range(TokenStream& in, Expr left) {
  size_t position = in.position();
  for (const LikeOperator& like : kLikeOperators) {
    if (in.accept_quietly(like.symbol)) {
      return read_like(in, std::move(left), like.kind, like.negated, position);
    }
  }
  bool negated = in.accept_quietly("NOT");
  if (in.accept("BETWEEN")) {
    return read_between(in, std::move(left), negated, position);
  }
  if (in.accept("IN")) {
    return read_in(in, std::move(left), negated, position);
  }
  if (in.accept("LIKE")) {
    return read_like(in, std::move(left), LikeKind::kLike, negated, position);
  }
  if (in.accept("ILIKE")) {
    return read_like(in, std::move(left), LikeKind::kIlike, negated, position);
  }
  TRY(in.expect("SIMILAR TO"));
  return read_like(in, std::move(left), LikeKind::kSimilar, negated, position);
}

bool at_range(const TokenStream& in) {
  bool is_like = std::any_of(kLikeOperators.begin(), kLikeOperators.end(),
                             [&](const LikeOperator& like) { return in.at(like.symbol); });
  return is_like || in.at("BETWEEN") || in.at("IN") || in.at("LIKE") || in.at("ILIKE") ||
         in.at("SIMILAR TO") || in.at("NOT BETWEEN") || in.at("NOT IN") || in.at("NOT LIKE") ||
         in.at("NOT ILIKE") || in.at("NOT SIMILAR");
}

Result<Expr> read_overlaps(TokenStream& in, Expr left) {
  size_t position = in.position();
  in.take();
  FunctionCall call;
  call.name.parts.push_back({"OVERLAPS", position});
  call.args.push_back(std::move(left));
  call.args.push_back(TRY(read_expr_above(in, kPrecedenceOther)));
  for (const Expr& period : call.args) {
    const auto* row = std::get_if<RowConstructor>(&period.node);
    if (row == nullptr || row->fields.size() != 2) {
      return in.error("OVERLAPS needs a pair (start, end) on each side", period.position);
    }
  }
  return Expr{std::move(call), position};
}

bool at_call_operator(const TokenStream& in) {
  return std::any_of(kCallOperators.begin(), kCallOperators.end(),
                     [&](std::string_view symbol) { return in.at(symbol); });
}

Result<Expr> read_call_operator(TokenStream& in, Expr left) {
  size_t position = in.position();
  FunctionCall call;
  call.name.parts.push_back({in.take().text, position});
  call.args.push_back(std::move(left));
  call.args.push_back(TRY(read_expr_above(in, kPrecedenceOther + 1)));
  return Expr{std::move(call), position};
}

const BinaryRow* find_binary(const TokenStream& in) {
  for (const BinaryRow& row : kBinary) {
    if (in.at(row.symbol)) {
      return &row;
    }
  }
  return nullptr;
}

// Text is compared by its bytes, which is what these say.
Status read_collation(TokenStream& in) {
  size_t position = in.position();
  Name name = TRY(in.name("a collation"));
  if (name.last() != "default" && name.last() != "C" && name.last() != "POSIX") {
    return in.error(
        "the only collations are \"C\" and \"default\", which is the same: " + name.last(),
        position);
  }
  return {};
}

// What binds tightest, behind a primary: a[i], x::type, (r).f, and (r).*.
Result<Expr> read_postfix(TokenStream& in, Level& level) {
  Expr expr = TRY(read_primary(in));
  while (true) {
    size_t position = in.position();
    if (in.accept_quietly("[")) {
      ExprPtr index = TRY(read_expr_ptr(in));
      TRY(in.expect("]"));
      expr = Expr{Subscript{make_expr(std::move(expr)), std::move(index)}, position};
    } else if (in.accept_quietly("::")) {
      TypeName type = TRY(read_type(in));
      expr = Expr{Cast{make_expr(std::move(expr)), std::make_unique<TypeName>(std::move(type))},
                  position};
    } else if (in.accept_quietly("COLLATE")) {
      TRY(read_collation(in));
      continue;
    } else if (in.accept_quietly(".")) {
      Identifier field = TRY(in.any_word("a field name"));
      expr = Expr{FieldAccess{make_expr(std::move(expr)), std::move(field)}, position};
    } else {
      return expr;
    }
    TRY(level.grow());
  }
}

Result<Expr> read_prefix(TokenStream& in, Level& level, int precedence) {
  size_t position = in.position();
  if (precedence <= kPrecedenceNot && in.at("NOT")) {
    in.take();
    Expr operand = TRY(read_expr_above(in, kPrecedenceNot));
    return Expr{UnaryOp{UnaryOperator::kNot, make_expr(std::move(operand))}, position};
  }
  if (in.at("-") || in.at("+")) {
    UnaryOperator op = in.at("-") ? UnaryOperator::kMinus : UnaryOperator::kPlus;
    in.take();
    Expr operand = TRY(read_expr_above(in, kPrecedenceSign));
    return Expr{UnaryOp{op, make_expr(std::move(operand))}, position};
  }
  return read_postfix(in, level);
}

// a OPERATOR(pg_catalog.~) b: Postgres's spelling that names the operator's schema.
Result<Expr> read_named_operator(TokenStream& in, Expr left) {
  in.accept_quietly("OPERATOR (");
  if (in.at_identifier()) {
    TRY(in.identifier("a schema"));
    TRY(in.expect("."));
  }
  const BinaryRow* row = find_binary(in);
  if (row == nullptr) {
    return in.unexpected("an operator");
  }
  size_t position = in.position();
  in.accept_quietly(row->symbol);
  TRY(in.expect(")"));
  ExprPtr right = make_expr(TRY(read_expr_above(in, kPrecedenceOther + 1)));
  return Expr{BinaryOp{row->op, make_expr(std::move(left)), std::move(right)}, position};
}

}  // namespace

ExprPtr make_expr(Expr expr) {
  return std::make_unique<Expr>(std::move(expr));
}

Result<Expr> read_expr_above(TokenStream& in, int precedence) {
  Level level(in);
  TRY(level.check());
  Expr left = TRY(read_prefix(in, level, precedence));
  while (true) {
    if (in.at("OPERATOR (") && precedence <= kPrecedenceOther) {
      left = TRY(read_named_operator(in, std::move(left)));
    } else if (const BinaryRow* row = find_binary(in)) {
      if (row->precedence < precedence) {
        return left;
      }
      left = TRY(read_binary(in, std::move(left), *row));
    } else if (precedence <= kPrecedenceOther && at_call_operator(in)) {
      left = TRY(read_call_operator(in, std::move(left)));
    } else if (precedence <= kPrecedenceIs && in.at("IS")) {
      left = TRY(read_is(in, std::move(left)));
    } else if (precedence <= kPrecedenceRange && at_range(in)) {
      left = TRY(read_range(in, std::move(left)));
    } else if (precedence <= kPrecedenceRange && in.at("OVERLAPS (")) {
      left = TRY(read_overlaps(in, std::move(left)));
    } else if (precedence <= kPrecedenceAtZone && in.at("AT TIME ZONE")) {
      size_t position = in.position();
      in.accept_quietly("AT TIME ZONE");
      Expr zone = TRY(read_expr_above(in, kPrecedenceSign));
      left = Expr{AtTimeZone{make_expr(std::move(left)), make_expr(std::move(zone))}, position};
    } else {
      return left;
    }
    TRY(level.grow());
  }
}

Result<Expr> read_expr(TokenStream& in) {
  return read_expr_above(in, kPrecedenceOr);
}

Result<ExprPtr> read_expr_ptr(TokenStream& in) {
  return make_expr(TRY(read_expr(in)));
}

Result<std::vector<Expr>> read_exprs(TokenStream& in) {
  std::vector<Expr> exprs;
  do {
    exprs.push_back(TRY(read_expr(in)));
  } while (in.accept(","));
  return exprs;
}

}  // namespace tidemark::sql
