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
  ExprBinder binder(none, context_);
  binder.set_clause("VALUES");
  std::vector<std::vector<ExprRef>> rows;
  std::vector<std::vector<Type>> row_types;
  for (const std::vector<sql::Expr>& row : values.rows) {
    std::vector<ExprRef> bound;
    std::vector<Type> types;
    for (const sql::Expr& value : row) {
      bound.push_back(TRY(binder.bind(value)));
      types.push_back(bound.back()->type);
    }
    rows.push_back(std::move(bound));
    row_types.push_back(std::move(types));
  }
  std::vector<Type> types = TRY(common_types(row_types, position, "VALUES rows"));
  Schema schema;
  for (size_t c = 0; c < types.size(); ++c) {
    schema.fields.push_back({fmt::format("EXPR${}", c), types[c]});
  }
  std::vector<Column> columns = make_columns(schema);
  EvalContext eval;
  eval.zone = context_.zone;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < types.size(); ++c) {
      ExprRef converted = TRY(ExprBinder::coerce(rows[r][c], types[c], values.rows[r][c].position));
      Result<Value> value = evaluate_constant(*converted, eval);
      if (!value.ok()) {
        return value.status().with_position(values.rows[r][c].position);
      }
      columns[c].append_value(*value);
    }
  }
  return make_values(std::move(schema), to_batch(std::move(columns)));
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
