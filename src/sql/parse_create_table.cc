// CREATE TABLE, CREATE MATERIALIZED VIEW and CREATE MATERIALIZED TABLE.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

// {INCLUDING|EXCLUDING|OVERWRITING} {ALL|..}, blank separated, in parentheses
Result<LikeClause> read_like_clause(TokenStream& in) {
  struct Row {
    std::string_view word;
    LikeFeature feature;
  };
  static constexpr Row kFeatures[] = {{"ALL", LikeFeature::kAll},
                                      {"CONSTRAINTS", LikeFeature::kConstraints},
                                      {"DISTRIBUTION", LikeFeature::kDistribution},
                                      {"PARTITIONS", LikeFeature::kPartitions},
                                      {"GENERATED", LikeFeature::kGenerated},
                                      {"METADATA", LikeFeature::kMetadata},
                                      {"OPTIONS", LikeFeature::kOptions},
                                      {"WATERMARKS", LikeFeature::kWatermarks}};
  LikeClause like;
  like.source = TRY(in.name("a table"));
  if (!in.accept("(")) {
    return like;
  }
  while (!in.accept(")")) {
    LikeOption option;
    if (in.accept("OVERWRITING")) {
      option.mode = LikeMode::kOverwriting;
    } else if (in.accept("EXCLUDING")) {
      option.mode = LikeMode::kExcluding;
    } else {
      TRY(in.expect("INCLUDING"));
    }
    bool found = false;
    for (const Row& row : kFeatures) {
      if (!found && in.accept(row.word)) {
        option.feature = row.feature;
        found = true;
      }
    }
    if (!found) {
      return in.unexpected("");
    }
    like.options.push_back(option);
  }
  return like;
}

Result<RefreshMode> read_refresh_mode(TokenStream& in) {
  if (in.accept("CONTINUOUS")) {
    return RefreshMode::kContinuous;
  }
  TRY(in.expect("FULL"));
  return RefreshMode::kFull;
}

// FROM_BEGINNING, FROM_NOW(INTERVAL '1' HOUR), ..
Result<ExprPtr> read_start_mode(TokenStream& in) {
  size_t position = in.position();
  if (in.at_identifier() && !in.at("(", 1)) {
    Identifier word = TRY(in.identifier("a start mode"));
    return make_expr(Expr{Symbol{std::move(word.text)}, position});
  }
  FunctionCall call = TRY(read_table_call(in));
  return make_expr(Expr{std::move(call), position});
}

// The clauses between the columns and AS, in any order, each once.
Status read_materialized_clauses(TokenStream& in, CreateMaterializedTable& create) {
  while (true) {
    if (!create.comment && in.at("COMMENT")) {
      create.comment = TRY(read_comment(in));
    } else if (!create.distribution && in.accept("DISTRIBUTED")) {
      create.distribution = TRY(read_distribution(in));
    } else if (create.partitioned_by.empty() && in.accept("PARTITIONED BY")) {
      create.partitioned_by = TRY(in.identifiers("a column name"));
    } else if (create.options.empty() && in.accept("WITH")) {
      create.options = TRY(read_options(in));
    } else if (!create.freshness && in.accept("FRESHNESS")) {
      in.accept("=");
      create.freshness = TRY(read_expr_ptr(in));
    } else if (!create.refresh_mode && in.accept("REFRESH_MODE")) {
      in.accept("=");
      create.refresh_mode = TRY(read_refresh_mode(in));
    } else if (!create.start_mode && in.accept("START_MODE")) {
      in.accept("=");
      create.start_mode = TRY(read_start_mode(in));
    } else {
      return {};
    }
  }
}

Result<std::vector<ViewColumn>> read_view_columns(TokenStream& in) {
  std::vector<ViewColumn> columns;
  if (!in.accept("(")) {
    return columns;
  }
  do {
    ViewColumn column;
    column.name = TRY(in.identifier("a column name"));
    column.comment = TRY(read_comment(in));
    columns.push_back(std::move(column));
  } while (in.accept(","));
  TRY(in.expect(")"));
  return columns;
}

Result<StatementNode> read_materialized_view(TokenStream& in, CreateMode mode) {
  CreateMaterializedView create{.mode = mode};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a view name"));
  create.columns = TRY(read_view_columns(in));
  create.comment = TRY(read_comment(in));
  create.options = TRY(read_with_options(in));
  TRY(in.expect("AS"));
  create.query = TRY(read_query_ptr(in));
  return StatementNode(std::move(create));
}

}  // namespace

Result<StatementNode> read_create_table(TokenStream& in, CreateMode mode, bool temporary) {
  CreateTable create{.mode = mode, .temporary = temporary};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a table name"));
  if (in.at("(")) {
    create.elements = TRY(read_table_elements(in));
  }
  while (true) {
    if (!create.comment && in.at("COMMENT")) {
      create.comment = TRY(read_comment(in));
    } else if (!create.distribution && in.accept("DISTRIBUTED")) {
      create.distribution = TRY(read_distribution(in));
    } else if (create.partitioned_by.empty() && in.accept("PARTITIONED BY")) {
      create.partitioned_by = TRY(in.identifiers("a column name"));
    } else if (create.options.empty() && in.accept("WITH")) {
      create.options = TRY(read_options(in));
    } else if (!create.like && in.accept("LIKE")) {
      create.like = TRY(read_like_clause(in));
    } else {
      break;
    }
  }
  if (in.accept("AS")) {
    create.query = TRY(read_query_ptr(in));
    return StatementNode(std::move(create));
  }
  for (const TableElement& element : create.elements) {
    if (const auto* column = std::get_if<ColumnName>(&element)) {
      return in.error("column has no type: " + column->name.text, column->name.position);
    }
  }
  if (create.elements.empty() && create.options.empty() && !create.like) {
    return in.unexpected("");
  }
  return StatementNode(std::move(create));
}

Result<StatementNode> read_create_materialized(TokenStream& in, CreateMode mode) {
  if (in.accept("VIEW")) {
    return read_materialized_view(in, mode);
  }
  TRY(in.expect("TABLE"));
  CreateMaterializedTable create{.mode = mode};
  create.if_not_exists = in.accept("IF NOT EXISTS");
  create.name = TRY(in.name("a table name"));
  if (in.at("(")) {
    create.elements = TRY(read_table_elements(in));
  }
  TRY(read_materialized_clauses(in, create));
  TRY(in.expect("AS"));
  create.query = TRY(read_query_ptr(in));
  return StatementNode(std::move(create));
}

}  // namespace tidemark::sql
