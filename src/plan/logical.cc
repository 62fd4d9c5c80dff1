#include "plan/logical.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/core.h>

#include "base/overloaded.h"
#include "types/nested.h"

namespace tidemark {

namespace {

PlanRef make(Schema schema, std::optional<std::vector<size_t>> key, auto node) {
  return std::make_shared<const LogicalPlan>(
      LogicalPlan{std::move(schema), std::move(key), std::move(node)});
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

// Whether rows of the plan can be changed or taken back: false means +I only.
bool retracts(const LogicalPlan& plan) {
  return !std::holds_alternative<ValuesNode>(plan.node);
}

}  // namespace

PlanRef make_scan(ObjectRef object, std::vector<size_t> columns) {
  Schema schema;
  for (size_t column : columns) {
    schema.fields.push_back(object->schema[column]);
  }
  std::optional<std::vector<size_t>> key;
  if (!object->primary_key.empty()) {
    key.emplace();
    for (size_t part : object->primary_key) {
      auto at = std::find(columns.begin(), columns.end(), part);
      if (at == columns.end()) {
        key.reset();
        break;
      }
      key->push_back(static_cast<size_t>(at - columns.begin()));
    }
  }
  return make(std::move(schema), std::move(key), ScanNode{std::move(object), std::move(columns)});
}

PlanRef make_values(Schema schema, RowBatch rows) {
  return make(std::move(schema), std::nullopt, ValuesNode{std::move(rows)});
}

PlanRef make_filter(PlanRef input, ExprRef predicate) {
  Schema schema = input->schema;
  auto key = input->key;
  return make(std::move(schema), std::move(key),
              FilterNode{std::move(input), std::move(predicate)});
}

PlanRef make_project(PlanRef input, std::vector<ExprRef> expressions,
                     std::vector<std::string> names) {
  Schema schema;
  for (size_t i = 0; i < expressions.size(); ++i) {
    schema.fields.push_back({names[i], expressions[i]->type});
  }
  std::optional<std::vector<size_t>> key;
  if (input->key) {
    key.emplace();
    for (size_t part : *input->key) {
      size_t found = SIZE_MAX;
      for (size_t i = 0; i < expressions.size() && found == SIZE_MAX; ++i) {
        const auto* column = std::get_if<ColumnExpr>(&expressions[i]->node);
        found = column != nullptr && column->index == part ? i : SIZE_MAX;
      }
      if (found == SIZE_MAX) {
        key.reset();
        break;
      }
      key->push_back(found);
    }
  }
  return make(std::move(schema), std::move(key),
              ProjectNode{std::move(input), std::move(expressions)});
}

PlanRef make_aggregate(PlanRef input, std::vector<size_t> group, std::vector<AggregateCall> calls) {
  Schema schema;
  std::vector<size_t> key;
  for (size_t column : group) {
    key.push_back(schema.size());
    schema.fields.push_back(input->schema[column]);
  }
  for (const AggregateCall& call : calls) {
    schema.fields.push_back({fmt::format("EXPR${}", schema.size()), call.result_type});
  }
  return make(std::move(schema), std::move(key),
              AggregateNode{std::move(input), std::move(group), std::move(calls)});
}

PlanRef make_top_n(TopNNode node) {
  Schema schema = node.input->schema;
  auto key = node.input->key;
  if (node.limit && *node.limit <= 1) {
    key = node.partition;  // at most one row each
  }
  return make(std::move(schema), std::move(key), std::move(node));
}

PlanRef make_rank(RankNode node) {
  Schema schema = node.input->schema;
  schema.fields.push_back({"$rank", Type::bigint().not_null()});
  auto key = node.input->key;
  if (!key && node.function == RankFunction::kRowNumber) {
    key = node.partition;
    key->push_back(schema.size() - 1);
  }
  return make(std::move(schema), std::move(key), std::move(node));
}

PlanRef make_window(WindowNode node) {
  Schema schema = node.input->schema;
  for (const WindowCall& call : node.calls) {
    schema.fields.push_back({fmt::format("$w{}", schema.size()), call.argument.result_type});
  }
  auto key = node.input->key;
  return make(std::move(schema), std::move(key), std::move(node));
}

PlanRef make_unnest(UnnestNode node) {
  Schema schema = node.input->schema;
  for (size_t collection : node.collections) {
    for (Field& field : unnested_fields(node.input->schema[collection].type)) {
      schema.fields.push_back(std::move(field));
    }
  }
  if (node.with_ordinality) {
    Type place = Type::integer();
    schema.fields.push_back({"ORDINALITY", node.keeps_empty ? place : place.not_null()});
  }
  return make(std::move(schema), std::nullopt, std::move(node));
}

PlanRef make_union(std::vector<PlanRef> inputs) {
  Schema schema = inputs[0]->schema;
  for (const PlanRef& input : inputs) {
    for (size_t c = 0; c < schema.size(); ++c) {
      schema.fields[c].type.nullable =
          schema.fields[c].type.nullable || input->schema[c].type.nullable;
    }
  }
  return make(std::move(schema), std::nullopt, UnionNode{std::move(inputs)});
}

PlanRef make_set_difference(SetDifferenceNode node) {
  Schema schema = node.left->schema;
  std::optional<std::vector<size_t>> key;
  if (!node.all) {
    key.emplace();
    for (size_t c = 0; c < schema.size(); ++c) {
      key->push_back(c);
    }
  }
  return make(std::move(schema), std::move(key), std::move(node));
}

namespace {

// Whether the join's keys name all columns of a unique key of one side: then each row of the other
// side has at most one partner.
bool covers_key(const JoinNode& node, const PlanRef& side, size_t JoinKey::*column) {
  if (!side->key) {
    return false;
  }
  for (size_t part : *side->key) {
    if (std::none_of(node.keys.begin(), node.keys.end(),
                     [&](const JoinKey& key) { return key.*column == part; })) {
      return false;
    }
  }
  return true;
}

std::optional<std::vector<size_t>> key_of_join(const JoinNode& node) {
  const auto& left = node.left->key;
  const auto& right = node.right->key;
  switch (node.type) {
    case JoinType::kSemi:
    case JoinType::kAnti:
      return left;
    case JoinType::kFull:
      return std::nullopt;
    case JoinType::kInner:
    case JoinType::kLeft:
      break;
  }
  if (left && covers_key(node, node.right, &JoinKey::right)) {
    return left;
  }
  if (!right) {
    return std::nullopt;
  }
  std::vector<size_t> key;
  bool left_counts = node.type == JoinType::kLeft || !covers_key(node, node.left, &JoinKey::left);
  if (left_counts && !left) {
    return std::nullopt;
  }
  if (left_counts) {
    key = *left;
  }
  for (size_t part : *right) {
    key.push_back(node.left->schema.size() + part);
  }
  return key;
}

}  // namespace

PlanRef make_join(JoinNode node) {
  Schema schema = node.left->schema;
  if (node.type == JoinType::kFull) {
    for (Field& field : schema.fields) {
      field.type.nullable = true;
    }
  }
  if (node.type != JoinType::kSemi && node.type != JoinType::kAnti) {
    for (const Field& field : node.right->schema.fields) {
      schema.fields.push_back(field);
      schema.fields.back().type.nullable = field.type.nullable || node.type != JoinType::kInner;
    }
  }
  auto key = key_of_join(node);
  return make(std::move(schema), std::move(key), std::move(node));
}

std::vector<PlanRef> inputs_of(const LogicalPlan& plan) {
  return std::visit(Overloaded{
                        [](const ScanNode&) { return std::vector<PlanRef>{}; },
                        [](const ValuesNode&) { return std::vector<PlanRef>{}; },
                        [](const FilterNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const ProjectNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const AggregateNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const TopNNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const RankNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const WindowNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const UnnestNode& node) { return std::vector<PlanRef>{node.input}; },
                        [](const UnionNode& node) { return node.inputs; },
                        [](const SetDifferenceNode& node) {
                          return std::vector<PlanRef>{node.left, node.right};
                        },
                        [](const JoinNode& node) {
                          return std::vector<PlanRef>{node.left, node.right};
                        },
                    },
                    plan.node);
}

std::string join_type_text(JoinType type) {
  switch (type) {
    case JoinType::kInner:
      return "InnerJoin";
    case JoinType::kLeft:
      return "LeftOuterJoin";
    case JoinType::kFull:
      return "FullOuterJoin";
    case JoinType::kSemi:
      return "LeftSemiJoin";
    case JoinType::kAnti:
      return "LeftAntiJoin";
  }
  CHECK(false);
}

namespace {

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
            return fmt::format("TableSourceScan(table=[[{}]], fields=[{}])",
                               scan.object->name.to_string(), join(plan.schema.names()));
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
          [&](const UnionNode& node) {
            return fmt::format("Union(all=[true], inputs=[{}])", node.inputs.size());
          },
          [&](const SetDifferenceNode& node) {
            return fmt::format("{}(all=[{}])", node.intersect ? "Intersect" : "Minus", node.all);
          },
          [&](const JoinNode& node) { return describe_join(node); },
      },
      plan.node);
}

// Prints a tree; a part with several readers once, and then by its number.
class TreePrinter {
 public:
  TreePrinter(const LogicalPlan& root, bool with_mode) : with_mode_(with_mode) { count(root); }

  void append(const LogicalPlan& plan, const std::string& indent, bool last, bool root,
              std::string& out) {
    std::vector<PlanRef> inputs = inputs_of(plan);
    std::string line;
    bool shared = readers_[&plan] > 1 && !inputs.empty();
    size_t& id = ids_[&plan];
    if (shared && id != 0) {
      line = fmt::format("Reused(reference_id=[{}])", id);
      inputs.clear();
    } else {
      id = shared ? ++last_id_ : 0;
      line = describe(plan);
      if (with_mode_) {
        line.insert(line.size() - 1,
                    retracts(plan) ? ", changelogMode=[I,UB,UA,D]" : ", changelogMode=[I]");
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
      for (const PlanRef& input : inputs_of(plan)) {
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
