#pragma once
// From a bound query to what the step loop needs to run it.

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
  ReaderSpec spec;
  std::vector<Type> types;
  std::vector<size_t> row_key;
  NodeId node;
  size_t width;
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
  std::vector<TableRequest> tables;
  std::vector<ViewRequest> views;
  std::vector<std::pair<NodeId, RowBatch>> constants;  // to be pushed at a first start
};

// A view has another definition since a statement that reads it was bound: it is to be bound again.
Status view_was_changed(std::string_view name);
bool is_view_changed(const Status& status);

// `object`: the materialized view, or 0 for an ad-hoc query. `zone`: the session's time zone.
Result<PlannedDataflow> plan_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                      std::string zone);

}  // namespace tidemark
