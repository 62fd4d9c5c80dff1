#include "plan/insert_only.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/overloaded.h"
#include "catalog/append_only.h"

namespace tidemark {

namespace {

bool is_extreme(const AggregateCall& call) {
  return call.kind == AggregateKind::kMin || call.kind == AggregateKind::kMax;
}

// What shows of a group is one of its values, and stays until a better one comes.
bool shows_one_value(const AggregateCall& call) {
  return is_extreme(call) || call.kind == AggregateKind::kFirstValue ||
         call.kind == AggregateKind::kLastValue;
}

bool is_of_ordered_values(const AggregateCall& call) {
  return is_order_sensitive(call.kind) || takes_within_group(call.kind);
}
bool keeps_values(const AggregateCall& call) {
  return is_extreme(call) || is_of_ordered_values(call);
}
// DISTINCT is a matter of reading them.
bool keep_same_values(const AggregateCall& a, const AggregateCall& b) {
  return is_extreme(a) == is_extreme(b) && is_of_ordered_values(a) == is_of_ordered_values(b) &&
         a.input == b.input && a.filter == b.filter && a.order == b.order &&
         a.ignore_nulls == b.ignore_nulls;
}

// Parts of a plan may have several readers: each is looked at once.
class InsertOnly {
 public:
  explicit InsertOnly(Reading reading) : reading_(reading) {}

  bool is(const LogicalPlan& plan) {
    if (auto known = known_.find(&plan); known != known_.end()) {
      return known->second;
    }
    bool result = look_at(plan);
    known_.emplace(&plan, result);
    return result;
  }

 private:
  bool look_at(const LogicalPlan& plan) {
    return std::visit(
        Overloaded{
            [&](const ScanNode& scan) {
              return reading_ == Reading::kOnce || is_append_only(*scan.object);
            },
            [](const ValuesNode&) { return true; },
            [&](const FilterNode& node) { return is(*node.input); },
            [&](const ProjectNode& node) { return is(*node.input); },
            [&](const UnnestNode& node) { return is(*node.input); },
            // DISTINCT: a row that is there stays. The functions of a group change with its rows.
            [&](const AggregateNode& node) { return node.calls.empty() && is(*node.input); },
            [&](const UnionNode& node) { return are(node.inputs); },
            [&](const JoinNode& node) {
              bool shows_partners = node.type == JoinType::kInner || node.type == JoinType::kSemi;
              return shows_partners && is(*node.left) && is(*node.right);
            },
            [&](const DeltaJoinNode& node) { return are(node.relations); },
            [](const TopNNode&) { return false; },
            [](const RankNode&) { return false; },
            [](const WindowNode&) { return false; },
            [](const SetDifferenceNode&) { return false; },
            [](const DynamicFilterNode&) { return false; },  // its bound moves
            [](const RecursiveNode&) { return false; },
            [](const RecursiveRefNode&) { return false; },
        },
        plan.node);
  }
  bool are(const std::vector<PlanRef>& plans) {
    return std::ranges::all_of(plans, [&](const PlanRef& plan) { return is(*plan); });
  }

  Reading reading_;
  std::unordered_map<const LogicalPlan*, bool> known_;
};

}  // namespace

bool is_insert_only(const LogicalPlan& plan, Reading reading) {
  return InsertOnly(reading).is(plan);
}

bool keeps_less(const LogicalPlan& plan, Reading reading) {
  if (const auto* aggregate = std::get_if<AggregateNode>(&plan.node)) {
    return std::ranges::any_of(aggregate->calls, shows_one_value) &&
           is_insert_only(*aggregate->input, reading);
  }
  if (const auto* top = std::get_if<TopNNode>(&plan.node)) {
    return top->limit && is_insert_only(*top->input, reading);
  }
  // Of RANK and DENSE_RANK any number of peers may show.
  const auto* rank = std::get_if<RankNode>(&plan.node);
  return rank != nullptr && rank->last && rank->function == RankFunction::kRowNumber &&
         is_insert_only(*rank->input, reading);
}

std::vector<size_t> keepers_of_values(const LogicalPlan& plan, Reading reading) {
  const std::vector<AggregateCall>& calls = std::get<AggregateNode>(plan.node).calls;
  bool is_less = keeps_less(plan, reading);
  std::vector<size_t> keepers(calls.size());
  std::iota(keepers.begin(), keepers.end(), 0);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (!keeps_values(calls[i]) || (is_less && shows_one_value(calls[i]))) {
      continue;
    }
    for (size_t k = 0; k < i; ++k) {
      if (keepers[k] == k && keep_same_values(calls[k], calls[i]) &&
          !(is_less && shows_one_value(calls[k]))) {
        keepers[i] = k;
        break;
      }
    }
  }
  return keepers;
}

}  // namespace tidemark
