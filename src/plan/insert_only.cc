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

std::vector<size_t> keepers_of_values(const AggregateNode& aggregate) {
  const std::vector<AggregateCall>& calls = aggregate.calls;
  std::vector<size_t> keepers(calls.size());
  std::iota(keepers.begin(), keepers.end(), 0);
  for (size_t i = 0; i < calls.size(); ++i) {
    for (size_t k = 0; k < i && is_extreme(calls[i]); ++k) {
      if (is_extreme(calls[k]) && keepers[k] == k && calls[k].input == calls[i].input &&
          calls[k].filter == calls[i].filter) {
        keepers[i] = k;
        break;
      }
    }
  }
  return keepers;
}

}  // namespace tidemark
