// Subqueries and row values in expressions.

#include "base/overloaded.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"
#include "types/nested.h"

namespace tidemark {

namespace {

// A row value's fields, or the expression itself.
std::vector<const sql::Expr*> fields_of(const sql::Expr& expr) {
  const auto* row = std::get_if<sql::RowConstructor>(&expr.node);
  if (row == nullptr) {
    return {&expr};
  }
  std::vector<const sql::Expr*> fields;
  for (const sql::Expr& field : row->fields) {
    fields.push_back(&field);
  }
  return fields;
}

bool is_row(const sql::Expr& expr) {
  return std::holds_alternative<sql::RowConstructor>(expr.node);
}

}  // namespace

Result<ExprRef> ExprBinder::over_groups(const ExprRef& expr, const std::string& name,
                                        size_t position) const {
  if (ExprRef column = aggregates_->find_group(*expr)) {
    return column;
  }
  return Status::invalid_argument(
             fmt::format("column must be in GROUP BY or inside an aggregate: {}", name))
      .with_hint(fmt::format("add {} to GROUP BY, or write MIN({})", name, name))
      .with_position(position);
}

Result<ExprRef> ExprBinder::add_subquery(const sql::Query& query, PendingSubquery subquery) {
  if (queries_ == nullptr) {
    return unsupported(fmt::format("a subquery in {}", clause_), subquery.position);
  }
  subquery.plan = TRY(queries_->bind_subquery(query, scope_)).visible();
  size_t columns = subquery.plan->schema.size();
  size_t wanted = subquery.use == SubqueryUse::kScalar ? 1 : subquery.operands.size();
  if (subquery.use != SubqueryUse::kExists && columns != wanted) {
    return Status::invalid_argument(fmt::format("this subquery must have {} column{}, but has {}",
                                                wanted, wanted == 1 ? "" : "s", columns))
        .with_position(subquery.position);
  }
  std::vector<ExprRef> values = column_expressions(*subquery.plan);
  for (size_t i = 0; i < subquery.operands.size(); ++i) {
    TRY(call(operator_name(subquery.op), {subquery.operands[i], values[i]}, subquery.position));
    // What the comparison casts both sides to, as far as bytes change by it.
    ExprRef equal = TRY(call("=", {subquery.operands[i], values[i]}, subquery.position));
    const CallExpr& sides = std::get<CallExpr>(equal->node);
    subquery.operands[i] = without_relabelling(sides.arguments[0]);
    values[i] = without_relabelling(sides.arguments[1]);
  }
  if (!subquery.operands.empty()) {
    subquery.plan = make_project(subquery.plan, std::move(values), subquery.plan->schema.names());
  }
  return push_subquery(std::move(subquery));
}

Result<ExprRef> ExprBinder::push_subquery(PendingSubquery subquery) {
  SubqueryLevel* level = windows_ != nullptr && windows_->subqueries != nullptr
                             ? windows_->subqueries
                         : aggregates_ != nullptr ? group_level_
                                                  : row_level_;
  if (level == nullptr) {
    return unsupported(fmt::format("a subquery in {}", clause_), subquery.position);
  }
  if (subquery.use == SubqueryUse::kScalar &&
      subquery.plan->schema[0].type.kind == TypeKind::kNull) {  // as PostgreSQL types it
    subquery.plan = make_project(subquery.plan, {make_literal(std::monostate{}, Type::string())},
                                 subquery.plan->schema.names());
  }
  subquery.type = subquery.use == SubqueryUse::kScalar ? subquery.plan->schema[0].type.as_nullable()
                                                       : Type::boolean();
  ExprRef value = make_outer(level->id, level->pending.size(), subquery.type);
  level->pending.push_back(std::move(subquery));
  return value;
}

Result<ExprRef> ExprBinder::bind_subquery(const sql::Subquery& subquery, size_t position) {
  PendingSubquery pending;
  pending.position = position;
  switch (subquery.kind) {
    case sql::SubqueryKind::kScalar:
      pending.use = SubqueryUse::kScalar;
      break;
    case sql::SubqueryKind::kExists:
      pending.use = SubqueryUse::kExists;
      break;
    case sql::SubqueryKind::kArray:
      return bind_array_query(*subquery.query, position);
    case sql::SubqueryKind::kMultiset:
      return unsupported("MULTISET(query)", position);
  }
  return add_subquery(*subquery.query, std::move(pending));
}

Result<ExprRef> ExprBinder::bind_array_query(const sql::Query& query, size_t position) {
  const AggregateFunction* gather = find_aggregate("ARRAY_AGG");
  if (queries_ == nullptr || gather == nullptr) {
    return unsupported("ARRAY(query)", position);
  }
  BoundSelect rows = TRY(queries_->bind_subquery(query, scope_));
  size_t columns = rows.plan->schema.size() - rows.hidden;
  if (columns != 1) {
    return Status::invalid_argument(
               fmt::format("this subquery must have 1 column, but has {}", columns))
        .with_position(position);
  }
  AggregateCall call;
  call.kind = gather->kind;
  call.name = gather->name;
  call.input_type = rows.plan->schema[0].type;
  call.result_type = TRY(aggregate_result_type(*gather, call.input_type));
  call.order = std::move(rows.order);
  call.ignore_nulls = false;
  PendingSubquery pending;
  pending.position = position;
  pending.plan = make_aggregate(rows.plan, {}, {call});
  ExprRef value = TRY(push_subquery(std::move(pending)));
  ExprRef empty = make_literal(pack_array(Column(call.input_type)), call.result_type);
  return make_case({{make_call("IS NOT NULL", {value}), value}}, empty, call.result_type);
}

Result<ExprRef> ExprBinder::bind_in_query(const sql::InQuery& in, size_t position) {
  PendingSubquery pending;
  pending.use = SubqueryUse::kIn;
  pending.position = position;
  for (const sql::Expr* field : fields_of(*in.operand)) {
    pending.operands.push_back(TRY(bind(*field)));
  }
  ExprRef result = TRY(add_subquery(*in.query, std::move(pending)));
  return in.negated ? call("NOT", {result}, position) : Result<ExprRef>(result);
}

Result<ExprRef> ExprBinder::bind_quantified(const sql::Quantified& quantified, size_t position) {
  const auto* query = std::get_if<sql::QueryPtr>(&quantified.right);
  if (query == nullptr) {
    return bind_array_quantified(quantified, position);
  }
  PendingSubquery pending;
  pending.position = position;
  pending.op = quantified.op;
  pending.all = quantified.all;
  for (const sql::Expr* field : fields_of(*quantified.left)) {
    pending.operands.push_back(TRY(bind(*field)));
  }
  bool in = quantified.op == sql::BinaryOperator::kEqual && !quantified.all;
  bool not_in = quantified.op == sql::BinaryOperator::kNotEqual && quantified.all;
  pending.use = in || not_in ? SubqueryUse::kIn : SubqueryUse::kQuantified;
  ExprRef result = TRY(add_subquery(**query, std::move(pending)));
  return not_in ? call("NOT", {result}, position) : Result<ExprRef>(result);
}

// (a, b) op (c, d): equal when all fields are, ordered by the first fields that differ.
Result<ExprRef> ExprBinder::compare_rows(sql::BinaryOperator op, const sql::Expr& left,
                                         const sql::Expr& right, size_t position) {
  std::vector<const sql::Expr*> a = fields_of(left), b = fields_of(right);
  if (is_row(left) != is_row(right) || a.size() != b.size()) {
    return Status::invalid_argument(
               fmt::format("row values of different lengths: {} and {}", a.size(), b.size()))
        .with_position(position);
  }
  std::vector<std::pair<ExprRef, ExprRef>> pairs;
  for (size_t i = 0; i < a.size(); ++i) {
    pairs.emplace_back(TRY(bind(*a[i])), TRY(bind(*b[i])));
  }
  return compare_fields(op, pairs, position);
}

Result<ExprRef> ExprBinder::compare_fields(sql::BinaryOperator op,
                                           std::span<const std::pair<ExprRef, ExprRef>> pairs,
                                           size_t position) {
  using enum sql::BinaryOperator;
  auto each = [&](std::string_view name) -> Result<std::vector<ExprRef>> {
    std::vector<ExprRef> parts;
    for (const auto& [x, y] : pairs) {
      parts.push_back(TRY(call(name, {x, y}, position)));
    }
    return parts;
  };
  switch (op) {
    case kEqual:
      return make_and(TRY(each("=")));
    case kNotEqual:
      return make_or(TRY(each("<>")));
    case kIsDistinctFrom:
      return make_or(TRY(each("IS DISTINCT FROM")));
    case kIsNotDistinctFrom:
      return make_and(TRY(each("IS NOT DISTINCT FROM")));
    case kLess:
    case kLessEqual:
    case kGreater:
    case kGreaterEqual:
      break;
    default:
      return unsupported("this operator over row values", position);
  }
  bool less = op == kLess || op == kLessEqual;
  std::string_view strict = less ? "<" : ">";
  std::string_view last = op == kLess ? "<" : op == kLessEqual ? "<=" : op == kGreater ? ">" : ">=";
  ExprRef result = TRY(call(last, {pairs.back().first, pairs.back().second}, position));
  for (size_t i = pairs.size() - 1; i-- > 0;) {
    ExprRef differs = TRY(call(strict, {pairs[i].first, pairs[i].second}, position));
    ExprRef same = TRY(call("=", {pairs[i].first, pairs[i].second}, position));
    result = make_or({differs, make_and({same, result})});
  }
  return result;
}

}  // namespace tidemark
