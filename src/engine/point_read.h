#pragma once
// Reads of single rows: SELECT ... FROM v WHERE k = 5 [AND ...], which an index over v's content
// answers. A plan of scan, filters and projections is recognised once; it may have open parameters
// (plan/bind/parameters.h), whose values each read gives.

#include <optional>
#include <vector>

#include "engine/view_history.h"
#include "expr/eval.h"
#include "plan/logical.h"

namespace tidemark {

class Parameters;

struct PointRead {
  PlanRef plan;
  ObjectRef object;             // what it scans
  std::vector<size_t> columns;  // of the object, ascending: those that are looked up
  bool is_declared = false;     // they are its key, or those of CREATE INDEX
  std::vector<ExprRef> values;  // what each has to equal: a literal or an open parameter
  bool is_whole = false;        // a row that has the values is one that the plan asks for
};

// nullopt: the plan has other nodes, or asks for no equality with a constant.
std::optional<PointRead> as_point_read(const PlanRef& plan);

// One whose values are known: one row a column, of its type.
struct BoundPoint {
  PointRead read;
  std::vector<ColumnRef> values;
};
// nullopt: it is none, or one of its values is not known (values_of).
std::optional<BoundPoint> as_bound_point(const PlanRef& plan);
// The values of these columns; empty: it does not give all of them, or they are none.
std::vector<const Column*> values_for(const BoundPoint& point, const std::vector<size_t>& columns);

// One row a column, of its type. nullopt: one is NULL, has no value yet, or is of another type.
std::optional<std::vector<ColumnRef>> values_of(const PointRead& point,
                                                const Parameters* parameters);

// The rows of the read that have the values: from the base by its index, from later changes too.
// nullopt: there is no index yet.
enum class IndexUse : uint8_t { kMayMake, kMadeOnly };
std::optional<ZBatch> find_rows(const ViewRead& read, const PointRead& point,
                                const std::vector<ColumnRef>& values, IndexUse use);

}  // namespace tidemark
