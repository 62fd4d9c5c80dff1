#pragma once
// The logical plan: what is to be computed, with names and types resolved. Immutable and shared;
// rules build new nodes.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "catalog/catalog.h"
#include "expr/aggregate.h"
#include "expr/expr.h"
#include "types/key_codec.h"

namespace tidemark {

struct LogicalPlan;
using PlanRef = std::shared_ptr<const LogicalPlan>;  // shared: immutable

// A table or materialized view; `columns` index its schema.
struct ScanNode {
  ObjectRef object;
  std::vector<size_t> columns;
};
// Constant rows.
struct ValuesNode {
  RowBatch rows;
};
struct FilterNode {
  PlanRef input;
  ExprRef predicate;
};
struct ProjectNode {
  PlanRef input;
  std::vector<ExprRef> expressions;
};
struct AggregateCall {
  AggregateKind kind = AggregateKind::kCountStar;
  std::string_view name;
  size_t input = 0;  // not read for COUNT(*)
  bool distinct = false;
  std::optional<size_t> filter;  // a BOOLEAN column
  Type input_type;
  Type result_type;
  bool operator==(const AggregateCall&) const = default;
};
// Output: the group columns, then the calls. Without calls: DISTINCT.
struct AggregateNode {
  PlanRef input;
  std::vector<size_t> group;
  std::vector<AggregateCall> calls;
};
// Rows [offset, offset + limit) by order; no limit: all from offset on.
struct TopNNode {
  PlanRef input;
  std::vector<SortKey> order;
  uint64_t offset = 0;
  std::optional<uint64_t> limit;
};
struct UnionNode {  // UNION ALL; inputs have the same types
  std::vector<PlanRef> inputs;
};

struct LogicalPlan {
  Schema schema;
  // Columns that are unique over the rows; empty: at most one row; nullopt: none known.
  std::optional<std::vector<size_t>> key;
  std::variant<ScanNode, ValuesNode, FilterNode, ProjectNode, AggregateNode, TopNNode, UnionNode>
      node;
};

PlanRef make_scan(ObjectRef object, std::vector<size_t> columns);
PlanRef make_values(Schema schema, RowBatch rows);
PlanRef make_filter(PlanRef input, ExprRef predicate);
PlanRef make_project(PlanRef input, std::vector<ExprRef> expressions,
                     std::vector<std::string> names);
PlanRef make_aggregate(PlanRef input, std::vector<size_t> group, std::vector<AggregateCall> calls);
PlanRef make_top_n(PlanRef input, std::vector<SortKey> order, uint64_t offset,
                   std::optional<uint64_t> limit);
PlanRef make_union(std::vector<PlanRef> inputs);

std::vector<PlanRef> inputs_of(const LogicalPlan& plan);

// A tree, one node a line, in the manner of Flink's EXPLAIN.
std::string plan_to_string(const LogicalPlan& plan, bool with_changelog_mode = false);

}  // namespace tidemark
