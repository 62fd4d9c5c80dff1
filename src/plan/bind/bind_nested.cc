// The part of ExprBinder for names, and for what is in ARRAY, MAP and ROW values, and comparison
// with their elements.

#include "plan/bind/query_binder.h"
#include "types/nested.h"

namespace tidemark {

// A chain of names is a column, or fields of one.
Result<ExprRef> ExprBinder::bind_column(const sql::ColumnRef& column, size_t position) {
  Result<ExprRef> found = scope_.resolve(column.name);
  if (found.ok() || column.name.parts.size() == 1) {
    return found;
  }
  sql::ColumnRef base = column;
  base.name.parts.pop_back();
  Result<ExprRef> row = bind_column(base, position);
  return row.ok() && (*row)->type.kind == TypeKind::kRow
             ? bind_field(std::move(row).value(), column.name.parts.back())
             : std::move(found);
}

Result<ExprRef> ExprBinder::bind_field(ExprRef row, const sql::Identifier& field) {
  if (row->type.kind != TypeKind::kRow) {
    return Status::invalid_argument(fmt::format("a value of {} has no field {}",
                                                row->type.to_string_without_null(), field.text))
        .with_position(field.position);
  }
  const Type type = row->type;
  for (size_t i = 0; i < type.children.size(); ++i) {
    if (type.field_names[i] != field.text) {
      continue;
    }
    const Function* function = find_function("FIELD");
    Type place = Type::integer().not_null();
    BoundFunction bound = TRY(function->bind(std::vector<Type>{type, place}));
    bound.result = type.children[i].as_nullable();
    Type result = bound.result;
    return std::make_shared<const Expr>(
        Expr{std::move(result),
             CallExpr{function,
                      std::move(bound),
                      {std::move(row), make_literal(static_cast<int32_t>(i), place)}}});
  }
  return Status::not_found(fmt::format("no such field: {}", field.text))
      .with_hint(fmt::format("the value is {}", type.to_string_without_null()))
      .with_position(field.position);
}

Result<ExprRef> ExprBinder::bind_array(const sql::ArrayConstructor& array, size_t position) {
  if (array.elements.empty()) {
    return make_literal(pack_array(Column(Type::null())), Type::array(Type::null()));
  }
  return call("ARRAY[]", TRY(bind_all(array.elements)), position);
}

// left op ANY (array): the element for which the comparison is TRUE, else unknown, else FALSE; ALL
// is the opposite of the opposite.
Result<ExprRef> ExprBinder::bind_array_quantified(const sql::Quantified& quantified,
                                                  size_t position) {
  using enum sql::BinaryOperator;
  std::string_view name = quantified.op == kEqual       ? "= ANY"
                          : quantified.op == kNotEqual  ? "<> ANY"
                          : quantified.op == kLess      ? "< ANY"
                          : quantified.op == kLessEqual ? "<= ANY"
                          : quantified.op == kGreater   ? "> ANY"
                                                        : ">= ANY";
  if (quantified.all) {
    name = quantified.op == kEqual       ? "<> ANY"
           : quantified.op == kNotEqual  ? "= ANY"
           : quantified.op == kLess      ? ">= ANY"
           : quantified.op == kLessEqual ? "> ANY"
           : quantified.op == kGreater   ? "<= ANY"
                                         : "< ANY";
  }
  ExprRef left = TRY(bind(*quantified.left));
  const sql::Expr& right = *std::get<sql::ExprPtr>(quantified.right);
  ExprRef array = TRY(bind_as(right, Type::array(left->type.as_nullable())));
  if (array->type.kind == TypeKind::kNull) {
    return make_literal(std::monostate{}, Type::boolean());
  }
  if (array->type.kind != TypeKind::kArray) {
    return Status::invalid_argument("ANY and ALL take an array or a query")
        .with_sqlstate("42809")
        .with_position(right.position);
  }
  ExprRef any = TRY(call(name, {left, array}, position));
  return quantified.all ? call("NOT", {any}, position) : Result<ExprRef>(any);
}

}  // namespace tidemark
