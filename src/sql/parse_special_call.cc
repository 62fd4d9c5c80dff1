// Calls with a syntax of their own: EXTRACT, TRIM, POSITION, the JSON functions, ...
// Each reader stands at `(`. Where the text turns out to be an ordinary call, it is read as one.

#include <array>
#include <span>

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Expr symbol(TokenStream& in) {
  const Token& token = in.take();
  return Expr{Symbol{token.upper}, token.position};
}

void add_named(FunctionCall& call, std::string name, Expr value) {
  size_t position = value.position;
  call.args.push_back(
      Expr{NamedArgument{{std::move(name), position}, make_expr(std::move(value))}, position});
}

// EXTRACT(u FROM x)
Result<FunctionCall> read_extract(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  if (!in.at_kind(TokenKind::kWord)) {
    return in.unexpected("a unit of time such as YEAR");
  }
  call.args.push_back(symbol(in));
  TRY(in.expect("FROM"));
  call.args.push_back(TRY(read_expr(in)));
  TRY(in.expect(")"));
  return call;
}

// FLOOR(x TO u), FLOOR(x)
Result<FunctionCall> read_rounding(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  call.args.push_back(TRY(read_expr(in)));
  if (in.accept("TO")) {
    if (!in.at_kind(TokenKind::kWord)) {
      return in.unexpected("a unit of time such as DAY");
    }
    call.args.push_back(symbol(in));
  } else if (in.accept(",")) {
    call.args.push_back(TRY(read_expr(in)));
  }
  TRY(in.expect(")"));
  return call;
}

// TIMESTAMPADD(u, n, t)
Result<FunctionCall> read_timestamp_arithmetic(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  if (in.at_kind(TokenKind::kWord) && in.at(",", 1)) {
    call.args.push_back(symbol(in));
    TRY(in.expect(","));
  }
  std::vector<Expr> rest = TRY(read_exprs(in));
  for (Expr& expr : rest) {
    call.args.push_back(std::move(expr));
  }
  TRY(in.expect(")"));
  return call;
}

// POSITION(x IN y [FROM n]), POSITION(x, y)
Result<FunctionCall> read_position(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  call.args.push_back(TRY(read_expr_above(in, kPrecedenceOther)));
  if (!in.accept(",")) {
    TRY(in.expect("IN"));
  }
  call.args.push_back(TRY(read_expr(in)));
  if (in.accept("FROM") || in.accept(",")) {
    call.args.push_back(TRY(read_expr(in)));
  }
  TRY(in.expect(")"));
  return call;
}

// SUBSTRING(x FROM a FOR n) and OVERLAY(x PLACING y FROM a FOR n), or with commas
Result<FunctionCall> read_separated(TokenStream& in, std::span<const std::string_view> separators) {
  FunctionCall call;
  TRY(in.expect("("));
  call.args.push_back(TRY(read_expr(in)));
  for (std::string_view separator : separators) {
    if (!in.accept(separator) && !in.accept(",")) {
      break;
    }
    call.args.push_back(TRY(read_expr(in)));
  }
  TRY(in.expect(")"));
  return call;
}

// TRIM([BOTH|LEADING|TRAILING] [a] FROM x), TRIM(x), TRIM(x, a)
Result<FunctionCall> read_trim(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  size_t position = in.position();
  Expr side{Symbol{"BOTH"}, position};
  bool has_side = (in.at("BOTH") || in.at("LEADING") || in.at("TRAILING")) && !in.at(")", 1) &&
                  !in.at(",", 1) && !in.at(".", 1);
  if (has_side) {
    side = symbol(in);
  }
  Expr characters{StringLiteral{" "}, position};
  if (!has_side || !in.at("FROM")) {
    characters = TRY(read_expr(in));
  }
  if (in.accept("FROM")) {
    Expr operand = TRY(read_expr(in));
    call.args.push_back(std::move(side));
    call.args.push_back(std::move(characters));
    call.args.push_back(std::move(operand));
  } else if (has_side) {
    return in.unexpected("");
  } else {
    call.args.push_back(std::move(characters));
    if (in.accept(",")) {
      call.args.push_back(TRY(read_expr(in)));
    }
  }
  TRY(in.expect(")"));
  return call;
}

// [RETURNING t] of the JSON functions
Status read_returning(TokenStream& in, FunctionCall& call) {
  if (in.accept("RETURNING")) {
    size_t position = in.position();
    TypeName type = TRY(read_type(in));
    add_named(call, "RETURNING",
              Expr{TypeArgument{std::make_unique<TypeName>(std::move(type))}, position});
  }
  return {};
}

// {WITH|WITHOUT} [CONDITIONAL|UNCONDITIONAL] [ARRAY] WRAPPER, without the last word
Status read_wrapper(TokenStream& in, FunctionCall& call) {
  size_t position = in.position();
  std::string text;
  if (in.accept("WITHOUT")) {
    text = "WITHOUT ARRAY";
  } else if (in.accept("WITH")) {
    text = in.accept("CONDITIONAL") ? "WITH CONDITIONAL ARRAY" : "WITH UNCONDITIONAL ARRAY";
    if (text == "WITH UNCONDITIONAL ARRAY") {
      in.accept("UNCONDITIONAL");
    }
  } else {
    return {};
  }
  in.accept("ARRAY");
  TRY(in.expect("WRAPPER"));
  add_named(call, "WRAPPER", Expr{Symbol{std::move(text)}, position});
  return {};
}

// {NULL|ERROR|EMPTY ARRAY|TRUE|DEFAULT e|..} ON {EMPTY|ERROR}, any number of them
Status read_json_behaviours(TokenStream& in, FunctionCall& call) {
  static constexpr std::array<std::string_view, 8> kWords = {
      "EMPTY ARRAY", "EMPTY OBJECT", "EMPTY", "NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN"};
  while (!in.at(")")) {
    size_t position = in.position();
    std::optional<Expr> value;
    for (std::string_view word : kWords) {
      if (!value && in.accept(word)) {
        value = Expr{Symbol{std::string(word)}, position};
      }
    }
    if (!value && in.accept("DEFAULT")) {
      value = TRY(read_expr(in));
    }
    if (!value) {
      return in.unexpected("");
    }
    if (in.accept("ON EMPTY")) {
      add_named(call, "ON EMPTY", std::move(*value));
    } else {
      TRY(in.expect("ON ERROR"));
      add_named(call, "ON ERROR", std::move(*value));
    }
  }
  return {};
}

// JSON_VALUE, JSON_QUERY, JSON_EXISTS (x, path clauses)
Result<FunctionCall> read_json_path(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  call.args.push_back(TRY(read_expr(in)));
  TRY(in.expect(","));
  call.args.push_back(TRY(read_expr(in)));
  TRY(read_returning(in, call));
  TRY(read_wrapper(in, call));
  TRY(read_json_behaviours(in, call));
  TRY(in.expect(")"));
  return call;
}

Status read_on_null(TokenStream& in, FunctionCall& call) {
  size_t position = in.position();
  if (in.accept("ABSENT ON NULL")) {
    add_named(call, "ON NULL", Expr{Symbol{"ABSENT"}, position});
  } else if (in.accept("NULL ON NULL")) {
    add_named(call, "ON NULL", Expr{Symbol{"NULL"}, position});
  }
  return {};
}

// JSON_OBJECT([KEY] k VALUE v | k : v, ..), JSON_OBJECTAGG
Result<FunctionCall> read_json_object(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  while (!in.at(")") && !in.at("NULL ON NULL") && !in.at("ABSENT ON NULL")) {
    if (in.at("KEY") && !in.at("VALUE", 1) && !in.at(":", 1) && !in.at(",", 1) && !in.at(".", 1)) {
      in.take();
    }
    call.args.push_back(TRY(read_expr(in)));
    if (!in.accept("VALUE") && !in.accept(":")) {
      TRY(in.expect(","));
    }
    call.args.push_back(TRY(read_expr(in)));
    if (!in.accept(",")) {
      break;
    }
  }
  TRY(read_on_null(in, call));
  TRY(in.expect(")"));
  return call;
}

// JSON_ARRAY(a, b ABSENT ON NULL), JSON_ARRAYAGG(a [ORDER BY ..] ABSENT ON NULL)
Result<FunctionCall> read_json_array(TokenStream& in) {
  FunctionCall call;
  TRY(in.expect("("));
  if (!in.at(")") && !in.at("NULL ON NULL") && !in.at("ABSENT ON NULL")) {
    call.args = TRY(read_exprs(in));
  }
  if (in.accept("ORDER BY")) {
    call.order_by = TRY(read_order_by(in));
  }
  TRY(read_on_null(in, call));
  TRY(in.expect(")"));
  return call;
}

}  // namespace

Result<std::optional<FunctionCall>> read_special_call(TokenStream& in, const std::string& upper) {
  static constexpr std::array<std::string_view, 2> kSubstring = {"FROM", "FOR"};
  static constexpr std::array<std::string_view, 3> kOverlay = {"PLACING", "FROM", "FOR"};
  auto some = [](FunctionCall call) { return std::optional<FunctionCall>(std::move(call)); };
  if (upper == "EXTRACT") {
    return some(TRY(read_extract(in)));
  }
  if (upper == "FLOOR" || upper == "CEIL" || upper == "CEILING") {
    return some(TRY(read_rounding(in)));
  }
  if (upper == "TIMESTAMPADD" || upper == "TIMESTAMPDIFF") {
    return some(TRY(read_timestamp_arithmetic(in)));
  }
  if (upper == "POSITION") {
    return some(TRY(read_position(in)));
  }
  if (upper == "SUBSTRING") {
    return some(TRY(read_separated(in, kSubstring)));
  }
  if (upper == "OVERLAY") {
    return some(TRY(read_separated(in, kOverlay)));
  }
  if (upper == "TRIM") {
    return some(TRY(read_trim(in)));
  }
  if (upper == "JSON_VALUE" || upper == "JSON_QUERY" || upper == "JSON_EXISTS") {
    return some(TRY(read_json_path(in)));
  }
  if (upper == "JSON_OBJECT" || upper == "JSON_OBJECTAGG") {
    return some(TRY(read_json_object(in)));
  }
  if (upper == "JSON_ARRAY" || upper == "JSON_ARRAYAGG") {
    return some(TRY(read_json_array(in)));
  }
  return std::optional<FunctionCall>();
}

}  // namespace tidemark::sql
