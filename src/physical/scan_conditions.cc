#include "physical/scan_conditions.h"

#include <algorithm>
#include <set>

#include "plan/table_slice.h"

namespace tidemark {

std::map<ObjectId, std::vector<ExprRef>> scan_conditions(
    const PlanRef& plan, const std::function<std::vector<PlanRef>(const LogicalPlan&)>& inputs) {
  std::map<ObjectId, std::vector<ExprRef>> result;
  std::set<const LogicalPlan*> seen;
  std::function<void(const PlanRef&)> visit = [&](const PlanRef& part) {
    if (!seen.insert(part.get()).second) {
      return;
    }
    std::optional<TableSlice> slice = table_slice(*part);
    if (!slice) {
      std::ranges::for_each(inputs(*part), visit);
      return;
    }
    auto [known, is_first] = result.try_emplace(slice->table->id, slice->predicates);
    if (!is_first) {
      std::erase_if(known->second, [&](const ExprRef& condition) {
        return std::ranges::none_of(slice->predicates, [&](const ExprRef& predicate) {
          return same_expr(*predicate, *condition);
        });
      });
    }
  };
  visit(plan);
  return result;
}

}  // namespace tidemark
