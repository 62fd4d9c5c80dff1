// The part of ExprBinder for $1, $2, ...: an open type is taken from where the parameter stands.

#include <fmt/core.h>

#include "plan/bind/bind_expr.h"
#include "plan/bind/bind_query.h"
#include "plan/bind/parameters.h"

namespace tidemark {

namespace {

// What a client is asked for where a value of `type` stands: without the limits of one column.
Type parameter_type(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNull:
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      return Type::string();
    case TypeKind::kBinary:
    case TypeKind::kVarbinary:
      return Type::bytes();
    case TypeKind::kTinyint:
      return Type::of(TypeKind::kSmallint);
    case TypeKind::kDecimal:
      return Type::decimal(kDecimalPrecisionMax, 18);  // as type_of_pg takes a plain NUMERIC
    case TypeKind::kTime:
      return Type::time(6);
    case TypeKind::kTimestamp:
      return Type::timestamp();
    case TypeKind::kTimestampLtz:
      return Type::timestamp_ltz();
    default:
      return type.as_nullable();
  }
}

constexpr uint32_t kExecution = UINT32_MAX;  // as a scope; queries count theirs from 0

}  // namespace

ExprRef make_open_parameter(uint32_t index, Type type) {
  return make_outer(kExecution, index, std::move(type));
}

bool is_open_parameter(const Expr& expr) {
  const auto* outer = std::get_if<OuterExpr>(&expr.node);
  return outer != nullptr && outer->scope == kExecution;
}

const Parameters::Parameter* Parameters::find_open(const Expr& expr) const {
  size_t index = is_open_parameter(expr) ? std::get<OuterExpr>(expr.node).index : 0;
  return index == 0 || index > all_.size() ? nullptr : &all_[index - 1];
}

ExprRef Parameters::values_in(const ExprRef& expr) const {
  return substitute_outer(expr, [&](const OuterExpr& outer, const Type& type) -> ExprRef {
    bool is_known = outer.scope == kExecution && outer.index >= 1 && outer.index <= all_.size();
    return is_known ? make_literal(all_[outer.index - 1].value, type) : nullptr;
  });
}

ExprBinder::ExprBinder(const Scope& scope, const BindContext& context)
    : scope_(scope), context_(context), zone_(context.zone) {}

bool ExprBinder::is_untyped_parameter(const sql::Expr& expr) const {
  const auto* parameter = std::get_if<sql::Parameter>(&expr.node);
  return parameter != nullptr && context_.parameters != nullptr && parameter->index >= 1 &&
         parameter->index <= kParametersMax &&
         context_.parameters->at(parameter->index).type.kind == TypeKind::kNull;
}

Result<ExprRef> ExprBinder::bind_parameter(const sql::Parameter& parameter, size_t position) {
  if (function_ != nullptr && parameter.index >= 1 && parameter.index <= function_->schema.size()) {
    return make_column(parameter.index - 1, function_->schema[parameter.index - 1].type);
  }
  if (context_.parameters == nullptr || parameter.index < 1 || parameter.index > kParametersMax) {
    return Status::invalid_argument(fmt::format("there is no parameter ${}", parameter.index))
        .with_sqlstate("42P02")
        .with_position(position);
  }
  Parameters::Parameter& known = context_.parameters->at(parameter.index);
  if (known.type.kind == TypeKind::kNull) {
    known.type = Type::string();
  }
  if (!known.has_value && context_.parameters->is_open()) {
    return make_open_parameter(parameter.index, known.type);
  }
  return make_literal(known.has_value ? known.value : Value(std::monostate{}), known.type);
}

Result<ExprRef> ExprBinder::bind_as(const sql::Expr& expr, const Type& type) {
  if (is_untyped_parameter(expr)) {
    context_.parameters->at(std::get<sql::Parameter>(expr.node).index).type = parameter_type(type);
  }
  return bind(expr);
}

namespace {

// c.oid = '16385': PostgreSQL's clients write numbers of its catalog as text. Elsewhere text is not
// taken for a number.
void compare_with_catalog_numbers(std::vector<ExprRef>& sides) {
  if (sides.size() != 2) {
    return;
  }
  for (size_t i : {0, 1}) {
    const Type& number = sides[i]->type;
    ExprRef& other = sides[1 - i];
    const auto* literal = std::get_if<LiteralExpr>(&other->node);
    const auto* text = literal != nullptr ? std::get_if<std::string>(&literal->value) : nullptr;
    bool is_number = text != nullptr && !text->empty() && text->size() < 11 &&
                     text->find_first_not_of("0123456789") == std::string::npos;
    if (number.wire_oid != 0 && number.kind == TypeKind::kBigint && is_number) {
      other = make_literal(static_cast<int64_t>(std::stoll(*text)), number.not_null());
    }
  }
}

}  // namespace

Result<std::vector<ExprRef>> ExprBinder::bind_arguments(
    std::string_view function, std::span<const sql::Expr* const> arguments) {
  std::vector<ExprRef> bound(arguments.size());
  std::vector<Type> types(arguments.size(), Type::null());
  bool is_open = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (is_untyped_parameter(*arguments[i])) {
      is_open = true;
    } else {
      bound[i] = TRY(bind(*arguments[i]));
      types[i] = bound[i]->type;
    }
  }
  if (!is_open) {
    compare_with_catalog_numbers(bound);
    return bound;
  }
  const Function* found = find_function(function);
  Result<BoundFunction> chosen =
      found != nullptr ? found->bind(types) : Result<BoundFunction>(Status::not_found("none"));
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (bound[i] == nullptr) {
      bool is_known = chosen.ok() && i < chosen->arguments.size();
      bound[i] = TRY(bind_as(*arguments[i], is_known ? chosen->arguments[i] : Type::null()));
    }
  }
  return bound;
}

Result<ExprRef> ExprBinder::call_over(std::string_view function,
                                      std::vector<const sql::Expr*> arguments, size_t position) {
  return call(function, TRY(bind_arguments(function, arguments)), position);
}

}  // namespace tidemark
