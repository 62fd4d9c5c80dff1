// What an expression of SQL text contains, outside the queries in it.

#include "base/ascii.h"
#include "base/overloaded.h"
#include "plan/bind/bind_expr.h"

namespace tidemark {

namespace {

using Test = bool (*)(const sql::Expr&);

bool contains(const sql::Expr& expr, Test test) {
  if (test(expr)) {
    return true;
  }
  auto in = [&](const sql::ExprPtr& expression) {
    return expression != nullptr && contains(*expression, test);
  };
  auto any_of = [&](const std::vector<sql::Expr>& expressions) {
    for (const sql::Expr& expression : expressions) {
      if (contains(expression, test)) {
        return true;
      }
    }
    return false;
  };
  auto leaf = [](const auto&) { return false; };
  return std::visit(
      Overloaded{
          [&](const sql::NullLiteral& x) { return leaf(x); },
          [&](const sql::BooleanLiteral& x) { return leaf(x); },
          [&](const sql::NumberLiteral& x) { return leaf(x); },
          [&](const sql::StringLiteral& x) { return leaf(x); },
          [&](const sql::BytesLiteral& x) { return leaf(x); },
          [&](const sql::DatetimeLiteral& x) { return leaf(x); },
          [&](const sql::IntervalLiteral& x) { return leaf(x); },
          [&](const sql::Parameter& x) { return leaf(x); },
          [&](const sql::ColumnRef& x) { return leaf(x); },
          [&](const sql::Star& x) { return leaf(x); },
          [&](const sql::Symbol& x) { return leaf(x); },
          [&](const sql::UnaryOp& x) { return in(x.operand); },
          [&](const sql::BinaryOp& x) { return in(x.left) || in(x.right); },
          [&](const sql::Is& x) { return in(x.operand); },
          [&](const sql::Between& x) { return in(x.operand) || in(x.low) || in(x.high); },
          [&](const sql::InList& x) { return in(x.operand) || any_of(x.items); },
          [&](const sql::InQuery& x) { return in(x.operand); },
          [&](const sql::Like& x) { return in(x.operand) || in(x.pattern) || in(x.escape); },
          [&](const sql::Subquery& x) { return leaf(x); },
          [&](const sql::Quantified& x) {
            const auto* array = std::get_if<sql::ExprPtr>(&x.right);
            return in(x.left) || (array != nullptr && in(*array));
          },
          [&](const sql::Case& x) {
            bool found = in(x.operand) || in(x.otherwise);
            for (const sql::CaseBranch& branch : x.branches) {
              found = found || in(branch.when) || in(branch.then);
            }
            return found;
          },
          [&](const sql::Cast& x) { return in(x.operand); },
          [&](const sql::AtTimeZone& x) { return in(x.operand) || in(x.zone); },
          [&](const sql::RowConstructor& x) { return any_of(x.fields); },
          [&](const sql::ArrayConstructor& x) { return any_of(x.elements); },
          [&](const sql::MapConstructor& x) { return any_of(x.entries); },
          [&](const sql::Subscript& x) { return in(x.base) || in(x.index); },
          [&](const sql::FieldAccess& x) { return in(x.base); },
          [&](const sql::FunctionCall& x) {
            bool found = any_of(x.args) || in(x.filter);
            for (const auto* order : {&x.order_by, &x.within_group}) {
              for (const sql::OrderItem& item : *order) {
                found = found || in(item.expr);
              }
            }
            if (x.over) {
              found = found || any_of(x.over->partition_by);
              for (const sql::OrderItem& item : x.over->order_by) {
                found = found || in(item.expr);
              }
            }
            return found;
          },
          [&](const sql::NamedArgument& x) { return in(x.value); },
          [&](const sql::TypeArgument& x) { return leaf(x); },
          [&](const sql::TableArgument& x) { return leaf(x); },
          [&](const sql::Descriptor& x) { return leaf(x); },
      },
      expr.node);
}

}  // namespace

bool is_grouping_function(std::string_view name) {
  return name == "GROUPING" || name == "GROUPING_ID" || name == "GROUP_ID";
}

bool contains_aggregate(const sql::Expr& expr) {
  return contains(expr, [](const sql::Expr& node) {
    const auto* call = std::get_if<sql::FunctionCall>(&node.node);
    return call != nullptr && !call->over &&
           (find_aggregate(call->name.last()) != nullptr ||
            is_grouping_function(ascii_upper(call->name.last())) ||
            is_json_aggregate(ascii_upper(call->name.last())));
  });
}

bool contains_window(const sql::Expr& expr) {
  return contains(expr, [](const sql::Expr& node) {
    const auto* call = std::get_if<sql::FunctionCall>(&node.node);
    return call != nullptr && call->over;
  });
}

bool contains_set(const sql::Expr& expr) {
  return contains(expr, [](const sql::Expr& node) {
    const auto* call = std::get_if<sql::FunctionCall>(&node.node);
    const Function* function = call == nullptr ? nullptr : find_function(call->name.last());
    return function != nullptr && function->gives_rows;
  });
}

bool contains_subquery(const sql::Expr& expr) {
  return contains(expr, [](const sql::Expr& node) {
    const auto* quantified = std::get_if<sql::Quantified>(&node.node);
    return std::holds_alternative<sql::Subquery>(node.node) ||
           std::holds_alternative<sql::InQuery>(node.node) ||
           (quantified != nullptr && std::holds_alternative<sql::QueryPtr>(quantified->right));
  });
}

}  // namespace tidemark
