#pragma once
// Queries: SELECT, set operations, VALUES, and what stands in FROM. Laws: ast_expr.h.

#include "sql/ast_expr.h"

namespace tidemark::sql {

struct TableRef;
using TableRefPtr = std::unique_ptr<TableRef>;

// One argument of a hint: OPTIONS('k' = 'v') has key and value, BROADCAST(t) only a key.
struct HintArgument {
  std::string key;
  bool key_quoted = false;  // 'k' or k
  std::optional<std::string> value;
  size_t position = 0;
};
struct Hint {
  Identifier name;
  std::vector<HintArgument> arguments;
};

struct SelectItem {
  Expr expr;  // may be Star
  std::optional<Identifier> alias;
};

enum class GroupingKind : uint8_t { kExpression, kEmpty, kRollup, kCube, kSets };
// One element of GROUP BY. (a, b) is an expression (a RowConstructor); () is kEmpty.
struct GroupingElement {
  GroupingKind kind = GroupingKind::kExpression;
  ExprPtr expr;                           // null unless kExpression
  std::vector<GroupingElement> elements;  // of kRollup, kCube, kSets
  size_t position = 0;
};

struct NamedWindow {
  Identifier name;
  WindowSpec spec;
};

struct Select {
  std::vector<Hint> hints;
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<TableRef> from;  // comma separated; empty without FROM
  ExprPtr where;               // null when not given, as are having and qualify
  std::vector<GroupingElement> group_by;
  ExprPtr having;
  std::vector<NamedWindow> windows;
  ExprPtr qualify;
};
struct Values {
  std::vector<std::vector<Expr>> rows;  // not empty, nor is a row; lengths are not checked
};
enum class SetOperator : uint8_t { kUnion, kIntersect, kExcept };
struct SetOperation {
  SetOperator op = SetOperator::kUnion;
  bool all = false;
  QueryPtr left;
  QueryPtr right;
};
// A query in parentheses that has its own WITH, ORDER BY or LIMIT and gets more of them outside.
struct NestedQuery {
  QueryPtr query;
};

struct CommonTable {
  Identifier name;
  std::vector<Identifier> columns;
  QueryPtr query;
};

struct QueryBody : std::variant<Select, Values, SetOperation, NestedQuery> {
  using variant::variant;
  QueryBody();
  QueryBody(QueryBody&&) noexcept;
  QueryBody& operator=(QueryBody&&) noexcept;
  ~QueryBody();
};

struct Query {
  bool recursive = false;
  std::vector<CommonTable> with;
  QueryBody body;
  std::vector<OrderItem> order_by;
  ExprPtr limit;   // null without LIMIT or FETCH, and for LIMIT ALL
  ExprPtr offset;  // null when not given
  size_t position = 0;
};

// --- FROM ------------------------------------------------------------------------------------

struct TableAlias {
  Identifier name;
  std::vector<Identifier> columns;
};

struct NamedTable {
  Name name;
  std::vector<Hint> hints;
  ExprPtr system_time;                    // FOR SYSTEM_TIME AS OF e; null when not given
  std::optional<std::string> as_of_mark;  // AS OF MARK '..'
};
struct DerivedTable {  // (q), (VALUES ..)
  QueryPtr query;
  bool lateral = false;
};
struct TableFunction {  // TABLE(f(..)), LATERAL TABLE(f(..)), and f(..) alone
  FunctionCall call;
  bool lateral = false;
};
struct Unnest {
  std::vector<Expr> collections;
  bool with_ordinality = false;
};
enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kCross };
struct Join {
  JoinKind kind = JoinKind::kInner;
  bool natural = false;
  TableRefPtr left;
  TableRefPtr right;
  ExprPtr on;                       // null with USING, NATURAL and CROSS
  std::vector<Identifier> columns;  // USING (..)
};

struct RowPattern;
struct PatternVariable {
  Identifier name;
};
struct PatternSequence {
  std::vector<RowPattern> parts;
};
struct PatternAlternation {
  std::vector<RowPattern> parts;
};
struct PatternPermute {
  std::vector<RowPattern> parts;
};
struct PatternRepeat {  // * + ? {n,m} and their reluctant forms
  std::unique_ptr<RowPattern> part;
  uint32_t min = 0;
  std::optional<uint32_t> max;  // none: unbounded
  bool reluctant = false;
};
struct PatternExclusion {  // {- A -}
  std::unique_ptr<RowPattern> part;
};
struct PatternAnchor {
  bool end = false;  // ^ or $
};
struct RowPatternNode
    : std::variant<PatternVariable, PatternSequence, PatternAlternation, PatternPermute,
                   PatternRepeat, PatternExclusion, PatternAnchor> {
  using variant::variant;
  RowPatternNode();
  RowPatternNode(RowPatternNode&&) noexcept;
  RowPatternNode& operator=(RowPatternNode&&) noexcept;
  ~RowPatternNode();
};

struct RowPattern {
  RowPatternNode node;
  size_t position = 0;
};

enum class RowsPerMatch : uint8_t { kDefault, kOne, kAll };
enum class SkipKind : uint8_t { kDefault, kPastLastRow, kToNextRow, kToFirst, kToLast };
struct PatternSubset {
  Identifier name;
  std::vector<Identifier> variables;
};
struct PatternDefinition {
  Identifier variable;
  Expr condition;
};
struct MatchRecognize {
  TableRefPtr input;
  std::vector<Expr> partition_by;
  std::vector<OrderItem> order_by;
  std::vector<SelectItem> measures;  // every one with an alias
  RowsPerMatch rows_per_match = RowsPerMatch::kDefault;
  SkipKind skip = SkipKind::kDefault;
  Identifier skip_variable;  // of kToFirst and kToLast
  RowPattern pattern;
  ExprPtr within;  // null when not given
  std::vector<PatternSubset> subsets;
  std::vector<PatternDefinition> definitions;
};

struct TableRefNode
    : std::variant<NamedTable, DerivedTable, TableFunction, Unnest, Join, MatchRecognize> {
  using variant::variant;
  TableRefNode();
  TableRefNode(TableRefNode&&) noexcept;
  TableRefNode& operator=(TableRefNode&&) noexcept;
  ~TableRefNode();
};

struct TableRef {
  TableRefNode node;
  std::optional<TableAlias> alias;
  size_t position = 0;
};

}  // namespace tidemark::sql
