// Statements that change data, plans, and our own on live views.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

using Node = Result<StatementNode>;

Result<StatementPtr> boxed(TokenStream& in, StatementNode node, size_t position) {
  return std::make_unique<Statement>(Statement{std::move(node), position, in.previous_end()});
}

Result<OnConflict> read_on_conflict(TokenStream& in) {
  if (!in.accept("ON CONFLICT")) {
    return OnConflict::kUnspecified;
  }
  TRY(in.expect("DO"));
  if (in.accept("NOTHING")) {
    return OnConflict::kNothing;
  }
  if (in.accept("ERROR")) {
    return OnConflict::kError;
  }
  TRY(in.expect("DEDUPLICATE"));
  return OnConflict::kDeduplicate;
}

// (a, b.c) of INSERT; `(` may also begin the query
Result<std::vector<Name>> read_insert_columns(TokenStream& in) {
  std::vector<Name> columns;
  if (!in.at("(") || at_query(in, 0)) {
    return columns;
  }
  TRY(in.expect("("));
  do {
    columns.push_back(TRY(in.name("a column name")));
  } while (in.accept(","));
  TRY(in.expect(")"));
  return columns;
}

Result<std::optional<Identifier>> read_change_alias(TokenStream& in) {
  if (in.accept("AS") || (in.at_identifier() && !in.at("SET"))) {
    return std::optional<Identifier>(TRY(in.identifier("an alias")));
  }
  return std::optional<Identifier>();
}

Node read_update(TokenStream& in) {
  in.take();
  Update update{.target = TRY(in.name("a table"))};
  update.alias = TRY(read_change_alias(in));
  TRY(in.expect("SET"));
  do {
    Assignment assignment;
    assignment.column = TRY(in.name("a column name"));
    TRY(in.expect("="));
    assignment.value = TRY(read_expr(in));
    update.assignments.push_back(std::move(assignment));
  } while (in.accept(","));
  if (in.accept("WHERE")) {
    update.where = TRY(read_expr_ptr(in));
  }
  return StatementNode(std::move(update));
}

Node read_delete(TokenStream& in) {
  in.take();
  TRY(in.expect("FROM"));
  Delete node{.target = TRY(in.name("a table"))};
  node.alias = TRY(read_change_alias(in));
  if (in.accept("WHERE")) {
    node.where = TRY(read_expr_ptr(in));
  }
  return StatementNode(std::move(node));
}

Node read_truncate(TokenStream& in) {
  in.take();
  TRY(in.expect("TABLE"));
  return StatementNode(Truncate{TRY(in.name("a table"))});
}

Node read_call_statement(TokenStream& in) {
  in.take();
  return StatementNode(Call{TRY(read_table_call(in))});
}

Node read_analyze(TokenStream& in) {
  in.take();
  TRY(in.expect("TABLE"));
  Analyze analyze{.table = TRY(in.name("a table"))};
  analyze.partition = TRY(read_partition(in));
  TRY(in.expect("COMPUTE STATISTICS"));
  if (in.accept("FOR ALL COLUMNS")) {
    analyze.all_columns = true;
  } else if (in.accept("FOR COLUMNS")) {
    do {
      analyze.columns.push_back(TRY(in.identifier("a column name")));
    } while (in.accept(","));
  }
  return StatementNode(std::move(analyze));
}

// INSERT .., [EXECUTE] STATEMENT SET .., BEGIN STATEMENT SET ..
Result<StatementPtr> read_plannable(TokenStream& in) {
  size_t position = in.position();
  if (in.at("INSERT")) {  // not accept(): read_insert() takes it
    return boxed(in, TRY(read_insert(in)), position);
  }
  in.accept_quietly("EXECUTE");
  in.accept_quietly("BEGIN");
  TRY(in.expect("STATEMENT SET"));
  return boxed(in, TRY(read_statement_set(in)), position);
}

Node read_compile(TokenStream& in) {
  in.take();
  CompilePlan compile;
  compile.execute = in.accept("AND EXECUTE");
  TRY(in.expect("PLAN"));
  compile.path = TRY(in.string("a path in quotes"));
  compile.if_not_exists = in.accept("IF NOT EXISTS");
  TRY(in.expect("FOR"));
  compile.statement = TRY(read_plannable(in));
  return StatementNode(std::move(compile));
}

Node read_execute(TokenStream& in) {
  in.take();
  if (in.accept("STATEMENT SET")) {
    return read_statement_set(in);
  }
  if (in.accept("PLAN")) {
    return StatementNode(ExecutePlan{TRY(in.string("a path in quotes"))});
  }
  if (in.at("INSERT")) {
    return read_insert(in);
  }
  in.accept("INSERT");
  return StatementNode(QueryStatement{TRY(read_query_ptr(in))});
}

Result<std::vector<ExplainDetail>> read_explain_details(TokenStream& in) {
  struct Row {
    std::string_view word;
    ExplainDetail detail;
  };
  static constexpr Row kDetails[] = {{"ESTIMATED_COST", ExplainDetail::kEstimatedCost},
                                     {"CHANGELOG_MODE", ExplainDetail::kChangelogMode},
                                     {"JSON_EXECUTION_PLAN", ExplainDetail::kJsonExecutionPlan},
                                     {"PLAN_ADVICE", ExplainDetail::kPlanAdvice},
                                     {"ANALYZE", ExplainDetail::kAnalyze},
                                     {"VERBOSE", ExplainDetail::kVerbose}};
  std::vector<ExplainDetail> details;
  if (in.accept("PLAN FOR")) {
    return details;
  }
  bool again = true;
  while (again) {
    again = false;
    for (const Row& row : kDetails) {
      if (in.accept(row.word)) {
        details.push_back(row.detail);
        in.accept(",");
        again = true;
        break;
      }
    }
  }
  return details;
}

Node read_explain(TokenStream& in) {
  in.take();
  Explain explain;
  explain.details = TRY(read_explain_details(in));
  size_t position = in.position();
  if (at_query(in, 0)) {
    explain.statement = TRY(boxed(in, QueryStatement{TRY(read_query_ptr(in))}, position));
  } else if (in.at("CREATE") || in.at("REPLACE")) {
    explain.statement = TRY(boxed(in, TRY(read_create(in)), position));
  } else if (in.at("UPDATE") || in.at("DELETE")) {
    explain.statement =
        TRY(boxed(in, TRY(in.at("UPDATE") ? read_update(in) : read_delete(in)), position));
  } else if (in.at("EXECUTE") && !in.at("EXECUTE STATEMENT")) {
    explain.statement = TRY(boxed(in, TRY(read_execute(in)), position));
  } else {
    in.accept("SELECT");
    in.accept("CREATE");
    explain.statement = TRY(read_plannable(in));
  }
  return StatementNode(std::move(explain));
}

Node read_verify(TokenStream& in) {
  in.take();
  in.accept_quietly("MATERIALIZED");
  TRY(in.expect("VIEW"));
  return StatementNode(VerifyView{TRY(in.name("a view name"))});
}

Node read_wait(TokenStream& in) {
  in.take();
  TRY(in.expect("FOR LSN"));
  WaitForLsn wait{.lsn = TRY(in.string("an LSN such as '0/16B3748'"))};
  wait.options = TRY(read_with_options(in));
  return StatementNode(std::move(wait));
}

// PostgreSQL's spelling before 9.0, which tools still write: [BINARY] [CSV [HEADER]]
// [DELIMITER 'c'] [NULL 's'] [QUOTE 'c'] [ESCAPE 'c'].
Result<Options> read_old_copy_options(TokenStream& in) {
  Options options;
  auto add = [&](std::string key, std::string value) {
    options.push_back(
        Option{.key = std::move(key), .value = std::move(value), .position = in.position()});
  };
  bool again = true;
  while (again) {
    again = false;
    for (const char* format : {"BINARY", "CSV"}) {
      if (in.accept(format)) {
        add("FORMAT", format[0] == 'B' ? "binary" : "csv");
        again = true;
      }
    }
    if (in.accept("HEADER")) {
      add("HEADER", "true");
      again = true;
    }
    for (const char* key : {"DELIMITER", "NULL", "QUOTE", "ESCAPE"}) {
      if (in.accept(key)) {
        in.accept("AS");
        add(key, TRY(in.string("a text in quotes")));
        again = true;
      }
    }
  }
  return options;
}

Node read_copy(TokenStream& in) {
  in.take();
  Copy copy;
  if (in.at("SUBSCRIBE") || (in.at("(") && in.at("SUBSCRIBE", 1))) {
    bool parenthesised = in.accept_quietly("(");
    size_t position = in.position();
    copy.source = TRY(boxed(in, TRY(read_subscribe(in)), position));
    if (parenthesised) {
      TRY(in.expect(")"));
    }
  } else if (in.at("(")) {
    size_t position = in.position();
    copy.source = TRY(boxed(in, QueryStatement{TRY(read_query_in_parentheses(in))}, position));
  } else {
    copy.source = TRY(in.name("a table or view"));
    if (in.at("(")) {
      copy.columns = TRY(in.identifiers("a column name"));
    }
  }
  TRY(in.expect("TO STDOUT"));
  in.accept("WITH");
  copy.options = in.at("(") ? TRY(read_options(in)) : TRY(read_old_copy_options(in));
  return StatementNode(std::move(copy));
}

Node read_query_statement(TokenStream& in) {
  return StatementNode(QueryStatement{TRY(read_query_ptr(in))});
}

}  // namespace

// INSERT {INTO|OVERWRITE} t [hints] [PARTITION (..)] [(columns)] q [ON CONFLICT ..]
Result<StatementNode> read_insert(TokenStream& in) {
  TRY(in.expect("INSERT"));
  Insert insert;
  if (in.accept("OVERWRITE")) {
    insert.overwrite = true;
    in.accept("INTO");
  } else {
    TRY(in.expect("INTO"));
  }
  in.accept_quietly("TABLE");
  insert.target = TRY(in.name("a table"));
  insert.hints = TRY(read_hints(in));
  insert.partition = TRY(read_partition(in));
  insert.columns = TRY(read_insert_columns(in));
  insert.query = TRY(read_query_ptr(in));
  insert.on_conflict = TRY(read_on_conflict(in));
  return StatementNode(std::move(insert));
}

// BEGIN insert; insert; END; the old spelling has `;` in place of BEGIN.
Result<StatementNode> read_statement_set(TokenStream& in) {
  if (!in.accept("BEGIN")) {
    TRY(in.expect(";"));
  }
  StatementSet set;
  while (in.accept_quietly(";")) {
  }
  while (!in.accept("END")) {
    StatementNode insert = TRY(read_insert(in));
    set.inserts.push_back(std::move(std::get<Insert>(insert)));
    TRY(in.expect(";"));
    while (in.accept_quietly(";")) {
    }
  }
  return StatementNode(std::move(set));
}

// SUBSCRIBE [TO] {v | (q)} [WITH (..)] [AS OF MARK '..']
Result<StatementNode> read_subscribe(TokenStream& in) {
  in.take();
  Subscribe subscribe;
  in.accept("TO");
  if (in.at("(")) {
    subscribe.query = TRY(read_query_in_parentheses(in));
  } else if (at_query(in, 0)) {
    subscribe.query = TRY(read_query_ptr(in));
  } else {
    subscribe.name = TRY(in.name("a view"));
  }
  bool again = true;
  while (again) {
    again = false;
    if (subscribe.options.empty() && in.accept("WITH")) {
      subscribe.options = TRY(read_options(in));
      again = true;
    }
    if (!subscribe.as_of_mark && in.accept("AS OF MARK")) {
      subscribe.as_of_mark = TRY(read_mark(in));
      again = true;
    }
  }
  return StatementNode(std::move(subscribe));
}

Result<std::optional<StatementNode>> read_change(TokenStream& in) {
  struct Row {
    std::string_view word;
    Node (*read)(TokenStream& in);
  };
  static constexpr Row kRows[] = {
      {"SELECT", read_query_statement},
      {"INSERT", read_insert},
      {"CREATE", read_create},
      {"DROP", read_drop},
      {"ALTER", read_alter},
      {"SHOW", read_show},
      {"EXPLAIN", read_explain},
      {"WITH", read_query_statement},
      {"VALUES", read_query_statement},
      {"(", read_query_statement},
      {"REPLACE", read_create},
      {"DESCRIBE", read_describe},
      {"DESC", read_describe},
      {"EXECUTE", read_execute},
      {"UPDATE", read_update},
      {"DELETE", read_delete},
      {"TRUNCATE", read_truncate},
      {"CALL", read_call_statement},
      {"ANALYZE", read_analyze},
      {"COMPILE", read_compile},
      {"SUBSCRIBE", read_subscribe},
      {"VERIFY", read_verify},
      {"WAIT", read_wait},
      {"COPY", read_copy},
  };
  for (const Row& row : kRows) {
    if (in.at(row.word)) {
      return std::optional<StatementNode>(TRY(row.read(in)));
    }
    in.accept(row.word);  // for the error and its nearest keyword
  }
  return std::optional<StatementNode>();
}

}  // namespace tidemark::sql
