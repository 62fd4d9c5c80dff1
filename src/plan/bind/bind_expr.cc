#include "plan/bind/bind_expr.h"

#include <fmt/core.h>

#include "base/nearest.h"
#include "base/overloaded.h"
#include "expr/cast.h"
#include "expr/eval.h"
#include "plan/bind/bind_type.h"
#include "plan/bind/query_binder.h"

namespace tidemark {

namespace {

ExprRef text_literal(std::string text) {
  size_t length = 0;
  for (char c : text) {
    length += (static_cast<uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
  }
  return make_literal(std::move(text),
                      Type::varchar(static_cast<int32_t>(std::max<size_t>(length, 1))));
}

ExprRef boolean_literal(bool value) {
  return make_literal(value, Type::boolean());
}

}  // namespace

void AggregateBuilder::add_group(ExprRef expression) {
  group.push_back(expression);
  below.push_back(std::move(expression));
}

ExprRef AggregateBuilder::find_group(const Expr& expression) const {
  for (size_t i = 0; i < group.size(); ++i) {
    if (same_expr(expression, *group[i])) {
      // A grouping without the column shows NULL.
      return make_column(i, sets.empty() ? expression.type : expression.type.as_nullable());
    }
  }
  return nullptr;
}

size_t AggregateBuilder::add_below(ExprRef expression) {
  for (size_t i = 0; i < below.size(); ++i) {
    if (same_expr(*below[i], *expression)) {
      return i;
    }
  }
  below.push_back(std::move(expression));
  return below.size() - 1;
}

size_t AggregateBuilder::add_call(AggregateCall call) {
  for (size_t i = 0; i < calls.size(); ++i) {
    if (calls[i] == call) {
      return group.size() + i;
    }
  }
  calls.push_back(std::move(call));
  return group.size() + calls.size() - 1;
}

Result<ExprRef> ExprBinder::coerce(ExprRef expr, const Type& type, size_t position) {
  if (expr->type.kind == TypeKind::kNull) {
    return make_literal(std::monostate{}, type);
  }
  if (expr->type.same_as(type)) {
    return expr;
  }
  if (!is_castable(expr->type, type)) {
    return Status::invalid_argument(fmt::format("cannot convert {} to {}",
                                                expr->type.to_string_without_null(),
                                                type.to_string_without_null()))
        .with_sqlstate("42804")
        .with_position(position);
  }
  return make_cast(std::move(expr), type);
}

Result<ExprRef> ExprBinder::call(std::string_view name, std::vector<ExprRef> arguments,
                                 size_t position) {
  const Function* function = find_function(name);
  if (function == nullptr && (name == "RAND" || name == "RAND_INTEGER" || name == "RANDOM" ||
                              name == "UUID" || name == "GEN_RANDOM_UUID")) {
    return Status::unsupported(fmt::format("{} gives another value each time: a row that it made "
                                           "could not be taken back",
                                           name))
        .with_hint("compute it where the row is written")
        .with_position(position);
  }
  if (function == nullptr) {
    std::vector<std::string> names = function_names();
    for (const AggregateFunction& aggregate : all_aggregates()) {
      names.emplace_back(aggregate.name);
    }
    auto nearest = nearest_name(name, names);
    return Status::not_found(fmt::format("no such function: {}", name))
        .with_sqlstate("42883")
        .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                           : "SHOW FUNCTIONS lists them")
        .with_position(position);
  }
  std::vector<Type> types;
  for (const ExprRef& argument : arguments) {
    types.push_back(argument->type);
  }
  Result<BoundFunction> bound = function->bind(types);
  if (!bound.ok()) {
    std::string given;
    for (const Type& type : types) {
      given += (given.empty() ? "" : ", ") + type.to_string_without_null();
    }
    Status status = bound.status();
    bool is_operator = !std::isalpha(static_cast<unsigned char>(name[0]));
    std::string hint =
        status.hint().empty() ? fmt::format("usage: {}", function->usage) : status.hint();
    if (!is_operator && !status.message().starts_with(name)) {
      status = std::move(status).with_context(fmt::format("{}({})", name, given));
    }
    return std::move(status)
        .with_sqlstate("42883")
        .with_hint(std::move(hint))
        .with_position(position);
  }
  BoundFunction chosen = std::move(bound).value();
  for (size_t i = 0; i < arguments.size(); ++i) {
    arguments[i] = TRY(coerce(arguments[i], chosen.arguments[i], position));
  }
  return make_call(function, std::move(chosen), std::move(arguments));
}

Result<ExprRef> ExprBinder::bind_boolean(const sql::Expr& expr, std::string_view clause) {
  ExprRef bound = TRY(bind_as(expr, Type::boolean()));
  if (bound->type.kind == TypeKind::kNull) {
    return make_literal(std::monostate{}, Type::boolean());
  }
  if (bound->type.kind != TypeKind::kBoolean) {
    return Status::invalid_argument(fmt::format("{} takes a BOOLEAN, not {}", clause,
                                                bound->type.to_string_without_null()))
        .with_position(expr.position);
  }
  return bound;
}

Result<ExprRef> ExprBinder::bind(const sql::Expr& expr) {
  if (aggregates_ == nullptr) {
    return bind_node(expr);
  }
  if (!contains_aggregate(expr) && !contains_subquery(expr) && !contains_window(expr) &&
      !(sets_ != nullptr && contains_set(expr))) {
    // Over an aggregation a whole expression may be one of the group's.
    AggregateBuilder* builder = std::exchange(aggregates_, nullptr);
    Result<ExprRef> below = bind_node(expr);
    aggregates_ = builder;
    ExprRef bound = TRY(std::move(below));
    if (ExprRef column = builder->find_group(*bound)) {
      return column;
    }
    std::vector<bool> used;
    collect_columns(*bound, used);
    if (std::find(used.begin(), used.end(), true) == used.end()) {
      return bound;
    }
    if (const auto* column = std::get_if<sql::ColumnRef>(&expr.node)) {
      return over_groups(bound, column->name.last(), expr.position);
    }
  }
  return bind_node(expr);
}

Result<std::vector<ExprRef>> ExprBinder::bind_all(const std::vector<sql::Expr>& expressions) {
  std::vector<ExprRef> result;
  for (const sql::Expr& expression : expressions) {
    result.push_back(TRY(bind(expression)));
  }
  return result;
}

Result<ExprRef> ExprBinder::bind_node(const sql::Expr& expr) {
  size_t at = expr.position;
  return std::visit(
      Overloaded{
          [&](const sql::NullLiteral&) -> Result<ExprRef> {
            return make_literal(std::monostate{}, Type::null());
          },
          [&](const sql::BooleanLiteral& literal) -> Result<ExprRef> {
            return boolean_literal(literal.value);
          },
          [&](const sql::NumberLiteral& number) { return bind_number(number, at); },
          [&](const sql::StringLiteral& literal) -> Result<ExprRef> {
            return text_literal(literal.value);
          },
          [&](const sql::BytesLiteral& literal) -> Result<ExprRef> {
            return make_literal(literal.bytes, Type::bytes());
          },
          [&](const sql::DatetimeLiteral& literal) { return bind_datetime(literal, at); },
          [&](const sql::IntervalLiteral& literal) { return bind_interval(literal, at); },
          [&](const sql::Parameter& parameter) { return bind_parameter(parameter, at); },
          [&](const sql::ColumnRef& column) { return bind_column(column, at); },
          [&](const sql::Star&) -> Result<ExprRef> {
            return Status::invalid_argument("* cannot stand here").with_position(at);
          },
          [&](const sql::Symbol& symbol) -> Result<ExprRef> { return text_literal(symbol.text); },
          [&](const sql::UnaryOp& unary) { return bind_unary(unary, at); },
          [&](const sql::BinaryOp& binary) { return bind_binary(binary, at); },
          [&](const sql::Is& is) { return bind_is(is, at); },
          [&](const sql::Between& between) { return bind_between(between, at); },
          [&](const sql::InList& in) { return bind_in(in, at); },
          [&](const sql::InQuery& in) { return bind_in_query(in, at); },
          [&](const sql::Like& like) { return bind_like(like, at); },
          [&](const sql::Subquery& subquery) { return bind_subquery(subquery, at); },
          [&](const sql::Quantified& quantified) { return bind_quantified(quantified, at); },
          [&](const sql::Case& cases) {
            return without_sets("CASE", [&] { return bind_case(cases, at); });
          },
          [&](const sql::Cast& cast) { return bind_cast(cast, at); },
          [&](const sql::AtTimeZone& x) -> Result<ExprRef> {
            ExprRef operand = TRY(bind(*x.operand)), zone = TRY(bind(*x.zone));
            return call("AT TIME ZONE", {operand, zone}, at);
          },
          [&](const sql::RowConstructor& row) -> Result<ExprRef> {
            return call("ROW", TRY(bind_all(row.fields)), at);
          },
          [&](const sql::ArrayConstructor& array) { return bind_array(array, at); },
          [&](const sql::MapConstructor& map) -> Result<ExprRef> {
            return call("MAP[]", TRY(bind_all(map.entries)), at);
          },
          [&](const sql::Subscript& subscript) -> Result<ExprRef> {
            return call_over("[]", {subscript.base.get(), subscript.index.get()}, at);
          },
          [&](const sql::FieldAccess& access) -> Result<ExprRef> {
            return bind_field(TRY(bind(*access.base)), access.field);
          },
          [&](const sql::FunctionCall& function) { return bind_call(function, at); },
          [&](const sql::NamedArgument&) -> Result<ExprRef> {
            return unsupported("a named argument", at);
          },
          [&](const sql::TypeArgument&) -> Result<ExprRef> { return unsupported("RETURNING", at); },
          [&](const sql::TableArgument&) -> Result<ExprRef> {
            return unsupported("a table argument", at);
          },
          [&](const sql::Descriptor&) -> Result<ExprRef> { return unsupported("DESCRIPTOR", at); },
      },
      expr.node);
}

Result<ExprRef> ExprBinder::bind_unary(const sql::UnaryOp& unary, size_t position) {
  ExprRef operand = TRY(bind(*unary.operand));
  switch (unary.op) {
    case sql::UnaryOperator::kNot:
      return call("NOT", {operand}, position);
    case sql::UnaryOperator::kPlus:
      if (!operand->type.is_numeric() && !operand->type.is_interval()) {
        return Status::invalid_argument(fmt::format("unary + takes a number or an interval, not {}",
                                                    operand->type.to_string_without_null()))
            .with_sqlstate("42883")
            .with_hint("CAST(x AS ...) makes a number of a text")
            .with_position(position);
      }
      return operand;
    case sql::UnaryOperator::kMinus: {
      ExprRef negated = TRY(call("NEGATE", {operand}, position));
      if (is_literal(*operand)) {
        EvalContext context;
        Result<Value> value = evaluate_constant(*negated, context);
        if (value.ok()) {
          return make_literal(*value, negated->type);
        }
      }
      return negated;
    }
  }
  CHECK(false);
}

std::string_view operator_name(sql::BinaryOperator op) {
  using enum sql::BinaryOperator;
  switch (op) {
    case kOr:
    case kAnd:
      return "";
    case kEqual:
      return "=";
    case kNotEqual:
      return "<>";
    case kLess:
      return "<";
    case kLessEqual:
      return "<=";
    case kGreater:
      return ">";
    case kGreaterEqual:
      return ">=";
    case kIsDistinctFrom:
      return "IS DISTINCT FROM";
    case kIsNotDistinctFrom:
      return "IS NOT DISTINCT FROM";
    case kConcat:
      return "||";
    case kJsonGet:
      return "->";
    case kJsonGetText:
      return "->>";
    case kMatch:
      return "~";
    case kMatchInsensitive:
      return "~*";
    case kNotMatch:
      return "!~";
    case kNotMatchInsensitive:
      return "!~*";
    case kAdd:
      return "+";
    case kSubtract:
      return "-";
    case kMultiply:
      return "*";
    case kDivide:
      return "/";
    case kModulo:
      return "%";
  }
  return "";
}

Result<ExprRef> ExprBinder::bind_binary(const sql::BinaryOp& binary, size_t position) {
  using enum sql::BinaryOperator;
  if (binary.op == kAnd || binary.op == kOr) {
    // A chain of the same operator becomes one node.
    std::vector<ExprRef> conditions;
    const sql::BinaryOp* chain = &binary;
    std::vector<const sql::Expr*> parts{chain->right.get()};
    while (true) {
      const auto* left = std::get_if<sql::BinaryOp>(&chain->left->node);
      if (left == nullptr || left->op != binary.op) {
        parts.push_back(chain->left.get());
        break;
      }
      chain = left;
      parts.push_back(chain->right.get());
    }
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      conditions.push_back(TRY(bind_boolean(**part, binary.op == kAnd ? "AND" : "OR")));
    }
    return binary.op == kAnd ? make_and(std::move(conditions)) : make_or(std::move(conditions));
  }
  std::string_view name = operator_name(binary.op);
  if (find_function(name) == nullptr) {
    return unsupported(fmt::format("operator {}", name), position);
  }
  if (std::holds_alternative<sql::RowConstructor>(binary.left->node) ||
      std::holds_alternative<sql::RowConstructor>(binary.right->node)) {
    return compare_rows(binary.op, *binary.left, *binary.right, position);
  }
  return call_over(name, {binary.left.get(), binary.right.get()}, position);
}

Result<ExprRef> ExprBinder::bind_is(const sql::Is& is, size_t position) {
  ExprRef operand = TRY(bind(*is.operand));
  switch (is.test) {
    case sql::IsTest::kNull:
    case sql::IsTest::kUnknown:
      return call(is.negated ? "IS NOT NULL" : "IS NULL", {operand}, position);
    case sql::IsTest::kTrue:
      return call(is.negated ? "IS NOT TRUE" : "IS TRUE", {operand}, position);
    case sql::IsTest::kFalse:
      return call(is.negated ? "IS NOT FALSE" : "IS FALSE", {operand}, position);
    case sql::IsTest::kJson:
    case sql::IsTest::kJsonScalar:
    case sql::IsTest::kJsonArray:
    case sql::IsTest::kJsonObject: {
      ExprRef test = TRY(call(is.test == sql::IsTest::kJson         ? "IS JSON"
                              : is.test == sql::IsTest::kJsonScalar ? "IS JSON SCALAR"
                              : is.test == sql::IsTest::kJsonArray  ? "IS JSON ARRAY"
                                                                    : "IS JSON OBJECT",
                              {operand}, position));
      return is.negated ? call("NOT", {test}, position) : Result<ExprRef>(test);
    }
  }
  CHECK(false);
}

Result<ExprRef> ExprBinder::bind_between(const sql::Between& between, size_t position) {
  const sql::Expr* parts[] = {between.operand.get(), between.low.get(), between.high.get()};
  std::vector<ExprRef> bound = TRY(bind_arguments(">=", std::span(parts).first(2)));
  ExprRef operand = bound[0], low = bound[1];
  ExprRef high = TRY(bind_as(*between.high, operand->type));
  auto inside = [&](const ExprRef& from, const ExprRef& to) -> Result<ExprRef> {
    ExprRef not_below = TRY(call(">=", {operand, from}, position));
    ExprRef not_above = TRY(call("<=", {operand, to}, position));
    return make_and({not_below, not_above});
  };
  ExprRef result = TRY(inside(low, high));
  if (between.symmetric) {
    ExprRef swapped = TRY(inside(high, low));
    result = make_or({result, swapped});
  }
  return between.negated ? call("NOT", {result}, position) : Result<ExprRef>(result);
}

Result<ExprRef> ExprBinder::bind_in(const sql::InList& in, size_t position) {
  std::vector<ExprRef> conditions;
  if (std::holds_alternative<sql::RowConstructor>(in.operand->node)) {
    for (const sql::Expr& item : in.items) {
      conditions.push_back(
          TRY(compare_rows(sql::BinaryOperator::kEqual, *in.operand, item, item.position)));
    }
  } else {
    const sql::Expr* first[] = {in.operand.get(), in.items.data()};
    ExprRef operand = TRY(bind_arguments("=", first))[0];
    for (const sql::Expr& item : in.items) {
      ExprRef value = TRY(bind_as(item, operand->type));
      conditions.push_back(TRY(call("=", {operand, value}, item.position)));
    }
  }
  ExprRef result = make_or(std::move(conditions));
  return in.negated ? call("NOT", {result}, position) : Result<ExprRef>(result);
}

Result<ExprRef> ExprBinder::bind_like(const sql::Like& like, size_t position) {
  std::string_view name = like.kind == sql::LikeKind::kLike    ? "LIKE"
                          : like.kind == sql::LikeKind::kIlike ? "ILIKE"
                                                               : "SIMILAR TO";
  if (find_function(name) == nullptr) {
    return unsupported(name, position);
  }
  std::vector<const sql::Expr*> arguments{like.operand.get(), like.pattern.get()};
  if (like.escape) {
    arguments.push_back(like.escape.get());
  }
  ExprRef result = TRY(call_over(name, std::move(arguments), position));
  return like.negated ? call("NOT", {result}, position) : Result<ExprRef>(result);
}

Result<ExprRef> ExprBinder::bind_case(const sql::Case& cases, size_t position) {
  std::vector<std::pair<ExprRef, ExprRef>> branches;
  ExprRef operand = cases.operand ? TRY(bind(*cases.operand)) : nullptr;
  Type type = Type::null();
  auto widen = [&](const ExprRef& result, size_t at) -> Status {
    Result<Type> common = common_type(type, result->type);
    if (!common.ok()) {
      return common.status().with_context("CASE").with_position(at);
    }
    type = *common;
    return {};
  };
  for (const sql::CaseBranch& branch : cases.branches) {
    ExprRef condition;
    if (operand != nullptr) {
      ExprRef when = TRY(bind_as(*branch.when, operand->type));
      condition = TRY(call("=", {operand, when}, branch.when->position));
    } else {
      condition = TRY(bind_boolean(*branch.when, "WHEN"));
    }
    ExprRef result = TRY(bind_as(*branch.then, type));
    TRY(widen(result, branch.then->position));
    branches.emplace_back(condition, result);
  }
  ExprRef otherwise = cases.otherwise ? TRY(bind_as(*cases.otherwise, type))
                                      : make_literal(std::monostate{}, Type::null());
  TRY(widen(otherwise, cases.otherwise ? cases.otherwise->position : position));
  for (auto& [condition, result] : branches) {
    result = TRY(coerce(result, type, position));
  }
  otherwise = TRY(coerce(otherwise, type, position));
  return make_case(std::move(branches), otherwise, type);
}

namespace {

constexpr uint32_t kRegproc = 24, kRegclass = 2205, kRegtype = 2206;

bool is_name_number(const Type& type) {
  return type.wire_oid == kRegclass || type.wire_oid == kRegtype || type.wire_oid == kRegproc;
}

}  // namespace

// Numbers of PostgreSQL's catalog from and to names; null: a cast like any other.
Result<ExprRef> ExprBinder::cast_catalog_number(const ExprRef& operand, const Type& type,
                                                size_t position) {
  uint32_t to = type.wire_oid, from = operand->type.wire_oid;
  if (operand->type.is_character() && is_name_number(type)) {
    std::string_view name = to == kRegclass ? "REGCLASS" : to == kRegtype ? "REGTYPE" : "REGPROC";
    return call(name, {operand}, position);
  }
  if (type.is_character() && from == kRegclass) {
    return call("REGCLASSOUT", {operand}, position);
  }
  if (type.is_character() && from == kRegtype) {
    ExprRef none = make_literal(std::monostate{}, Type::bigint());
    return call("FORMAT_TYPE", {operand, none}, position);
  }
  if (type.kind == operand->type.kind && type.physical() == operand->type.physical()) {
    return std::make_shared<const Expr>(Expr{type, CastExpr{operand, false}});
  }
  return ExprRef();
}

Result<ExprRef> ExprBinder::bind_cast(const sql::Cast& cast, size_t position) {
  Type type = TRY(bind_type(*cast.type));
  // A parameter that is to become a regclass or the like is a name.
  ExprRef operand = TRY(bind_as(*cast.operand, is_name_number(type) ? Type::string() : type));
  if (operand->type.kind == TypeKind::kNull) {
    return make_literal(std::monostate{}, type);
  }
  if (type.wire_oid != 0 || operand->type.wire_oid != 0) {
    if (ExprRef named = TRY(cast_catalog_number(operand, type, position))) {
      return named;
    }
  }
  if (!is_castable(operand->type, type)) {
    return Status::invalid_argument(fmt::format("cannot cast {} to {}",
                                                operand->type.to_string_without_null(),
                                                type.to_string_without_null()))
        .with_sqlstate("42846")
        .with_position(position);
  }
  return make_cast(operand, type, cast.is_try);
}

}  // namespace tidemark
