#pragma once
// Building plans from plans. Plans are graphs: a node may have several readers (a common table used
// twice, the domain of a correlated subquery), and rewriting keeps what is shared shared.

#include <functional>
#include <unordered_map>

#include "plan/logical.h"

namespace tidemark {

// The node with other inputs of the same schemas (in inputs_of order); the node itself if they are
// its own.
PlanRef with_inputs(const PlanRef& plan, std::vector<PlanRef> inputs);

// Every node once, inputs first: f gets the node with its rewritten inputs.
PlanRef rewrite_bottom_up(const PlanRef& plan, const std::function<PlanRef(PlanRef)>& f);

// Every node once, readers first: f gets the node as it was, and the inputs of what it gives are
// rewritten after it.
PlanRef rewrite_top_down(const PlanRef& plan, const std::function<PlanRef(const PlanRef&)>& f);

// How many nodes read each. Of the plan as it is given: what is made later has one reader.
class PlanReaders {
 public:
  explicit PlanReaders(const PlanRef& root) { count(root); }
  bool is_shared(const PlanRef& plan) const {
    auto found = readers_.find(plan.get());
    return found != readers_.end() && found->second > 1;
  }

 private:
  void count(const PlanRef& plan);

  std::unordered_map<const LogicalPlan*, size_t> readers_;
};

// Every expression of every node replaced.
PlanRef map_expressions(const PlanRef& plan, const std::function<ExprRef(const ExprRef&)>& f);

// Calls f with every expression of this node alone.
void for_each_expression(const LogicalPlan& plan, const std::function<void(const Expr&)>& f);

// Columns [0, count) of the plan as expressions; with a shift, columns [shift, shift + count).
std::vector<ExprRef> column_expressions(const LogicalPlan& plan);
// The plan cut to its first columns, or with its columns in another order.
PlanRef select_columns(const PlanRef& plan, const std::vector<size_t>& columns);
PlanRef first_columns(const PlanRef& plan, size_t count);
// All different rows.
PlanRef make_distinct(PlanRef plan);
// The expression with column i read from i + shift.
ExprRef shift_columns(const ExprRef& expr, size_t shift);
// COUNT(*) over groups, to be completed by others.
AggregateCall count_star();
// Calls f with every column that the call reads, to be changed.
void for_each_input(AggregateCall& call, const std::function<void(size_t&)>& f);
void for_each_input(WindowNode& node, const std::function<void(size_t&)>& f);
AggregateCall aggregate_call(AggregateKind kind, size_t input, const Type& input_type);

}  // namespace tidemark
