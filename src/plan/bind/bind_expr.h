#pragma once
// Expressions of SQL text to typed expressions.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "expr/expr.h"
#include "plan/bind/scope.h"
#include "plan/logical.h"
#include "sql/ast_expr.h"

namespace tidemark {

// Collects the aggregate calls of one SELECT. What they read is computed below the aggregation, in
// one projection: the group expressions first, then arguments and filters.
struct AggregateBuilder {
  std::vector<ExprRef> group;        // over the input's scope
  std::vector<ExprRef> below;        // group, then arguments and filters
  std::vector<AggregateCall> calls;  // columns index `below`

  explicit AggregateBuilder(std::vector<ExprRef> group_expressions)
      : group(group_expressions), below(std::move(group_expressions)) {}
  // The column of `below` with this expression, added if it is new.
  size_t add_below(ExprRef expression);
  // The column of the aggregation's output that holds the call's result.
  size_t add_call(AggregateCall call);
};

class ExprBinder {
 public:
  // zone: the session's, for literals with a time zone.
  ExprBinder(const Scope& scope, std::string zone) : scope_(scope), zone_(std::move(zone)) {}

  // From here on expressions are bound over the aggregation's output.
  void use_aggregates(AggregateBuilder* builder) { aggregates_ = builder; }
  // Why an aggregate may not stand here: "WHERE". Without a builder, aggregates are errors naming
  // it.
  void set_clause(std::string clause) { clause_ = std::move(clause); }

  Result<ExprRef> bind(const sql::Expr& expr);
  Result<ExprRef> bind_boolean(const sql::Expr& expr, std::string_view clause);
  // Casts implicitly, or says what does not fit.
  static Result<ExprRef> coerce(ExprRef expr, const Type& type, size_t position);
  static Result<ExprRef> call(std::string_view function, std::vector<ExprRef> arguments,
                              size_t position);

 private:
  Result<ExprRef> bind_node(const sql::Expr& expr);
  Result<ExprRef> bind_column(const sql::ColumnRef& column, size_t position);
  Result<ExprRef> bind_number(const sql::NumberLiteral& number, size_t position);
  Result<ExprRef> bind_datetime(const sql::DatetimeLiteral& literal, size_t position);
  Result<ExprRef> bind_unary(const sql::UnaryOp& unary, size_t position);
  Result<ExprRef> bind_binary(const sql::BinaryOp& binary, size_t position);
  Result<ExprRef> bind_is(const sql::Is& is, size_t position);
  Result<ExprRef> bind_between(const sql::Between& between, size_t position);
  Result<ExprRef> bind_in(const sql::InList& in, size_t position);
  Result<ExprRef> bind_like(const sql::Like& like, size_t position);
  Result<ExprRef> bind_case(const sql::Case& cases, size_t position);
  Result<ExprRef> bind_cast(const sql::Cast& cast, size_t position);
  Result<ExprRef> bind_call(const sql::FunctionCall& call, size_t position);
  Result<ExprRef> bind_conditional(const std::string& name, const sql::FunctionCall& call,
                                   size_t position);
  Result<ExprRef> bind_aggregate(const AggregateFunction& function, const sql::FunctionCall& call,
                                 size_t position);
  Result<ExprRef> bind_array(const sql::ArrayConstructor& array, size_t position);
  Result<std::vector<ExprRef>> bind_all(const std::vector<sql::Expr>& expressions);

  const Scope& scope_;
  std::string zone_;
  std::string clause_ = "this place";
  AggregateBuilder* aggregates_ = nullptr;
};

bool contains_aggregate(const sql::Expr& expr);
// INTERVAL '1 10:00' DAY TO SECOND and Postgres's INTERVAL '5 minutes' as a literal.
Result<ExprRef> bind_interval(const sql::IntervalLiteral& literal, size_t position);

}  // namespace tidemark
