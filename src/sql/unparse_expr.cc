#include <fmt/core.h>

#include "sql/call_operators.h"
#include "sql/parse.h"
#include "sql/writer.h"

namespace tidemark::sql {

namespace {

struct OperatorText {
  std::string_view text;
  int precedence;
};

OperatorText operator_text(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kOr:
      return {" OR ", kPrecedenceOr};
    case BinaryOperator::kAnd:
      return {" AND ", kPrecedenceAnd};
    case BinaryOperator::kEqual:
      return {" = ", kPrecedenceCompare};
    case BinaryOperator::kNotEqual:
      return {" <> ", kPrecedenceCompare};
    case BinaryOperator::kLess:
      return {" < ", kPrecedenceCompare};
    case BinaryOperator::kLessEqual:
      return {" <= ", kPrecedenceCompare};
    case BinaryOperator::kGreater:
      return {" > ", kPrecedenceCompare};
    case BinaryOperator::kGreaterEqual:
      return {" >= ", kPrecedenceCompare};
    case BinaryOperator::kIsDistinctFrom:
      return {" IS DISTINCT FROM ", kPrecedenceIs};
    case BinaryOperator::kIsNotDistinctFrom:
      return {" IS NOT DISTINCT FROM ", kPrecedenceIs};
    case BinaryOperator::kConcat:
      return {" || ", kPrecedenceOther};
    case BinaryOperator::kJsonGet:
      return {" -> ", kPrecedenceOther};
    case BinaryOperator::kJsonGetText:
      return {" ->> ", kPrecedenceOther};
    case BinaryOperator::kMatch:
      return {" ~ ", kPrecedenceOther};
    case BinaryOperator::kMatchInsensitive:
      return {" ~* ", kPrecedenceOther};
    case BinaryOperator::kNotMatch:
      return {" !~ ", kPrecedenceOther};
    case BinaryOperator::kNotMatchInsensitive:
      return {" !~* ", kPrecedenceOther};
    case BinaryOperator::kAdd:
      return {" + ", kPrecedenceAdd};
    case BinaryOperator::kSubtract:
      return {" - ", kPrecedenceAdd};
    case BinaryOperator::kMultiply:
      return {" * ", kPrecedenceMultiply};
    case BinaryOperator::kDivide:
      return {" / ", kPrecedenceMultiply};
    case BinaryOperator::kModulo:
      return {" % ", kPrecedenceMultiply};
  }
  return {};
}

std::string_view test_text(IsTest test) {
  switch (test) {
    case IsTest::kNull:
      return "NULL";
    case IsTest::kTrue:
      return "TRUE";
    case IsTest::kFalse:
      return "FALSE";
    case IsTest::kUnknown:
      return "UNKNOWN";
    case IsTest::kJson:
      return "JSON";
    case IsTest::kJsonScalar:
      return "JSON SCALAR";
    case IsTest::kJsonArray:
      return "JSON ARRAY";
    case IsTest::kJsonObject:
      return "JSON OBJECT";
  }
  return {};
}

std::string_view unit_text(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kYear:
      return "YEAR";
    case TimeUnit::kQuarter:
      return "QUARTER";
    case TimeUnit::kMonth:
      return "MONTH";
    case TimeUnit::kWeek:
      return "WEEK";
    case TimeUnit::kDay:
      return "DAY";
    case TimeUnit::kHour:
      return "HOUR";
    case TimeUnit::kMinute:
      return "MINUTE";
    case TimeUnit::kSecond:
      return "SECOND";
  }
  return {};
}

std::string_view like_text(LikeKind kind) {
  switch (kind) {
    case LikeKind::kLike:
      return "LIKE ";
    case LikeKind::kIlike:
      return "ILIKE ";
    case LikeKind::kSimilar:
      return "SIMILAR TO ";
  }
  return {};
}

std::string_view datetime_text(DatetimeKind kind) {
  switch (kind) {
    case DatetimeKind::kDate:
      return "DATE ";
    case DatetimeKind::kTime:
      return "TIME ";
    case DatetimeKind::kTimestamp:
      return "TIMESTAMP ";
    case DatetimeKind::kTimestampLtz:
      return "TIMESTAMP_LTZ ";
  }
  return {};
}

std::string_view subquery_text(SubqueryKind kind) {
  switch (kind) {
    case SubqueryKind::kScalar:
      return "";
    case SubqueryKind::kExists:
      return "EXISTS ";
    case SubqueryKind::kArray:
      return "ARRAY";
    case SubqueryKind::kMultiset:
      return "MULTISET";
  }
  return {};
}

int precedence_of(const Expr& expr) {
  constexpr int kPrimary = kPrecedencePostfix + 1;
  if (const auto* op = std::get_if<UnaryOp>(&expr.node)) {
    return op->op == UnaryOperator::kNot ? kPrecedenceNot : kPrecedenceSign;
  }
  if (const auto* op = std::get_if<BinaryOp>(&expr.node)) {
    return operator_text(op->op).precedence;
  }
  if (std::holds_alternative<Is>(expr.node)) {
    return kPrecedenceIs;
  }
  if (std::holds_alternative<Quantified>(expr.node)) {
    return kPrecedenceCompare;
  }
  if (std::holds_alternative<Between>(expr.node) || std::holds_alternative<InList>(expr.node) ||
      std::holds_alternative<InQuery>(expr.node) || std::holds_alternative<Like>(expr.node)) {
    return kPrecedenceRange;
  }
  if (const auto* call = std::get_if<FunctionCall>(&expr.node)) {
    bool single = call->name.parts.size() == 1;
    return single && call->name.last() == "OVERLAPS"       ? kPrecedenceRange
           : single && is_call_operator(call->name.last()) ? kPrecedenceOther
                                                           : kPrimary;
  }
  return std::holds_alternative<AtTimeZone>(expr.node) ? kPrecedenceAtZone : kPrimary;
}

// The left operand of a range or IS operator may be one of its own kind; the right one may not.
struct ExprWriter {
  Writer& out;

  void operator()(const NullLiteral&) const { out.raw("NULL"); }
  void operator()(const BooleanLiteral& e) const { out.raw(e.value ? "TRUE" : "FALSE"); }
  void operator()(const NumberLiteral& e) const { out.raw(e.text); }
  void operator()(const StringLiteral& e) const { out.string(e.value); }
  void operator()(const BytesLiteral& e) const {
    out.raw("X'");
    for (char c : e.bytes) {
      out.raw(fmt::format("{:02x}", static_cast<unsigned char>(c)));
    }
    out.raw("'");
  }
  void operator()(const DatetimeLiteral& e) const {
    out.raw(datetime_text(e.kind));
    out.string(e.text);
  }
  void operator()(const IntervalLiteral& e) const {
    out.raw("INTERVAL ");
    std::string_view text = e.text;
    out.string(text);
    if (e.units) {
      out.raw(" ");
      out.interval_units(*e.units);
    }
  }
  void operator()(const Parameter& e) const { out.raw(fmt::format("${}", e.index)); }
  void operator()(const ColumnRef& e) const { out.name(e.name); }
  void operator()(const Star& e) const {
    out.name(e.qualifier);
    out.raw(e.qualifier.parts.empty() ? "*" : ".*");
  }
  void operator()(const Symbol& e) const { out.raw(e.text); }
  void operator()(const UnaryOp& e) const {
    out.raw(e.op == UnaryOperator::kNot ? "NOT " : e.op == UnaryOperator::kPlus ? "+" : "-");
    const auto* inner = std::get_if<UnaryOp>(&e.operand->node);
    if (inner != nullptr && e.op != UnaryOperator::kNot) {
      out.raw(" ");  // `--` would begin a comment
    }
    out.expr_above(*e.operand, e.op == UnaryOperator::kNot ? kPrecedenceNot : kPrecedenceSign);
  }
  void operator()(const BinaryOp& e) const {
    OperatorText op = operator_text(e.op);
    out.expr_above(*e.left, op.precedence);
    out.raw(op.text);
    out.expr_above(*e.right, op.precedence + 1);
  }
  void operator()(const Is& e) const {
    out.expr_above(*e.operand, kPrecedenceIs);
    out.raw(e.negated ? " IS NOT " : " IS ");
    out.raw(test_text(e.test));
  }
  void operator()(const Between& e) const {
    out.expr_above(*e.operand, kPrecedenceRange);
    out.raw(e.negated ? " NOT BETWEEN " : " BETWEEN ");
    out.raw(e.symmetric ? "SYMMETRIC " : "");
    out.expr_above(*e.low, kPrecedenceOther);
    out.raw(" AND ");
    out.expr_above(*e.high, kPrecedenceOther);
  }
  void operator()(const InList& e) const {
    out.expr_above(*e.operand, kPrecedenceRange);
    out.raw(e.negated ? " NOT IN (" : " IN (");
    out.exprs(e.items);
    out.raw(")");
  }
  void operator()(const InQuery& e) const {
    out.expr_above(*e.operand, kPrecedenceRange);
    out.raw(e.negated ? " NOT IN " : " IN ");
    out.query_in_parentheses(*e.query);
  }
  void operator()(const Like& e) const {
    out.expr_above(*e.operand, kPrecedenceRange);
    out.raw(e.negated ? " NOT " : " ");
    out.raw(like_text(e.kind));
    out.expr_above(*e.pattern, kPrecedenceOther);
    if (e.escape) {
      out.raw(" ESCAPE ");
      out.expr_above(*e.escape, kPrecedenceOther);
    }
  }
  void operator()(const Subquery& e) const {
    out.raw(subquery_text(e.kind));
    out.query_in_parentheses(*e.query);
  }
  void operator()(const Quantified& e) const {
    out.expr_above(*e.left, kPrecedenceCompare);
    out.raw(operator_text(e.op).text);
    out.raw(e.all ? "ALL " : "ANY ");
    if (const auto* query = std::get_if<QueryPtr>(&e.right)) {
      out.query_in_parentheses(**query);
      return;
    }
    out.raw("(");
    out.expr(**std::get_if<ExprPtr>(&e.right));
    out.raw(")");
  }
  void operator()(const Case& e) const {
    out.raw("CASE");
    if (e.operand) {
      out.raw(" ");
      out.expr(*e.operand);
    }
    for (const CaseBranch& branch : e.branches) {
      out.raw(" WHEN ");
      out.expr(*branch.when);
      out.raw(" THEN ");
      out.expr(*branch.then);
    }
    if (e.otherwise) {
      out.raw(" ELSE ");
      out.expr(*e.otherwise);
    }
    out.raw(" END");
  }
  void operator()(const Cast& e) const {
    out.raw(e.is_try ? "TRY_CAST(" : "CAST(");
    out.expr(*e.operand);
    out.raw(" AS ");
    out.type(*e.type);
    out.raw(")");
  }
  void operator()(const AtTimeZone& e) const {
    out.expr_above(*e.operand, kPrecedenceAtZone);
    out.raw(" AT TIME ZONE ");
    out.expr_above(*e.zone, kPrecedenceSign);
  }
  void operator()(const RowConstructor& e) const {
    out.raw("ROW(");
    out.exprs(e.fields);
    out.raw(")");
  }
  void operator()(const ArrayConstructor& e) const {
    out.raw("ARRAY[");
    out.exprs(e.elements);
    out.raw("]");
  }
  void operator()(const MapConstructor& e) const {
    out.raw("MAP[");
    out.exprs(e.entries);
    out.raw("]");
  }
  void operator()(const Subscript& e) const {
    out.expr_above(*e.base, kPrecedencePostfix);
    out.raw("[");
    out.expr(*e.index);
    out.raw("]");
  }
  void operator()(const FieldAccess& e) const {
    bool is_column = std::holds_alternative<ColumnRef>(e.base->node);  // (a).b is not a.b
    out.raw(is_column ? "(" : "");
    out.expr_above(*e.base, kPrecedencePostfix);
    out.raw(is_column ? ")." : ".");
    out.name(e.field);
  }
  void operator()(const FunctionCall& e) const { out.call(e); }
  void operator()(const NamedArgument& e) const {
    out.name(e.name);
    out.raw(" => ");
    out.expr(*e.value);
  }
  void operator()(const TypeArgument& e) const { out.type(*e.type); }
  void operator()(const TableArgument& e) const {
    out.raw("TABLE ");
    if (e.query) {
      out.query_in_parentheses(*e.query);
    } else {
      out.name(e.table);
    }
    if (!e.partition_by.empty()) {
      out.raw(" PARTITION BY (");
      out.exprs(e.partition_by);
      out.raw(")");
    }
    if (!e.order_by.empty()) {
      out.raw(" ORDER BY ");
      out.order_items(e.order_by);
    }
  }
  void operator()(const Descriptor& e) const {
    out.raw("DESCRIPTOR");
    out.names(e.columns);
  }
};

}  // namespace

void Writer::expr_above(const Expr& expr, int precedence) {
  // A literal number or string in front of [..] or .f needs no parentheses, but 1.f would be a
  // number.
  bool is_number =
      precedence >= kPrecedencePostfix && std::holds_alternative<NumberLiteral>(expr.node);
  bool needs = precedence_of(expr) < precedence || is_number;
  raw(needs ? "(" : "");
  std::visit(ExprWriter{*this}, expr.node);
  raw(needs ? ")" : "");
}

void Writer::exprs(const std::vector<Expr>& exprs) {
  joined(exprs, ", ", [&](const Expr& item) { expr(item); });
}

void Writer::interval_units(const IntervalUnits& units) {
  raw(unit_text(units.first));
  if (units.first_precision) {
    raw(fmt::format("({}", *units.first_precision));
    if (!units.last && units.last_precision) {
      raw(fmt::format(", {}", *units.last_precision));
    }
    raw(")");
  }
  if (units.last) {
    raw(" TO ");
    raw(unit_text(*units.last));
    if (units.last_precision) {
      raw(fmt::format("({})", *units.last_precision));
    }
  }
}

}  // namespace tidemark::sql
