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
#include "expr/bound.h"
#include "expr/expr.h"
#include "expr/rank.h"
#include "expr/window.h"
#include "types/key_codec.h"
#include "types/lsn.h"

namespace tidemark {

struct LogicalPlan;
using PlanRef = std::shared_ptr<const LogicalPlan>;  // shared: immutable

// A table or materialized view; `columns` index its schema.
struct ScanNode {
  ObjectRef object;
  std::vector<size_t> columns;
  std::optional<Lsn> as_of;  // of a materialized view: its content at this mark, not its newest
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
  std::vector<SortKey> order{};  // of the values, where it counts
  Value parameter{};             // see AggregateKind
  bool ignore_nulls = true;      // for those that can see NULLs
  bool operator==(const AggregateCall&) const = default;
};
// Output: the group columns, then the calls. Without calls: DISTINCT.
struct AggregateNode {
  PlanRef input;
  std::vector<size_t> group;
  std::vector<AggregateCall> calls;
};
// Rows [offset, offset + limit) by order, of each partition; no limit: all from offset on.
struct TopNNode {
  PlanRef input;
  std::vector<SortKey> order;
  uint64_t offset = 0;
  std::optional<uint64_t> limit;
  std::vector<size_t> partition;  // columns; empty: one partition
};
// ROW_NUMBER, RANK or DENSE_RANK of each row in its partition, as a BIGINT column behind the
// input's.
struct RankNode {
  PlanRef input;
  RankFunction function = RankFunction::kRowNumber;
  std::vector<size_t> partition;
  std::vector<SortKey> order;
  std::optional<uint64_t> last;  // only rows numbered up to this
};
struct WindowCall {
  WindowFunction function = WindowFunction::kAggregate;
  AggregateCall argument;  // an aggregate; for the others input, types and NULL treatment alone
  int64_t offset = 1;      // LAG, LEAD; NTH_VALUE: from 1; NTILE: the number of tiles
  std::optional<size_t> offset_column;  // a BIGINT column in its place
  std::optional<size_t> fallback;       // LAG, LEAD: a column
  WindowFrame frame;
  bool operator==(const WindowCall&) const = default;
};
// Functions over the rows of each partition in order, as columns behind the input's.
struct WindowNode {
  PlanRef input;
  std::vector<size_t> partition;
  std::vector<SortKey> order;
  std::vector<WindowCall> calls;
};
// Each row once for each element of its collections (NULLs fill up shorter ones): the input's
// columns, then those of the elements (types/nested.h), then their place, an INT from 1.
struct UnnestNode {
  PlanRef input;
  std::vector<size_t> collections;
  bool with_ordinality = false;
  bool keeps_empty = false;  // a row without elements once, with NULLs
};
// WITH RECURSIVE: the base's rows, and what the body makes of them, again and again. The body is a
// plan of its own, whose leaves are RecursiveRefNodes: 0 stands for the rows of the iteration
// before, i for others[i - 1]. All have the base's types.
struct RecursiveNode {
  PlanRef base;
  PlanRef body;
  std::vector<PlanRef> others;
  bool all = false;  // UNION ALL
};
struct RecursiveRefNode {
  size_t index = 0;
};
struct UnionNode {  // UNION ALL; inputs have the same types
  std::vector<PlanRef> inputs;
};
// INTERSECT and EXCEPT, over whole rows; both inputs have the same types.
struct SetDifferenceNode {
  PlanRef left;
  PlanRef right;
  bool intersect = false;
  bool all = false;
};
enum class JoinType : uint8_t { kInner, kLeft, kFull, kSemi, kAnti };
struct JoinKey {
  size_t left = 0;   // column of the left input
  size_t right = 0;  // column of the right input, of the same physical kind
  bool null_safe = false;
  bool operator==(const JoinKey&) const = default;
};
// Output: the columns of left, then (but for semi and anti joins) of right. RIGHT is LEFT with the
// sides exchanged; a cross join is an inner join without keys.
struct JoinNode {
  PlanRef left;
  PlanRef right;
  JoinType type = JoinType::kInner;
  std::vector<JoinKey> keys;
  ExprRef residual;  // over the columns of left, then of right; null: none
};

// A step on the way of a change through a delta join: the rows of a relation whose key columns have
// the values of others that are there already.
struct DeltaLookup {
  size_t relation = 0;
  std::vector<size_t> key;   // columns of the relation
  std::vector<size_t> from;  // their values; of the columns of all relations side by side
  std::vector<bool> null_safe;
  ExprRef condition;  // which rows stay then, over all columns; null: all
};
// An inner join of three relations or more that keeps no result in between: see
// rules/delta_joins.cc. Output: columns of all relations.
struct DeltaJoinNode {
  std::vector<PlanRef> relations;
  std::vector<std::vector<DeltaLookup>> paths;  // by relation: the others, as its changes meet them
  std::vector<size_t> output;                   // of the columns of all relations side by side
};

// Rows of the input whose column compares with the only column of `bound`, which has at most one
// row. No row, or NULL: none.
struct DynamicFilterNode {
  PlanRef input;
  PlanRef bound;
  size_t column = 0;
  BoundKind kind = BoundKind::kLess;
};

struct LogicalPlan {
  Schema schema;
  // Columns that are unique over the rows; empty: at most one row; nullopt: none known.
  std::optional<std::vector<size_t>> key;
  std::variant<ScanNode, ValuesNode, FilterNode, ProjectNode, AggregateNode, TopNNode, UnionNode,
               SetDifferenceNode, JoinNode, RankNode, WindowNode, UnnestNode, RecursiveNode,
               RecursiveRefNode, DynamicFilterNode, DeltaJoinNode>
      node;
};

PlanRef make_scan(ObjectRef object, std::vector<size_t> columns,
                  std::optional<Lsn> as_of = std::nullopt);
PlanRef make_values(Schema schema, RowBatch rows);
PlanRef make_filter(PlanRef input, ExprRef predicate);
PlanRef make_project(PlanRef input, std::vector<ExprRef> expressions,
                     std::vector<std::string> names);
PlanRef make_aggregate(PlanRef input, std::vector<size_t> group, std::vector<AggregateCall> calls);
PlanRef make_top_n(TopNNode node);
PlanRef make_rank(RankNode node);
PlanRef make_window(WindowNode node);
PlanRef make_unnest(UnnestNode node);
PlanRef make_recursive(RecursiveNode node);
PlanRef make_recursive_ref(size_t index, Schema schema);
PlanRef make_union(std::vector<PlanRef> inputs);
PlanRef make_set_difference(SetDifferenceNode node);
PlanRef make_join(JoinNode node);
PlanRef make_dynamic_filter(DynamicFilterNode node);
// schema and key: those of the joins that it stands for.
PlanRef make_delta_join(DeltaJoinNode node, Schema schema, std::optional<std::vector<size_t>> key);

// By what its relations are arranged: the look-ups with different keys, in a fixed order.
std::vector<const DeltaLookup*> arrangements_of(const DeltaJoinNode& node);

// A join of two relations or of several.
bool is_join(const LogicalPlan& plan);
std::string join_type_text(JoinType type);
std::vector<PlanRef> inputs_of(const LogicalPlan& plan);

// A tree, one node a line, in the manner of Flink's EXPLAIN.
std::string plan_to_string(const LogicalPlan& plan, bool with_changelog_mode = false);

}  // namespace tidemark
