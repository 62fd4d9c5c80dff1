#pragma once
// How one reader's columns come out of a table: which columns, decoded how, and what its old rows
// are.

#include <memory>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/pgoutput.h"
#include "connectors/postgres_cdc/table_info.h"
#include "types/pg_codec.h"

namespace tidemark {

struct ReaderPlan {
  struct Column {
    std::string name;
    PgDecoder decoder;
    uint32_t declared_oid;  // the source's type when the plan was made
    bool in_key;
  };
  TableInfo table;
  std::vector<Column> columns;
  OldRows old_rows = OldRows::kFull;

  Schema schema() const;
  bool needs_text() const;  // a column of it has no binary form that we know
};

// kNotFound, kInvalidArgument: the table has no such column, or of a type that cannot be delivered
// so.
Result<ReaderPlan> make_reader_plan(TableInfo table, const ReaderSpec& spec);

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
