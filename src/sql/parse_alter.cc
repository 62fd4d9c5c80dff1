// ALTER of everything.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<AlterElement> read_alter_element(TokenStream& in) {
  AlterElement element{.element = TRY(read_table_element(in))};
  if (in.accept("FIRST")) {
    element.placement = ColumnPlacement::kFirst;
  } else if (in.accept("AFTER")) {
    element.placement = ColumnPlacement::kAfter;
    element.after = TRY(in.identifier("a column name"));
  }
  return element;
}

// element, (element, ..)
Result<std::vector<AlterElement>> read_alter_elements(TokenStream& in) {
  std::vector<AlterElement> elements;
  if (!in.accept_quietly("(")) {
    in.accept_quietly("COLUMN");
    elements.push_back(TRY(read_alter_element(in)));
    return elements;
  }
  do {
    elements.push_back(TRY(read_alter_element(in)));
  } while (in.accept(","));
  TRY(in.expect(")"));
  return elements;
}

Result<AlterAction> read_add(TokenStream& in) {
  if (in.at("PARTITION (") || in.at("IF NOT EXISTS PARTITION")) {
    AddPartition action;
    action.if_not_exists = in.accept("IF NOT EXISTS");
    action.partition = TRY(read_partition(in));
    action.options = TRY(read_with_options(in));
    return AlterAction(std::move(action));
  }
  if (in.accept_quietly("DISTRIBUTION")) {
    return AlterAction(AddDistribution{TRY(read_distribution(in))});
  }
  return AlterAction(AddElements{TRY(read_alter_elements(in))});
}

Result<AlterAction> read_modify(TokenStream& in) {
  if (in.accept_quietly("DISTRIBUTION")) {
    return AlterAction(ModifyDistribution{TRY(read_distribution(in))});
  }
  return AlterAction(ModifyElements{TRY(read_alter_elements(in))});
}

Result<AlterAction> read_alter_drop(TokenStream& in) {
  if (in.accept("PRIMARY KEY")) {
    return AlterAction(DropPrimaryKey{});
  }
  if (in.accept("CONSTRAINT")) {
    return AlterAction(DropConstraint{TRY(in.identifier("a constraint name"))});
  }
  if (in.accept("WATERMARK")) {
    return AlterAction(DropWatermark{});
  }
  if (in.accept("DISTRIBUTION")) {
    return AlterAction(DropDistribution{});
  }
  in.accept_quietly("COLUMN");
  bool if_exists = in.accept("IF EXISTS");
  if (in.at("PARTITION (")) {
    return AlterAction(DropPartition{if_exists, TRY(read_partition(in))});
  }
  DropColumns action{.if_exists = if_exists};
  bool listed = in.accept("(");
  do {
    action.columns.push_back(TRY(in.name("a column name")));
  } while (listed && in.accept(","));
  if (listed) {
    TRY(in.expect(")"));
  }
  return AlterAction(std::move(action));
}

Result<AlterAction> read_set(TokenStream& in) {
  if (in.accept("FRESHNESS")) {
    in.accept("=");
    return AlterAction(SetFreshness{TRY(read_expr_ptr(in))});
  }
  if (in.accept("REFRESH_MODE")) {
    in.accept("=");
    bool full = in.accept("FULL");
    if (!full) {
      TRY(in.expect("CONTINUOUS"));
    }
    return AlterAction(SetRefreshMode{full ? RefreshMode::kFull : RefreshMode::kContinuous});
  }
  return AlterAction(SetOptions{TRY(read_options(in))});
}

Result<AlterAction> read_reset(TokenStream& in) {
  ResetOptions action;
  TRY(in.expect("("));
  do {
    action.keys.push_back(TRY(in.string("an option in quotes")));
  } while (in.accept(","));
  TRY(in.expect(")"));
  return AlterAction(std::move(action));
}

Result<AlterAction> read_rename(TokenStream& in) {
  if (in.accept("TO")) {
    return AlterAction(RenameObject{TRY(in.name("a name"))});
  }
  in.accept_quietly("COLUMN");
  RenameColumn action;
  action.from = TRY(in.name("a column name"));
  TRY(in.expect("TO"));
  action.to = TRY(in.identifier("a column name"));
  return AlterAction(std::move(action));
}

Result<AlterAction> read_table_action(TokenStream& in) {
  if (in.accept("ADD")) {
    return read_add(in);
  }
  if (in.accept("MODIFY")) {
    return read_modify(in);
  }
  if (in.accept("DROP")) {
    return read_alter_drop(in);
  }
  if (in.accept("RENAME")) {
    return read_rename(in);
  }
  if (in.accept("SET")) {
    return read_set(in);
  }
  TRY(in.expect("RESET"));
  return read_reset(in);
}

Result<AlterAction> read_materialized_action(TokenStream& in) {
  if (in.accept("SUSPEND")) {
    return AlterAction(SuspendRefresh{});
  }
  if (in.accept("RESUME")) {
    return AlterAction(ResumeRefresh{TRY(read_with_options(in))});
  }
  if (in.accept("REFRESH")) {
    return AlterAction(RefreshNow{TRY(read_partition(in))});
  }
  if (in.accept("AS")) {
    return AlterAction(AlterQuery{TRY(read_query_ptr(in))});
  }
  return read_table_action(in);
}

// What views, catalogs, databases, models and connections can do.
Result<AlterAction> read_object_action(TokenStream& in, ObjectKind kind) {
  if (kind == ObjectKind::kView && in.accept("AS")) {
    return AlterAction(AlterQuery{TRY(read_query_ptr(in))});
  }
  if (kind == ObjectKind::kCatalog && in.accept("COMMENT")) {
    return AlterAction(SetComment{TRY(in.string("a comment in quotes"))});
  }
  if (kind != ObjectKind::kCatalog && kind != ObjectKind::kDatabase && in.accept("RENAME TO")) {
    return AlterAction(RenameObject{TRY(in.name("a name"))});
  }
  if (in.accept("SET")) {
    return AlterAction(SetOptions{TRY(read_options(in))});
  }
  TRY(in.expect("RESET"));
  return read_reset(in);
}

Result<StatementNode> read_alter_function(TokenStream& in, bool temporary, bool system) {
  Alter alter{.kind = ObjectKind::kFunction};
  alter.if_exists = in.accept("IF EXISTS");
  alter.name = TRY(in.name("a function name"));
  alter.action = AlterFunction{temporary, system, TRY(read_function_body(in))};
  return StatementNode(std::move(alter));
}

Result<StatementNode> read_alter_user(TokenStream& in) {
  AlterUser alter{.name = TRY(in.identifier("a user name"))};
  in.accept("WITH");
  TRY(in.expect("PASSWORD"));
  if (!in.accept("NULL")) {
    alter.password = TRY(in.string("a password in quotes"));
  }
  return StatementNode(std::move(alter));
}

}  // namespace

Result<StatementNode> read_alter(TokenStream& in) {
  struct Row {
    std::string_view words;
    ObjectKind kind;
  };
  static constexpr Row kKinds[] = {{"TABLE", ObjectKind::kTable},
                                   {"VIEW", ObjectKind::kView},
                                   {"MATERIALIZED VIEW", ObjectKind::kMaterializedView},
                                   {"MATERIALIZED TABLE", ObjectKind::kMaterializedTable},
                                   {"CATALOG", ObjectKind::kCatalog},
                                   {"DATABASE", ObjectKind::kDatabase},
                                   {"MODEL", ObjectKind::kModel},
                                   {"CONNECTION", ObjectKind::kConnection}};
  in.take();
  bool temporary = in.accept("TEMPORARY");
  bool system = temporary && in.accept("SYSTEM");
  if (!temporary && (in.accept("USER") || in.accept("ROLE"))) {
    return read_alter_user(in);
  }
  if (in.accept("FUNCTION")) {
    return read_alter_function(in, temporary, system);
  }
  Alter alter;
  bool found = false;
  for (const Row& row : kKinds) {
    if (!temporary && !found && in.accept(row.words)) {
      alter.kind = row.kind;
      found = true;
    }
  }
  if (!found) {
    return in.unexpected("");
  }
  alter.if_exists = in.accept("IF EXISTS");
  alter.name = TRY(in.name("a name"));
  if (alter.kind == ObjectKind::kTable) {
    alter.action = TRY(read_table_action(in));
  } else if (alter.kind == ObjectKind::kMaterializedTable ||
             alter.kind == ObjectKind::kMaterializedView) {
    alter.action = TRY(read_materialized_action(in));
  } else {
    alter.action = TRY(read_object_action(in, alter.kind));
  }
  return StatementNode(std::move(alter));
}

}  // namespace tidemark::sql
