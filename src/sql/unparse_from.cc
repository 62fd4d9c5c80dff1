#include <fmt/core.h>

#include "sql/parse.h"
#include "sql/writer.h"

namespace tidemark::sql {

namespace {

std::string_view join_text(JoinKind kind) {
  switch (kind) {
    case JoinKind::kInner:
      return "JOIN ";
    case JoinKind::kLeft:
      return "LEFT JOIN ";
    case JoinKind::kRight:
      return "RIGHT JOIN ";
    case JoinKind::kFull:
      return "FULL JOIN ";
    case JoinKind::kCross:
      return "CROSS JOIN ";
  }
  return {};
}

void write_named(Writer& out, const NamedTable& table) {
  out.name(table.name);
  if (!table.hints.empty()) {
    out.raw(" ");
    out.hints(table.hints);
  }
  if (table.system_time) {
    out.raw(" FOR SYSTEM_TIME AS OF ");
    out.expr_above(*table.system_time, kPrecedenceOther);
  }
  if (table.as_of_mark) {
    out.raw(" AS OF MARK ");
    out.string(*table.as_of_mark);
  }
}

void write_join_operand(Writer& out, const TableRef& ref, bool is_right) {
  bool nested = is_right && std::holds_alternative<Join>(ref.node) && !ref.alias;
  out.raw(nested ? "(" : "");
  out.table_ref(ref);
  out.raw(nested ? ")" : "");
}

void write_join(Writer& out, const Join& join) {
  write_join_operand(out, *join.left, false);
  out.raw(join.natural ? " NATURAL " : " ");
  out.raw(join_text(join.kind));
  write_join_operand(out, *join.right, true);
  if (join.on) {
    out.raw(" ON ");
    out.expr(*join.on);
  }
  if (!join.columns.empty()) {
    out.raw(" USING ");
    out.names(join.columns);
  }
}

void write_pattern(Writer& out, const RowPattern& pattern);

void write_patterns(Writer& out, const std::vector<RowPattern>& parts, std::string_view separator) {
  out.joined(parts, separator, [&](const RowPattern& part) {
    bool group = std::holds_alternative<PatternAlternation>(part.node) ||
                 (separator == " " && std::holds_alternative<PatternSequence>(part.node));
    out.raw(group ? "(" : "");
    write_pattern(out, part);
    out.raw(group ? ")" : "");
  });
}

void write_repeat(Writer& out, const PatternRepeat& repeat) {
  bool simple = std::holds_alternative<PatternVariable>(repeat.part->node) ||
                std::holds_alternative<PatternPermute>(repeat.part->node);
  out.raw(simple ? "" : "(");
  write_pattern(out, *repeat.part);
  out.raw(simple ? "" : ")");
  if (!repeat.max && repeat.min <= 1) {
    out.raw(repeat.min == 0 ? "*" : "+");
  } else if (repeat.max == 1U && repeat.min == 0) {
    out.raw("?");
  } else if (repeat.max == repeat.min) {
    out.raw(fmt::format("{{{}}}", repeat.min));
  } else {
    out.raw(fmt::format("{{{},{}}}", repeat.min, repeat.max ? fmt::format("{}", *repeat.max) : ""));
  }
  out.raw(repeat.reluctant ? "?" : "");
}

void write_pattern(Writer& out, const RowPattern& pattern) {
  std::visit(Overloaded{
                 [&](const PatternVariable& p) { out.name(p.name); },
                 [&](const PatternSequence& p) { write_patterns(out, p.parts, " "); },
                 [&](const PatternAlternation& p) { write_patterns(out, p.parts, " | "); },
                 [&](const PatternPermute& p) {
                   out.raw("PERMUTE(");
                   write_patterns(out, p.parts, ", ");
                   out.raw(")");
                 },
                 [&](const PatternRepeat& p) { write_repeat(out, p); },
                 [&](const PatternExclusion& p) {
                   out.raw("{- ");
                   write_pattern(out, *p.part);
                   out.raw(" -}");
                 },
                 [&](const PatternAnchor& p) { out.raw(p.end ? "$" : "^"); },
             },
             pattern.node);
}

void write_skip(Writer& out, const MatchRecognize& match) {
  switch (match.rows_per_match) {
    case RowsPerMatch::kDefault:
      break;
    case RowsPerMatch::kOne:
      out.raw(" ONE ROW PER MATCH");
      break;
    case RowsPerMatch::kAll:
      out.raw(" ALL ROWS PER MATCH");
      break;
  }
  switch (match.skip) {
    case SkipKind::kDefault:
      return;
    case SkipKind::kPastLastRow:
      out.raw(" AFTER MATCH SKIP PAST LAST ROW");
      return;
    case SkipKind::kToNextRow:
      out.raw(" AFTER MATCH SKIP TO NEXT ROW");
      return;
    case SkipKind::kToFirst:
      out.raw(" AFTER MATCH SKIP TO FIRST ");
      break;
    case SkipKind::kToLast:
      out.raw(" AFTER MATCH SKIP TO LAST ");
      break;
  }
  out.name(match.skip_variable);
}

}  // namespace

void Writer::match_recognize(const MatchRecognize& match) {
  bool nested = std::holds_alternative<Join>(match.input->node) && !match.input->alias;
  raw(nested ? "(" : "");
  table_ref(*match.input);
  raw(nested ? ")" : "");
  raw(" MATCH_RECOGNIZE (");
  if (!match.partition_by.empty()) {
    raw("PARTITION BY ");
    exprs(match.partition_by);
    raw(" ");
  }
  if (!match.order_by.empty()) {
    raw("ORDER BY ");
    order_items(match.order_by);
    raw(" ");
  }
  if (!match.measures.empty()) {
    raw("MEASURES ");
    select_items(match.measures);
  }
  write_skip(*this, match);
  raw(" PATTERN (");
  write_pattern(*this, match.pattern);
  raw(")");
  if (match.within) {
    raw(" WITHIN ");
    expr(*match.within);
  }
  if (!match.subsets.empty()) {
    raw(" SUBSET ");
    joined(match.subsets, ", ", [&](const PatternSubset& subset) {
      name(subset.name);
      raw(" = ");
      names(subset.variables);
    });
  }
  if (!match.definitions.empty()) {
    raw(" DEFINE ");
    joined(match.definitions, ", ", [&](const PatternDefinition& definition) {
      name(definition.variable);
      raw(" AS ");
      expr(definition.condition);
    });
  }
  raw(")");
}

void Writer::table_ref(const TableRef& ref) {
  bool grouped = std::holds_alternative<Join>(ref.node) && ref.alias;
  raw(grouped ? "(" : "");
  std::visit(Overloaded{
                 [&](const NamedTable& node) { write_named(*this, node); },
                 [&](const DerivedTable& node) {
                   raw(node.lateral ? "LATERAL " : "");
                   query_in_parentheses(*node.query);
                 },
                 [&](const TableFunction& node) {
                   raw(node.lateral ? "LATERAL TABLE(" : "TABLE(");
                   bare_call(node.call);
                   raw(")");
                 },
                 [&](const Unnest& node) {
                   raw("UNNEST(");
                   exprs(node.collections);
                   raw(node.with_ordinality ? ") WITH ORDINALITY" : ")");
                 },
                 [&](const Join& node) { write_join(*this, node); },
                 [&](const MatchRecognize& node) { match_recognize(node); },
             },
             ref.node);
  raw(grouped ? ")" : "");
  if (ref.alias) {
    raw(" AS ");
    name(ref.alias->name);
    if (!ref.alias->columns.empty()) {
      raw(" ");
      names(ref.alias->columns);
    }
  }
}

}  // namespace tidemark::sql
