#include "engine/plan_dataflow.h"

#include <fmt/core.h>

#include "physical/planner.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

namespace {

// Counts up when the same plan would give other operators, or operators another layout of their
// state.
constexpr int kGraphVersion = 3;

constexpr const char* kViewChanged = "40001";  // serialization_failure: clients try again

TableRequest request_of(const GraphInput& input) {
  const auto& table = std::get<TableDefinition>(input.object->definition);
  TableRequest request;
  request.source_key = table.source_key;
  request.node = input.node;
  request.width = input.columns.size();
  request.spec.with = table.with;
  std::vector<size_t> columns = input.columns;  // then what the key needs
  for (size_t part : table.row_key) {
    auto at = std::find(columns.begin(), columns.end(), part);
    request.row_key.push_back(static_cast<size_t>(at - columns.begin()));
    if (at == columns.end()) {
      columns.push_back(part);
    }
  }
  for (size_t column : columns) {
    size_t visible = input.object->schema.size();
    const Field& field =
        column < visible ? input.object->schema[column] : table.hidden[column - visible];
    request.spec.columns.push_back(field);
    request.types.push_back(field.type);
  }
  return request;
}

}  // namespace

Status view_was_changed(std::string_view name) {
  return Status::unavailable(fmt::format("view {} has just been changed", name))
      .with_sqlstate(kViewChanged)
      .with_hint("run the statement again");
}

bool is_view_changed(const Status& status) {
  return !status.ok() && status.sqlstate() == kViewChanged;
}

Result<PlannedDataflow> plan_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                      std::string zone) {
  PhysicalPlan physical = build_graph(bound.plan);
  PlannedDataflow planned;
  Dataflow& dataflow = planned.dataflow;
  dataflow.object = object;
  dataflow.name = std::move(name);
  dataflow.key = bound.plan->key;
  dataflow.context.eval.zone = std::move(zone);
  dataflow.graph = std::move(physical.graph);
  planned.constants = std::move(physical.constants);
  dataflow.plan = fmt::format("{}\n{}", kGraphVersion, plan_to_string(*bound.plan));
  for (const GraphInput& input : physical.inputs) {
    if (input.object->is_system_table()) {
      return Status::unsupported(
          fmt::format("system tables are read once, and not together with tables of a source: {}",
                      input.object->name.object));
    }
    if (input.as_of) {
      return Status::unsupported(
                 fmt::format("a query that is kept up to date cannot read {} AS OF MARK {}",
                             input.object->name.object, input.as_of->to_string()))
          .with_hint(
              "SELECT ... AS OF MARK alone, or together with other views AS OF MARK or with "
              "SET 'execution.runtime-mode' = 'batch', answers once");
    }
    if (input.object->is_materialized_view()) {
      planned.views.push_back(
          {input.object->id, input.object->revision, input.node, input.columns});
    } else {
      planned.tables.push_back(request_of(input));
      const TableRequest& request = planned.tables.back();
      dataflow.plan += fmt::format("{} {}:", request.source_key, request.node);
      for (size_t i = 0; i < request.types.size(); ++i) {
        bool is_key =
            std::find(request.row_key.begin(), request.row_key.end(), i) != request.row_key.end();
        dataflow.plan += fmt::format(" {} {}{}", request.spec.columns[i].name,
                                     request.types[i].to_string(), is_key ? " KEY" : "");
      }
      dataflow.plan += '\n';
    }
  }
  for (const TableRequest& request : planned.tables) {
    if (request.source_key != planned.tables[0].source_key) {
      return Status::unsupported("a query over two sources is not supported yet");
    }
  }
  if (!planned.tables.empty()) {
    dataflow.source_key = planned.tables[0].source_key;
  }
  return planned;
}

}  // namespace tidemark
