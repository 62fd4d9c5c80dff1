#pragma once
// Function calls and the Expr variant; include sql/ast_expr.h.

#include "sql/ast_expr.h"

namespace tidemark::sql {

enum class NullsOrder : uint8_t { kDefault, kFirst, kLast };
struct OrderItem {
  ExprPtr expr;
  bool descending = false;
  NullsOrder nulls = NullsOrder::kDefault;
};

enum class FrameUnit : uint8_t { kRows, kRange, kGroups };
enum class FrameBoundKind : uint8_t {
  kUnboundedPreceding,
  kPreceding,
  kCurrentRow,
  kFollowing,
  kUnboundedFollowing,
};
struct FrameBound {
  FrameBoundKind kind = FrameBoundKind::kCurrentRow;
  ExprPtr offset;  // null unless kPreceding or kFollowing
};
enum class FrameExclude : uint8_t { kNothing, kCurrentRow, kGroup, kTies };
struct Frame {
  FrameUnit unit = FrameUnit::kRange;
  FrameBound start;
  FrameBound end;                                 // CURRENT ROW when not written
  FrameExclude exclude = FrameExclude::kNothing;  // EXCLUDE NO OTHERS too
};
// OVER w is a spec with only `base`.
struct WindowSpec {
  std::optional<Identifier> base;
  std::vector<Expr> partition_by;
  std::vector<OrderItem> order_by;
  std::optional<Frame> frame;
  size_t position = 0;
};

enum class NullTreatment : uint8_t { kDefault, kIgnore, kRespect };

// Any call. Forms with their own syntax become ordinary arguments under a canonical name:
//   EXTRACT(u FROM x)                 EXTRACT      Symbol u, x
//   FLOOR(x TO u), CEIL(x TO u)       FLOOR, CEIL  x, Symbol u
//   TIMESTAMPADD(u, n, t), ..DIFF     same name    Symbol u, n, t
//   POSITION(x IN y [FROM n])         POSITION     x, y [, n]
//   SUBSTRING(x FROM a [FOR n])       SUBSTRING    x, a [, n]
//   OVERLAY(x PLACING y FROM a ..)    OVERLAY      x, y, a [, n]
//   TRIM([BOTH] [a] FROM x)           TRIM         Symbol BOTH|LEADING|TRAILING, a (or ' '), x
//   (a, b) OVERLAPS (c, d)            OVERLAPS     RowConstructor, RowConstructor
//   JSON_OBJECT(KEY k VALUE v, ..)    JSON_OBJECT  k, v, ..    (JSON_OBJECTAGG likewise)
//   FINAL LAST(x), RUNNING LAST(x)    FINAL        the call
//   CURRENT_DATE and the like         same name    none
// The clauses of the JSON functions follow as NamedArguments, whose names hold a space or are
// RETURNING or WRAPPER:
//   RETURNING t  ->  "RETURNING" => TypeArgument      WITH CONDITIONAL ARRAY WRAPPER -> "WRAPPER"
//   => Symbol NULL ON EMPTY -> "ON EMPTY" => Symbol NULL        DEFAULT e ON ERROR -> "ON ERROR" =>
//   e ABSENT ON NULL -> "ON NULL" => Symbol ABSENT
struct FunctionCall {
  Name name;  // as written unless canonical above
  std::vector<Expr> args;
  bool distinct = false;
  std::vector<OrderItem> order_by;      // ORDER BY inside the parentheses
  std::vector<OrderItem> within_group;  // WITHIN GROUP (ORDER BY ..)
  ExprPtr filter;                       // null when not given
  NullTreatment nulls = NullTreatment::kDefault;
  std::unique_ptr<WindowSpec> over;  // null when not given
};
struct NamedArgument {  // name => value
  Identifier name;
  ExprPtr value;
};
struct TypeArgument {  // only after RETURNING
  TypeNamePtr type;
};
struct TableArgument {  // TABLE t [PARTITION BY ..] [ORDER BY ..] of a table function
  Name table;           // empty when `query` is set
  QueryPtr query;       // null unless TABLE (q)
  std::vector<Expr> partition_by;
  std::vector<OrderItem> order_by;
};
struct Descriptor {  // DESCRIPTOR(ts)
  std::vector<Identifier> columns;
};

struct ExprNode
    : std::variant<NullLiteral, BooleanLiteral, NumberLiteral, StringLiteral, BytesLiteral,
                   DatetimeLiteral, IntervalLiteral, Parameter, ColumnRef, Star, Symbol, UnaryOp,
                   BinaryOp, Is, Between, InList, InQuery, Like, Subquery, Quantified, Case, Cast,
                   AtTimeZone, RowConstructor, ArrayConstructor, MapConstructor, Subscript,
                   FieldAccess, FunctionCall, NamedArgument, TypeArgument, TableArgument,
                   Descriptor> {
  using variant::variant;
  ExprNode();
  ExprNode(ExprNode&&) noexcept;
  ExprNode& operator=(ExprNode&&) noexcept;
  ~ExprNode();
};

struct Expr {
  ExprNode node;
  size_t position = 0;  // an operator's own place for operators, else the first byte
};

}  // namespace tidemark::sql
