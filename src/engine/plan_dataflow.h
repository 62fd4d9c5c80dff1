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
  NodeId node;
  std::vector<size_t> columns;
};

struct PlannedDataflow {
  Dataflow dataflow;
  std::vector<TableRequest> tables;
  std::vector<ViewRequest> views;
  std::vector<std::pair<NodeId, RowBatch>> constants;  // to be pushed at a first start
  std::string plan;  // what the layout of the state follows from: equal plans have equal layouts
};

// `object`: the materialized view, or 0 for an ad-hoc query. `zone`: the session's time zone.
Result<PlannedDataflow> plan_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                      std::string zone);

}  // namespace tidemark
