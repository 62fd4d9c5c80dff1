// The order of inner joins that stand next to each other. First relations are joined with those
// that they alone reference, that is, of which an equality with the key gives each row one: such a
// join adds no rows, so what is kept of it is no more than what is kept of the relation, and a
// condition on what is referenced takes rows away before further joins. In a schema of facts and
// dimensions that leaves little. The rest is put in an order without cross products, where there is
// one: beginning with the first relation, always the first of those that an equality connects with
// what is joined already.

#include <algorithm>
#include <unordered_map>

#include "plan/filtered.h"
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
  explicit Orderer(const PlanRef& root) : readers_(root) {}

  PlanRef order(const PlanRef& plan) {
    if (auto known = memo_.find(plan.get()); known != memo_.end()) {
      return known->second;
    }
    PlanRef result = reorder(plan);
    memo_.emplace(plan.get(), result);
    return result;
  }

 private:
  PlanRef reorder(const PlanRef& plan);
  void flatten(const PlanRef& plan, bool root, Cluster& cluster);

  PlanReaders readers_;
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
  bool open = root || !readers_.is_shared(plan);
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

bool is_equality(const Expr& expr) {
  const auto* call = std::get_if<CallExpr>(&expr.node);
  return call != nullptr &&
         (call->function->name == "=" || call->function->name == "IS NOT DISTINCT FROM");
}

bool is_within(const std::vector<bool>& relations, const std::vector<bool>& members) {
  for (size_t i = 0; i < relations.size(); ++i) {
    if (relations[i] && !members[i]) {
      return false;
    }
  }
  return true;
}

// A column that a condition says is equal to something, and which relations that reads.
struct Equated {
  size_t column;
  std::vector<bool> reads;
};

// A condition, and which relations it reads.
struct Condition {
  ExprRef expr;
  std::vector<bool> reads;
  bool is_equality = false;
  std::vector<Equated> equated{};
  bool is_applied = false;

  bool reads_only(const std::vector<bool>& members) const { return is_within(reads, members); }
};

// Relations of the cluster that are joined already. To begin with each is a group of its own; a
// group that is joined to another is gone.
struct Group {
  PlanRef plan;
  std::vector<bool> members;  // by relation
  bool is_gone = false;
};

class Joiner {
 public:
  explicit Joiner(const Cluster& cluster);
  // Relations with those that have a row for each of theirs.
  void join_referenced();
  // What is left, beginning with the first.
  PlanRef join_rest();
  std::vector<ExprRef> outputs(const Cluster& cluster) const;

 private:
  std::vector<bool> relations_of(const Expr& expr, size_t count) const;
  std::vector<ExprRef> take_ready(const std::vector<bool>& members);
  void join(size_t to, size_t from);
  bool references(size_t group, size_t other) const;
  size_t only_referrer(size_t group) const;
  bool is_connected(size_t joined, size_t other) const;
  void join_children(size_t group, const std::vector<std::vector<size_t>>& children);
  void collect(size_t group, const std::vector<std::vector<size_t>>& children,
               std::vector<size_t>& out) const;

  std::vector<Group> groups_;
  std::vector<Condition> conditions_;
  std::vector<size_t> relation_of_;  // of a column
  std::vector<size_t> place_;        // of a column in its group's plan
};

constexpr size_t kNone = SIZE_MAX;

Joiner::Joiner(const Cluster& cluster) {
  size_t count = cluster.relations.size();
  for (size_t r = 0; r < count; ++r) {
    size_t width = cluster.relations[r]->schema.size();
    relation_of_.insert(relation_of_.end(), width, r);
    for (size_t c = 0; c < width; ++c) {
      place_.push_back(c);
    }
  }
  std::vector<ExprRef> exprs = cluster.conditions;
  auto failing = std::stable_partition(exprs.begin(), exprs.end(),
                                       [](const ExprRef& each) { return !can_fail(*each); });
  auto add = [&](const ExprRef& expr) {
    Condition condition{expr, relations_of(*expr, count), is_equality(*expr)};
    for (size_t side = 0; condition.is_equality && side < 2; ++side) {
      const auto& arguments = std::get<CallExpr>(expr->node).arguments;
      std::optional<size_t> column = plain_column(*without_relabelling(arguments[side]));
      std::vector<bool> reads = relations_of(*arguments[1 - side], count);
      if (column && std::ranges::find(reads, true) != reads.end()) {
        condition.equated.push_back({*column, std::move(reads)});
      }
    }
    conditions_.push_back(std::move(condition));
  };
  std::for_each(exprs.begin(), failing, add);
  for (size_t r = 0; r < count; ++r) {
    Group group{cluster.relations[r], std::vector<bool>(count)};
    group.members[r] = true;
    if (std::vector<ExprRef> ready = take_ready(group.members); !ready.empty()) {
      group.plan = make_filter(group.plan, make_and(std::move(ready)));
    }
    groups_.push_back(std::move(group));
  }
  std::for_each(failing, exprs.end(), add);  // they stay at joins
}

std::vector<bool> Joiner::relations_of(const Expr& expr, size_t count) const {
  std::vector<bool> used, relations(count);
  collect_columns(expr, used);
  for (size_t i = 0; i < used.size(); ++i) {
    relations[relation_of_[i]] = relations[relation_of_[i]] || used[i];
  }
  return relations;
}

// The conditions that read these relations alone, over their columns' places.
std::vector<ExprRef> Joiner::take_ready(const std::vector<bool>& members) {
  std::vector<ExprRef> ready;
  for (Condition& condition : conditions_) {
    if (!condition.is_applied && condition.reads_only(members)) {
      condition.is_applied = true;
      ready.push_back(remap_columns(condition.expr, place_));
    }
  }
  return ready;
}

void Joiner::join(size_t to, size_t from) {
  Group& left = groups_[to];
  Group& right = groups_[from];
  for (size_t i = 0; i < place_.size(); ++i) {
    place_[i] += right.members[relation_of_[i]] ? left.plan->schema.size() : 0;
  }
  for (size_t r = 0; r < left.members.size(); ++r) {
    left.members[r] = left.members[r] || right.members[r];
  }
  std::vector<ExprRef> ready = take_ready(left.members);
  left.plan = make_join_on(left.plan, right.plan, JoinType::kInner,
                           ready.empty() ? nullptr : make_and(std::move(ready)));
  right.is_gone = true;
}

// Whether equalities give each row of the group at most one of the other.
bool Joiner::references(size_t group, size_t other) const {
  const auto& key = groups_[other].plan->key;
  if (!key || key->empty()) {
    return false;
  }
  auto is_given = [&](size_t part) {
    return std::ranges::any_of(conditions_, [&](const Condition& condition) {
      return !condition.is_applied &&
             std::ranges::any_of(condition.equated, [&](const Equated& equated) {
               return groups_[other].members[relation_of_[equated.column]] &&
                      place_[equated.column] == part &&
                      is_within(equated.reads, groups_[group].members);
             });
    });
  };
  return std::ranges::all_of(*key, is_given);
}

// The one group that references this one. Where two reference each other it is the first of them,
// and only if there is no third.
size_t Joiner::only_referrer(size_t group) const {
  std::vector<size_t> referrers, mutual;
  for (size_t other = 0; other < groups_.size(); ++other) {
    if (other != group && !groups_[other].is_gone && references(other, group)) {
      if (!references(group, other)) {
        referrers.push_back(other);
      } else if (other < group) {
        mutual.push_back(other);
      }
    }
  }
  if (referrers.empty()) {
    referrers = std::move(mutual);
  }
  return referrers.size() == 1 ? referrers[0] : kNone;
}

// The group and all that hangs on it.
void Joiner::collect(size_t group, const std::vector<std::vector<size_t>>& children,
                     std::vector<size_t>& out) const {
  out.push_back(group);
  for (size_t child : children[group]) {
    collect(child, children, out);
  }
}

// Filtered ones first: they leave fewer rows for the others. A relation is joined with those that
// it references itself before it is joined, but for one that takes no rows from a group that has
// few: then they come after it.
void Joiner::join_children(size_t group, const std::vector<std::vector<size_t>>& children) {
  bool has_few = is_filtered(*groups_[group].plan);
  std::vector<size_t> order;
  for (size_t child : children[group]) {
    std::vector<size_t> below;
    collect(child, children, below);
    bool takes_away =
        std::ranges::any_of(below, [&](size_t each) { return is_filtered(*groups_[each].plan); });
    if (takes_away || !has_few) {
      join_children(child, children);
      order.push_back(child);
    } else {
      order.insert(order.end(), below.begin(), below.end());
    }
  }
  std::stable_partition(order.begin(), order.end(),
                        [&](size_t each) { return is_filtered(*groups_[each].plan); });
  while (!order.empty()) {
    auto next = std::ranges::find_if(order, [&](size_t each) { return is_connected(group, each); });
    next = next == order.end() ? order.begin() : next;
    join(group, *next);
    order.erase(next);
  }
}

void Joiner::join_referenced() {
  for (bool again = true; again;) {
    std::vector<std::vector<size_t>> children(groups_.size());
    std::vector<size_t> parent(groups_.size(), kNone);
    again = false;
    for (size_t group = 0; group < groups_.size(); ++group) {
      size_t referrer = groups_[group].is_gone ? kNone : only_referrer(group);
      if (referrer != kNone && references(group, referrer) && !is_filtered(*groups_[group].plan)) {
        // Groups of a correlated subquery, by the key of what is correlated: they come after it.
        size_t above = only_referrer(referrer);
        referrer = above != kNone && above != group ? above : referrer;
      }
      size_t root = referrer;
      while (root != kNone && parent[root] != kNone) {
        root = parent[root];
      }
      if (referrer != kNone && root != group) {  // they may reference each other
        parent[group] = referrer;
        children[referrer].push_back(group);
        again = true;
      }
    }
    for (size_t group = 0; group < groups_.size(); ++group) {
      if (parent[group] == kNone && !groups_[group].is_gone) {
        join_children(group, children);
      }
    }
  }
}

// Whether an equality holds between the other group and those joined, and reads nothing else.
bool Joiner::is_connected(size_t joined, size_t other) const {
  std::vector<bool> both = groups_[joined].members;
  for (size_t r = 0; r < both.size(); ++r) {
    both[r] = both[r] || groups_[other].members[r];
  }
  return std::ranges::any_of(conditions_, [&](const Condition& condition) {
    return !condition.is_applied && condition.is_equality && condition.reads_only(both) &&
           !condition.reads_only(groups_[other].members) &&
           !condition.reads_only(groups_[joined].members);
  });
}

PlanRef Joiner::join_rest() {
  size_t joined = 0;
  while (groups_[joined].is_gone) {
    ++joined;
  }
  for (;;) {
    size_t next = kNone;
    for (size_t other = joined + 1; other < groups_.size(); ++other) {
      if (!groups_[other].is_gone) {
        bool connected = is_connected(joined, other);
        next = connected || next == kNone ? other : next;
        if (connected) {
          break;
        }
      }
    }
    if (next == kNone) {
      return groups_[joined].plan;
    }
    join(joined, next);
  }
}

std::vector<ExprRef> Joiner::outputs(const Cluster& cluster) const {
  std::vector<ExprRef> outputs;
  for (const ExprRef& output : cluster.outputs) {
    outputs.push_back(remap_columns(output, place_));
  }
  return outputs;
}

PlanRef Orderer::reorder(const PlanRef& plan) {
  if (is_inner_join(*plan)) {
    Cluster cluster;
    flatten(plan, true, cluster);
    bool is_free = std::ranges::none_of(cluster.conditions,
                                        [](const ExprRef& each) { return can_fail(*each); });
    if (cluster.relations.size() > 2 && (cluster.has_cross || is_free)) {
      Joiner joiner(cluster);
      if (is_free) {
        joiner.join_referenced();
      }
      PlanRef joined = joiner.join_rest();
      return make_project(joined, joiner.outputs(cluster), plan->schema.names());
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
