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

}  // namespace

PlanRef make_scan(ObjectRef object, std::vector<size_t> columns, std::optional<Lsn> as_of) {
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
  return make(std::move(schema), std::move(key),
              ScanNode{std::move(object), std::move(columns), as_of});
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
  for (size_t i = 0; i < node.calls.size() && !key; ++i) {
    if (node.calls[i].function == WindowFunction::kRowNumber) {
      key = node.partition;
      key->push_back(node.input->schema.size() + i);
    }
  }
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

PlanRef make_recursive(RecursiveNode node) {
  Schema schema = node.base->schema;
  return make(std::move(schema), std::nullopt, std::move(node));
}

PlanRef make_recursive_ref(size_t index, Schema schema) {
  return make(std::move(schema), std::nullopt, RecursiveRefNode{index});
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

PlanRef make_dynamic_filter(DynamicFilterNode node) {
  Schema schema = node.input->schema;
  auto key = node.input->key;
  return make(std::move(schema), std::move(key), std::move(node));
}

PlanRef make_delta_join(DeltaJoinNode node, Schema schema, std::optional<std::vector<size_t>> key) {
  return make(std::move(schema), std::move(key), std::move(node));
}

bool is_join(const LogicalPlan& plan) {
  return std::holds_alternative<JoinNode>(plan.node) ||
         std::holds_alternative<DeltaJoinNode>(plan.node);
}

std::vector<const DeltaLookup*> arrangements_of(const DeltaJoinNode& node) {
  std::vector<const DeltaLookup*> different;
  for (const std::vector<DeltaLookup>& path : node.paths) {
    for (const DeltaLookup& lookup : path) {
      if (std::ranges::none_of(different, [&](const DeltaLookup* known) {
            return known->relation == lookup.relation && known->key == lookup.key;
          })) {
        different.push_back(&lookup);
      }
    }
  }
  std::ranges::stable_sort(different, {}, &DeltaLookup::relation);
  return different;
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
                        [](const RecursiveNode& node) {
                          std::vector<PlanRef> inputs{node.base};
                          inputs.insert(inputs.end(), node.others.begin(), node.others.end());
                          return inputs;
                        },
                        [](const RecursiveRefNode&) { return std::vector<PlanRef>{}; },
                        [](const UnionNode& node) { return node.inputs; },
                        [](const SetDifferenceNode& node) {
                          return std::vector<PlanRef>{node.left, node.right};
                        },
                        [](const JoinNode& node) {
                          return std::vector<PlanRef>{node.left, node.right};
                        },
                        [](const DynamicFilterNode& node) {
                          return std::vector<PlanRef>{node.input, node.bound};
                        },
                        [](const DeltaJoinNode& node) { return node.relations; },
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

}  // namespace tidemark
