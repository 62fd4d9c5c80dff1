#include "physical/operator_specs.h"

#include <algorithm>

#include <fmt/core.h>

namespace tidemark {

std::vector<size_t> arranged_order(size_t columns, const std::vector<size_t>& key) {
  std::vector<size_t> order = key;
  for (size_t column = 0; column < columns; ++column) {
    if (std::find(key.begin(), key.end(), column) == key.end()) {
      order.push_back(column);
    }
  }
  return order;
}

std::vector<size_t> key_of(const JoinNode& join, size_t side) {
  std::vector<size_t> key;
  for (const JoinKey& part : join.keys) {
    key.push_back(side == 0 ? part.left : part.right);
  }
  return key;
}

namespace {

// Where a column of the input is in the arrangement.
std::vector<size_t> arranged_places(size_t columns, const std::vector<size_t>& key) {
  std::vector<size_t> places(columns, SIZE_MAX);
  for (size_t i = key.size(); i-- > 0;) {
    places[key[i]] = i;
  }
  size_t next = key.size();
  for (size_t& place : places) {
    place = place == SIZE_MAX ? next++ : place;
  }
  return places;
}

AggregateSpec spec_of(const AggregateCall& call, const Schema& input) {
  AggregateSpec spec{call.kind,       call.input,       call.distinct, call.filter,
                     call.input_type, call.result_type, call.order,    {},
                     call.parameter};
  spec.ignore_nulls = call.ignore_nulls;
  for (const SortKey& key : call.order) {
    spec.order_types.push_back(input[key.column].type);
  }
  return spec;
}

}  // namespace

std::unique_ptr<AggregateOperator> aggregate_operator(const LogicalPlan& plan, Reading reading) {
  const auto& aggregate = std::get<AggregateNode>(plan.node);
  std::vector<Type> group_types;
  for (size_t column : aggregate.group) {
    group_types.push_back(aggregate.input->schema[column].type);
  }
  std::vector<AggregateSpec> specs;
  bool insert_only = keeps_less(plan, reading);
  std::vector<size_t> keepers = keepers_of_values(plan, reading);
  for (size_t i = 0; i < aggregate.calls.size(); ++i) {
    AggregateSpec& spec = specs.emplace_back(spec_of(aggregate.calls[i], aggregate.input->schema));
    spec.insert_only = insert_only;
    if (keepers[i] != i) {
      spec.keeper = keepers[i];
    }
  }
  return std::make_unique<AggregateOperator>(aggregate.group, std::move(group_types),
                                             std::move(specs));
}

OverSpec over_spec(const WindowNode& window) {
  OverSpec spec{window.partition, window.order, {}};
  for (const WindowCall& call : window.calls) {
    spec.calls.push_back({call.function, spec_of(call.argument, window.input->schema), call.offset,
                          call.offset_column, call.fallback, call.frame});
  }
  return spec;
}

JoinSpec join_spec(const LogicalPlan& plan, const JoinNode& join, const std::vector<bool>& needed) {
  std::vector<size_t> keys[2] = {key_of(join, 0), key_of(join, 1)};
  JoinSpec spec;
  for (const JoinKey& key : join.keys) {
    spec.null_safe.push_back(key.null_safe);
  }
  const PlanRef* sides[2] = {&join.left, &join.right};
  size_t left_width = join.left->schema.size();
  std::vector<JoinColumn> columns;
  for (size_t side : {0, 1}) {
    const Schema& schema = (*sides[side])->schema;
    std::vector<size_t> places = arranged_places(schema.size(), keys[side]);
    for (size_t c = 0; c < schema.size(); ++c) {
      columns.push_back({side, places[c], schema[c].type});
    }
  }
  spec.residual = join.residual;
  if (join.residual != nullptr) {
    std::vector<bool> read(columns.size());
    collect_columns(*join.residual, read);
    spec.condition_columns = columns;
    for (size_t i = 0; i < columns.size(); ++i) {
      spec.condition_columns[i].needed = read[i];
    }
  }
  for (size_t i = 0; i < plan.schema.size(); ++i) {
    columns[i].type = plan.schema[i].type;
    columns[i].needed = needed.empty() || needed[i];
    spec.output.push_back(columns[i]);
  }
  switch (join.type) {
    case JoinType::kInner:
      break;
    case JoinType::kFull:
      spec.lone[1] = LoneRows::kNullExtended;
      [[fallthrough]];
    case JoinType::kLeft:
      spec.lone[0] = LoneRows::kNullExtended;
      break;
    case JoinType::kSemi:
    case JoinType::kAnti:
      CHECK(spec.output.size() == left_width);
      spec.pairs = false;
      spec.lone[0] = join.type == JoinType::kSemi ? LoneRows::kMatched : LoneRows::kUnmatched;
      break;
  }
  spec.description = fmt::format("{}({} keys{})", join_type_text(join.type), join.keys.size(),
                                 join.residual != nullptr ? ", residual condition" : "");
  return spec;
}

DeltaJoinSpec delta_join_spec(const DeltaJoinNode& join, const std::vector<bool>& needed) {
  DeltaJoinSpec spec;
  for (size_t r = 0; r < join.relations.size(); ++r) {
    const Schema& schema = join.relations[r]->schema;
    for (size_t c = 0; c < schema.size(); ++c) {
      spec.columns.push_back({r, c, schema[c].type});
    }
  }
  std::vector<const DeltaLookup*> arranged = arrangements_of(join);
  for (const DeltaLookup* lookup : arranged) {
    spec.inputs.push_back(
        {lookup->relation, lookup->null_safe,
         arranged_places(join.relations[lookup->relation]->schema.size(), lookup->key)});
  }
  for (const std::vector<DeltaLookup>& path : join.paths) {
    std::vector<DeltaJoinStep>& steps = spec.paths.emplace_back();
    for (const DeltaLookup& lookup : path) {
      auto input = std::ranges::find_if(arranged, [&](const DeltaLookup* known) {
        return known->relation == lookup.relation && known->key == lookup.key;
      });
      steps.push_back(
          {static_cast<size_t>(input - arranged.begin()), lookup.from, lookup.condition});
    }
  }
  spec.output = join.output;
  spec.needed = needed;
  spec.needed.resize(join.output.size(), needed.empty());
  spec.description =
      fmt::format("DeltaJoin({} relations, {} keys)", join.relations.size(), arranged.size());
  return spec;
}

}  // namespace tidemark
