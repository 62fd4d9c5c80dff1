// Equal parts of a plan that keep state become one, with the columns that any of their readers
// reads. It stands before pruning: afterwards such parts differ by the columns that are left.
//
// What keeps none stays as often as it is there: two readers of a table read different columns of
// it, and so what they keep of it is narrow.

#include <map>
#include <utility>
#include <vector>

#include "plan/optimizer.h"
#include "plan/rewrite.h"
#include "plan/same_plan.h"

namespace tidemark {

namespace {

bool keeps_state(const LogicalPlan& plan) {
  const auto& node = plan.node;
  return is_join(plan) || std::holds_alternative<AggregateNode>(node) ||
         std::holds_alternative<TopNNode>(node) || std::holds_alternative<RankNode>(node) ||
         std::holds_alternative<WindowNode>(node) ||
         std::holds_alternative<SetDifferenceNode>(node) ||
         std::holds_alternative<RecursiveNode>(node) ||
         std::holds_alternative<DynamicFilterNode>(node);
}

// Numbers nodes, inputs first, so that those with one number compute the same.
class SubplanSharer {
 public:
  PlanRef share(PlanRef plan) {
    std::vector<size_t> inputs;
    for (const PlanRef& input : inputs_of(*plan)) {
      inputs.push_back(numbers_.at(input.get()));
    }
    std::vector<Known>& alike = known_[{plan->node.index(), std::move(inputs)}];
    for (const Known& known : alike) {
      if (same_node(*known.plan, *plan)) {
        if (keeps_state(*plan)) {
          return known.plan;
        }
        number(plan, known.number);
        return plan;
      }
    }
    alike.push_back({plan, numbers_.size()});
    number(plan, alike.back().number);
    return plan;
  }

 private:
  struct Known {
    PlanRef plan;
    size_t number;
  };
  void number(const PlanRef& plan, size_t number) {
    if (numbers_.emplace(plan.get(), number).second) {
      kept_.push_back(plan);
    }
  }

  std::map<std::pair<size_t, std::vector<size_t>>, std::vector<Known>> known_;
  std::unordered_map<const LogicalPlan*, size_t> numbers_;
  std::vector<PlanRef> kept_;  // what `numbers_` names
};

}  // namespace

PlanRef share_subplans(PlanRef plan) {
  SubplanSharer sharer;
  return rewrite_bottom_up(plan, [&](PlanRef node) { return sharer.share(std::move(node)); });
}

}  // namespace tidemark
