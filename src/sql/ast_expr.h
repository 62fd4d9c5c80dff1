#pragma once
// The expressions and type names of the AST, as written: no name is resolved and nothing has a
// type.
//
// Laws of the whole AST (ast_expr.h, ast_query.h, ast_statement.h):
//   - A closed set is a std::variant; visit it without a default branch. Its destructor and moves
//     are compiled once, in ast.cc, and not in every file that holds a tree.
//   - A node owns its children. A unique_ptr is never null unless its comment says so.
//   - Every position is a byte offset into the text given to the parser.
//   - Two ASTs are the same when unparse() gives the same text; positions do not count.
//   - Identifiers keep their case. Keywords, units and canonical function names are upper case.
//   - No tree is higher than kTreeHeightMax (limits.h), so recursion over it is safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sql/ast_type.h"

namespace tidemark::sql {

struct Expr;
struct Query;       // ast_query.h
struct WindowSpec;  // below
using ExprPtr = std::unique_ptr<Expr>;
using QueryPtr = std::unique_ptr<Query>;

// --- literals and names ----------------------------------------------------------------------

struct NullLiteral {};
struct BooleanLiteral {
  bool value = false;
};
enum class NumberKind : uint8_t { kInteger, kDecimal, kDouble };  // 1   1.5   1.5e3
struct NumberLiteral {
  NumberKind kind = NumberKind::kInteger;
  std::string text;  // as written, no sign: a sign is a UnaryOp
};
struct StringLiteral {
  std::string value;  // unescaped UTF-8
};
struct BytesLiteral {
  std::string bytes;  // X'00ff', decoded
};
enum class DatetimeKind : uint8_t { kDate, kTime, kTimestamp, kTimestampLtz };
struct DatetimeLiteral {  // DATE '2020-01-01'; the text is not yet checked
  DatetimeKind kind = DatetimeKind::kDate;
  std::string text;
};
struct IntervalLiteral {
  std::string text;  // not yet checked; "-" is kept in front for INTERVAL -'5' DAY
  std::optional<IntervalUnits> units;  // none: Postgres's INTERVAL '5 minutes'
};
struct Parameter {
  uint32_t index = 0;  // $1 is 1; the n-th `?` is n
};
struct ColumnRef {
  Name name;  // may also turn out to be field access: the binder decides
};
struct Star {
  Name qualifier;  // empty for a bare `*`; only in select lists and as the argument of a call
};
// An argument that is a word of the grammar, upper case: the YEAR of EXTRACT, the BOTH of TRIM.
struct Symbol {
  std::string text;
};

// --- operators -------------------------------------------------------------------------------

enum class UnaryOperator : uint8_t { kNot, kPlus, kMinus };
struct UnaryOp {
  UnaryOperator op = UnaryOperator::kNot;
  ExprPtr operand;
};

enum class BinaryOperator : uint8_t {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIsDistinctFrom,
  kIsNotDistinctFrom,
  kConcat,
  kJsonGet,
  kJsonGetText,  // ||  ->  ->>
  kMatch,
  kMatchInsensitive,
  kNotMatch,
  kNotMatchInsensitive,  // ~  ~*  !~  !~*
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
};
struct BinaryOp {
  BinaryOperator op = BinaryOperator::kAnd;
  ExprPtr left;
  ExprPtr right;
};

enum class IsTest : uint8_t {
  kNull,
  kTrue,
  kFalse,
  kUnknown,
  kJson,
  kJsonScalar,
  kJsonArray,
  kJsonObject
};
struct Is {  // operand IS [NOT] test
  ExprPtr operand;
  IsTest test = IsTest::kNull;
  bool negated = false;
};
struct Between {
  ExprPtr operand;
  ExprPtr low;
  ExprPtr high;
  bool symmetric = false;
  bool negated = false;
};
struct InList {
  ExprPtr operand;
  std::vector<Expr> items;
  bool negated = false;
};
struct InQuery {
  ExprPtr operand;
  QueryPtr query;
  bool negated = false;
};
enum class LikeKind : uint8_t { kLike, kIlike, kSimilar };
struct Like {
  ExprPtr operand;
  ExprPtr pattern;
  ExprPtr escape;  // null when not given
  LikeKind kind = LikeKind::kLike;
  bool negated = false;
};
enum class SubqueryKind : uint8_t { kScalar, kExists, kArray, kMultiset };
struct Subquery {  // (q)   EXISTS (q)   ARRAY(q)   MULTISET(q)
  SubqueryKind kind = SubqueryKind::kScalar;
  QueryPtr query;
};
// left op ANY (q): SOME is ANY. The right side is a query, or an array as in Postgres.
struct Quantified {
  ExprPtr left;
  BinaryOperator op = BinaryOperator::kEqual;  // a comparison
  bool all = false;
  std::variant<QueryPtr, ExprPtr> right;
};
struct CaseBranch {
  ExprPtr when;
  ExprPtr then;
};
struct Case {
  ExprPtr operand;  // null in the searched form
  std::vector<CaseBranch> branches;
  ExprPtr otherwise;  // null when there is no ELSE
};
struct Cast {  // CAST, TRY_CAST and x::type, which is CAST
  ExprPtr operand;
  TypeNamePtr type;
  bool is_try = false;
};
struct AtTimeZone {
  ExprPtr operand;
  ExprPtr zone;
};

// --- construction and access -----------------------------------------------------------------

struct RowConstructor {  // (a, b) or ROW(a)
  std::vector<Expr> fields;
};
struct ArrayConstructor {
  std::vector<Expr> elements;
};
struct MapConstructor {
  std::vector<Expr> entries;  // key, value, key, value, ..: even in number
};
struct Subscript {  // a[i], m[k]
  ExprPtr base;
  ExprPtr index;
};
struct FieldAccess {  // (expr).field; a plain chain of names is a ColumnRef
  ExprPtr base;
  Identifier field;
};

}  // namespace tidemark::sql

#include "sql/ast_call.h"  // calls and Expr itself: the second half of this header
