// A window function whose value is the same for all rows of a partition becomes a join with the
// partition's value: SUM(x) OVER (PARTITION BY p) with an aggregate, FIRST_VALUE(x) OVER (PARTITION
// BY p ORDER BY o) with the first row, NTH_VALUE(x, n) with the n-th one, which is shown as soon as
// so many rows are in the frame. A change then costs what the value's change changes; as a window
// it costs the whole partition.

#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

bool begins_at_first(const WindowCall& call) {
  return call.frame.start.kind == WindowBound::Kind::kUnboundedPreceding;
}
bool ends_at_last(const WindowCall& call) {
  return call.frame.end.kind == WindowBound::Kind::kUnboundedFollowing;
}

// An aggregate over all rows. Without an order all rows are peers, so that up to the current one is
// all of them.
bool is_over_all(const WindowCall& call, bool is_ordered) {
  bool all_are_peers = !is_ordered && call.frame.unit == WindowUnit::kGroups;
  bool from_first = begins_at_first(call) || (all_are_peers && call.frame.start.is_current_row());
  bool to_last = ends_at_last(call) || (all_are_peers && call.frame.end.is_current_row());
  return call.function == WindowFunction::kAggregate && from_first && to_last &&
         call.frame.exclude == WindowExclude::kNothing && !is_order_sensitive(call.argument.kind);
}

// The value of the partition's first row, which is in every frame; or of its last.
bool is_of_first(const WindowCall& call) {
  return call.function == WindowFunction::kFirstValue && begins_at_first(call) &&
         (ends_at_last(call) || call.frame.end.is_current_row()) && !call.argument.ignore_nulls &&
         call.frame.exclude == WindowExclude::kNothing;
}
bool is_of_last(const WindowCall& call) {
  return call.function == WindowFunction::kLastValue && ends_at_last(call) &&
         (begins_at_first(call) || call.frame.start.is_current_row()) &&
         !call.argument.ignore_nulls && call.frame.exclude == WindowExclude::kNothing;
}

// The value of the partition's n-th row, in frames that hold it or end before it.
bool is_of_nth(const WindowCall& call) {
  return call.function == WindowFunction::kNthValue && !call.offset_column &&
         begins_at_first(call) &&
         (ends_at_last(call) ||
          (call.frame.end.is_current_row() && call.frame.unit != WindowUnit::kRange)) &&
         !call.argument.ignore_nulls && call.frame.exclude == WindowExclude::kNothing;
}

PlanRef nth_row(const WindowNode& window, int64_t n) {
  TopNNode top{window.input, window.order, static_cast<uint64_t>(n - 1), 1};
  top.partition = window.partition;
  return make_top_n(std::move(top));
}

// How many rows the frame has from the first to the current one, or to its last peer.
WindowCall rows_to_current(WindowUnit unit) {
  WindowCall call{WindowFunction::kAggregate};
  call.argument = count_star();
  call.frame.unit = unit;
  return call;
}

// One row of each partition: the last one is the first in the opposite order, where ties, which
// whole rows settle, are reversed too.
PlanRef end_row(const WindowNode& window, bool is_last) {
  std::vector<SortKey> order = window.order;
  if (is_last) {
    reverse(order);
    for (size_t column = 0; column < window.input->schema.size(); ++column) {
      order.push_back({column, true, true});
    }
  }
  TopNNode top{window.input, std::move(order)};
  top.limit = 1;
  top.partition = window.partition;
  return make_top_n(std::move(top));
}

class Replacer {
 public:
  explicit Replacer(const WindowNode& window) : window_(window), values_(window.calls.size()) {}

  PlanRef run(const LogicalPlan& plan) {
    std::vector<size_t> over_all, of_first, of_last, of_nth;
    WindowNode rest = window_;
    rest.calls.clear();
    std::vector<size_t> staying;
    for (size_t i = 0; i < window_.calls.size(); ++i) {
      const WindowCall& call = window_.calls[i];
      if (is_over_all(call, !window_.order.empty())) {
        over_all.push_back(i);
      } else if (is_of_first(call)) {
        of_first.push_back(i);
      } else if (is_of_last(call)) {
        of_last.push_back(i);
      } else if (is_of_nth(call)) {
        of_nth.push_back(i);
      } else {
        rest.calls.push_back(call);
        staying.push_back(i);
      }
    }
    if (rest.calls.size() == window_.calls.size()) {
      return nullptr;
    }
    size_t width = window_.input->schema.size();
    std::vector<size_t> counters(window_.calls.size());  // of calls whose frame may end too early
    for (size_t i : of_nth) {
      const WindowCall& call = window_.calls[i];
      bool all_are_peers = window_.order.empty() && call.frame.unit == WindowUnit::kGroups;
      if (!ends_at_last(call) && !all_are_peers) {
        counters[i] = width + rest.calls.size();
        rest.calls.push_back(rows_to_current(call.frame.unit));
      }
    }
    result_ = rest.calls.empty() ? window_.input : make_window(std::move(rest));
    for (size_t i = 0; i < staying.size(); ++i) {
      values_[staying[i]] = make_column(width + i, result_->schema[width + i].type);
    }
    if (!over_all.empty()) {
      join_aggregates(over_all);
    }
    join_end_row(of_first, false);
    join_end_row(of_last, true);
    for (size_t i : of_nth) {
      join_nth_row(i, counters[i]);
    }
    std::vector<ExprRef> columns = column_expressions(*window_.input);
    columns.insert(columns.end(), values_.begin(), values_.end());
    return make_project(result_, std::move(columns), plan.schema.names());
  }

 private:
  // The result with the columns of `right` behind its own, by the partition's columns, which are
  // these of the right side. Returns where they begin.
  size_t join(PlanRef right, const std::vector<size_t>& right_partition,
              JoinType type = JoinType::kInner) {
    JoinNode join{result_, std::move(right), type};
    for (size_t i = 0; i < window_.partition.size(); ++i) {
      join.keys.push_back({window_.partition[i], right_partition[i], true});
    }
    size_t first = result_->schema.size();
    result_ = make_join(std::move(join));
    return first;
  }
  void set_value(size_t call, size_t column) {
    values_[call] = make_cast(make_column(column, result_->schema[column].type),
                              window_.calls[call].argument.result_type);
  }
  void join_aggregates(const std::vector<size_t>& calls) {
    std::vector<AggregateCall> aggregates;
    for (size_t i : calls) {
      aggregates.push_back(window_.calls[i].argument);
    }
    std::vector<size_t> groups;
    for (size_t i = 0; i < window_.partition.size(); ++i) {
      groups.push_back(i);
    }
    size_t first =
        join(make_aggregate(window_.input, window_.partition, std::move(aggregates)), groups) +
        groups.size();
    for (size_t i = 0; i < calls.size(); ++i) {
      set_value(calls[i], first + i);
    }
  }
  void join_end_row(const std::vector<size_t>& calls, bool is_last) {
    if (calls.empty()) {
      return;
    }
    size_t first = join(end_row(window_, is_last), window_.partition);
    for (size_t i : calls) {
      set_value(i, first + window_.calls[i].argument.input);
    }
  }

  // counter: a column of the result; 0: every frame has all rows.
  void join_nth_row(size_t i, size_t counter) {
    const WindowCall& call = window_.calls[i];
    size_t first = join(nth_row(window_, call.offset), window_.partition, JoinType::kLeft);
    set_value(i, first + call.argument.input);
    if (counter != 0) {
      Type type = call.argument.result_type;
      ExprRef is_in_frame = make_call(">=", {make_column(counter, result_->schema[counter].type),
                                             make_literal(call.offset, Type::bigint().not_null())});
      values_[i] = make_case({{is_in_frame, values_[i]}}, make_literal({}, type), type);
    }
  }

  const WindowNode& window_;
  std::vector<ExprRef> values_;  // by call, over the result's columns
  PlanRef result_;
};

PlanRef as_join(PlanRef plan) {
  const auto* window = std::get_if<WindowNode>(&plan->node);
  PlanRef joined = window != nullptr ? Replacer(*window).run(*plan) : nullptr;
  return joined != nullptr ? joined : plan;
}

}  // namespace

PlanRef windows_as_joins(PlanRef plan) {
  return rewrite_bottom_up(plan, as_join);
}

}  // namespace tidemark
