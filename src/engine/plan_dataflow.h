#pragma once
// From a bound query to what the step loop needs to run it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/connector.h"
#include "engine/dataflow.h"

namespace tidemark {

struct BoundQuery;

// A table that feeds a node of the graph.
struct TableRequest {
  std::string source_key;
  std::string display_name;
  ReaderSpec spec;
  std::vector<Type> types;
  std::vector<size_t> row_key;
  NodeId node;
  size_t width;
  // Other parts of the query read the table too, and further columns of it.
  bool is_read_twice = false;
  std::vector<Field> further;
};

struct PlannedDataflow;

// What another graph gives that does: see SharedInput.
struct PartRequest {
  SharedInput input;
  std::string zone;
  std::optional<TableSlice> slice;        // see Part
  std::unique_ptr<PlannedDataflow> part;  // if there is none yet
};

// A materialized view that does.
struct ViewRequest {
  ObjectId object;
  uint64_t revision;  // the definition that the query was bound against
  NodeId node;
  std::vector<size_t> columns;
};

struct PlannedDataflow {
  Dataflow dataflow;
  Sharing sharing = Sharing::kResults;
  std::vector<TableRequest> tables;
  std::vector<PartRequest> parts;
  std::vector<ViewRequest> views;
  std::vector<std::pair<NodeId, RowBatch>> constants;  // to be pushed at a first start
  // Those that an earlier process has given it: of the tables, then the others.
  std::vector<DataflowId> known_parts;

  // A table whose rows are kept. A source that sends whole old rows leaves nothing to keep: then
  // several parts of one query share the reading alone.
  bool has_part(const TableRequest& table) const {
    return sharing != Sharing::kNone && (!table.row_key.empty() || table.is_read_twice);
  }
  size_t part_count() const {
    return parts.size() + static_cast<size_t>(std::ranges::count_if(
                              tables, [&](const auto& table) { return has_part(table); }));
  }
};

// Those of an input's conditions that its source is asked, so that a snapshot leaves out the rows
// for which they do not hold: see ReaderSpec::conditions.
std::vector<ExprRef> snapshot_conditions(const GraphInput& input);

// The part that keeps the rows of a table: its definition, and its dataflow.
ObjectRef define_part(const TableRequest& table);
PlannedDataflow plan_part(ObjectRef part);
// The columns of the part that a request reads; nullopt: not all are there, or not of this table.
std::optional<std::vector<size_t>> columns_of(const CatalogObject& part,
                                              const TableRequest& request);

// A view has another definition since a statement that reads it was bound: it is to be bound again.
Status view_was_changed(std::string_view name);
bool is_view_changed(const Status& status);

// `object`: the materialized view, or 0 for a query or an INSERT. `zone`: the session's time zone.
Result<PlannedDataflow> plan_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                      std::string zone, Sharing sharing);

}  // namespace tidemark
