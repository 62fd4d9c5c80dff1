// MATCH_RECOGNIZE (..)

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<RowPattern> read_alternation(TokenStream& in);

bool at_pattern(const TokenStream& in) {
  return in.at_identifier() || in.at("(") || in.at("{ -") || in.at("^") || in.at("$") ||
         in.at("PERMUTE (");
}

// A, (..), {- .. -}, ^, $, PERMUTE(..)
Result<RowPattern> read_pattern_primary(TokenStream& in) {
  RowPattern pattern{.position = in.position()};
  if (in.accept("(")) {
    pattern = TRY(read_alternation(in));
    TRY(in.expect(")"));
  } else if (in.accept("{ -")) {
    pattern.node = PatternExclusion{std::make_unique<RowPattern>(TRY(read_alternation(in)))};
    TRY(in.expect("- }"));
  } else if (in.accept("^")) {
    pattern.node = PatternAnchor{.end = false};
  } else if (in.accept("$")) {
    pattern.node = PatternAnchor{.end = true};
  } else if (in.accept_quietly("PERMUTE (")) {
    PatternPermute permute;
    do {
      permute.parts.push_back(TRY(read_alternation(in)));
    } while (in.accept(","));
    TRY(in.expect(")"));
    pattern.node = std::move(permute);
  } else {
    pattern.node = PatternVariable{TRY(in.identifier("a pattern variable"))};
  }
  return pattern;
}

// The `?` of a pattern reaches us as a parameter token.
bool accept_question_mark(TokenStream& in) {
  if (in.at_kind(TokenKind::kParameter) && in.peek().text.empty()) {
    in.take();
    return true;
  }
  return false;
}

// {n}, {n,}, {,m}, {n,m}, behind the `{`
Status read_bounds(TokenStream& in, PatternRepeat& repeat) {
  bool has_min = in.at_kind(TokenKind::kInteger);
  if (has_min) {
    repeat.min = TRY(in.number("a count"));
  }
  if (!in.accept(",")) {
    if (!has_min) {
      return in.unexpected("a count");
    }
    repeat.max = repeat.min;
  } else if (in.at_kind(TokenKind::kInteger)) {
    repeat.max = TRY(in.number("a count"));
  }
  return in.expect("}");
}

Result<RowPattern> read_quantified(TokenStream& in) {
  Level level(in);
  TRY(level.check());
  RowPattern pattern = TRY(read_pattern_primary(in));
  PatternRepeat repeat;
  if (in.accept("*")) {
    repeat.min = 0;
  } else if (in.accept("+")) {
    repeat.min = 1;
  } else if (accept_question_mark(in)) {
    repeat.max = 1;
  } else if (in.at("{") && !in.at("{ -")) {
    in.take();
    TRY(read_bounds(in, repeat));
  } else {
    return pattern;
  }
  repeat.reluctant = accept_question_mark(in);
  size_t position = pattern.position;
  repeat.part = std::make_unique<RowPattern>(std::move(pattern));
  RowPattern result{.position = position};
  result.node = std::move(repeat);
  return result;
}

Result<RowPattern> read_sequence(TokenStream& in) {
  PatternSequence sequence;
  size_t position = in.position();
  do {
    sequence.parts.push_back(TRY(read_quantified(in)));
  } while (at_pattern(in));
  if (sequence.parts.size() == 1) {
    return std::move(sequence.parts.front());
  }
  RowPattern pattern{.position = position};
  pattern.node = std::move(sequence);
  return pattern;
}

Result<RowPattern> read_alternation(TokenStream& in) {
  PatternAlternation alternation;
  size_t position = in.position();
  do {
    alternation.parts.push_back(TRY(read_sequence(in)));
  } while (in.accept("|"));
  if (alternation.parts.size() == 1) {
    return std::move(alternation.parts.front());
  }
  RowPattern pattern{.position = position};
  pattern.node = std::move(alternation);
  return pattern;
}

Status read_rows_and_skip(TokenStream& in, MatchRecognize& match) {
  if (in.accept("ONE ROW PER MATCH")) {
    match.rows_per_match = RowsPerMatch::kOne;
  } else if (in.accept("ALL ROWS PER MATCH")) {
    match.rows_per_match = RowsPerMatch::kAll;
  }
  if (!in.accept("AFTER MATCH SKIP")) {
    return {};
  }
  if (in.accept("PAST LAST ROW")) {
    match.skip = SkipKind::kPastLastRow;
    return {};
  }
  TRY(in.expect("TO"));
  if (in.accept("NEXT ROW")) {
    match.skip = SkipKind::kToNextRow;
    return {};
  }
  bool first = in.accept("FIRST");
  if (!first) {
    in.accept("LAST");
  }
  match.skip = first ? SkipKind::kToFirst : SkipKind::kToLast;
  match.skip_variable = TRY(in.identifier("a pattern variable"));
  return {};
}

Status read_subsets(TokenStream& in, MatchRecognize& match) {
  if (in.accept("SUBSET")) {
    do {
      PatternSubset subset;
      subset.name = TRY(in.identifier("a name"));
      TRY(in.expect("="));
      subset.variables = TRY(in.identifiers("a pattern variable"));
      match.subsets.push_back(std::move(subset));
    } while (in.accept(","));
  }
  return {};
}

Status read_definitions(TokenStream& in, MatchRecognize& match) {
  do {
    PatternDefinition definition;
    definition.variable = TRY(in.identifier("a pattern variable"));
    TRY(in.expect("AS"));
    definition.condition = TRY(read_expr(in));
    match.definitions.push_back(std::move(definition));
  } while (in.accept(","));
  return {};
}

}  // namespace

Result<MatchRecognize> read_match_recognize(TokenStream& in, TableRef input) {
  MatchRecognize match;
  match.input = std::make_unique<TableRef>(std::move(input));
  TRY(in.expect("("));
  if (in.accept("PARTITION BY")) {
    match.partition_by = TRY(read_exprs(in));
  }
  if (in.accept("ORDER BY")) {
    match.order_by = TRY(read_order_by(in));
  }
  if (in.accept("MEASURES")) {
    match.measures = TRY(read_select_items(in));
    for (const SelectItem& measure : match.measures) {
      if (!measure.alias) {
        return in.error("a measure needs a name: write AS and the name", measure.expr.position);
      }
    }
  }
  TRY(read_rows_and_skip(in, match));
  TRY(in.expect("PATTERN"));
  TRY(in.expect("("));
  match.pattern = TRY(read_alternation(in));
  TRY(in.expect(")"));
  if (in.accept("WITHIN")) {
    match.within = TRY(read_expr_ptr(in));
  }
  TRY(read_subsets(in, match));
  if (in.accept("DEFINE")) {
    TRY(read_definitions(in, match));
  }
  TRY(in.expect(")"));
  return match;
}

}  // namespace tidemark::sql
