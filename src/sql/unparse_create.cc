#include "sql/writer.h"

namespace tidemark::sql {

namespace {

void write_view_columns(Writer& out, const std::vector<ViewColumn>& columns) {
  if (columns.empty()) {
    return;
  }
  out.raw(" (");
  out.joined(columns, ", ", [&](const ViewColumn& column) {
    out.name(column.name);
    out.comment(column.comment);
  });
  out.raw(")");
}

void write_as(Writer& out, const QueryPtr& query) {
  if (query) {
    out.raw(" AS ");
    out.query(*query);
  }
}

// The clauses that CREATE TABLE and CREATE MATERIALIZED TABLE share.
template <typename Node>
void write_table(Writer& out, const Node& n) {
  out.raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  out.name(n.name);
  out.elements(n.elements);
  out.comment(n.comment);
  if (n.distribution) {
    out.raw(" DISTRIBUTED");
    out.distribution(*n.distribution);
  }
  if (!n.partitioned_by.empty()) {
    out.raw(" PARTITIONED BY ");
    out.names(n.partitioned_by);
  }
  out.with_options(n.options);
}

void write_like(Writer& out, const LikeClause& like) {
  static constexpr std::string_view kModes[] = {"INCLUDING ", "EXCLUDING ", "OVERWRITING "};
  static constexpr std::string_view kFeatures[] = {"ALL",        "CONSTRAINTS", "DISTRIBUTION",
                                                   "PARTITIONS", "GENERATED",   "METADATA",
                                                   "OPTIONS",    "WATERMARKS"};
  out.raw(" LIKE ");
  out.name(like.source);
  if (!like.options.empty()) {
    out.raw(" (");
    out.joined(like.options, " ", [&](const LikeOption& option) {
      out.raw(kModes[static_cast<size_t>(option.mode)]);
      out.raw(kFeatures[static_cast<size_t>(option.feature)]);
    });
    out.raw(")");
  }
}

template <typename Node>
void write_container(Writer& out, const Node& n) {
  out.raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  out.name(n.name);
  out.comment(n.comment);
  out.with_options(n.options);
}

}  // namespace

void Writer::node(const CreateTable& n) {
  create_mode(n.mode);
  raw(n.temporary ? "TEMPORARY TABLE " : "TABLE ");
  write_table(*this, n);
  if (n.like) {
    write_like(*this, *n.like);
  }
  write_as(*this, n.query);
}

void Writer::node(const CreateView& n) {
  create_mode(n.mode);
  raw(n.temporary ? "TEMPORARY VIEW " : "VIEW ");
  raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  name(n.name);
  write_view_columns(*this, n.columns);
  comment(n.comment);
  write_as(*this, n.query);
}

void Writer::node(const CreateMaterializedView& n) {
  create_mode(n.mode);
  raw("MATERIALIZED VIEW ");
  raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  name(n.name);
  write_view_columns(*this, n.columns);
  comment(n.comment);
  with_options(n.options);
  write_as(*this, n.query);
}

void Writer::node(const CreateMaterializedTable& n) {
  create_mode(n.mode);
  raw("MATERIALIZED TABLE ");
  write_table(*this, n);
  if (n.freshness) {
    raw(" FRESHNESS = ");
    expr(*n.freshness);
  }
  if (n.refresh_mode) {
    raw(*n.refresh_mode == RefreshMode::kFull ? " REFRESH_MODE = FULL"
                                              : " REFRESH_MODE = CONTINUOUS");
  }
  if (n.start_mode) {
    raw(" START_MODE = ");
    expr(*n.start_mode);
  }
  write_as(*this, n.query);
}

void Writer::node(const CreateCatalog& n) {
  raw("CREATE CATALOG ");
  write_container(*this, n);
}

void Writer::node(const CreateDatabase& n) {
  raw("CREATE DATABASE ");
  write_container(*this, n);
}

void Writer::node(const CreateFunction& n) {
  create_mode(n.mode);
  raw(n.system ? "TEMPORARY SYSTEM FUNCTION " : n.temporary ? "TEMPORARY FUNCTION " : "FUNCTION ");
  raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  name(n.name);
  if (!n.signature) {
    function_body(n.body);
    return;
  }
  raw("(");
  joined(n.signature->parameters, ", ", [&](const FunctionParameter& parameter) {
    if (parameter.name) {
      name(*parameter.name);
      raw(" ");
    }
    type(parameter.type);
  });
  raw(") RETURNS ");
  type(n.signature->returns);
  raw(n.signature->strict ? " STRICT" : "");
  if (!n.body.language.empty()) {
    raw(" LANGUAGE ");
    name(Identifier{n.body.language});
  }
  if (n.returned != nullptr) {
    raw(" RETURN ");
    expr(*n.returned);
  } else {
    raw(" AS ");
    string(n.body.definition);
  }
}

void Writer::node(const CreateModel& n) {
  raw(n.temporary ? "CREATE TEMPORARY MODEL " : "CREATE MODEL ");
  raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  name(n.name);
  raw(n.input.empty() ? "" : " INPUT");
  elements(n.input);
  raw(n.output.empty() ? "" : " OUTPUT");
  elements(n.output);
  comment(n.comment);
  with_options(n.options);
  write_as(*this, n.query);
}

void Writer::node(const CreateConnection& n) {
  raw(n.system      ? "CREATE TEMPORARY SYSTEM CONNECTION "
      : n.temporary ? "CREATE TEMPORARY CONNECTION "
                    : "CREATE CONNECTION ");
  write_container(*this, n);
}

void Writer::node(const CreateUser& n) {
  raw("CREATE USER ");
  raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  name(n.name);
  if (n.password) {
    raw(" PASSWORD ");
    string(*n.password);
  }
  with_options(n.options);
}

void Writer::node(const AlterUser& n) {
  raw("ALTER USER ");
  name(n.name);
  raw(" PASSWORD ");
  if (n.password) {
    string(*n.password);
  } else {
    raw("NULL");
  }
}

void Writer::node(const CreateIndex& n) {
  raw(n.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
  raw(n.if_not_exists ? "IF NOT EXISTS " : "");
  if (n.name) {
    name(*n.name);
    raw(" ");
  }
  raw("ON ");
  name(n.table);
  raw(" (");
  order_items(n.columns);
  raw(")");
}

}  // namespace tidemark::sql
