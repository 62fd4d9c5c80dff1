// VALUES, UNION, INTERSECT, EXCEPT.

#include "expr/cast.h"
#include "expr/eval.h"
#include "plan/bind/query_binder.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

// Brings rows or inputs of several queries to common types, column by column.
Result<std::vector<Type>> common_types(const std::vector<std::vector<Type>>& inputs,
                                       size_t position, std::string_view what) {
  std::vector<Type> types = inputs[0];
  for (const std::vector<Type>& input : inputs) {
    if (input.size() != types.size()) {
      return Status::invalid_argument(fmt::format("{} of different lengths: {} and {} columns",
                                                  what, types.size(), input.size()))
          .with_position(position);
    }
    for (size_t c = 0; c < types.size(); ++c) {
      Result<Type> common = common_type(types[c], input[c]);
      if (!common.ok()) {
        return common.status()
            .with_context(fmt::format("column {} of {}", c + 1, what))
            .with_position(position);
      }
      types[c] = *common;
    }
  }
  for (Type& type : types) {
    type = type.kind == TypeKind::kNull ? Type::string() : type;
  }
  return types;
}

}  // namespace

Result<PlanRef> QueryBinder::bind_values(const sql::Values& values, size_t position) {
  Scope none;
  none.id = next_scope_id();
  none.outer = outer_;
  ExprBinder binder(none, context_);
  binder.set_clause("VALUES");
  std::vector<std::vector<ExprRef>> rows;
  std::vector<std::vector<Type>> row_types;
  std::vector<SubqueryLevel> subqueries(values.rows.size());
  for (size_t r = 0; r < values.rows.size(); ++r) {
    subqueries[r].id = next_scope_id();
    binder.use_subqueries(this, &subqueries[r], nullptr);
    rows.emplace_back();
    row_types.emplace_back();
    for (const sql::Expr& value : values.rows[r]) {
      rows.back().push_back(TRY(binder.bind(value)));
      row_types.back().push_back(rows.back().back()->type);
    }
  }
  std::vector<Type> types = TRY(common_types(row_types, position, "VALUES rows"));
  Schema schema;
  bool is_constant = true;
  for (size_t c = 0; c < types.size(); ++c) {
    schema.fields.push_back({fmt::format("EXPR${}", c), types[c]});
    for (size_t r = 0; r < rows.size(); ++r) {
      rows[r][c] = TRY(ExprBinder::coerce(rows[r][c], types[c], values.rows[r][c].position));
      for_each_outer(*rows[r][c], [&](const OuterExpr&) { is_constant = false; });
    }
  }
  return is_constant ? constant_rows(std::move(schema), rows, values)
                     : computed_rows(schema, std::move(rows), subqueries, none);
}

Result<PlanRef> QueryBinder::constant_rows(Schema schema,
                                           const std::vector<std::vector<ExprRef>>& rows,
                                           const sql::Values& values) const {
  std::vector<Column> columns = make_columns(schema);
  EvalContext eval;
  eval.zone = context_.zone;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < columns.size(); ++c) {
      Result<Value> value = evaluate_constant(*rows[r][c], eval);
      if (!value.ok()) {
        return value.status().with_position(values.rows[r][c].position);
      }
      columns[c].append_value(*value);
    }
  }
  return make_values(std::move(schema), to_batch(std::move(columns)));
}

// Rows with subqueries, or of columns of enclosing queries: each a row of its own.
Result<PlanRef> QueryBinder::computed_rows(const Schema& schema,
                                           std::vector<std::vector<ExprRef>> rows,
                                           const std::vector<SubqueryLevel>& subqueries,
                                           const Scope& scope) {
  std::vector<PlanRef> inputs;
  for (size_t r = 0; r < rows.size(); ++r) {
    RowBatch one;
    one.rows = 1;
    PlanRef plan = make_values({}, std::move(one));
    TRY(apply_subqueries(plan, subqueries[r], scope, {}, addresses(rows[r])));
    inputs.push_back(make_project(plan, std::move(rows[r]), schema.names()));
  }
  return inputs.size() == 1 ? inputs[0] : make_union(std::move(inputs));
}

Result<PlanRef> QueryBinder::bind_set_operation(const sql::SetOperation& operation,
                                                size_t position) {
  std::string_view what = operation.op == sql::SetOperator::kUnion       ? "UNION inputs"
                          : operation.op == sql::SetOperator::kIntersect ? "INTERSECT inputs"
                                                                         : "EXCEPT inputs";
  std::vector<PlanRef> inputs;
  std::vector<std::vector<Type>> input_types;
  for (const sql::QueryPtr* side : {&operation.left, &operation.right}) {
    BoundSelect bound = TRY(bind(**side));
    PlanRef plan = bound.visible();
    input_types.push_back(plan->schema.types());
    inputs.push_back(std::move(plan));
  }
  std::vector<Type> types = TRY(common_types(input_types, position, what));
  std::vector<std::string> names = inputs[0]->schema.names();
  names.resize(types.size());
  for (PlanRef& input : inputs) {
    std::vector<ExprRef> columns;
    for (size_t c = 0; c < types.size(); ++c) {
      columns.push_back(
          TRY(ExprBinder::coerce(make_column(c, input->schema[c].type), types[c], position)));
    }
    input = make_project(input, std::move(columns), names);
  }
  if (operation.op != sql::SetOperator::kUnion) {
    return make_set_difference(
        {inputs[0], inputs[1], operation.op == sql::SetOperator::kIntersect, operation.all});
  }
  PlanRef plan = make_union(std::move(inputs));
  return operation.all ? plan : make_distinct(plan);
}

}  // namespace tidemark
