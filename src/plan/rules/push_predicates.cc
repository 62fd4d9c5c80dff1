// Conditions move down to where their columns come from: through projections, groups, unions and
// joins. On the way they make cross joins into equi-joins, and outer joins into inner ones where
// they reject the NULLs that the outer join would add.
//
// An OR over both sides of a join stays there, but what it says of one side alone goes to that
// side: with (l.x = 1 AND r.y = 2) OR (l.x = 3 AND r.z = 4) no other rows of l have partners than
// those where l.x = 1 OR l.x = 3.
//
// A condition that can fail stays where it was written: lower down it would meet rows that the join
// or another condition drops.

#include <algorithm>
#include <unordered_map>

#include "base/overloaded.h"
#include "plan/join_condition.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

bool is_movable(const Expr& expr) {
  return !can_fail(expr) && is_deterministic(expr);
}

// Whether the value is NULL wherever all columns in [from, to) are.
bool null_on_null(const Expr& expr, size_t from, size_t to) {
  if (const auto* column = std::get_if<ColumnExpr>(&expr.node)) {
    return column->index >= from && column->index < to;
  }
  if (const auto* cast = std::get_if<CastExpr>(&expr.node)) {
    return null_on_null(*cast->input, from, to);
  }
  if (const auto* call = std::get_if<CallExpr>(&expr.node)) {
    return call->bound.null_rule == NullRule::kStrict &&
           std::any_of(call->arguments.begin(), call->arguments.end(),
                       [&](const ExprRef& x) { return null_on_null(*x, from, to); });
  }
  return false;
}

// Whether the condition is not TRUE wherever all columns in [from, to) are NULL.
bool rejects_nulls(const Expr& expr, size_t from, size_t to) {
  if (const auto* logic = std::get_if<LogicExpr>(&expr.node)) {
    auto rejects = [&](const ExprRef& x) { return rejects_nulls(*x, from, to); };
    return logic->is_and ? std::any_of(logic->conditions.begin(), logic->conditions.end(), rejects)
                         : std::all_of(logic->conditions.begin(), logic->conditions.end(), rejects);
  }
  if (const auto* call = std::get_if<CallExpr>(&expr.node)) {
    if (call->function->name == "IS NOT NULL" || call->function->name == "IS TRUE" ||
        call->function->name == "IS FALSE") {
      return null_on_null(*call->arguments[0], from, to);
    }
  }
  return null_on_null(expr, from, to);
}

using Conditions = std::vector<ExprRef>;

// A restriction that is implied is found each time the rule runs.
void add_once(ExprRef condition, Conditions& conditions) {
  bool known = is_deterministic(*condition) &&
               std::ranges::any_of(
                   conditions, [&](const ExprRef& each) { return same_expr(*each, *condition); });
  if (!known) {
    conditions.push_back(std::move(condition));
  }
}

// What an OR over both sides of a join says of one of them; null: nothing.
ExprRef restriction_of(const Expr& condition, bool of_left, size_t left_width) {
  const auto* logic = std::get_if<LogicExpr>(&condition.node);
  if (logic == nullptr || logic->is_and || !is_movable(condition)) {
    return nullptr;
  }
  Conditions branches;
  for (const ExprRef& branch : logic->conditions) {
    Conditions parts;
    split_and(branch, parts);
    std::erase_if(parts, [&](const ExprRef& part) {
      SidesRead read = sides_read(*part, left_width);
      return read.left != of_left || read.right == of_left;
    });
    if (parts.empty()) {
      return nullptr;
    }
    branches.push_back(make_and(std::move(parts)));
  }
  return make_or(std::move(branches));
}

class Pusher {
 public:
  explicit Pusher(const PlanRef& root) : readers_(root) {}

  // The plan with the conditions applied as low as they go.
  PlanRef push(const PlanRef& plan, Conditions conditions) {
    if (!readers_.is_shared(plan)) {
      return push_into(plan, std::move(conditions));
    }
    // Several readers: it stays one, without the conditions of any.
    PlanRef& whole = memo_[plan.get()];
    if (whole == nullptr) {
      whole = push_into(plan, {});
    }
    return with_filter(whole, std::move(conditions));
  }

 private:
  static PlanRef with_filter(PlanRef plan, Conditions conditions) {
    return conditions.empty() ? plan
                              : make_filter(std::move(plan), make_and(std::move(conditions)));
  }

  PlanRef push_into(const PlanRef& plan, Conditions conditions);
  PlanRef push_filter(const FilterNode& filter, Conditions conditions);
  PlanRef push_project(const LogicalPlan& plan, const ProjectNode& project, Conditions conditions);
  PlanRef push_aggregate(const AggregateNode& aggregate, Conditions conditions);
  PlanRef push_rank(const RankNode& rank, Conditions conditions);
  PlanRef push_window(const WindowNode& window, Conditions conditions);
  PlanRef push_unnest(const UnnestNode& unnest, Conditions conditions);
  PlanRef push_join(const PlanRef& plan, const JoinNode& join, Conditions conditions);

  PlanReaders readers_;
  std::unordered_map<const LogicalPlan*, PlanRef> memo_;
};

PlanRef Pusher::push_into(const PlanRef& plan, Conditions conditions) {
  auto leave_here = [&](std::vector<PlanRef> inputs) {
    return with_filter(with_inputs(plan, std::move(inputs)), std::move(conditions));
  };
  auto into_all = [&](const std::vector<PlanRef>& inputs) {
    std::vector<PlanRef> pushed;
    for (const PlanRef& input : inputs) {
      pushed.push_back(push(input, conditions));
    }
    return with_inputs(plan, std::move(pushed));
  };
  return std::visit(
      Overloaded{
          [&](const ScanNode&) { return leave_here({}); },
          [&](const RecursiveRefNode&) { return leave_here({}); },
          [&](const RecursiveNode&) {
            std::vector<PlanRef> inputs;
            for (const PlanRef& input : inputs_of(*plan)) {
              inputs.push_back(push(input, {}));
            }
            return leave_here(std::move(inputs));
          },
          [&](const ValuesNode&) { return leave_here({}); },
          [&](const FilterNode& node) { return push_filter(node, std::move(conditions)); },
          [&](const ProjectNode& node) { return push_project(*plan, node, std::move(conditions)); },
          [&](const AggregateNode& node) { return push_aggregate(node, std::move(conditions)); },
          [&](const TopNNode& node) { return leave_here({push(node.input, {})}); },
          [&](const RankNode& node) { return push_rank(node, std::move(conditions)); },
          [&](const WindowNode& node) { return push_window(node, std::move(conditions)); },
          [&](const UnnestNode& node) { return push_unnest(node, std::move(conditions)); },
          [&](const UnionNode& node) { return into_all(node.inputs); },
          [&](const SetDifferenceNode& node) {
            return into_all({node.left, node.right});
          },
          [&](const JoinNode& node) { return push_join(plan, node, std::move(conditions)); },
          [&](const DynamicFilterNode& node) {
            return leave_here({push(node.input, {}), push(node.bound, {})});
          },
          [&](const DeltaJoinNode& node) {
            std::vector<PlanRef> relations;
            for (const PlanRef& relation : node.relations) {
              relations.push_back(push(relation, {}));
            }
            return leave_here(std::move(relations));
          },
      },
      plan->node);
}

PlanRef Pusher::push_filter(const FilterNode& filter, Conditions conditions) {
  Conditions parts, staying;
  split_and(filter.predicate, parts);
  for (const ExprRef& part : parts) {
    add_once(part, is_movable(*part) ? conditions : staying);
  }
  return with_filter(push(filter.input, std::move(conditions)), std::move(staying));
}

PlanRef Pusher::push_project(const LogicalPlan& plan, const ProjectNode& project,
                             Conditions conditions) {
  Conditions below, staying;
  for (const ExprRef& condition : conditions) {
    ExprRef moved = substitute(condition, project.expressions);
    if (is_movable(*moved)) {
      below.push_back(std::move(moved));
    } else {
      staying.push_back(condition);
    }
  }
  return with_filter(
      make_project(push(project.input, std::move(below)), project.expressions, plan.schema.names()),
      std::move(staying));
}

PlanRef Pusher::push_aggregate(const AggregateNode& aggregate, Conditions conditions) {
  Conditions below, staying;
  for (const ExprRef& condition : conditions) {
    std::vector<bool> used;
    collect_columns(*condition, used);
    bool groups_only = !aggregate.group.empty() && used.size() <= aggregate.group.size();
    if (groups_only) {
      below.push_back(remap_columns(condition, aggregate.group));
    } else {
      staying.push_back(condition);
    }
  }
  return with_filter(
      make_aggregate(push(aggregate.input, std::move(below)), aggregate.group, aggregate.calls),
      std::move(staying));
}

// The largest number that the condition lets through, if it is a bound on the number alone.
// A condition on the partition alone takes whole partitions away.
bool is_of_partition(const Expr& condition, const std::vector<size_t>& partition) {
  std::vector<bool> used;
  collect_columns(condition, used);
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i] && std::find(partition.begin(), partition.end(), i) == partition.end()) {
      return false;
    }
  }
  return true;
}

struct RankBound {
  uint64_t last = 0;
  bool is_whole_condition = true;  // false: numbers below the bound are tested besides
};
std::optional<RankBound> bound_of(const Expr& condition, size_t number) {
  const auto* call = std::get_if<CallExpr>(&condition.node);
  if (call == nullptr || call->arguments.size() != 2) {
    return std::nullopt;
  }
  std::string_view op = call->function->name;
  const Expr* column = call->arguments[0].get();
  const Expr* other = call->arguments[1].get();
  if (std::holds_alternative<LiteralExpr>(column->node)) {
    std::swap(column, other);
    op = op == ">" ? "<" : op == ">=" ? "<=" : op == "=" ? "=" : "";
  }
  const auto* named = std::get_if<ColumnExpr>(&column->node);
  const auto* literal = std::get_if<LiteralExpr>(&other->node);
  const auto* value = literal != nullptr ? std::get_if<int64_t>(&literal->value) : nullptr;
  if (named == nullptr || named->index != number || value == nullptr) {
    return std::nullopt;
  }
  uint64_t last = static_cast<uint64_t>(std::max<int64_t>(*value, 0));
  if (op == "<=" || op == "=") {
    return RankBound{last, op == "<="};
  }
  if (op == "<") {
    return RankBound{last == 0 ? 0 : last - 1, true};
  }
  return std::nullopt;
}

// A bound on the number makes it the top n of each partition; conditions on the partition alone go
// below.
PlanRef Pusher::push_rank(const RankNode& rank, Conditions conditions) {
  RankNode node = rank;
  size_t number = rank.input->schema.size();
  Conditions below, staying;
  for (const ExprRef& condition : conditions) {
    bool partition_only = is_of_partition(*condition, rank.partition);
    if (std::optional<RankBound> bound = bound_of(*condition, number)) {
      node.last = std::min(node.last.value_or(UINT64_MAX), bound->last);
      if (!bound->is_whole_condition) {
        staying.push_back(condition);
      }
    } else {
      (partition_only ? below : staying).push_back(condition);
    }
  }
  node.input = push(rank.input, std::move(below));
  return with_filter(make_rank(std::move(node)), std::move(staying));
}

PlanRef Pusher::push_window(const WindowNode& window, Conditions conditions) {
  Conditions below, staying;
  for (ExprRef& condition : conditions) {
    (is_of_partition(*condition, window.partition) ? below : staying)
        .push_back(std::move(condition));
  }
  WindowNode node = window;
  node.input = push(window.input, std::move(below));
  return with_filter(make_window(std::move(node)), std::move(staying));
}

PlanRef Pusher::push_unnest(const UnnestNode& unnest, Conditions conditions) {
  Conditions below, staying;
  for (ExprRef& condition : conditions) {
    std::vector<bool> used;
    collect_columns(*condition, used);
    bool of_input = std::find(used.begin() + static_cast<ptrdiff_t>(std::min(
                                                 used.size(), unnest.input->schema.size())),
                              used.end(), true) == used.end();
    (of_input ? below : staying).push_back(std::move(condition));
  }
  UnnestNode node = unnest;
  node.input = push(unnest.input, std::move(below));
  return with_filter(make_unnest(std::move(node)), std::move(staying));
}

JoinType without_nulls_added(const JoinNode& join, const Conditions& conditions) {
  size_t left = join.left->schema.size(), all = left + join.right->schema.size();
  auto some_rejects = [&](size_t from, size_t to) {
    return std::any_of(conditions.begin(), conditions.end(),
                       [&](const ExprRef& x) { return rejects_nulls(*x, from, to); });
  };
  bool right_rejected = some_rejects(left, all);
  if (join.type == JoinType::kLeft) {
    return right_rejected ? JoinType::kInner : JoinType::kLeft;
  }
  if (join.type == JoinType::kFull && some_rejects(0, left)) {
    return right_rejected ? JoinType::kInner : JoinType::kLeft;
  }
  return join.type;
}

PlanRef Pusher::push_join(const PlanRef&, const JoinNode& join, Conditions conditions) {
  size_t left_width = join.left->schema.size(), right_width = join.right->schema.size();
  JoinType type = without_nulls_added(join, conditions);
  Conditions left, right, on, above, join_parts;
  std::vector<size_t> unshift(left_width + right_width);
  for (size_t i = 0; i < right_width; ++i) {
    unshift[left_width + i] = i;
  }
  bool inner = type == JoinType::kInner;
  bool semi = type == JoinType::kSemi, anti = type == JoinType::kAnti;
  bool right_follows = inner || semi || anti || type == JoinType::kLeft;
  for (const ExprRef& condition : conditions) {
    SidesRead read = sides_read(*condition, left_width);
    bool to_left = !read.right && type != JoinType::kFull && (read.left || !inner);
    if (to_left) {
      left.push_back(condition);
    } else if (inner && read.right && !read.left) {
      right.push_back(remap_columns(condition, unshift));
    } else {
      (inner ? on : above).push_back(condition);
    }
  }
  if (ExprRef condition = condition_of(join)) {
    split_and(condition, join_parts);
  }
  for (const ExprRef& part : join_parts) {
    SidesRead read = sides_read(*part, left_width);
    bool movable = is_movable(*part) && type != JoinType::kFull;
    if (movable && read.left && !read.right && (inner || semi)) {
      left.push_back(part);
    } else if (movable && read.right && !read.left && right_follows) {
      right.push_back(remap_columns(part, unshift));
    } else {
      add_once(part, on);
    }
  }
  for (const ExprRef& part : on) {
    ExprRef of_left = inner || semi ? restriction_of(*part, true, left_width) : nullptr;
    if (of_left != nullptr) {
      add_once(of_left, left);
    }
    ExprRef of_right = right_follows ? restriction_of(*part, false, left_width) : nullptr;
    if (of_right != nullptr) {
      add_once(remap_columns(of_right, unshift), right);
    }
  }
  PlanRef joined =
      make_join_on(push(join.left, std::move(left)), push(join.right, std::move(right)), type,
                   on.empty() ? nullptr : make_and(std::move(on)));
  return with_filter(joined, std::move(above));
}

}  // namespace

PlanRef push_predicates(PlanRef plan) {
  return Pusher(plan).push(plan, {});
}

}  // namespace tidemark
