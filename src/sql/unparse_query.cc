#include "sql/parse.h"
#include "sql/writer.h"

namespace tidemark::sql {

namespace {

void write_grouping(Writer& out, const GroupingElement& element) {
  switch (element.kind) {
    case GroupingKind::kExpression:
      out.expr(*element.expr);
      return;
    case GroupingKind::kEmpty:
      out.raw("()");
      return;
    case GroupingKind::kRollup:
      out.raw("ROLLUP (");
      break;
    case GroupingKind::kCube:
      out.raw("CUBE (");
      break;
    case GroupingKind::kSets:
      out.raw("GROUPING SETS (");
      break;
  }
  out.joined(element.elements, ", ",
             [&](const GroupingElement& inner) { write_grouping(out, inner); });
  out.raw(")");
}

void write_clause(Writer& out, std::string_view words, const ExprPtr& expr) {
  if (expr) {
    out.raw(words);
    out.expr(*expr);
  }
}

void write_select(Writer& out, const Select& select) {
  out.raw("SELECT ");
  if (!select.hints.empty()) {
    out.hints(select.hints);
    out.raw(" ");
  }
  out.raw(select.distinct ? "DISTINCT " : "");
  out.select_items(select.items);
  if (!select.from.empty()) {
    out.raw(" FROM ");
    out.joined(select.from, ", ", [&](const TableRef& ref) { out.table_ref(ref); });
  }
  write_clause(out, " WHERE ", select.where);
  if (!select.group_by.empty()) {
    out.raw(" GROUP BY ");
    out.joined(select.group_by, ", ",
               [&](const GroupingElement& element) { write_grouping(out, element); });
  }
  write_clause(out, " HAVING ", select.having);
  if (!select.windows.empty()) {
    out.raw(" WINDOW ");
    out.joined(select.windows, ", ", [&](const NamedWindow& window) {
      out.name(window.name);
      out.raw(" AS ");
      out.window_spec(window.spec);
    });
  }
  write_clause(out, " QUALIFY ", select.qualify);
}

void write_values(Writer& out, const Values& values) {
  out.raw("VALUES ");
  out.joined(values.rows, ", ", [&](const std::vector<Expr>& row) {
    out.raw(row.size() == 1 ? "ROW(" : "(");
    out.exprs(row);
    out.raw(")");
  });
}

bool writes_modifiers(const Query& query) {
  return !query.with.empty() || !query.order_by.empty() || query.limit || query.offset;
}

// An operand of `op`: in parentheses where it would otherwise be taken apart.
void write_operand(Writer& out, const Query& query, SetOperator op, bool is_right) {
  const auto* inner = std::get_if<SetOperation>(&query.body);
  bool tighter =
      inner != nullptr && inner->op == SetOperator::kIntersect && op != SetOperator::kIntersect;
  bool same_left = inner != nullptr && !is_right &&
                   (inner->op == SetOperator::kIntersect) == (op == SetOperator::kIntersect);
  if (writes_modifiers(query) || (inner != nullptr && !tighter && !same_left)) {
    out.query_in_parentheses(query);
  } else {
    out.query(query);
  }
}

void write_set_operation(Writer& out, const SetOperation& node) {
  write_operand(out, *node.left, node.op, false);
  switch (node.op) {
    case SetOperator::kUnion:
      out.raw(" UNION ");
      break;
    case SetOperator::kIntersect:
      out.raw(" INTERSECT ");
      break;
    case SetOperator::kExcept:
      out.raw(" EXCEPT ");
      break;
  }
  out.raw(node.all ? "ALL " : "");
  write_operand(out, *node.right, node.op, true);
}

}  // namespace

void Writer::hints(const std::vector<Hint>& hints) {
  raw("/*+ ");
  joined(hints, ", ", [&](const Hint& hint) {
    name(hint.name);
    raw("(");
    joined(hint.arguments, ", ", [&](const HintArgument& argument) {
      if (argument.key_quoted) {
        string(argument.key);
      } else {
        name(Identifier{argument.key});
      }
      if (argument.value) {
        raw(" = ");
        string(*argument.value);
      }
    });
    raw(")");
  });
  raw(" */");
}

void Writer::select_items(const std::vector<SelectItem>& items) {
  joined(items, ", ", [&](const SelectItem& item) {
    expr(item.expr);
    if (item.alias) {
      raw(" AS ");
      name(*item.alias);
    }
  });
}

void Writer::query_in_parentheses(const Query& query) {
  raw("(");
  this->query(query);
  raw(")");
}

void Writer::query(const Query& query) {
  if (!query.with.empty()) {
    raw(query.recursive ? "WITH RECURSIVE " : "WITH ");
    joined(query.with, ", ", [&](const CommonTable& table) {
      name(table.name);
      if (!table.columns.empty()) {
        raw(" ");
        names(table.columns);
      }
      raw(" AS ");
      query_in_parentheses(*table.query);
    });
    raw(" ");
  }
  std::visit(Overloaded{
                 [&](const Select& body) { write_select(*this, body); },
                 [&](const Values& body) { write_values(*this, body); },
                 [&](const SetOperation& body) { write_set_operation(*this, body); },
                 [&](const NestedQuery& body) { query_in_parentheses(*body.query); },
             },
             query.body);
  if (!query.order_by.empty()) {
    raw(" ORDER BY ");
    order_items(query.order_by);
  }
  write_clause(*this, " LIMIT ", query.limit);
  write_clause(*this, " OFFSET ", query.offset);
}

}  // namespace tidemark::sql
