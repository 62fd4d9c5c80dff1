// CREATE of everything but tables, and DROP.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<StatementNode> read_view(TokenStream& in, CreateMode mode, bool temporary) {
  CreateView create{.mode = mode, .temporary = temporary};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a view name"));
  if (in.accept("(")) {
    do {
      ViewColumn column;
      column.name = TRY(in.identifier("a column name"));
      column.comment = TRY(read_comment(in));
      create.columns.push_back(std::move(column));
    } while (in.accept(","));
    TRY(in.expect(")"));
  }
  create.comment = TRY(read_comment(in));
  TRY(in.expect("AS"));
  create.query = TRY(read_query_ptr(in));
  return StatementNode(std::move(create));
}

// CATALOG and DATABASE have the same shape.
template <typename Node>
Result<StatementNode> read_container(TokenStream& in, std::string_view what) {
  Node create;
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name(what));
  create.comment = TRY(read_comment(in));
  create.options = TRY(read_with_options(in));
  return StatementNode(std::move(create));
}

Result<StatementNode> read_model(TokenStream& in, bool temporary) {
  CreateModel create{.temporary = temporary};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a model name"));
  if (in.accept("INPUT")) {
    create.input = TRY(read_table_elements(in));
  }
  if (in.accept("OUTPUT")) {
    create.output = TRY(read_table_elements(in));
  }
  create.comment = TRY(read_comment(in));
  create.options = TRY(read_with_options(in));
  if (in.accept("AS")) {
    create.query = TRY(read_query_ptr(in));
  }
  return StatementNode(std::move(create));
}

Result<StatementNode> read_connection(TokenStream& in, bool temporary, bool system) {
  CreateConnection create{.temporary = temporary, .system = system};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a connection name"));
  create.comment = TRY(read_comment(in));
  create.options = TRY(read_with_options(in));
  return StatementNode(std::move(create));
}

Result<StatementNode> read_user(TokenStream& in) {
  CreateUser create;
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.identifier("a user name"));
  bool with = in.accept("WITH");
  if (in.accept("PASSWORD")) {
    create.password = TRY(in.string("a password in quotes"));
    with = in.accept("WITH");
  }
  if (with || in.at("(")) {
    create.options = TRY(read_options(in));
  }
  return StatementNode(std::move(create));
}

Result<StatementNode> read_index(TokenStream& in, bool unique) {
  CreateIndex create{.unique = unique};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  if (!in.at("ON")) {
    create.name = TRY(in.identifier("an index name"));
  }
  TRY(in.expect("ON"));
  create.table = TRY(in.name("a table or view"));
  TRY(in.expect("("));
  create.columns = TRY(read_order_by(in));
  TRY(in.expect(")"));
  return StatementNode(std::move(create));
}

Result<CreateMode> read_create_mode(TokenStream& in) {
  if (in.accept("REPLACE")) {
    return CreateMode::kReplace;
  }
  TRY(in.expect("CREATE"));
  if (in.accept("OR REPLACE")) {
    return CreateMode::kCreateOrReplace;
  }
  return in.accept("OR ALTER") ? CreateMode::kCreateOrAlter : CreateMode::kCreate;
}

}  // namespace

Result<StatementNode> read_create(TokenStream& in) {
  CreateMode mode = TRY(read_create_mode(in));
  if (in.accept("TABLE")) {
    return read_create_table(in, mode, false);
  }
  if (in.accept("VIEW")) {
    return read_view(in, mode, false);
  }
  if (in.accept("MATERIALIZED")) {
    return read_create_materialized(in, mode);
  }
  bool temporary = in.accept("TEMPORARY") || in.accept("TEMP");
  bool system = temporary && in.accept("SYSTEM");
  if (mode != CreateMode::kReplace && mode != CreateMode::kCreateOrAlter && in.accept("FUNCTION")) {
    return read_create_function(in, mode, temporary, system);
  }
  if (mode != CreateMode::kCreate) {
    return in.unexpected("");
  }
  if (in.accept("CONNECTION")) {
    return read_connection(in, temporary, system);
  }
  if (in.accept("MODEL")) {
    return read_model(in, temporary);
  }
  if (temporary && in.accept("TABLE")) {
    return read_create_table(in, mode, true);
  }
  if (temporary && in.accept("VIEW")) {
    return read_view(in, mode, true);
  }
  if (temporary) {
    return in.unexpected("");
  }
  if (in.accept("CATALOG")) {
    return read_container<CreateCatalog>(in, "a catalog name");
  }
  if (in.accept("DATABASE")) {
    return read_container<CreateDatabase>(in, "a database name");
  }
  if (in.accept("USER")) {
    return read_user(in);
  }
  if (in.accept("INDEX")) {
    return read_index(in, false);
  }
  if (in.accept("UNIQUE INDEX")) {
    return read_index(in, true);
  }
  return in.unexpected("");
}

Result<StatementNode> read_drop(TokenStream& in) {
  struct Row {
    std::string_view words;
    ObjectKind kind;
    bool may_be_temporary;
  };
  static constexpr Row kKinds[] = {{"TABLE", ObjectKind::kTable, true},
                                   {"VIEW", ObjectKind::kView, true},
                                   {"FUNCTION", ObjectKind::kFunction, true},
                                   {"MODEL", ObjectKind::kModel, true},
                                   {"CONNECTION", ObjectKind::kConnection, true},
                                   {"MATERIALIZED VIEW", ObjectKind::kMaterializedView, false},
                                   {"MATERIALIZED TABLE", ObjectKind::kMaterializedTable, false},
                                   {"CATALOG", ObjectKind::kCatalog, false},
                                   {"DATABASE", ObjectKind::kDatabase, false},
                                   {"USER", ObjectKind::kUser, false},
                                   {"INDEX", ObjectKind::kIndex, false}};
  in.take();
  Drop drop;
  drop.temporary = in.accept("TEMPORARY");
  drop.system = drop.temporary && in.accept("SYSTEM");
  const Row* found = nullptr;
  for (const Row& row : kKinds) {
    if (found == nullptr && (!drop.temporary || row.may_be_temporary) && in.accept(row.words)) {
      found = &row;
    }
  }
  if (found == nullptr) {
    return in.unexpected("");
  }
  drop.kind = found->kind;
  drop.if_exists = in.accept("IF EXISTS");
  drop.name = TRY(in.name("a name"));
  if (drop.kind == ObjectKind::kFunction && in.accept("(")) {
    drop.arguments = TRY(read_argument_types(in));
  }
  if (in.accept("CASCADE")) {
    drop.behaviour = DropBehaviour::kCascade;
  } else if (in.accept("RESTRICT")) {
    drop.behaviour = DropBehaviour::kRestrict;
  }
  return StatementNode(std::move(drop));
}

}  // namespace tidemark::sql
