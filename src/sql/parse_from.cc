// FROM: tables, joins, table functions, derived tables.

#include <array>

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<TableRef> read_join_tree(TokenStream& in);

// [AS] a [(c, d)]; `AS OF` begins a mark, not an alias.
Result<std::optional<TableAlias>> read_alias(TokenStream& in) {
  bool has_as = !in.at("AS OF") && in.accept("AS");
  if (!has_as && !in.at_identifier()) {
    return std::optional<TableAlias>();
  }
  TableAlias alias;
  alias.name = TRY(in.identifier("an alias"));
  if (in.at("(")) {
    alias.columns = TRY(in.identifiers("a column name"));
  }
  return std::optional<TableAlias>(std::move(alias));
}

// TABLE(f(..)), TABLE(t)
Result<TableRef> read_table_keyword(TokenStream& in, bool lateral) {
  TableRef ref{.position = in.position()};
  in.take();
  TRY(in.expect("("));
  ref.node = TableFunction{TRY(read_table_call(in)), lateral};
  TRY(in.expect(")"));
  return ref;
}

// psql writes pg_catalog.unnest(..).
bool at_unnest(const TokenStream& in) {
  return in.at("UNNEST (") || (in.at_identifier() && in.at(". UNNEST (", 1));
}

Result<TableRef> read_unnest(TokenStream& in) {
  TableRef ref{.position = in.position()};
  if (in.at_identifier()) {
    Identifier schema = TRY(in.identifier("a schema"));
    if (schema.text != "pg_catalog") {
      return in.error("UNNEST is not in " + schema.text, ref.position);
    }
    TRY(in.expect("."));
  }
  TRY(in.expect("UNNEST ("));
  Unnest unnest;
  unnest.collections = TRY(read_exprs(in));
  TRY(in.expect(")"));
  unnest.with_ordinality = in.accept("WITH ORDINALITY");
  ref.node = std::move(unnest);
  return ref;
}

// t [hints] [FOR SYSTEM_TIME AS OF e] [AS OF MARK '..']
Result<TableRef> read_named(TokenStream& in, bool lateral) {
  TableRef ref{.position = in.position()};
  Name name = TRY(in.name("a table"));
  if (lateral) {
    return in.error("LATERAL needs a query in parentheses or TABLE(function(..))", ref.position);
  }
  NamedTable table{.name = std::move(name)};
  table.hints = TRY(read_hints(in));
  if (in.accept("FOR SYSTEM_TIME AS OF")) {
    table.system_time = make_expr(TRY(read_expr_above(in, kPrecedenceOther)));
  }
  if (in.accept_quietly("AS OF MARK")) {
    table.as_of_mark = TRY(read_mark(in));
  }
  ref.node = std::move(table);
  return ref;
}

bool at_call(const TokenStream& in) {
  size_t i = 0;
  while (in.at_identifier(i) && in.at(".", i + 1)) {
    i += 2;
  }
  return in.at_identifier(i) && in.at("(", i + 1);
}

// (q) or (a JOIN b)
Result<TableRef> read_parentheses(TokenStream& in, bool lateral) {
  TableRef ref{.position = in.position()};
  if (at_query(in, 1) || lateral) {
    ref.node = DerivedTable{TRY(read_query_in_parentheses(in)), lateral};
    return ref;
  }
  in.take();
  TableRef inner = TRY(read_join_tree(in));
  TRY(in.expect(")"));
  return inner;
}

// One operand of joins, with its alias.
Result<TableRef> read_operand(TokenStream& in) {
  Level level(in);
  TRY(level.check());
  size_t position = in.position();
  bool lateral = in.accept("LATERAL");
  TableRef ref;
  if (in.at("TABLE (")) {
    ref = TRY(read_table_keyword(in, lateral));
  } else if (at_unnest(in)) {
    ref = TRY(read_unnest(in));
  } else if (in.at("(")) {
    ref = TRY(read_parentheses(in, lateral));
  } else if (in.at("VALUES")) {
    ref.node = DerivedTable{TRY(read_query_ptr(in)), lateral};
  } else if (at_call(in)) {
    ref.node = TableFunction{TRY(read_table_call(in))};  // LATERAL before it says nothing
  } else {
    ref = TRY(read_named(in, lateral));
  }
  ref.position = position;
  if (!ref.alias) {
    ref.alias = TRY(read_alias(in));
  }
  auto* table = std::get_if<NamedTable>(&ref.node);
  if (table != nullptr && !table->as_of_mark && in.accept_quietly("AS OF MARK")) {
    table->as_of_mark = TRY(read_mark(in));
  }
  while (in.accept_quietly("MATCH_RECOGNIZE")) {
    TRY(level.grow());
    MatchRecognize match = TRY(read_match_recognize(in, std::move(ref)));
    ref = TableRef{.position = position};
    ref.node = std::move(match);
    ref.alias = TRY(read_alias(in));
  }
  return ref;
}

std::optional<JoinKind> accept_join(TokenStream& in) {
  struct Row {
    std::string_view words;
    JoinKind kind;
  };
  static constexpr std::array<Row, 9> kJoins = {{{"JOIN", JoinKind::kInner},
                                                 {"INNER JOIN", JoinKind::kInner},
                                                 {"LEFT JOIN", JoinKind::kLeft},
                                                 {"LEFT OUTER JOIN", JoinKind::kLeft},
                                                 {"RIGHT JOIN", JoinKind::kRight},
                                                 {"RIGHT OUTER JOIN", JoinKind::kRight},
                                                 {"FULL JOIN", JoinKind::kFull},
                                                 {"FULL OUTER JOIN", JoinKind::kFull},
                                                 {"CROSS JOIN", JoinKind::kCross}}};
  for (const Row& row : kJoins) {
    if (in.accept(row.words)) {
      return row.kind;
    }
  }
  return std::nullopt;
}

Status read_join_condition(TokenStream& in, Join& join) {
  if (join.natural || join.kind == JoinKind::kCross) {
    return {};
  }
  if (in.accept("USING")) {
    join.columns = TRY(in.identifiers("a column name"));
    return {};
  }
  TRY(in.expect("ON"));
  join.on = TRY(read_expr_ptr(in));
  return {};
}

Result<TableRef> read_join_tree(TokenStream& in) {
  Level level(in);
  TRY(level.check());
  TableRef left = TRY(read_operand(in));
  while (true) {
    bool natural = in.accept("NATURAL");
    std::optional<JoinKind> kind = accept_join(in);
    if (!kind) {
      return natural ? Result<TableRef>(in.unexpected("")) : Result<TableRef>(std::move(left));
    }
    Join join{.kind = *kind, .natural = natural};
    size_t position = left.position;
    join.left = std::make_unique<TableRef>(std::move(left));
    join.right = std::make_unique<TableRef>(TRY(read_operand(in)));
    TRY(read_join_condition(in, join));
    left = TableRef{.position = position};
    left.node = std::move(join);
    TRY(level.grow());
  }
}

}  // namespace

Result<std::vector<TableRef>> read_from(TokenStream& in) {
  std::vector<TableRef> refs;
  do {
    refs.push_back(TRY(read_join_tree(in)));
  } while (in.accept(","));
  return refs;
}

Result<std::string> read_mark(TokenStream& in) {
  return in.string("a mark such as '0/16B3748'");
}

}  // namespace tidemark::sql
