// Queries without their FROM: SELECT, set operations, VALUES, WITH, ORDER BY, LIMIT.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<HintArgument> read_hint_argument(TokenStream& in) {
  HintArgument argument{.position = in.position()};
  argument.key_quoted = in.at_kind(TokenKind::kString);
  if (argument.key_quoted || in.at_kind(TokenKind::kInteger)) {
    argument.key = in.take().text;
  } else {
    argument.key = TRY(in.any_word("a table name or an option")).text;
    while (in.accept_quietly(".")) {
      argument.key += "." + TRY(in.any_word("a name")).text;
    }
  }
  if (in.accept("=")) {
    if (in.at_kind(TokenKind::kWord) || in.at_kind(TokenKind::kInteger)) {
      argument.value = in.take().text;
    } else {
      argument.value = TRY(in.string("a value in quotes"));
    }
  }
  return argument;
}

// q1, (q1), (a, b)
Result<std::vector<GroupingElement>> read_grouping_elements(TokenStream& in);

Result<GroupingElement> read_grouping_element(TokenStream& in) {
  Level level(in);
  TRY(level.check());
  GroupingElement element{.position = in.position()};
  if (in.accept_quietly("( )")) {
    element.kind = GroupingKind::kEmpty;
    return element;
  }
  element.kind = in.accept_quietly("ROLLUP (")          ? GroupingKind::kRollup
                 : in.accept_quietly("CUBE (")          ? GroupingKind::kCube
                 : in.accept_quietly("GROUPING SETS (") ? GroupingKind::kSets
                                                        : GroupingKind::kExpression;
  if (element.kind == GroupingKind::kExpression) {
    element.expr = TRY(read_expr_ptr(in));
    return element;
  }
  element.elements = TRY(read_grouping_elements(in));
  TRY(in.expect(")"));
  return element;
}

Result<std::vector<GroupingElement>> read_grouping_elements(TokenStream& in) {
  std::vector<GroupingElement> elements;
  do {
    elements.push_back(TRY(read_grouping_element(in)));
  } while (in.accept(","));
  return elements;
}

Status read_group_and_having(TokenStream& in, Select& select) {
  if (in.accept("GROUP BY")) {
    in.accept_quietly("ALL");
    in.accept_quietly("DISTINCT");
    select.group_by = TRY(read_grouping_elements(in));
  }
  if (in.accept("HAVING")) {
    select.having = TRY(read_expr_ptr(in));
  }
  if (in.accept("WINDOW")) {
    do {
      NamedWindow window;
      window.name = TRY(in.identifier("a window name"));
      TRY(in.expect("AS"));
      window.spec = TRY(read_window_spec(in));
      select.windows.push_back(std::move(window));
    } while (in.accept(","));
  }
  if (in.accept("QUALIFY")) {
    select.qualify = TRY(read_expr_ptr(in));
  }
  return {};
}

Result<Select> read_select(TokenStream& in) {
  TRY(in.expect("SELECT"));
  Select select;
  select.hints = TRY(read_hints(in));
  select.distinct = in.accept_quietly("DISTINCT");
  if (!select.distinct) {
    in.accept_quietly("ALL");
  }
  select.items = TRY(read_select_items(in));
  if (in.accept("FROM")) {
    select.from = TRY(read_from(in));
  }
  if (in.accept("WHERE")) {
    select.where = TRY(read_expr_ptr(in));
  }
  TRY(read_group_and_having(in, select));
  return select;
}

// VALUES (1, 2), ROW(3, 4), 5
Result<Values> read_values(TokenStream& in) {
  TRY(in.expect("VALUES"));
  Values values;
  do {
    Expr row = TRY(read_expr(in));
    if (auto* constructor = std::get_if<RowConstructor>(&row.node)) {
      if (constructor->fields.empty()) {
        return in.error("a row of VALUES may not be empty", row.position);
      }
      values.rows.push_back(std::move(constructor->fields));
    } else {
      std::vector<Expr> fields;
      fields.push_back(std::move(row));
      values.rows.push_back(std::move(fields));
    }
  } while (in.accept(","));
  return values;
}

// SELECT .., VALUES .., TABLE t, (q)
Result<Query> read_term(TokenStream& in) {
  Query query;
  query.position = in.position();
  if (in.at("(")) {
    in.take();
    query = TRY(read_query(in));
    TRY(in.expect(")"));
    return query;
  }
  if (in.at("VALUES")) {
    query.body = TRY(read_values(in));
    return query;
  }
  if (!in.at("SELECT")) {
    in.accept("SELECT");
    in.accept("VALUES");
    in.accept("(");
    return in.unexpected("");
  }
  query.body = TRY(read_select(in));
  return query;
}

bool has_modifiers(const Query& query) {
  return !query.with.empty() || !query.order_by.empty() || query.limit || query.offset;
}

std::optional<SetOperator> accept_set_operator(TokenStream& in, bool is_intersect) {
  if (is_intersect) {
    return in.accept("INTERSECT") ? std::optional(SetOperator::kIntersect) : std::nullopt;
  }
  if (in.accept("UNION")) {
    return SetOperator::kUnion;
  }
  return in.accept("EXCEPT") ? std::optional(SetOperator::kExcept) : std::nullopt;
}

// INTERSECT binds tighter than UNION and EXCEPT; all lean to the left.
Result<Query> read_set_operations(TokenStream& in, bool is_intersect) {
  Level level(in);
  TRY(level.check());
  auto operand = [&]() -> Result<Query> {
    return is_intersect ? read_term(in) : read_set_operations(in, true);
  };
  Query left = TRY(operand());
  while (std::optional<SetOperator> op = accept_set_operator(in, is_intersect)) {
    SetOperation node{.op = *op};
    node.all = in.accept("ALL");
    if (!node.all) {
      in.accept("DISTINCT");
    }
    size_t position = left.position;
    node.left = std::make_unique<Query>(std::move(left));
    node.right = std::make_unique<Query>(TRY(operand()));
    left = Query{};
    left.position = position;
    left.body = std::move(node);
    TRY(level.grow());
  }
  return left;
}

Result<std::vector<CommonTable>> read_with(TokenStream& in) {
  std::vector<CommonTable> tables;
  do {
    CommonTable table;
    table.name = TRY(in.identifier("a name"));
    if (in.at("(")) {
      table.columns = TRY(in.identifiers("a column name"));
    }
    TRY(in.expect("AS"));
    table.query = TRY(read_query_in_parentheses(in));
    tables.push_back(std::move(table));
  } while (in.accept(","));
  return tables;
}

// LIMIT n, OFFSET n [ROWS], FETCH FIRST n ROWS ONLY, in any order as in Postgres
Status read_limits(TokenStream& in, Query& query) {
  while (true) {
    if (!query.limit && in.accept("LIMIT")) {
      if (!in.accept("ALL")) {
        query.limit = TRY(read_expr_ptr(in));
      }
    } else if (!query.offset && in.accept("OFFSET")) {
      query.offset = TRY(read_expr_ptr(in));
      if (!in.accept("ROWS")) {
        in.accept("ROW");
      }
    } else if (!query.limit && in.accept("FETCH")) {
      if (!in.accept("FIRST")) {
        TRY(in.expect("NEXT"));
      }
      query.limit = in.at("ROW") || in.at("ROWS")
                        ? make_expr(Expr{NumberLiteral{NumberKind::kInteger, "1"}, in.position()})
                        : make_expr(TRY(read_expr_above(in, kPrecedenceAdd)));
      if (!in.accept("ROWS")) {
        TRY(in.expect("ROW"));
      }
      TRY(in.expect("ONLY"));
    } else {
      return {};
    }
  }
}

bool at_modifier(const TokenStream& in) {
  return in.at("ORDER") || in.at("LIMIT") || in.at("OFFSET") || in.at("FETCH");
}

}  // namespace

Result<std::vector<Hint>> read_hints(TokenStream& in) {
  std::vector<Hint> hints;
  while (in.at_kind(TokenKind::kHintBegin)) {
    in.take();
    while (!in.at_kind(TokenKind::kHintEnd)) {
      Hint hint;
      hint.name = TRY(in.any_word("the name of a hint"));
      if (in.accept("(")) {
        while (!in.at(")")) {
          hint.arguments.push_back(TRY(read_hint_argument(in)));
          if (!in.accept(",")) {
            break;
          }
        }
        TRY(in.expect(")"));
      }
      hints.push_back(std::move(hint));
      in.accept(",");
    }
    in.take();
  }
  return hints;
}

Result<std::vector<SelectItem>> read_select_items(TokenStream& in) {
  std::vector<SelectItem> items;
  do {
    SelectItem item;
    size_t position = in.position();
    if (in.accept_quietly("*")) {
      item.expr = Expr{Star{}, position};
    } else {
      item.expr = TRY(read_expr(in));
    }
    if (in.accept_quietly("AS")) {
      bool ends = in.at(",", 1) || in.at(")", 1) || in.at(";", 1) || in.at("FROM", 1) ||
                  in.at_kind(TokenKind::kEnd, 1);
      item.alias = TRY(ends ? in.any_word("an alias") : in.identifier("an alias"));
    } else if (in.at_identifier()) {
      item.alias = TRY(in.identifier("an alias"));
    }
    items.push_back(std::move(item));
  } while (in.accept(","));
  return items;
}

Result<Query> read_query(TokenStream& in) {
  Level level(in);
  TRY(level.check());
  size_t position = in.position();
  bool recursive = false;
  std::vector<CommonTable> with;
  if (in.accept("WITH")) {
    recursive = in.accept("RECURSIVE");
    with = TRY(read_with(in));
  }
  Query query = TRY(read_set_operations(in, false));
  if (has_modifiers(query) && (!with.empty() || at_modifier(in))) {
    Query outer;
    outer.body = NestedQuery{std::make_unique<Query>(std::move(query))};
    query = std::move(outer);
  }
  query.position = position;
  if (!with.empty()) {
    query.recursive = recursive;
    query.with = std::move(with);
  }
  if (in.accept("ORDER BY")) {
    query.order_by = TRY(read_order_by(in));
  }
  TRY(read_limits(in, query));
  return query;
}

Result<QueryPtr> read_query_ptr(TokenStream& in) {
  return std::make_unique<Query>(TRY(read_query(in)));
}

Result<QueryPtr> read_query_in_parentheses(TokenStream& in) {
  TRY(in.expect("("));
  QueryPtr query = TRY(read_query_ptr(in));
  TRY(in.expect(")"));
  return query;
}

}  // namespace tidemark::sql
