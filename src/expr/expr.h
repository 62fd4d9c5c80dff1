#pragma once
// Typed expressions over the columns of a batch, as the binder makes them: names are gone, every
// function is chosen, every conversion is an explicit cast. Immutable, so plans share them.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "expr/function.h"
#include "types/column.h"

namespace tidemark {

struct Expr;
using ExprRef = std::shared_ptr<const Expr>;  // shared: immutable

struct ColumnExpr {
  size_t index;  // into the input's columns
};
struct LiteralExpr {
  Value value;
};
struct CallExpr {
  const Function* function;  // lives as long as the program
  BoundFunction bound;
  std::vector<ExprRef> arguments;
};
// AND, OR over two or more conditions. The right one is evaluated only for rows that the left ones
// leave open, if it can fail.
struct LogicExpr {
  bool is_and;
  std::vector<ExprRef> conditions;
};
// CASE WHEN c1 THEN r1 ... ELSE otherwise END; COALESCE is bound to it too. Branches are evaluated
// only for the rows that reach them.
struct CaseExpr {
  std::vector<std::pair<ExprRef, ExprRef>> branches;
  ExprRef otherwise;
};
// A column of an enclosing query, named by the id of its scope. Only in plans that are being bound:
// decorrelation replaces every one.
struct OuterExpr {
  uint32_t scope;
  size_t index;
};
struct CastExpr {
  ExprRef input;
  bool is_try;  // a failing conversion is NULL, not an error
};

struct Expr {
  Type type;
  std::variant<ColumnExpr, LiteralExpr, CallExpr, LogicExpr, CaseExpr, CastExpr, OuterExpr> node;
};

ExprRef make_column(size_t index, Type type);
ExprRef make_literal(Value value, Type type);
ExprRef make_cast(ExprRef input, Type type,
                  bool is_try = false);  // input itself if nothing changes
ExprRef make_outer(uint32_t scope, size_t index, Type type);
// No condition: TRUE.
ExprRef make_and(std::vector<ExprRef> conditions);
ExprRef make_or(std::vector<ExprRef> conditions);  // at least one
// Casts the results to `type`.
ExprRef make_case(std::vector<std::pair<ExprRef, ExprRef>> branches, ExprRef otherwise, Type type);
// A call of a function that is bound, with arguments of the types that it takes.
ExprRef make_call(const Function* function, BoundFunction bound, std::vector<ExprRef> arguments);
// A call of a function of expr/functions by name, with arguments of types that it takes.
ExprRef make_call(std::string_view name, std::vector<ExprRef> arguments);

// SQL-like text for EXPLAIN; `names` are the input's columns.
std::string expr_to_string(const Expr& expr, const std::vector<std::string>& names);

// The input columns that the expression reads, added to `used`.
void collect_columns(const Expr& expr, std::vector<bool>& used);
// The same expression over other inputs: column i becomes replacements[i].
ExprRef substitute(const ExprRef& expr, const std::vector<ExprRef>& replacements);
// The same expression with column i read from position map[i].
ExprRef remap_columns(const ExprRef& expr, const std::vector<size_t>& map);

// The same expression with every column of enclosing queries given by `replace` (null: it stays).
using OuterReplacement = std::function<ExprRef(const OuterExpr&, const Type&)>;
ExprRef substitute_outer(const ExprRef& expr, const OuterReplacement& replace);
// Calls f with every column of an enclosing query.
void for_each_outer(const Expr& expr, const std::function<void(const OuterExpr&)>& f);
bool has_outer(const Expr& expr, uint32_t scope);
// The conditions of nested ANDs, in order.
void split_and(const ExprRef& expr, std::vector<ExprRef>& conditions);
// Without casts that change no byte: what may be compared and hashed in its place.
const ExprRef& without_relabelling(const ExprRef& expr);

// Calls f with every direct part of the expression; the same expression with its direct parts
// replaced by what f makes of them.
void visit_parts(const Expr& expr, const std::function<void(const Expr&)>& f);
ExprRef with_parts(const ExprRef& expr, const std::function<ExprRef(const ExprRef&)>& f);

// Whether evaluating can raise a row error.
bool can_fail(const Expr& expr);
bool is_deterministic(const Expr& expr);
bool is_literal(const Expr& expr);
bool same_expr(const Expr& a, const Expr& b);

}  // namespace tidemark
