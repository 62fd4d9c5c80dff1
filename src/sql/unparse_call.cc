#include "sql/call_operators.h"
#include "sql/keywords.h"
#include "sql/parse.h"
#include "sql/unparse.h"
#include "sql/writer.h"

namespace tidemark::sql {

namespace {

bool is_symbol(const std::vector<Expr>& args, size_t i) {
  return i < args.size() && std::holds_alternative<Symbol>(args[i].node);
}

// Words put between the arguments, in place of commas.
struct SpecialRow {
  std::string_view name;
  std::string_view separators[3];
};
constexpr SpecialRow kSpecial[] = {
    {"EXTRACT", {" FROM ", "", ""}},
    {"POSITION", {" IN ", " FROM ", ""}},
    {"SUBSTRING", {" FROM ", " FOR ", ""}},
    {"OVERLAY", {" PLACING ", " FROM ", " FOR "}},
};

// The clauses of the JSON functions are arguments without commas (ast_call.h).
bool write_json_clause(Writer& out, const Expr& arg) {
  const auto* named = std::get_if<NamedArgument>(&arg.node);
  if (named == nullptr) {
    return false;
  }
  const std::string& name = named->name.text;
  bool is_default = !std::holds_alternative<Symbol>(named->value->node);
  if (name == "RETURNING") {
    out.raw(" RETURNING ");
    out.expr(*named->value);
    return true;
  }
  if (name != "WRAPPER" && name.find(' ') == std::string::npos) {
    return false;
  }
  out.raw(is_default ? " DEFAULT " : " ");
  out.expr(*named->value);
  out.raw(" ");
  out.raw(name);
  return true;
}

void write_json(Writer& out, const FunctionCall& call) {
  bool is_object = call.name.last().starts_with("JSON_OBJECT");
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (std::holds_alternative<NamedArgument>(call.args[i].node)) {
      continue;
    }
    out.raw(i == 0 ? "" : is_object && i % 2 == 1 ? " VALUE " : ", ");
    out.raw(is_object && i % 2 == 0 ? "KEY " : "");
    out.expr(call.args[i]);
  }
  if (!call.order_by.empty()) {
    out.raw(" ORDER BY ");
    out.order_items(call.order_by);
  }
  for (const Expr& arg : call.args) {
    write_json_clause(out, arg);
  }
}

// The inside of the parentheses for forms with a syntax of their own; false for ordinary calls.
bool write_special(Writer& out, const FunctionCall& call) {
  if (call.name.parts.size() != 1 || call.distinct) {
    return false;
  }
  const std::string& name = call.name.last();
  const std::vector<Expr>& args = call.args;
  if (name.starts_with("JSON_") &&
      (name == "JSON_VALUE" || name == "JSON_QUERY" || name == "JSON_EXISTS" ||
       name == "JSON_OBJECT" || name == "JSON_OBJECTAGG" || name == "JSON_ARRAY" ||
       name == "JSON_ARRAYAGG")) {
    write_json(out, call);
    return true;
  }
  if (name == "TRIM" && is_symbol(args, 0) && args.size() == 3) {
    out.expr(args[0]);
    out.raw(" ");
    out.expr(args[1]);
    out.raw(" FROM ");
    out.expr(args[2]);
    return true;
  }
  if ((name == "FLOOR" || name == "CEIL") && is_symbol(args, 1)) {
    out.expr(args[0]);
    out.raw(" TO ");
    out.expr(args[1]);
    return true;
  }
  for (const SpecialRow& row : kSpecial) {
    if (name == row.name && args.size() >= 2 && args.size() <= 4) {
      for (size_t i = 0; i < args.size(); ++i) {
        out.raw(i == 0 ? std::string_view() : row.separators[i - 1]);
        out.expr_above(args[i], i == 0 && name == "POSITION" ? kPrecedenceOther : 0);
      }
      return true;
    }
  }
  return false;
}

// Words that are keywords, but read as functions when `(` follows.
std::string function_name(const std::string& name) {
  static constexpr std::string_view kCallable[] = {
      "EXTRACT",    "POSITION",      "SUBSTRING",    "OVERLAY",
      "TRIM",       "FLOOR",         "CEIL",         "JSON_VALUE",
      "JSON_QUERY", "JSON_EXISTS",   "JSON_OBJECT",  "JSON_OBJECTAGG",
      "JSON_ARRAY", "JSON_ARRAYAGG", "TIMESTAMPADD", "TIMESTAMPDIFF"};
  for (std::string_view callable : kCallable) {
    if (name == callable) {
      return name;
    }
  }
  return quote_identifier(name);
}

void write_name(Writer& out, const Name& name) {
  if (name.parts.size() == 1) {
    out.raw(function_name(name.last()));
  } else {
    out.name(name);
  }
}

void write_tail(Writer& out, const FunctionCall& call) {
  if (!call.within_group.empty()) {
    out.raw(" WITHIN GROUP (ORDER BY ");
    out.order_items(call.within_group);
    out.raw(")");
  }
  if (call.filter) {
    out.raw(" FILTER (WHERE ");
    out.expr(*call.filter);
    out.raw(")");
  }
  switch (call.nulls) {
    case NullTreatment::kDefault:
      break;
    case NullTreatment::kIgnore:
      out.raw(" IGNORE NULLS");
      break;
    case NullTreatment::kRespect:
      out.raw(" RESPECT NULLS");
      break;
  }
  if (call.over) {
    const WindowSpec& spec = *call.over;
    out.raw(" OVER ");
    if (spec.base && spec.partition_by.empty() && spec.order_by.empty() && !spec.frame) {
      out.name(*spec.base);
    } else {
      out.window_spec(spec);
    }
  }
}

bool is_overlaps(const FunctionCall& call) {
  auto is_pair = [](const Expr& expr) {
    const auto* row = std::get_if<RowConstructor>(&expr.node);
    return row != nullptr && row->fields.size() == 2;
  };
  return call.name.parts.size() == 1 && call.name.last() == "OVERLAPS" && call.args.size() == 2 &&
         is_pair(call.args[0]) && is_pair(call.args[1]);
}

void write_bound(Writer& out, const FrameBound& bound) {
  switch (bound.kind) {
    case FrameBoundKind::kUnboundedPreceding:
      out.raw("UNBOUNDED PRECEDING");
      return;
    case FrameBoundKind::kCurrentRow:
      out.raw("CURRENT ROW");
      return;
    case FrameBoundKind::kUnboundedFollowing:
      out.raw("UNBOUNDED FOLLOWING");
      return;
    case FrameBoundKind::kPreceding:
    case FrameBoundKind::kFollowing:
      break;
  }
  out.expr(*bound.offset);
  out.raw(bound.kind == FrameBoundKind::kPreceding ? " PRECEDING" : " FOLLOWING");
}

}  // namespace

void Writer::call(const FunctionCall& call) {
  bool single = call.name.parts.size() == 1;
  const std::string& last = call.name.last();
  if (is_overlaps(call)) {
    expr_above(call.args[0], kPrecedenceOther);
    raw(" OVERLAPS (");  // not ROW(..): the parser asks for `(`
    exprs(std::get_if<RowConstructor>(&call.args[1].node)->fields);
    raw(")");
    return;
  }
  if (single && call.args.size() == 2 && is_call_operator(last)) {
    expr_above(call.args[0], kPrecedenceOther);
    raw(" ");
    raw(last);
    raw(" ");
    expr_above(call.args[1], kPrecedenceOther + 1);
    return;
  }
  if (single && call.args.empty() && is_bare_function(last) && !call.over && !call.filter) {
    raw(last);
    return;
  }
  bare_call(call);
  write_tail(*this, call);
}

void Writer::bare_call(const FunctionCall& call) {
  write_name(*this, call.name);
  raw("(");
  if (!write_special(*this, call)) {
    raw(call.distinct ? "DISTINCT " : "");
    exprs(call.args);
    if (!call.order_by.empty()) {
      raw(" ORDER BY ");
      order_items(call.order_by);
    }
  }
  raw(")");
}

void Writer::order_items(const std::vector<OrderItem>& items) {
  joined(items, ", ", [&](const OrderItem& item) {
    expr(*item.expr);
    raw(item.descending ? " DESC" : "");
    switch (item.nulls) {
      case NullsOrder::kDefault:
        break;
      case NullsOrder::kFirst:
        raw(" NULLS FIRST");
        break;
      case NullsOrder::kLast:
        raw(" NULLS LAST");
        break;
    }
  });
}

void Writer::window_spec(const WindowSpec& spec) {
  std::string_view blank;
  auto part = [&](std::string_view words) {
    raw(blank);
    raw(words);
    blank = " ";
  };
  raw("(");
  if (spec.base) {
    part("");
    name(*spec.base);
  }
  if (!spec.partition_by.empty()) {
    part("PARTITION BY ");
    exprs(spec.partition_by);
  }
  if (!spec.order_by.empty()) {
    part("ORDER BY ");
    order_items(spec.order_by);
  }
  if (spec.frame) {
    FrameUnit unit = spec.frame->unit;
    part(unit == FrameUnit::kRows    ? "ROWS BETWEEN "
         : unit == FrameUnit::kRange ? "RANGE BETWEEN "
                                     : "GROUPS BETWEEN ");
    write_bound(*this, spec.frame->start);
    raw(" AND ");
    write_bound(*this, spec.frame->end);
    switch (spec.frame->exclude) {
      case FrameExclude::kNothing:
        break;
      case FrameExclude::kCurrentRow:
        raw(" EXCLUDE CURRENT ROW");
        break;
      case FrameExclude::kGroup:
        raw(" EXCLUDE GROUP");
        break;
      case FrameExclude::kTies:
        raw(" EXCLUDE TIES");
        break;
    }
  }
  raw(")");
}

}  // namespace tidemark::sql
