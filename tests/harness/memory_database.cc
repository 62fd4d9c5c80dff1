#include "tests/harness/memory_database.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/overloaded.h"
#include "plan/bind/bind_type.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"
#include "sql/name_parts.h"
#include "sql/parser.h"
#include "sql/unparse.h"
#include "zset/changelog.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// Rows by these columns; equal ones stay as they are.
RowBatch sorted(const RowBatch& rows, const std::vector<SortKey>& order) {
  std::vector<std::string> keys(rows.rows);
  for (size_t row = 0; row < rows.rows; ++row) {
    for (const SortKey& sort : order) {
      append_sort_key(*rows.columns[sort.column], row, sort.descending, sort.nulls_first,
                      keys[row]);
    }
  }
  std::vector<uint32_t> places(rows.rows);
  std::iota(places.begin(), places.end(), 0);
  std::ranges::stable_sort(places, [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
  return rows.select(places);
}

RowBatch project(const RowBatch& rows, const std::vector<size_t>& columns) {
  RowBatch result{{}, rows.rows};
  for (size_t column : columns) {
    result.columns.push_back(rows.columns[column]);
  }
  return result;
}

}  // namespace

void MemoryView::push(const ObjectRef& table, const ZBatch& changes) {
  for (const GraphInput& input : plan_.inputs) {
    if (input.object->id == table->id && changes.rows.rows != 0) {
      ZBatch read{project(changes.rows, input.columns), changes.weights};
      plan_.graph->push(input.node, Delta{false, {std::move(read)}});
    }
  }
}

void MemoryView::push_reset(const ObjectRef& table) {
  for (const GraphInput& input : plan_.inputs) {
    if (input.object->id == table->id) {
      plan_.graph->push(input.node, Delta{true, {}});
    }
  }
}

Status MemoryView::step() {
  ++context_.step;
  TRY(Status(failed_));
  failed_ = plan_.graph->step(context_);
  TRY(Status(failed_));
  if (std::optional<std::string> error = plan_.graph->error()) {
    return Status::data_error(*error);
  }
  return {};
}

Result<MemoryAnswer> MemoryView::answer() {
  TRY(Status(failed_));
  if (std::optional<std::string> error = plan_.graph->error()) {
    return Status::data_error(*error);
  }
  publish();
  RowBatch rows = to_changelog(plan_.graph->output().content(), std::nullopt).rows;
  size_t visible = bound_.plan->schema.size() - bound_.hidden;
  MemoryAnswer answer{bound_.plan->schema,
                      bound_.order.empty() ? std::move(rows) : sorted(rows, bound_.order)};
  answer.schema.fields.resize(visible);
  answer.rows.columns.resize(visible);
  return answer;
}

std::vector<ObjectRef> MemoryView::tables() const {
  std::vector<ObjectRef> tables;
  for (const GraphInput& input : plan_.inputs) {
    tables.push_back(input.object);
  }
  return tables;
}

BindContext MemoryDatabase::context() {
  return {catalog_, std::string(kDefaultCatalog), std::string(kDefaultDatabase), "UTC"};
}

Result<ObjectRef> MemoryDatabase::find(const sql::Name& name) {
  return catalog_.find(sql::parts_of(name), std::string(kDefaultCatalog),
                       std::string(kDefaultDatabase));
}

Result<ObjectRef> MemoryDatabase::find(const std::string& name) {
  return find(sql::Name{{{name, 0}}});
}

Result<BoundQuery> MemoryDatabase::bind(const sql::Query& query) {
  BoundQuery bound = TRY(bind_query(query, context()));
  bound.plan = optimize(bound.plan);
  return bound;
}

Result<BoundQuery> MemoryDatabase::bind(const std::string& text) {
  sql::QueryPtr query = TRY(sql::parse_query(text));
  return bind(*query);
}

std::unique_ptr<MemoryView> MemoryDatabase::make_view(const BoundQuery& bound) {
  auto view = std::make_unique<MemoryView>();
  view->bound_ = bound;
  view->plan_ = build_graph(bound.plan);
  for (auto& [node, rows] : view->plan_.constants) {
    view->plan_.graph->push(node, Delta{false, {ZBatch{rows, {}}}});
  }
  return view;
}

Result<MemoryAnswer> MemoryDatabase::run(const BoundQuery& bound) {
  std::unique_ptr<MemoryView> view = make_view(bound);
  for (const ObjectRef& table : view->tables()) {
    view->push(table, content(table));
  }
  TRY(view->step());
  return view->answer();
}

Result<MemoryAnswer> MemoryDatabase::query(const std::string& text) {
  return run(TRY(bind(text)));
}

ZBatch MemoryDatabase::content(const ObjectRef& table) {
  std::vector<ZBatch>& batches = contents_[table->id];
  if (batches.empty()) {
    return {to_batch(make_columns(table->schema)), {}};
  }
  if (batches.size() > 1) {
    ZBatch all = consolidate(batches);
    batches = {std::move(all)};
  }
  return batches[0];
}

void MemoryDatabase::change(const ObjectRef& table, ZBatch changes) {
  if (changes.rows.rows != 0) {
    contents_[table->id].push_back(std::move(changes));
  }
}

Result<ObjectRef> MemoryDatabase::create_table(const std::string& name, Schema schema,
                                               std::vector<size_t> primary_key, Options with) {
  CatalogObject object;
  object.name = {std::string(kDefaultCatalog), std::string(kDefaultDatabase), name};
  object.schema = std::move(schema);
  object.primary_key = std::move(primary_key);
  object.definition = TableDefinition{.with = std::move(with)};
  return catalog_.create(std::move(object));
}

Status MemoryDatabase::create_table(const sql::CreateTable& statement) {
  if (statement.query != nullptr || statement.like) {
    return Status::unsupported("CREATE TABLE ... AS and LIKE are not known to tables in memory");
  }
  Schema schema;
  std::vector<size_t> key;
  auto add_key = [&](const std::string& name) -> Status {
    std::optional<size_t> column = schema.find(name);
    if (!column) {
      return Status::not_found("no such column in the key: " + name);
    }
    key.push_back(*column);
    schema.fields[*column].type.nullable = false;
    return {};
  };
  for (const sql::TableElement& element : statement.elements) {
    if (const auto* column = std::get_if<sql::PhysicalColumn>(&element)) {
      schema.fields.push_back({column->name.text, TRY(bind_type(column->type))});
      if (column->key && column->key->kind == sql::ConstraintKind::kPrimaryKey) {
        TRY(add_key(column->name.text));
      }
    } else if (const auto* constraint = std::get_if<sql::KeyConstraint>(&element)) {
      for (const sql::Identifier& name : constraint->columns) {
        if (constraint->kind == sql::ConstraintKind::kPrimaryKey) {
          TRY(add_key(name.text));
        }
      }
    } else {
      return Status::unsupported("only plain columns and keys are known to tables in memory");
    }
  }
  return create_table(statement.name.last(), std::move(schema), std::move(key)).status();
}

Status MemoryDatabase::create_view(const sql::CreateView& statement) {
  BoundQuery bound = TRY(bind_query(*statement.query, context()));
  CatalogObject object;
  object.name = {std::string(kDefaultCatalog), std::string(kDefaultDatabase),
                 statement.name.last()};
  object.schema = bound.plan->schema;
  object.schema.fields.resize(object.schema.size() - bound.hidden);
  ViewDefinition definition{sql::unparse(*statement.query), {}};
  for (size_t i = 0; i < statement.columns.size() && i < object.schema.size(); ++i) {
    object.schema.fields[i].name = statement.columns[i].name.text;
    definition.columns.push_back(statement.columns[i].name.text);
  }
  object.definition = std::move(definition);
  object.context_catalog = kDefaultCatalog;
  object.context_database = kDefaultDatabase;
  for (const ObjectRef& used : bound.objects) {
    object.depends_on.push_back(used->id);
  }
  return catalog_.create(std::move(object)).status();
}

Result<PlanRef> MemoryDatabase::as_rows_of(const PlanRef& plan, const CatalogObject& table,
                                           const std::vector<size_t>& columns) {
  std::vector<ExprRef> values;
  for (const Field& field : table.schema.fields) {
    values.push_back(make_literal(std::monostate{}, field.type.as_nullable()));
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const Type& from = plan->schema[i].type;
    const Type& to = table.schema[columns[i]].type;
    values[columns[i]] = from.kind == TypeKind::kNull
                             ? make_literal(std::monostate{}, to.as_nullable())
                             : make_cast(make_column(i, from), to);
  }
  return make_project(plan, std::move(values), table.schema.names());
}

Result<ZBatch> MemoryDatabase::rows_of(BoundQuery bound, PlanRef plan) {
  bound.plan = optimize(std::move(plan));
  bound.hidden = 0;
  bound.order.clear();
  return ZBatch{TRY(run(bound)).rows, {}};
}

Status MemoryDatabase::insert(const sql::Insert& statement) {
  ObjectRef table = TRY(find(statement.target));
  std::vector<size_t> columns;
  for (const sql::Name& name : statement.columns) {
    std::optional<size_t> column = table->schema.find(name.last());
    if (!column) {
      return Status::not_found("no such column: " + name.last());
    }
    columns.push_back(*column);
  }
  if (statement.columns.empty()) {
    columns.resize(table->schema.size());
    std::iota(columns.begin(), columns.end(), 0);
  }
  BoundQuery bound = TRY(bind_query(*statement.query, context()));
  size_t given = bound.plan->schema.size() - bound.hidden;
  if (given != columns.size()) {
    return Status::invalid_argument(
        fmt::format("INSERT gives {} values for {} columns", given, columns.size()));
  }
  PlanRef plan = TRY(as_rows_of(bound.plan, *table, columns));
  change(table, TRY(rows_of(bound, plan)));
  return {};
}

Status MemoryDatabase::erase(const sql::Delete& statement) {
  ObjectRef table = TRY(find(statement.target));
  std::string text = "SELECT * FROM " + sql::unparse(statement.target);
  text += statement.where != nullptr ? " WHERE " + sql::unparse(*statement.where) : "";
  BoundQuery bound = TRY(bind(text));
  change(table, negated(TRY(rows_of(bound, bound.plan))));
  return {};
}

Status MemoryDatabase::update(const sql::Update& statement) {
  ObjectRef table = TRY(find(statement.target));
  std::vector<std::string> values;
  for (const Field& field : table->schema.fields) {
    values.push_back(sql::quote_identifier(field.name));
  }
  for (const sql::Assignment& assignment : statement.assignments) {
    std::optional<size_t> column = table->schema.find(assignment.column.last());
    if (!column) {
      return Status::not_found("no such column: " + assignment.column.last());
    }
    values[*column] = sql::unparse(assignment.value);
  }
  std::string rest = " FROM " + sql::unparse(statement.target);
  rest += statement.where != nullptr ? " WHERE " + sql::unparse(*statement.where) : "";
  BoundQuery old_rows = TRY(bind("SELECT *" + rest));
  BoundQuery new_rows = TRY(bind(fmt::format("SELECT {}{}", fmt::join(values, ", "), rest)));
  std::vector<size_t> columns(values.size());
  std::iota(columns.begin(), columns.end(), 0);
  PlanRef plan = TRY(as_rows_of(new_rows.plan, *table, columns));
  ZBatch gone = TRY(rows_of(old_rows, old_rows.plan));
  ZBatch come = TRY(rows_of(new_rows, plan));
  change(table, negated(gone));
  change(table, std::move(come));
  return {};
}

Status MemoryDatabase::drop(const sql::Drop& statement) {
  Result<ObjectRef> object = find(statement.name);
  if (!object.ok()) {
    return statement.if_exists ? Status() : object.status();
  }
  contents_.erase((*object)->id);
  return catalog_.drop(**object).status();
}

Status MemoryDatabase::execute(const std::string& text) {
  sql::Statement statement = TRY(sql::parse_statement(text));
  if (const auto* create = std::get_if<sql::CreateTable>(&statement.node)) {
    return create_table(*create);
  }
  if (const auto* view = std::get_if<sql::CreateView>(&statement.node)) {
    return create_view(*view);
  }
  if (const auto* inserted = std::get_if<sql::Insert>(&statement.node)) {
    return insert(*inserted);
  }
  if (const auto* updated = std::get_if<sql::Update>(&statement.node)) {
    return update(*updated);
  }
  if (const auto* erased = std::get_if<sql::Delete>(&statement.node)) {
    return erase(*erased);
  }
  if (const auto* dropped = std::get_if<sql::Drop>(&statement.node)) {
    return dropped->kind == sql::ObjectKind::kIndex ? Status() : drop(*dropped);
  }
  if (std::holds_alternative<sql::CreateIndex>(statement.node)) {
    return {};
  }
  if (const auto* asked = std::get_if<sql::QueryStatement>(&statement.node)) {
    return run(TRY(bind(*asked->query))).status();
  }
  return Status::unsupported("this statement is not known to tables in memory");
}

}  // namespace tidemark
