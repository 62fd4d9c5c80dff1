#pragma once
// The productions, one family per parse_*.cc; internal to the parser. Each reads from the current
// token on and leaves the stream behind what it read. An optional clause that is absent reads
// nothing.

#include <vector>

#include "base/status.h"
#include "sql/ast_statement.h"
#include "sql/token_stream.h"

namespace tidemark::sql {

// How tightly an operator binds; unparse() uses the same numbers.
enum Precedence : int {
  kPrecedenceOr = 1,
  kPrecedenceAnd,
  kPrecedenceNot,
  kPrecedenceIs,
  kPrecedenceCompare,
  kPrecedenceRange,  // BETWEEN IN LIKE SIMILAR OVERLAPS
  kPrecedenceOther,  // || -> ->> ~
  kPrecedenceAdd,
  kPrecedenceMultiply,
  kPrecedenceAtZone,
  kPrecedenceSign,
  kPrecedencePostfix,  // a[1] x::t (r).f
};

// parse_expr.cc
Result<Expr> read_expr(TokenStream& in);
Result<Expr> read_expr_above(TokenStream& in,
                             int precedence);  // operators of at least this precedence
Result<ExprPtr> read_expr_ptr(TokenStream& in);
Result<std::vector<Expr>> read_exprs(TokenStream& in);  // a, b
ExprPtr make_expr(Expr expr);

// parse_primary.cc
Result<Expr> read_primary(TokenStream& in);
bool at_query(const TokenStream& in,
              size_t ahead);  // SELECT, WITH, VALUES, or those in parentheses

// parse_literal.cc: dates, intervals; nothing when the words are not a literal
Result<std::optional<Expr>> read_datetime_literal(TokenStream& in);
Result<IntervalUnits> read_interval_units(TokenStream& in);
bool at_time_unit(const TokenStream& in, size_t ahead = 0);

// parse_call.cc
Result<Expr> read_call(TokenStream& in, Name name, bool quoted);  // at `(`
Result<FunctionCall> read_table_call(TokenStream& in);          // f(TABLE t, DESCRIPTOR(c), a => 1)
bool is_bare_function(std::string_view upper);                  // CURRENT_DATE and the like
Result<WindowSpec> read_window_spec(TokenStream& in);           // at `(`
Result<std::vector<OrderItem>> read_order_by(TokenStream& in);  // after ORDER BY

// parse_special_call.cc: the forms listed at FunctionCall; nothing when `name` has none
Result<std::optional<FunctionCall>> read_special_call(TokenStream& in, const std::string& upper);

// parse_type.cc
Result<TypeName> read_type(TokenStream& in);

// parse_query.cc
Result<Query> read_query(TokenStream& in);
Result<QueryPtr> read_query_ptr(TokenStream& in);
Result<QueryPtr> read_query_in_parentheses(TokenStream& in);
Result<std::vector<Hint>> read_hints(TokenStream& in);
Result<std::vector<SelectItem>> read_select_items(TokenStream& in);

// parse_from.cc
Result<std::vector<TableRef>> read_from(TokenStream& in);  // after FROM
Result<std::string> read_mark(TokenStream& in);            // after AS OF MARK

// parse_match.cc
Result<MatchRecognize> read_match_recognize(TokenStream& in,
                                            TableRef input);  // after MATCH_RECOGNIZE

// parse_table.cc
Result<std::vector<TableElement>> read_table_elements(TokenStream& in);  // at `(`
Result<TableElement> read_table_element(TokenStream& in);
Result<Distribution> read_distribution(TokenStream& in);  // after DISTRIBUTED or DISTRIBUTION
Result<Options> read_options(TokenStream& in);            // at `(`
Result<Options> read_with_options(TokenStream& in);       // [WITH (..)]
Result<std::optional<std::string>> read_comment(TokenStream& in);
Result<PartitionSpec> read_partition(TokenStream& in);  // [PARTITION (..)]

// parse_create.cc, parse_create_table.cc, parse_alter.cc
using StatementNode = decltype(Statement::node);
Result<StatementNode> read_create(TokenStream& in);  // at CREATE
Result<StatementNode> read_create_table(TokenStream& in, CreateMode mode,
                                        bool temporary);  // after TABLE
Result<StatementNode> read_create_materialized(TokenStream& in,
                                               CreateMode mode);  // after MATERIALIZED
Result<StatementNode> read_drop(TokenStream& in);
Result<StatementNode> read_alter(TokenStream& in);

// parse_function.cc
Result<StatementNode> read_create_function(TokenStream& in, CreateMode mode, bool temporary,
                                           bool system);   // behind FUNCTION
Result<FunctionBody> read_function_body(TokenStream& in);  // at AS
// (INT, x TEXT) behind the parenthesis, as DROP FUNCTION has it
Result<std::vector<TypeName>> read_argument_types(TokenStream& in);

// parse_show.cc, parse_session.cc, parse_change.cc, parse_statement.cc
Result<StatementNode> read_show(TokenStream& in);
Result<StatementNode> read_describe(TokenStream& in);
Result<std::optional<StatementNode>> read_session(TokenStream& in);  // nothing when no word fits
Result<std::optional<StatementNode>> read_change(TokenStream& in);   // likewise
Result<StatementNode> read_insert(TokenStream& in);
Result<StatementNode> read_statement_set(TokenStream& in);  // after STATEMENT SET
Result<StatementNode> read_subscribe(TokenStream& in);
Result<Statement> read_statement(TokenStream& in);

}  // namespace tidemark::sql
