#pragma once
// How one reader's columns come out of a table: which columns, decoded how, and what its old rows
// are.

#include <memory>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/pgoutput.h"
#include "connectors/postgres_cdc/table_info.h"
#include "connectors/postgres_cdc/table_shape.h"
#include "types/pg_codec.h"

namespace tidemark {

struct ReaderPlan {
  // What the reader calls its table; the source may call it otherwise by now.
  std::string asked_schema;
  std::string asked_table;
  struct Column {
    std::string name;         // as the reader calls it
    std::string source_name;  // as the source calls it by now
    PgDecoder decoder;
    uint32_t declared_oid;  // the source's type when the plan was made
    bool in_key;
  };
  TableInfo table;
  TableShape shape;
  std::vector<Column> columns;
  std::string condition;  // SQL: rows for which it is not true need not be read; empty: all are
  OldRows old_rows = OldRows::kFull;

  Schema schema() const;
  bool needs_text() const;  // a column of it has no binary form that we know
};

// kNotFound, kInvalidArgument: the table has no such column, or of a type that cannot be delivered
// so. Columns of a shape known from before (may be null) are found by their numbers, whatever they
// are called by now.
Result<ReaderPlan> make_reader_plan(TableInfo table, const ReaderSpec& spec,
                                    const TableShape* known);

// With the statement that mends it.
Status identity_is_not_full(const TableInfo& table);

// Where a relation of the stream has the plan's columns. An error says which column is gone or
// changed.
struct RelationMap {
  struct Column {
    size_t index;  // in the relation's rows
    PgDecoder decoder;
  };
  std::vector<Column> columns;
};
Result<RelationMap> map_relation(const ReaderPlan& plan, const PgRelation& relation);

// "claims.t: row (claim_id)=(5)" for messages, as far as the row tells.
std::string describe_row(const ReaderPlan& plan, const PgRelation& relation, const PgRow& row);

}  // namespace tidemark
