// Inner joins that stand next to each other are put in an order without cross products, where there
// is one: beginning with the first relation, always the first of those that an equality connects
// with what is joined already. The order written stays wherever it has no cross product.

#include <algorithm>
#include <unordered_map>

#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

// Inner joins flattened: relations side by side, and everything else over their columns.
struct Cluster {
  std::vector<PlanRef> relations;
  std::vector<ExprRef> conditions;
  std::vector<ExprRef> outputs;
  bool has_cross = false;

  size_t width() const {
    size_t columns = 0;
    for (const PlanRef& relation : relations) {
      columns += relation->schema.size();
    }
    return columns;
  }
};

class Orderer {
 public:
  explicit Orderer(const PlanRef& root) { count_readers(root); }

  PlanRef order(const PlanRef& plan) {
    if (auto known = memo_.find(plan.get()); known != memo_.end()) {
      return known->second;
    }
    PlanRef result = reorder(plan);
    memo_.emplace(plan.get(), result);
    return result;
  }

 private:
  void count_readers(const PlanRef& plan) {
    if (++readers_[plan.get()] > 1) {
      return;
    }
    for (const PlanRef& input : inputs_of(*plan)) {
      count_readers(input);
    }
  }
  PlanRef reorder(const PlanRef& plan);
  void flatten(const PlanRef& plan, bool root, Cluster& cluster);
  PlanRef rebuild(const LogicalPlan& plan, const Cluster& cluster) const;

  std::unordered_map<const LogicalPlan*, size_t> readers_;
  std::unordered_map<const LogicalPlan*, PlanRef> memo_;
};

bool is_inner_join(const LogicalPlan& plan) {
  const auto* join = std::get_if<JoinNode>(&plan.node);
  return join != nullptr && join->type == JoinType::kInner;
}

bool is_plain(const ProjectNode& project) {
  return std::all_of(project.expressions.begin(), project.expressions.end(),
                     [](const ExprRef& x) { return !can_fail(*x) && is_deterministic(*x); });
}

void Orderer::flatten(const PlanRef& plan, bool root, Cluster& cluster) {
  bool open = root || readers_[plan.get()] == 1;
  if (const auto* join = std::get_if<JoinNode>(&plan->node); open && is_inner_join(*plan)) {
    cluster.has_cross = cluster.has_cross || join->keys.empty();
    flatten(join->left, false, cluster);
    std::vector<ExprRef> outputs = std::move(cluster.outputs);
    flatten(join->right, false, cluster);
    outputs.insert(outputs.end(), cluster.outputs.begin(), cluster.outputs.end());
    if (ExprRef condition = condition_of(*join)) {
      split_and(substitute(condition, outputs), cluster.conditions);
    }
    cluster.outputs = std::move(outputs);
    return;
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node);
      open && project != nullptr && is_plain(*project) && !root) {
    flatten(project->input, false, cluster);
    std::vector<ExprRef> outputs;
    for (const ExprRef& expression : project->expressions) {
      outputs.push_back(substitute(expression, cluster.outputs));
    }
    cluster.outputs = std::move(outputs);
    return;
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan->node);
      open && filter != nullptr && !can_fail(*filter->predicate) && !root) {
    flatten(filter->input, false, cluster);
    split_and(substitute(filter->predicate, cluster.outputs), cluster.conditions);
    return;
  }
  size_t first = cluster.width();
  cluster.relations.push_back(order(plan));
  cluster.outputs.clear();
  for (size_t i = 0; i < plan->schema.size(); ++i) {
    cluster.outputs.push_back(make_column(first + i, plan->schema[i].type));
  }
}

// Which relations a condition reads.
std::vector<bool> relations_read(const Expr& condition, const std::vector<size_t>& relation_of) {
  std::vector<bool> used, read;
  collect_columns(condition, used);
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) {
      read.resize(std::max(read.size(), relation_of[i] + 1));
      read[relation_of[i]] = true;
    }
  }
  return read;
}

bool is_equality(const Expr& expr) {
  const auto* call = std::get_if<CallExpr>(&expr.node);
  return call != nullptr &&
         (call->function->name == "=" || call->function->name == "IS NOT DISTINCT FROM");
}

PlanRef Orderer::rebuild(const LogicalPlan& plan, const Cluster& cluster) const {
  size_t count = cluster.relations.size();
  std::vector<size_t> relation_of;
  for (size_t r = 0; r < count; ++r) {
    relation_of.insert(relation_of.end(), cluster.relations[r]->schema.size(), r);
  }
  std::vector<std::vector<bool>> reads;
  for (const ExprRef& condition : cluster.conditions) {
    reads.push_back(relations_read(*condition, relation_of));
    reads.back().resize(count);
  }
  std::vector<bool> chosen(count), applied(cluster.conditions.size());
  std::vector<size_t> place(relation_of.size(), SIZE_MAX);  // of a column in the joined plan
  PlanRef joined;
  for (size_t step = 0; step < count; ++step) {
    size_t next = SIZE_MAX, fallback = SIZE_MAX;
    for (size_t r = 0; r < count && next == SIZE_MAX; ++r) {
      if (chosen[r]) {
        continue;
      }
      fallback = std::min(fallback, r);
      for (size_t c = 0; c < cluster.conditions.size() && next == SIZE_MAX; ++c) {
        // An equality of this relation with relations that are joined, and no others.
        bool connects = is_equality(*cluster.conditions[c]) && reads[c][r];
        size_t others = 0;
        for (size_t o = 0; o < count; ++o) {
          connects = connects && (o == r || !reads[c][o] || chosen[o]);
          others += o != r && reads[c][o] ? 1 : 0;
        }
        next = connects && others > 0 ? r : next;
      }
    }
    next = next == SIZE_MAX ? fallback : next;
    chosen[next] = true;
    const PlanRef& relation = cluster.relations[next];
    size_t first = joined == nullptr ? 0 : joined->schema.size();
    for (size_t i = 0, column = 0; i < relation_of.size(); ++i) {
      if (relation_of[i] == next) {
        place[i] = first + column++;
      }
    }
    std::vector<ExprRef> conditions;
    for (size_t c = 0; c < cluster.conditions.size(); ++c) {
      bool ready = !applied[c];
      for (size_t o = 0; o < count; ++o) {
        ready = ready && (!reads[c][o] || chosen[o]);
      }
      if (ready) {
        applied[c] = true;
        conditions.push_back(remap_columns(cluster.conditions[c], place));
      }
    }
    ExprRef condition = conditions.empty() ? nullptr : make_and(std::move(conditions));
    if (joined == nullptr) {
      joined = condition != nullptr ? make_filter(relation, condition) : relation;
    } else {
      joined = make_join_on(joined, relation, JoinType::kInner, condition);
    }
  }
  std::vector<ExprRef> outputs;
  for (const ExprRef& output : cluster.outputs) {
    outputs.push_back(remap_columns(output, place));
  }
  return make_project(joined, std::move(outputs), plan.schema.names());
}

PlanRef Orderer::reorder(const PlanRef& plan) {
  if (is_inner_join(*plan)) {
    Cluster cluster;
    flatten(plan, true, cluster);
    if (cluster.has_cross && cluster.relations.size() > 2) {
      return rebuild(*plan, cluster);
    }
  }
  std::vector<PlanRef> inputs = inputs_of(*plan);
  for (PlanRef& input : inputs) {
    input = order(input);
  }
  return with_inputs(plan, std::move(inputs));
}

}  // namespace

PlanRef order_joins(PlanRef plan) {
  return Orderer(plan).order(plan);
}

}  // namespace tidemark
