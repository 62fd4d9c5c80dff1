#pragma once
// The binder of one query and all that it contains. Its parts are in bind_from.cc, bind_join.cc,
// bind_select.cc, bind_set_operation.cc and bind_subquery.cc.

#include <fmt/core.h>

#include "plan/bind/bind_expr.h"
#include "plan/bind/bind_query.h"
#include "plan/bind/scope.h"
#include "sql/ast_query.h"

namespace tidemark {

inline Status unsupported(std::string_view what, size_t position) {
  return Status::unsupported(fmt::format("{} is not supported yet", what)).with_position(position);
}

// A relation in FROM: its plan, and the names of its columns.
struct Relation {
  PlanRef plan;
  Scope scope;
  // Of UNNEST and table functions. Collections over nothing but columns of what stands left of it
  // become one pass over its rows.
  bool is_unnested = false;
  std::vector<ExprRef> collections;
  bool with_ordinality = false;
};

struct BoundSelect {
  PlanRef plan;
  size_t hidden = 0;  // columns at the end that only `order` needs
  std::vector<SortKey> order;

  PlanRef visible() const;
};

// The expression with values[i] in the place of value i of the level (OuterExpr{level, i}).
ExprRef with_values(const ExprRef& expr, uint32_t level, const std::vector<ExprRef>& values);
// All of them, to be changed.
std::vector<ExprRef*> addresses(std::vector<ExprRef>& expressions);

// left JOIN right, which may read left's columns as columns of this scope (LATERAL).
PlanRef join_lateral(const PlanRef& left, uint32_t scope, const PlanRef& right, JoinType type,
                     const ExprRef& condition);

// Numbers the plan's rows for each window, behind its columns, and puts the numbers into the
// expressions.
PlanRef apply_windows(PlanRef plan, const WindowLevel& level,
                      std::span<ExprRef* const> expressions);

// The plan's rows once for each element of the level's collections, which go in step; the elements
// are put into the expressions.
PlanRef apply_sets(PlanRef plan, const SetLevel& level, std::span<ExprRef* const> expressions);

// The aggregation over `below`: its group columns, then its calls. Of several groupings the rows of
// all.
PlanRef aggregate_groups(const PlanRef& below, const AggregateBuilder& builder);

class QueryBinder {
 public:
  QueryBinder(const BindContext& context, BoundQuery& result)
      : context_(context), result_(result) {}

  Result<BoundSelect> bind(const sql::Query& query);
  // A query inside an expression over `scope`, whose columns it may read as OuterExpr.
  Result<BoundSelect> bind_subquery(const sql::Query& query, const Scope& scope);
  uint32_t next_scope_id() { return ++result_.scopes; }

 private:
  // Names of WITH in sight, and where they were written.
  struct CommonTable {
    const sql::CommonTable* ast;
    const Scope* outer;
    PlanRef plan;  // bound at first use: all uses share it
    bool may_recur = false;
  };
  // A SELECT on its way: what its clauses have given so far.
  struct SelectState;

  // bind_query.cc
  Result<PlanRef> expand_view(const CatalogObject& view, size_t position);
  Result<PlanRef> bind_common_table(size_t index);
  // bind_recursive.cc: nothing if the table does not refer to itself.
  Result<std::optional<PlanRef>> bind_recursive(size_t index);
  // The query with these common tables in sight.
  Result<PlanRef> bind_with_tables(const sql::Query& query, std::vector<CommonTable> tables,
                                   const Scope* outer);
  Result<BoundSelect> order_and_limit(PlanRef plan, const sql::Query& query);
  Result<BoundSelect> limit(PlanRef plan, size_t hidden, std::vector<SortKey> order,
                            const sql::Query& query);
  Result<uint64_t> bind_count(const sql::Expr& expr, std::string_view clause);
  void remember(const ObjectRef& object);

  // bind_from.cc. lateral: the innermost scope that LATERAL items see; null: the enclosing query's.
  Result<Relation> bind_from(const sql::Select& select);
  Result<Relation> bind_table(const sql::TableRef& table, const Scope* lateral);
  Result<Relation> bind_named(const sql::NamedTable& table, size_t position);
  Result<Relation> bind_derived(const sql::DerivedTable& table, const Scope* lateral);
  Relation derived(PlanRef plan, const std::string& name);
  Status apply_alias(Relation& relation, const sql::TableAlias& alias);
  // bind_unnest.cc
  Result<Relation> bind_unnest(const sql::Unnest& unnest, const Scope* lateral, size_t position);
  Result<Relation> bind_table_function(const sql::TableFunction& function, const Scope* lateral,
                                       size_t position);
  ObjectRef find_system_rows(const sql::FunctionCall& call) const;
  Result<Relation> unnested(std::vector<ExprRef> collections, const SubqueryLevel& subqueries,
                            const Scope& scope, bool with_ordinality, const std::string& name,
                            size_t position);
  // left JOIN UNNEST(..); nothing if it has to be a join.
  Result<std::optional<Relation>> unnest_into(const Relation& left, const Relation& right,
                                              JoinType type, const sql::Expr* on);
  // bind_join.cc
  Result<Relation> bind_join(const sql::Join& join, size_t position, const Scope* lateral);
  Result<Relation> combine(Relation left, Relation right, JoinType type, const sql::Expr* on,
                           size_t position);
  Result<Relation> merge_columns(Relation left, Relation right, const sql::Join& join,
                                 std::vector<sql::Identifier> names, JoinType type,
                                 size_t position);
  // bind_join_on.cc: an outer join whose ON has subqueries.
  Result<PlanRef> outer_join_on(const Relation& left, const Relation& right, JoinType type,
                                const Scope& scope, const sql::Expr& on);

  // bind_group.cc
  Result<AggregateBuilder> bind_group(const sql::Select& select, const Scope& scope,
                                      SubqueryLevel& level);
  // The sets of group columns that an element of GROUP BY stands for; new columns go to the
  // builder.
  Result<std::vector<std::vector<size_t>>> grouping_sets(const sql::GroupingElement& element,
                                                         const sql::Select& select,
                                                         const Scope& scope, ExprBinder& binder,
                                                         AggregateBuilder& builder);

  // bind_select.cc
  Result<BoundSelect> bind_select(const sql::Select& select, const sql::Query& query);
  Status check_supported(const sql::Select& select);
  Result<bool> bind_fields(const sql::Star& star, size_t position, SelectState& state);
  Status bind_items(const sql::Select& select, SelectState& state);
  Status bind_order(const sql::Select& select, const sql::Query& query, SelectState& state);
  Status aggregate(SelectState& state);
  Status qualify(SelectState& state);

  // bind_set_operation.cc
  Result<PlanRef> bind_values(const sql::Values& values, size_t position);
  Result<PlanRef> constant_rows(Schema schema, const std::vector<std::vector<ExprRef>>& rows,
                                const sql::Values& values) const;
  Result<PlanRef> computed_rows(const Schema& schema, std::vector<std::vector<ExprRef>> rows,
                                const std::vector<SubqueryLevel>& subqueries, const Scope& scope);
  Result<PlanRef> bind_set_operation(const sql::SetOperation& operation, size_t position);

  // bind_subquery.cc
  // WHERE, or the ON of an inner join, over the plan; the plan's columns stay in front.
  Result<PlanRef> filter(PlanRef plan, const Scope& scope, const sql::Expr& condition,
                         std::string_view clause);
  Result<std::optional<PlanRef>> filter_by_subquery(const PlanRef& plan, const Scope& scope,
                                                    const sql::Expr& condition, bool negated,
                                                    std::string_view clause);
  // Joins the level's subqueries to the plan, their values behind its columns, and puts these into
  // the expressions. columns: for each column of the scope its column in the plan, SIZE_MAX: none.
  Status apply_subqueries(PlanRef& plan, const SubqueryLevel& level, const Scope& scope,
                          std::span<const size_t> columns, std::span<ExprRef* const> expressions);

  const BindContext& context_;
  BoundQuery& result_;
  std::vector<CommonTable> common_tables_;
  const Scope* outer_ = nullptr;  // of the enclosing query
  int depth_ = 0;
};

}  // namespace tidemark
