#pragma once
// Expressions of SQL text to typed expressions.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "expr/expr.h"
#include "plan/bind/scope.h"
#include "plan/logical.h"
#include "sql/ast_query.h"

namespace tidemark {

// Collects the aggregate calls of one SELECT. What they read is computed below the aggregation, in
// one projection: the group expressions first, then arguments and filters.
struct AggregateBuilder {
  std::vector<ExprRef> group;        // over the input's scope
  std::vector<ExprRef> below;        // group, then arguments and filters
  std::vector<AggregateCall> calls;  // columns index `below`
  // GROUPING SETS, ROLLUP, CUBE: the groupings, each of indexes of `group`. Then the last of
  // `group` stands for the number of a row's grouping, and matches no expression. Empty: GROUP BY
  // all.
  std::vector<std::vector<size_t>> sets;

  void add_group(ExprRef expression);
  // The column of `below` with this expression, added if it is new.
  size_t add_below(ExprRef expression);
  // The column of the aggregation's output that holds the call's result.
  size_t add_call(AggregateCall call);
  // The aggregation's output column of this expression, if it is one of `group`.
  ExprRef find_group(const Expr& expression) const;
};

enum class SubqueryUse : uint8_t { kScalar, kExists, kIn, kQuantified };

// A subquery met in an expression: to be joined to the plan that the expression reads.
struct PendingSubquery {
  SubqueryUse use = SubqueryUse::kScalar;
  PlanRef plan;
  std::vector<ExprRef> operands;  // what IN, ANY and ALL compare with its columns
  sql::BinaryOperator op = sql::BinaryOperator::kEqual;
  bool all = false;  // ALL; otherwise ANY
  Type type;         // of its value
  size_t position = 0;
};

// The subqueries of expressions that are evaluated over the same rows. While these expressions are
// bound, the value of subquery i is OuterExpr{id, i}.
struct SubqueryLevel {
  uint32_t id = 0;
  std::vector<PendingSubquery> pending;
};

// A window function met in an expression: its value is OuterExpr{id of the level, index}.
struct PendingWindow {
  std::optional<RankFunction> rank;  // else `call`, whose columns index `inputs`
  WindowCall call;
  std::vector<ExprRef> inputs;
  std::vector<ExprRef> partition;
  struct Order {
    ExprRef expr;
    bool descending = false;
    bool nulls_first = false;
  };
  std::vector<Order> order;
};
struct WindowLevel {
  uint32_t id = 0;
  const std::vector<sql::NamedWindow>* named = nullptr;
  std::vector<PendingWindow> pending;
  // Where subqueries outside of windows go, which may be compared with the windows' values; null:
  // there are no windows.
  SubqueryLevel* subqueries = nullptr;
};

// The calls in a select list that give rows: an element of collection i is OuterExpr{id, i}.
struct SetLevel {
  uint32_t id = 0;
  std::vector<ExprRef> collections;
};

class QueryBinder;
struct BindContext;

class ExprBinder {
 public:
  // Of the context: the session's zone, for literals with a time zone, and the parameters. It
  // outlives the binder.
  ExprBinder(const Scope& scope, const BindContext& context);

  // Allows subqueries. They are added to `rows`, those of expressions over an aggregation to
  // `groups`.
  void use_subqueries(QueryBinder* binder, SubqueryLevel* rows, SubqueryLevel* groups) {
    queries_ = binder;
    row_level_ = rows;
    group_level_ = groups;
  }

  // Allows window functions, which are added to the level; null: no longer.
  void use_windows(WindowLevel* windows) { windows_ = windows; }

  // Allows functions that give rows, which are added to the level. Without a level they give
  // arrays.
  void use_sets(SetLevel* sets) { sets_ = sets; }
  // From here on they are errors that name the place.
  void refuse_sets(std::string place) { place_without_sets_ = std::move(place); }

  // From here on expressions are bound over the aggregation's output.
  void use_aggregates(AggregateBuilder* builder) { aggregates_ = builder; }
  // What is bound is the body of this function: $1 is its first parameter.
  void use_function(const CatalogObject* function) { function_ = function; }

  // Why an aggregate may not stand here: "WHERE". Without a builder, aggregates are errors naming
  // it.
  void set_clause(std::string clause) { clause_ = std::move(clause); }

  Result<ExprRef> bind(const sql::Expr& expr);
  // The same; a parameter without a type takes this one.
  Result<ExprRef> bind_as(const sql::Expr& expr, const Type& type);
  // An expression over the input as a group column. Error: it is not in GROUP BY.
  Result<ExprRef> over_groups(const ExprRef& expr, const std::string& name, size_t position) const;
  Result<ExprRef> bind_call(const sql::FunctionCall& call, size_t position);
  Result<ExprRef> bind_boolean(const sql::Expr& expr, std::string_view clause);
  // Casts implicitly, or says what does not fit.
  static Result<ExprRef> coerce(ExprRef expr, const Type& type, size_t position);
  static Result<ExprRef> call(std::string_view function, std::vector<ExprRef> arguments,
                              size_t position);
  // (a, b) op (c, d) by their fields a and c, b and d.
  static Result<ExprRef> compare_fields(sql::BinaryOperator op,
                                        std::span<const std::pair<ExprRef, ExprRef>> pairs,
                                        size_t position);

 private:
  Result<ExprRef> bind_node(const sql::Expr& expr);
  // bind_parameter.cc
  Result<ExprRef> bind_parameter(const sql::Parameter& parameter, size_t position);
  bool is_untyped_parameter(const sql::Expr& expr) const;
  // Arguments of a function; parameters without a type take what the function wants there.
  Result<std::vector<ExprRef>> bind_arguments(std::string_view function,
                                              std::span<const sql::Expr* const> arguments);
  Result<ExprRef> call_over(std::string_view function, std::vector<const sql::Expr*> arguments,
                            size_t position);
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
  Result<ExprRef> cast_catalog_number(const ExprRef& operand, const Type& type, size_t position);
  // bind_function.cc. The function in SQL that the name means; null: there is none.
  Result<ObjectRef> find_sql_function(const sql::Name& name) const;
  Result<ExprRef> bind_sql_call(const ObjectRef& function, const sql::FunctionCall& call,
                                size_t position);
  Result<ExprRef> add_set(const std::string& name, ExprRef collection, size_t position);
  // What f binds stands in `place`, where nothing may give rows.
  template <typename F>
  auto without_sets(std::string place, F&& f) {
    SetLevel* sets = std::exchange(sets_, nullptr);
    std::string outer = std::exchange(place_without_sets_, sets ? place : place_without_sets_);
    auto result = f();
    sets_ = sets;
    place_without_sets_ = std::move(outer);
    return result;
  }
  Result<ExprRef> bind_conditional(const std::string& name, const sql::FunctionCall& call,
                                   size_t position);
  Result<ExprRef> bind_aggregate(const AggregateFunction& function, const sql::FunctionCall& call,
                                 size_t position);
  // column_of: where the call finds an expression's values.
  Result<AggregateCall> bind_aggregate_call(const AggregateFunction& function,
                                            const sql::FunctionCall& call, size_t position,
                                            const std::function<size_t(ExprRef)>& column_of);
  Result<AggregateCall> bind_count_of_several(const sql::FunctionCall& call, size_t position,
                                              const std::function<size_t(ExprRef)>& column_of);
  Result<Value> bind_parameter(const AggregateFunction& function, const sql::FunctionCall& call);
  // GROUPING, GROUPING_ID, GROUP_ID.
  Result<ExprRef> bind_grouping(const std::string& name, const sql::FunctionCall& call,
                                size_t position);
  Result<ExprRef> bind_field(ExprRef row, const sql::Identifier& field);
  Result<ExprRef> bind_array_quantified(const sql::Quantified& quantified, size_t position);
  Result<ExprRef> bind_overlaps(const sql::FunctionCall& function, size_t position);
  Result<ExprRef> bind_json_aggregate(const std::string& name, const sql::FunctionCall& function,
                                      size_t position);
  Result<ExprRef> bind_json(const std::string& name, const sql::FunctionCall& function,
                            size_t position);
  Result<ExprRef> bind_array(const sql::ArrayConstructor& array, size_t position);
  Result<ExprRef> bind_window(const sql::FunctionCall& call, size_t position);
  // bind_window_function.cc: any but the ranks, over the window's order and frame.
  Status bind_window_function(const std::string& name, const sql::FunctionCall& call,
                              size_t position, PendingWindow& window);
  Result<WindowFrame> bind_frame(const sql::Frame& frame, const PendingWindow& window,
                                 size_t position);
  Result<WindowBound> bind_frame_bound(const sql::FrameBound& bound, WindowUnit unit,
                                       const Type& order);
  Result<Value> bind_constant(const sql::Expr& expr, const Type& type, std::string_view what);
  // The number of LAG, LEAD, NTH_VALUE or NTILE: a constant, or one by row.
  Status bind_offset(const std::string& name, const sql::Expr& expr, PendingWindow& window);
  Result<ExprRef> compare_rows(sql::BinaryOperator op, const sql::Expr& left,
                               const sql::Expr& right, size_t position);
  Result<ExprRef> bind_in_query(const sql::InQuery& in, size_t position);
  Result<ExprRef> bind_subquery(const sql::Subquery& subquery, size_t position);
  Result<ExprRef> bind_quantified(const sql::Quantified& quantified, size_t position);
  // Binds the query of `subquery`, brings its columns and the operands to common types, and gives
  // the expression that stands for its value.
  Result<ExprRef> add_subquery(const sql::Query& query, PendingSubquery subquery);
  Result<ExprRef> push_subquery(PendingSubquery subquery);
  // ARRAY(q): the rows' values in one array, empty if there are none.
  Result<ExprRef> bind_array_query(const sql::Query& query, size_t position);
  Result<std::vector<ExprRef>> bind_all(const std::vector<sql::Expr>& expressions);

  const Scope& scope_;
  const BindContext& context_;
  std::string zone_;
  std::string clause_ = "this place";
  const CatalogObject* function_ = nullptr;
  AggregateBuilder* aggregates_ = nullptr;
  QueryBinder* queries_ = nullptr;
  SubqueryLevel* row_level_ = nullptr;
  SubqueryLevel* group_level_ = nullptr;
  WindowLevel* windows_ = nullptr;
  SetLevel* sets_ = nullptr;
  std::string place_without_sets_;  // inside a select list; empty: not known
};

// upper case name
bool is_grouping_function(std::string_view name);
// The function that an operator is: "=", "||".
std::string_view operator_name(sql::BinaryOperator op);
// Whether the call (upper case) has clauses that bind_json reads.
bool is_json_call(std::string_view name);
// JSON_ARRAYAGG, JSON_OBJECTAGG.
bool is_json_aggregate(std::string_view name);
bool contains_aggregate(const sql::Expr& expr);
bool contains_subquery(const sql::Expr& expr);
bool contains_window(const sql::Expr& expr);
bool contains_set(const sql::Expr& expr);  // a call that gives rows
// INTERVAL '1 10:00' DAY TO SECOND and Postgres's INTERVAL '5 minutes' as a literal.
Result<ExprRef> bind_interval(const sql::IntervalLiteral& literal, size_t position);

}  // namespace tidemark
