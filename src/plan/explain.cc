// Plans as text: a tree, one node a line, in the manner of Flink's EXPLAIN.

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include <fmt/format.h>

#include "base/overloaded.h"
#include "plan/insert_only.h"
#include "plan/logical.h"

namespace tidemark {

namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

std::string describe_join(const JoinNode& node) {
  std::vector<std::string> left = node.left->schema.names();
  std::vector<std::string> right = node.right->schema.names();
  std::vector<std::string> keys;
  for (const JoinKey& key : node.keys) {
    keys.push_back(fmt::format("({} {} {})", left[key.left],
                               key.null_safe ? "IS NOT DISTINCT FROM" : "=", right[key.right]));
  }
  std::string text =
      fmt::format("Join(joinType=[{}], keys=[{}]", join_type_text(node.type), join(keys));
  if (node.residual != nullptr) {
    std::vector<std::string> names = left;
    names.insert(names.end(), right.begin(), right.end());
    text += fmt::format(", residual=[{}]", expr_to_string(*node.residual, names));
  }
  return text + ")";
}

// Relations are numbered as the inputs are printed.
std::string describe_delta_join(const DeltaJoinNode& node) {
  std::vector<std::string> names, paths, arrangements;
  for (const PlanRef& relation : node.relations) {
    std::ranges::copy(relation->schema.names(), std::back_inserter(names));
  }
  auto key_name = [&](const DeltaLookup& lookup, size_t k) {
    return node.relations[lookup.relation]->schema[lookup.key[k]].name;
  };
  for (size_t changed = 0; changed < node.paths.size(); ++changed) {
    std::string path = fmt::format("{}", changed + 1);
    for (const DeltaLookup& lookup : node.paths[changed]) {
      std::vector<std::string> conditions;
      for (size_t k = 0; k < lookup.key.size(); ++k) {
        conditions.push_back(fmt::format("{} {} {}", names[lookup.from[k]],
                                         lookup.null_safe[k] ? "IS NOT DISTINCT FROM" : "=",
                                         key_name(lookup, k)));
      }
      if (lookup.condition != nullptr) {
        conditions.push_back(expr_to_string(*lookup.condition, names));
      }
      path += fmt::format(" -> {} ({})", lookup.relation + 1, fmt::join(conditions, " AND "));
    }
    paths.push_back(std::move(path));
  }
  for (const DeltaLookup* lookup : arrangements_of(node)) {
    std::vector<std::string> key;
    for (size_t k = 0; k < lookup->key.size(); ++k) {
      key.push_back(key_name(*lookup, k));
    }
    arrangements.push_back(fmt::format("{} ({})", lookup->relation + 1, join(key)));
  }
  std::vector<std::string> select;
  for (size_t column : node.output) {
    select.push_back(names[column]);
  }
  return fmt::format("DeltaJoin(paths=[{}], arrangements=[{}], select=[{}])", join(paths),
                     join(arrangements), join(select));
}

std::string order_text(const std::vector<SortKey>& order, const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  for (const SortKey& key : order) {
    keys.push_back(names[key.column] + (key.descending ? " DESC" : " ASC"));
  }
  return join(keys);
}

std::string describe_rank(const RankNode& rank) {
  std::vector<std::string> names = rank.input->schema.names(), partition;
  for (size_t column : rank.partition) {
    partition.push_back(names[column]);
  }
  return fmt::format(
      "Rank(strategy=[{}], rankRange=[rankStart=1, rankEnd={}], partitionBy=[{}], "
      "orderBy=[{}])",
      kRankFunctionNames[static_cast<size_t>(rank.function)],
      rank.last ? std::to_string(*rank.last) : "unlimited", join(partition),
      order_text(rank.order, names));
}

std::string describe_call(const AggregateCall& call, const std::vector<std::string>& names) {
  std::string text =
      fmt::format("{}({}{}{})", call.name, call.distinct ? "DISTINCT " : "",
                  call.kind == AggregateKind::kCountStar ? "*" : names[call.input],
                  call.order.empty() ? "" : " ORDER BY " + order_text(call.order, names));
  return call.filter ? text + " FILTER " + names[*call.filter] : text;
}

// What the operator's state is, where it could be another one for the same node.
std::string describe_state(const LogicalPlan& plan) {
  std::string text = keeps_less(plan) ? ", insertOnly=[true]" : "";
  const auto* aggregate = std::get_if<AggregateNode>(&plan.node);
  std::string shared;
  if (aggregate != nullptr) {
    std::vector<std::string> names = aggregate->input->schema.names();
    std::vector<size_t> keepers = keepers_of_values(plan);
    for (size_t i = 0; i < keepers.size(); ++i) {
      if (keepers[i] != i) {
        shared += fmt::format("{}{} of {}", shared.empty() ? "" : ", ",
                              describe_call(aggregate->calls[i], names),
                              describe_call(aggregate->calls[keepers[i]], names));
      }
    }
  }
  return shared.empty() ? text : fmt::format("{}, sharedValues=[{}]", text, shared);
}

std::string bound_text(const WindowBound& bound) {
  if (bound.kind != WindowBound::Kind::kOffset) {
    return bound.kind == WindowBound::Kind::kUnboundedPreceding ? "UNBOUNDED PRECEDING"
                                                                : "UNBOUNDED FOLLOWING";
  }
  if (bound.whole == 0 && bound.real == 0) {
    return "CURRENT ROW";
  }
  bool preceding = bound.whole < 0 || bound.real < 0;
  std::string distance = bound.real != 0
                             ? fmt::format("{}", preceding ? -bound.real : bound.real)
                             : fmt::format("{}{}", preceding ? -bound.whole : bound.whole,
                                           bound.in_months ? " months" : "");
  return distance + (preceding ? " PRECEDING" : " FOLLOWING");
}

std::string describe_window(const WindowNode& window) {
  constexpr const char* kUnits[] = {"ROWS", "GROUPS", "RANGE"};
  constexpr const char* kExcludes[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                       " EXCLUDE TIES"};
  std::vector<std::string> names = window.input->schema.names(), partition, calls;
  for (size_t column : window.partition) {
    partition.push_back(names[column]);
  }
  for (const WindowCall& call : window.calls) {
    bool has_argument = call.function < WindowFunction::kNtile;
    std::string text = has_argument ? describe_call(call.argument, names)
                                    : fmt::format("{}()", call.argument.name);
    if (call.function <= WindowFunction::kNthValue) {
      text += fmt::format(" {} BETWEEN {} AND {}{}", kUnits[static_cast<size_t>(call.frame.unit)],
                          bound_text(call.frame.start), bound_text(call.frame.end),
                          kExcludes[static_cast<size_t>(call.frame.exclude)]);
    }
    if (call.offset_column) {
      text.insert(text.find(')'),
                  fmt::format("{}{}", has_argument ? ", " : "", names[*call.offset_column]));
    } else if (call.offset != 1) {
      text.insert(text.find(')'), fmt::format("{}{}", has_argument ? ", " : "", call.offset));
    }
    calls.push_back(std::move(text));
  }
  return fmt::format("OverAggregate(partitionBy=[{}], orderBy=[{}], select=[{}])", join(partition),
                     order_text(window.order, names), join(calls));
}

std::string describe(const LogicalPlan& plan) {
  auto names_of = [](const PlanRef& input) { return input->schema.names(); };
  return std::visit(
      Overloaded{
          [&](const ScanNode& scan) {
            std::string as_of = scan.as_of ? ", asOfMark=[" + scan.as_of->to_string() + "]" : "";
            return fmt::format("TableSourceScan(table=[[{}]]{}, fields=[{}])",
                               scan.object->name.to_string(), as_of, join(plan.schema.names()));
          },
          [&](const ValuesNode& values) {
            return fmt::format("Values(rows=[{}], fields=[{}])", values.rows.rows,
                               join(plan.schema.names()));
          },
          [&](const FilterNode& filter) {
            return fmt::format("Filter(where=[{}])",
                               expr_to_string(*filter.predicate, names_of(filter.input)));
          },
          [&](const ProjectNode& project) {
            std::vector<std::string> parts;
            for (size_t i = 0; i < project.expressions.size(); ++i) {
              std::string text = expr_to_string(*project.expressions[i], names_of(project.input));
              parts.push_back(text == plan.schema[i].name ? text
                                                          : text + " AS " + plan.schema[i].name);
            }
            return fmt::format("Calc(select=[{}])", join(parts));
          },
          [&](const AggregateNode& aggregate) {
            std::vector<std::string> names = names_of(aggregate.input), keys, calls;
            for (size_t column : aggregate.group) {
              keys.push_back(names[column]);
            }
            for (const AggregateCall& call : aggregate.calls) {
              calls.push_back(describe_call(call, names));
            }
            return calls.empty() ? fmt::format("Distinct(key=[{}])", join(keys))
                                 : fmt::format("GroupAggregate(groupBy=[{}], select=[{}])",
                                               join(keys), join(calls));
          },
          [&](const TopNNode& top) {
            std::vector<std::string> names = names_of(top.input);
            std::string keys = order_text(top.order, names);
            std::string fetch = top.limit ? std::to_string(*top.limit) : "unlimited";
            if (top.partition.empty()) {
              return fmt::format("SortLimit(orderBy=[{}], offset=[{}], fetch=[{}])", keys,
                                 top.offset, fetch);
            }
            std::vector<std::string> partition;
            for (size_t column : top.partition) {
              partition.push_back(names[column]);
            }
            return fmt::format("Rank(partitionBy=[{}], orderBy=[{}], offset=[{}], fetch=[{}])",
                               join(partition), keys, top.offset, fetch);
          },
          [&](const RankNode& rank) { return describe_rank(rank); },
          [&](const WindowNode& window) { return describe_window(window); },
          [&](const UnnestNode& node) {
            std::vector<std::string> names = names_of(node.input), collections;
            for (size_t collection : node.collections) {
              collections.push_back(names[collection]);
            }
            return fmt::format("Correlate(table=[UNNEST({}){}], joinType=[{}])", join(collections),
                               node.with_ordinality ? " WITH ORDINALITY" : "",
                               node.keeps_empty ? "LEFT" : "INNER");
          },
          [&](const RecursiveNode& node) {
            return fmt::format("RecursiveUnion(all=[{}])", node.all);
          },
          [&](const RecursiveRefNode& node) {
            return node.index == 0 ? std::string("Iteration()")
                                   : fmt::format("Input(number=[{}])", node.index + 1);
          },
          [&](const UnionNode& node) {
            return fmt::format("Union(all=[true], inputs=[{}])", node.inputs.size());
          },
          [&](const SetDifferenceNode& node) {
            return fmt::format("{}(all=[{}])", node.intersect ? "Intersect" : "Minus", node.all);
          },
          [&](const JoinNode& node) { return describe_join(node); },
          [&](const DynamicFilterNode& node) {
            return fmt::format(
                "DynamicFilter(where=[{} {} {}])", node.input->schema[node.column].name,
                kBoundNames[static_cast<size_t>(node.kind)], node.bound->schema[0].name);
          },
          [&](const DeltaJoinNode& node) { return describe_delta_join(node); },
      },
      plan.node);
}

// A recursion's body is printed as its last input.
std::vector<PlanRef> children_of(const LogicalPlan& plan) {
  std::vector<PlanRef> children = inputs_of(plan);
  if (const auto* recursive = std::get_if<RecursiveNode>(&plan.node)) {
    children.push_back(recursive->body);
  }
  return children;
}

// Prints a tree; a part with several readers once, and then by its number.
class TreePrinter {
 public:
  TreePrinter(const LogicalPlan& root, bool with_mode) : with_mode_(with_mode) { count(root); }

  void append(const LogicalPlan& plan, const std::string& indent, bool last, bool root,
              std::string& out) {
    std::vector<PlanRef> inputs = children_of(plan);
    std::string line;
    bool shared = readers_[&plan] > 1 && !inputs.empty();
    size_t& id = ids_[&plan];
    if (shared && id != 0) {
      line = fmt::format("Reused(reference_id=[{}])", id);
      inputs.clear();
    } else {
      id = shared ? ++last_id_ : 0;
      line = describe(plan);
      line.insert(line.size() - 1, describe_state(plan));
      if (with_mode_) {
        line.insert(line.size() - 1,
                    is_insert_only(plan) ? ", changelogMode=[I]" : ", changelogMode=[I,UB,UA,D]");
      }
      line += shared ? fmt::format("(reuse_id=[{}])", id) : "";
    }
    out += root ? line + "\n" : indent + (last ? "+- " : ":- ") + line + "\n";
    for (size_t i = 0; i < inputs.size(); ++i) {
      append(*inputs[i], root ? "" : indent + (last ? "   " : ":  "), i + 1 == inputs.size(), false,
             out);
    }
  }

 private:
  void count(const LogicalPlan& plan) {
    if (++readers_[&plan] == 1) {
      for (const PlanRef& input : children_of(plan)) {
        count(*input);
      }
    }
  }

  bool with_mode_;
  std::unordered_map<const LogicalPlan*, size_t> readers_;
  std::unordered_map<const LogicalPlan*, size_t> ids_;
  size_t last_id_ = 0;
};

}  // namespace

std::string plan_to_string(const LogicalPlan& plan, bool with_changelog_mode) {
  std::string out;
  TreePrinter(plan, with_changelog_mode).append(plan, "", true, true, out);
  return out;
}

}  // namespace tidemark
