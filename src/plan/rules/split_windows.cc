// Window functions in nodes of their own by how they are maintained: where frames are bounded a
// change costs the rows within their reach, where they run from the first row to the current one it
// costs what changes (dataflow/operators/over_running.h), by rows and by groups of peers apart; so
// it does for NTILE (over_tiles.h). In one node every call costs what the dearest does. If one
// needs whole partitions, that is what a change costs anyway, and all stay together.
//
// A rank that has got no bound runs too, and an aggregate from the current row to the last one runs
// in the opposite order.

#include <map>
#include <numeric>

#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

enum class Kind : uint8_t {
  kBounded,
  kRunningByGroup,
  kRunningByRow,
  kBackwardsByGroup,
  kBackwardsByRow,
  kTiles
};

bool is_offset(const WindowBound& bound) {
  return bound.kind == WindowBound::Kind::kOffset;
}

bool can_run(const WindowCall& call) {
  return call.function == WindowFunction::kAggregate && !call.argument.distinct &&
         call.argument.kind <= AggregateKind::kBoolOr &&
         call.frame.exclude == WindowExclude::kNothing;
}

bool is_running(const WindowCall& call) {
  if (call.function >= WindowFunction::kRowNumber) {
    return true;
  }
  return can_run(call) && call.frame.start.kind == WindowBound::Kind::kUnboundedPreceding &&
         running_distance(call.frame.unit, call.frame.end);
}

bool is_running_backwards(const WindowCall& call) {
  return can_run(call) && running_distance(call.frame.unit, call.frame.start) &&
         call.frame.end.kind == WindowBound::Kind::kUnboundedFollowing;
}

Kind kind_of(const WindowCall& call) {
  if (call.function == WindowFunction::kNtile) {
    return Kind::kTiles;
  }
  bool by_row = call.frame.unit == WindowUnit::kRows;
  if (is_running_backwards(call)) {
    return by_row ? Kind::kBackwardsByRow : Kind::kBackwardsByGroup;
  }
  return !is_running(call) ? Kind::kBounded : by_row ? Kind::kRunningByRow : Kind::kRunningByGroup;
}

// How far a running function's frame goes beyond the row: one distance in a node.
int64_t distance_of(const WindowCall& call) {
  const WindowBound& bound = is_running_backwards(call) ? call.frame.start : call.frame.end;
  bool runs = is_running_backwards(call) || is_running(call);
  return runs ? running_distance(call.frame.unit, bound).value_or(0) : 0;
}

bool is_backwards(Kind kind) {
  return kind == Kind::kBackwardsByGroup || kind == Kind::kBackwardsByRow;
}

bool has_ties(const WindowNode& window) {
  const auto& key = window.input->key;
  auto is_ordered = [&](size_t column) {
    return std::ranges::find(window.partition, column) != window.partition.end() ||
           std::ranges::find(window.order, column, &SortKey::column) != window.order.end();
  };
  return !key || !std::ranges::all_of(*key, is_ordered);
}

// In the opposite order. Ties of single rows, which whole rows settle, are reversed too.
void turn_round(WindowNode& window, bool by_row) {
  reverse(window.order);
  bool is_to_settle = by_row && has_ties(window);
  for (size_t column = 0; is_to_settle && column < window.input->schema.size(); ++column) {
    window.order.push_back({column, true, true});
  }
  for (WindowCall& call : window.calls) {
    call.frame.end = {WindowBound::Kind::kOffset, -call.frame.start.whole};
    call.frame.start = {WindowBound::Kind::kUnboundedPreceding};
  }
}

bool needs_partition(const WindowCall& call) {
  if (nearest_values(call.function, call.argument.ignore_nulls, call.frame,
                     call.offset_column ? std::nullopt : std::optional(call.offset))) {
    return false;
  }
  switch (call.function) {
    case WindowFunction::kLag:
    case WindowFunction::kLead:
      return call.offset_column.has_value();
    case WindowFunction::kNtile:
      return call.offset_column || !are_few_tiles(call.offset);
    case WindowFunction::kCumeDist:
    case WindowFunction::kPercentRank:
      return true;
    default:
      return !is_running(call) && !is_running_backwards(call) &&
             (!is_offset(call.frame.start) || !is_offset(call.frame.end));
  }
}

// The last value up to the current row is that of its last peer, wherever the frame begins.
bool narrow(WindowCall& call) {
  const WindowBound& end = call.frame.end;
  if (call.function != WindowFunction::kLastValue || call.argument.ignore_nulls ||
      is_offset(call.frame.start) || !end.is_current_row() ||
      call.frame.unit == WindowUnit::kRange || call.frame.exclude != WindowExclude::kNothing) {
    return false;
  }
  call.frame.start = end;
  return true;
}

PlanRef with_narrow_frames(const PlanRef& plan, WindowNode window) {
  bool is_changed = false;
  for (WindowCall& call : window.calls) {
    is_changed |= narrow(call);
  }
  return is_changed ? make_window(std::move(window)) : plan;
}

PlanRef split(const PlanRef& plan, const WindowNode& window) {
  std::map<std::pair<Kind, int64_t>, std::vector<size_t>> calls;
  for (size_t i = 0; i < window.calls.size(); ++i) {
    const WindowCall& call = window.calls[i];
    if (needs_partition(call)) {
      return plan;
    }
    calls[{kind_of(call), distance_of(call)}].push_back(i);
  }
  size_t width = window.input->schema.size();
  std::vector<size_t> places(width + window.calls.size());  // of the plan's columns in the result
  std::iota(places.begin(), places.end(), size_t{0});
  PlanRef result = window.input;
  for (const auto& [group, members] : calls) {
    Kind kind = group.first;
    if (members.size() == window.calls.size() && !is_backwards(kind)) {
      return plan;
    }
    WindowNode node{result, window.partition, window.order, {}};
    for (size_t call : members) {
      places[width + call] = result->schema.size() + node.calls.size();
      node.calls.push_back(window.calls[call]);
    }
    if (is_backwards(kind)) {
      turn_round(node, kind == Kind::kBackwardsByRow);
    }
    result = make_window(std::move(node));
  }
  std::vector<ExprRef> columns;
  for (size_t place : places) {
    columns.push_back(make_column(place, result->schema[place].type));
  }
  return make_project(result, std::move(columns), plan->schema.names());
}

PlanRef running_rank(const PlanRef& plan, const RankNode& rank) {
  constexpr WindowFunction kFunctions[] = {WindowFunction::kRowNumber, WindowFunction::kRank,
                                           WindowFunction::kDenseRank};
  WindowCall call{kFunctions[static_cast<size_t>(rank.function)]};
  call.argument.name = kRankFunctionNames[static_cast<size_t>(rank.function)];
  call.argument.result_type = Type::bigint().not_null();
  if (rank.function == RankFunction::kRowNumber) {
    call.frame.unit = WindowUnit::kRows;
  }
  PlanRef window = make_window({rank.input, rank.partition, rank.order, {std::move(call)}});
  return make_project(window, column_expressions(*window), plan->schema.names());
}

PlanRef maintained_apart(PlanRef plan) {
  if (const auto* window = std::get_if<WindowNode>(&plan->node)) {
    PlanRef narrowed = with_narrow_frames(plan, *window);
    return split(narrowed, std::get<WindowNode>(narrowed->node));
  }
  const auto* rank = std::get_if<RankNode>(&plan->node);
  return rank != nullptr && !rank->last ? running_rank(plan, *rank) : plan;
}

}  // namespace

PlanRef split_windows(PlanRef plan) {
  return rewrite_bottom_up(plan, maintained_apart);
}

}  // namespace tidemark
