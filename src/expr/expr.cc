#include "expr/expr.h"

#include <cstring>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "expr/cast_rules.h"
#include "types/text.h"

namespace tidemark {

namespace {

ExprRef make(Type type, auto node) {
  return std::make_shared<const Expr>(Expr{std::move(type), std::move(node)});
}

// NaN is the same as NaN here, and -0 is not the same as 0.
bool same_literal(const Value& a, const Value& b) {
  auto same_bits = [](auto x, auto y) { return std::memcmp(&x, &y, sizeof(x)) == 0; };
  if (a.index() != b.index()) {
    return false;
  }
  if (const double* number = std::get_if<double>(&a)) {
    return same_bits(*number, std::get<double>(b));
  }
  if (const float* number = std::get_if<float>(&a)) {
    return same_bits(*number, std::get<float>(b));
  }
  return a == b;
}

// Rebuilds the expression with every child mapped.
template <typename F>
ExprRef map_children(const ExprRef& expr, F&& f) {
  return std::visit(Overloaded{
                        [&](const ColumnExpr&) { return expr; },
                        [&](const LiteralExpr&) { return expr; },
                        [&](const OuterExpr&) { return expr; },
                        [&](const CallExpr& call) {
                          CallExpr copy = call;
                          for (ExprRef& argument : copy.arguments) {
                            argument = f(argument);
                          }
                          return make(expr->type, std::move(copy));
                        },
                        [&](const LogicExpr& logic) {
                          LogicExpr copy = logic;
                          for (ExprRef& condition : copy.conditions) {
                            condition = f(condition);
                          }
                          return make(expr->type, std::move(copy));
                        },
                        [&](const CaseExpr& cases) {
                          CaseExpr copy = cases;
                          for (auto& [condition, result] : copy.branches) {
                            condition = f(condition);
                            result = f(result);
                          }
                          copy.otherwise = f(copy.otherwise);
                          return make(expr->type, std::move(copy));
                        },
                        [&](const CastExpr& cast) {
                          return make(expr->type, CastExpr{f(cast.input), cast.is_try});
                        },
                    },
                    expr->node);
}

template <typename F>
void for_each_child(const Expr& expr, F&& f) {
  std::visit(Overloaded{
                 [&](const ColumnExpr&) {},
                 [&](const LiteralExpr&) {},
                 [&](const OuterExpr&) {},
                 [&](const CallExpr& call) {
                   for (const ExprRef& argument : call.arguments) {
                     f(*argument);
                   }
                 },
                 [&](const LogicExpr& logic) {
                   for (const ExprRef& condition : logic.conditions) {
                     f(*condition);
                   }
                 },
                 [&](const CaseExpr& cases) {
                   for (const auto& [condition, result] : cases.branches) {
                     f(*condition);
                     f(*result);
                   }
                   f(*cases.otherwise);
                 },
                 [&](const CastExpr& cast) { f(*cast.input); },
             },
             expr.node);
}

}  // namespace

ExprRef make_column(size_t index, Type type) {
  return make(std::move(type), ColumnExpr{index});
}

ExprRef make_literal(Value value, Type type) {
  type.nullable = std::holds_alternative<std::monostate>(value);
  return make(std::move(type), LiteralExpr{std::move(value)});
}

ExprRef make_cast(ExprRef input, Type type, bool is_try) {
  if (input->type.same_as(type)) {
    return input;
  }
  type.nullable = input->type.nullable || is_try;
  return make(std::move(type), CastExpr{std::move(input), is_try});
}

ExprRef make_outer(uint32_t scope, size_t index, Type type) {
  return make(std::move(type), OuterExpr{scope, index});
}

ExprRef make_and(std::vector<ExprRef> conditions) {
  if (conditions.empty()) {
    return make_literal(true, Type::boolean());
  }
  if (conditions.size() == 1) {
    return conditions[0];
  }
  return make(Type::boolean(), LogicExpr{true, std::move(conditions)});
}

ExprRef make_or(std::vector<ExprRef> conditions) {
  CHECK(!conditions.empty());
  if (conditions.size() == 1) {
    return conditions[0];
  }
  return make(Type::boolean(), LogicExpr{false, std::move(conditions)});
}

ExprRef make_case(std::vector<std::pair<ExprRef, ExprRef>> branches, ExprRef otherwise, Type type) {
  for (auto& [condition, result] : branches) {
    result = make_cast(result, type);
  }
  otherwise = make_cast(otherwise, type);
  return make(type.as_nullable(), CaseExpr{std::move(branches), std::move(otherwise)});
}

ExprRef make_call(const Function* function, BoundFunction bound, std::vector<ExprRef> arguments) {
  if (bound.can_fail && bound.never_fails != nullptr) {
    std::vector<const Value*> literals;
    for (const ExprRef& argument : arguments) {
      const auto* literal = std::get_if<LiteralExpr>(&without_relabelling(argument)->node);
      literals.push_back(literal != nullptr ? &literal->value : nullptr);
    }
    bound.can_fail = !bound.never_fails(literals);
  }
  Type type = bound.result;
  return make(std::move(type), CallExpr{function, std::move(bound), std::move(arguments)});
}

ExprRef make_call(std::string_view name, std::vector<ExprRef> arguments) {
  const Function* function = find_function(name);
  CHECK(function != nullptr);
  std::vector<Type> types;
  for (const ExprRef& argument : arguments) {
    types.push_back(argument->type);
  }
  Result<BoundFunction> bound = function->bind(types);
  CHECK(bound.ok());
  for (size_t i = 0; i < arguments.size(); ++i) {
    arguments[i] = make_cast(arguments[i], bound->arguments[i]);
  }
  return make_call(function, std::move(*bound), std::move(arguments));
}

std::string expr_to_string(const Expr& expr, const std::vector<std::string>& names) {
  auto text = [&](const ExprRef& child) { return expr_to_string(*child, names); };
  return std::visit(
      Overloaded{
          [&](const ColumnExpr& column) {
            return column.index < names.size() ? names[column.index]
                                               : fmt::format("${}", column.index);
          },
          [&](const OuterExpr& outer) {
            return fmt::format("$cor{}.{}", outer.scope, outer.index);
          },
          [&](const LiteralExpr& literal) {
            if (std::holds_alternative<std::monostate>(literal.value)) {
              return std::string("NULL");
            }
            Column column(expr.type);
            column.append_value(literal.value);
            std::string value = text_of(column, 0);
            return expr.type.is_numeric() || expr.type.kind == TypeKind::kBoolean
                       ? value
                       : "'" + value + "'";
          },
          [&](const CallExpr& call) {
            bool is_operator = !std::isalpha(static_cast<unsigned char>(call.function->name[0]));
            if (is_operator && call.arguments.size() == 2) {
              return fmt::format("({} {} {})", text(call.arguments[0]), call.function->name,
                                 text(call.arguments[1]));
            }
            std::string list;
            for (const ExprRef& argument : call.arguments) {
              list += (list.empty() ? "" : ", ") + text(argument);
            }
            return fmt::format("{}({})", call.function->name, list);
          },
          [&](const LogicExpr& logic) {
            std::string list;
            for (const ExprRef& condition : logic.conditions) {
              list += (list.empty() ? "" : logic.is_and ? " AND " : " OR ") + text(condition);
            }
            return "(" + list + ")";
          },
          [&](const CaseExpr& cases) {
            std::string list = "CASE";
            for (const auto& [condition, result] : cases.branches) {
              list += " WHEN " + text(condition) + " THEN " + text(result);
            }
            return list + " ELSE " + text(cases.otherwise) + " END";
          },
          [&](const CastExpr& cast) {
            return fmt::format("{}({} AS {})", cast.is_try ? "TRY_CAST" : "CAST", text(cast.input),
                               expr.type.to_string_without_null());
          },
      },
      expr.node);
}

void collect_columns(const Expr& expr, std::vector<bool>& used) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node)) {
    if (used.size() <= column->index) {
      used.resize(column->index + 1);
    }
    used[column->index] = true;
    return;
  }
  for_each_child(expr, [&](const Expr& child) { collect_columns(child, used); });
}

ExprRef substitute(const ExprRef& expr, const std::vector<ExprRef>& replacements) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr->node)) {
    CHECK(column->index < replacements.size());
    return replacements[column->index];
  }
  return map_children(expr, [&](const ExprRef& child) { return substitute(child, replacements); });
}

ExprRef remap_columns(const ExprRef& expr, const std::vector<size_t>& map) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr->node)) {
    CHECK(column->index < map.size());
    return make_column(map[column->index], expr->type);
  }
  return map_children(expr, [&](const ExprRef& child) { return remap_columns(child, map); });
}

ExprRef substitute_outer(const ExprRef& expr, const OuterReplacement& replace) {
  if (const auto* outer = std::get_if<OuterExpr>(&expr->node)) {
    ExprRef replaced = replace(*outer, expr->type);
    return replaced != nullptr ? replaced : expr;
  }
  bool any = false;
  for_each_outer(*expr, [&](const OuterExpr&) { any = true; });
  return any ? map_children(expr,
                            [&](const ExprRef& child) { return substitute_outer(child, replace); })
             : expr;
}

void for_each_outer(const Expr& expr, const std::function<void(const OuterExpr&)>& f) {
  if (const auto* outer = std::get_if<OuterExpr>(&expr.node)) {
    f(*outer);
    return;
  }
  for_each_child(expr, [&](const Expr& child) { for_each_outer(child, f); });
}

bool has_outer(const Expr& expr, uint32_t scope) {
  bool found = false;
  for_each_outer(expr, [&](const OuterExpr& outer) { found = found || outer.scope == scope; });
  return found;
}

void split_and(const ExprRef& expr, std::vector<ExprRef>& conditions) {
  const auto* logic = std::get_if<LogicExpr>(&expr->node);
  if (logic == nullptr || !logic->is_and) {
    conditions.push_back(expr);
    return;
  }
  for (const ExprRef& condition : logic->conditions) {
    split_and(condition, conditions);
  }
}

const ExprRef& without_relabelling(const ExprRef& expr) {
  const auto* cast = std::get_if<CastExpr>(&expr->node);
  return cast != nullptr && cast_keeps_bytes(cast->input->type, expr->type)
             ? without_relabelling(cast->input)
             : expr;
}

void visit_parts(const Expr& expr, const std::function<void(const Expr&)>& f) {
  for_each_child(expr, f);
}

ExprRef with_parts(const ExprRef& expr, const std::function<ExprRef(const ExprRef&)>& f) {
  return map_children(expr, f);
}

bool can_fail(const Expr& expr) {
  if (const auto* call = std::get_if<CallExpr>(&expr.node)) {
    if (call->bound.can_fail) {
      return true;
    }
  }
  if (const auto* cast = std::get_if<CastExpr>(&expr.node)) {
    if (!cast->is_try && !cast_never_fails(cast->input->type, expr.type)) {
      return true;
    }
  }
  bool fails = false;
  for_each_child(expr, [&](const Expr& child) { fails = fails || can_fail(child); });
  return fails;
}

bool is_deterministic(const Expr& expr) {
  if (const auto* call = std::get_if<CallExpr>(&expr.node)) {
    if (!call->function->deterministic) {
      return false;
    }
  }
  bool deterministic = true;
  for_each_child(
      expr, [&](const Expr& child) { deterministic = deterministic && is_deterministic(child); });
  return deterministic;
}

bool is_literal(const Expr& expr) {
  return std::holds_alternative<LiteralExpr>(expr.node);
}

bool same_expr(const Expr& a, const Expr& b) {
  if (a.node.index() != b.node.index() || !a.type.same_as(b.type)) {
    return false;
  }
  bool same = std::visit(
      Overloaded{
          [&](const ColumnExpr& x) { return x.index == std::get<ColumnExpr>(b.node).index; },
          [&](const OuterExpr& x) {
            const OuterExpr& y = std::get<OuterExpr>(b.node);
            return x.scope == y.scope && x.index == y.index;
          },
          [&](const LiteralExpr& x) {
            return same_literal(x.value, std::get<LiteralExpr>(b.node).value);
          },
          [&](const CallExpr& x) { return x.function == std::get<CallExpr>(b.node).function; },
          [&](const LogicExpr& x) { return x.is_and == std::get<LogicExpr>(b.node).is_and; },
          [&](const CaseExpr&) { return true; },
          [&](const CastExpr& x) { return x.is_try == std::get<CastExpr>(b.node).is_try; },
      },
      a.node);
  std::vector<const Expr*> children_a, children_b;
  for_each_child(a, [&](const Expr& child) { children_a.push_back(&child); });
  for_each_child(b, [&](const Expr& child) { children_b.push_back(&child); });
  if (!same || children_a.size() != children_b.size()) {
    return false;
  }
  for (size_t i = 0; i < children_a.size(); ++i) {
    if (!same_expr(*children_a[i], *children_b[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace tidemark
