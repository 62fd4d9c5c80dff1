#pragma once
// Operators for the oracle test (src/dataflow/oracle_test.cc): each in a graph over one input.

#include <functional>
#include <string>
#include <vector>

#include "dataflow/graph.h"
#include "dataflow/operators/accumulator.h"

namespace tidemark::oracle {

struct Query {
  std::string name;
  Schema output;
  std::function<NodeId(Graph&, NodeId)> build;
  bool is_insert_only = false;  // relies on it that no row is taken back
};

// key STRING, n INT, x DOUBLE, d DECIMAL(10,2), flag BOOLEAN
inline const Schema kInput{{{"key", Type::string()},
                            {"n", Type::integer()},
                            {"x", Type::float64()},
                            {"d", Type::decimal(10, 2)},
                            {"flag", Type::boolean()}}};

AggregateSpec spec(AggregateKind kind, size_t input, bool distinct = false,
                   std::optional<size_t> filter = {});
Query aggregate_query(std::string name, std::vector<size_t> keys, std::vector<AggregateSpec> specs);
// What is kept as running states: by groups of peers and by rows.
std::vector<Query> running_queries(std::vector<size_t> partition);
// What keeps places among its rows.
std::vector<Query> placed_queries();
// All of them.
std::vector<Query> queries();

}  // namespace tidemark::oracle
