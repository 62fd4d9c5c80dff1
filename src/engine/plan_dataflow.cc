#include "engine/plan_dataflow.h"

#include <set>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "connectors/registry.h"
#include "engine/source_condition.h"
#include "physical/operator_specs.h"
#include "physical/planner.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

namespace {

// Counts up when the same plan would give other operators, or operators another layout of their
// state.
constexpr int kGraphVersion = 3;

// What several parts of a plan read is planned for each of them, so that parts of parts of parts
// can become many. A plan with more shares slices alone.
constexpr size_t kPartsMax = 200;

constexpr const char* kViewChanged = "40001";  // serialization_failure: clients try again

TableRequest request_of(const GraphInput& input) {
  const auto& table = std::get<TableDefinition>(input.object->definition);
  TableRequest request;
  request.source_key = table.source_key;
  request.display_name = table.display_name;
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
  for (const ExprRef& condition : snapshot_conditions(input)) {
    request.spec.conditions.push_back(*source_condition(*condition, columns));
  }
  return request;
}

std::string shared_name(std::string_view what) {
  return fmt::format("{} (shared)", what);
}

Status take_inputs(PlannedDataflow& planned, const PhysicalPlan& physical) {
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
    }
  }
  for (const TableRequest& request : planned.tables) {
    if (request.source_key != planned.tables[0].source_key) {
      return Status::unsupported("a query over two sources is not supported yet");
    }
  }
  if (!planned.tables.empty()) {
    planned.dataflow.source_key = planned.tables[0].source_key;
  }
  return {};
}

// What the layout of its state follows from. A dataflow that shares state has the text of one that
// does not: its record says besides which parts it has.
std::string plan_text(const LogicalPlan& plan, const PlannedDataflow& planned) {
  std::string text = fmt::format("{}\n{}", kGraphVersion, plan_to_string(plan));
  for (const TableRequest& request : planned.tables) {
    text += fmt::format("{} {}:", request.source_key, request.node);
    for (size_t i = 0; i < request.types.size(); ++i) {
      bool is_key =
          std::find(request.row_key.begin(), request.row_key.end(), i) != request.row_key.end();
      text += fmt::format(" {} {}{}", request.spec.columns[i].name, request.types[i].to_string(),
                          is_key ? " KEY" : "");
    }
    text += '\n';
  }
  return text;
}

// Of a content that is kept in another order than the view's.
std::string content_text(const OutputOperator& output) {
  std::string text = output.stored_order().empty() ? "" : "content by";
  for (size_t column : output.stored_order()) {
    text += fmt::format(" {}", column);
  }
  return text;
}

// By what the part is made: names of tables, each once.
std::string name_of(const PlannedDataflow& part) {
  std::set<std::string> tables;
  for (const TableRequest& request : part.tables) {
    tables.insert(request.display_name);
  }
  return shared_name(fmt::format("{}", fmt::join(tables, ", ")));
}

// parts_left: how many more there may be, with theirs; 0 afterwards: there would be too many.
Status take_parts(PlannedDataflow& planned, PhysicalPlan& physical, size_t& parts_left);

// A part that a dataflow with the same choice of sharing reads, with what it reads itself.
Result<std::unique_ptr<PlannedDataflow>> plan_shared(const SharedInput& input,
                                                     std::optional<TableSlice> slice,
                                                     const std::string& zone, Sharing sharing,
                                                     size_t& parts_left) {
  auto planned = std::make_unique<PlannedDataflow>();
  planned->sharing = sharing;
  PartGraph built = build_part(input, Sharing::kNone);
  TRY(take_inputs(*planned, built.plan));
  Dataflow& dataflow = planned->dataflow;
  dataflow.name = name_of(*planned);
  dataflow.context.eval.zone = zone;
  dataflow.plan = plan_text(*input.plan, *planned) + (input.key ? "arranged by" : "aggregate");
  for (size_t column : input.key.value_or(std::vector<size_t>())) {
    dataflow.plan += fmt::format(" {}", column);
  }
  if (!slice) {
    built = build_part(input, sharing);
    planned->tables.clear();
    TRY(take_inputs(*planned, built.plan));
    TRY(take_parts(*planned, built.plan, parts_left));
  }
  size_t columns = input.plan->schema.size();
  dataflow.part = Part{.plan = input.plan,
                       .width = input.key ? arranged_order(columns, *input.key).size() : columns,
                       .key = input.key,
                       .slice = std::move(slice),
                       .holder = built.holder,
                       .arrange = built.arrange};
  dataflow.graph = std::move(built.plan.graph);
  return planned;
}

// With those of the parts: a table that several of them read is read once, with all columns.
std::vector<TableRequest*> all_tables(PlannedDataflow& planned) {
  std::vector<TableRequest*> tables;
  for (TableRequest& request : planned.tables) {
    tables.push_back(&request);
  }
  for (PartRequest& request : planned.parts) {
    std::ranges::copy(all_tables(*request.part), std::back_inserter(tables));
  }
  return tables;
}

Status take_parts(PlannedDataflow& planned, PhysicalPlan& physical, size_t& parts_left) {
  if (parts_left <= physical.shared.size()) {
    parts_left = 0;
    return Status::unsupported("a plan of too many parts");
  }
  parts_left -= physical.shared.size();
  for (SharedInput& input : physical.shared) {
    PartRequest request{.zone = planned.dataflow.context.eval.zone};
    if (input.key && (request.slice = table_slice(*input.plan))) {
      std::vector<ExprRef> columns = std::exchange(request.slice->columns, {});
      for (size_t column : arranged_order(columns.size(), *input.key)) {
        request.slice->columns.push_back(columns[column]);
      }
    }
    request.part =
        TRY(plan_shared(input, request.slice, request.zone, planned.sharing, parts_left));
    request.input = std::move(input);
    planned.parts.push_back(std::move(request));
  }
  std::vector<TableRequest*> tables = all_tables(planned);
  for (TableRequest* request : tables) {
    if (request->source_key != tables[0]->source_key) {
      return Status::unsupported("a query over two sources is not supported yet");
    }
  }
  planned.dataflow.source_key = tables[0]->source_key;
  return {};
}

void note_tables_read_twice(PlannedDataflow& planned) {
  std::vector<TableRequest*> tables = all_tables(planned);
  for (TableRequest* request : tables) {
    for (const TableRequest* other : tables) {
      if (other != request && other->display_name == request->display_name &&
          name_the_same(other->spec.with, request->spec.with)) {
        request->is_read_twice = true;
        std::ranges::copy(other->spec.columns, std::back_inserter(request->further));
      }
    }
  }
}

}  // namespace

std::vector<ExprRef> snapshot_conditions(const GraphInput& input) {
  std::vector<ExprRef> conditions;
  const auto* table = std::get_if<TableDefinition>(&input.object->definition);
  // Rows that are kept complete the old rows of later changes: then all are wanted.
  if (table != nullptr && table->row_key.empty()) {
    std::ranges::copy_if(input.conditions, std::back_inserter(conditions),
                         [&](const ExprRef& condition) {
                           return source_condition(*condition, input.columns).has_value();
                         });
  }
  return conditions;
}

Status view_was_changed(std::string_view name) {
  return Status::unavailable(fmt::format("view {} has just been changed", name))
      .with_sqlstate(kViewChanged)
      .with_hint("run the statement again");
}

bool is_view_changed(const Status& status) {
  return !status.ok() && status.sqlstate() == kViewChanged;
}

// A table of its own with the columns that are read, so that its record tells the next start all.
ObjectRef define_part(const TableRequest& table) {
  CatalogObject part;
  part.name.object = table.display_name;
  part.schema.fields = table.spec.columns;
  for (const Field& field : table.further) {
    if (!part.schema.find(field.name)) {
      part.schema.fields.push_back(field);
    }
  }
  part.definition = TableDefinition{.with = table.spec.with,
                                    .source_key = table.source_key,
                                    .display_name = table.display_name,
                                    .row_key = table.row_key};
  return std::make_shared<const CatalogObject>(std::move(part));
}

PlannedDataflow plan_part(ObjectRef part) {
  PlannedDataflow planned;
  Dataflow& dataflow = planned.dataflow;
  const auto& table = std::get<TableDefinition>(part->definition);
  dataflow.name = shared_name(table.display_name);
  dataflow.source_key = table.source_key;
  dataflow.plan = fmt::format("{}\nrows of a table\n", kGraphVersion);
  dataflow.graph = std::make_unique<Graph>();
  GraphInput input{.node = dataflow.graph->add_input(), .object = part};
  dataflow.graph->set_exit(input.node);
  for (size_t column = 0; column < part->schema.size(); ++column) {
    input.columns.push_back(column);
  }
  planned.tables.push_back(request_of(input));
  planned.sharing = Sharing::kNone;
  dataflow.part = Part{.table = part, .width = part->schema.size()};
  return planned;
}

std::optional<std::vector<size_t>> columns_of(const CatalogObject& part,
                                              const TableRequest& request) {
  const auto& table = std::get<TableDefinition>(part.definition);
  if (table.source_key != request.source_key || !name_the_same(table.with, request.spec.with) ||
      table.row_key.size() != request.row_key.size()) {
    return std::nullopt;
  }
  std::vector<size_t> places;
  for (const Field& field : request.spec.columns) {
    std::optional<size_t> place = part.schema.find(field.name);
    if (!place || part.schema[*place].type != field.type) {
      return std::nullopt;
    }
    places.push_back(*place);
  }
  for (size_t k = 0; k < table.row_key.size(); ++k) {
    if (places[request.row_key[k]] != table.row_key[k]) {
      return std::nullopt;
    }
  }
  places.resize(request.width);
  return places;
}

Result<PlannedDataflow> plan_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                      std::string zone, Sharing sharing) {
  PlannedDataflow planned;
  planned.sharing = sharing;
  planned.dataflow.object = object;
  planned.dataflow.is_kept = object != 0;
  planned.dataflow.name = std::move(name);
  planned.dataflow.key = bound.plan->key;
  planned.dataflow.context.eval.zone = std::move(zone);
  // Of a view single rows are read.
  std::vector<size_t> content_key;
  if (object != 0) {
    content_key = bound.plan->key.value_or(content_key);
  }
  PhysicalPlan physical = build_graph(bound.plan, Sharing::kNone, content_key);
  TRY(take_inputs(planned, physical));
  std::string text = plan_text(*bound.plan, planned) + content_text(physical.graph->output());
  if (sharing != Sharing::kNone) {
    PhysicalPlan shared = build_graph(bound.plan, sharing, content_key);
    if (!shared.shared.empty()) {
      physical = std::move(shared);
      planned.tables.clear();
      planned.views.clear();
      TRY(take_inputs(planned, physical));
      size_t parts_left = sharing == Sharing::kResults ? kPartsMax : SIZE_MAX;
      Status status = take_parts(planned, physical, parts_left);
      if (parts_left == 0) {
        return plan_dataflow(bound, object, std::move(planned.dataflow.name),
                             std::move(planned.dataflow.context.eval.zone), Sharing::kSlices);
      }
      TRY(std::move(status));
      note_tables_read_twice(planned);
    }
  }
  planned.dataflow.plan = std::move(text);
  planned.dataflow.graph = std::move(physical.graph);
  planned.constants = std::move(physical.constants);
  return planned;
}

}  // namespace tidemark
