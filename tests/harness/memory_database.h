#pragma once
// Tables in memory and queries over them, by the binder, rules and operators of the engine, without
// sources, threads or marks: for what has to run thousands of queries, or feed operators alone.
//
// Tables change by INSERT, UPDATE and DELETE, which the engine itself leaves to the source.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataflow/graph.h"
#include "physical/planner.h"
#include "plan/bind/bind_query.h"
#include "sql/ast_statement.h"

namespace tidemark {

// A query's answer, in the order of its ORDER BY.
struct MemoryAnswer {
  Schema schema;
  RowBatch rows;
};

class MemoryDatabase;

// A query that stays: it is fed with changes, a step at a time.
class MemoryView {
 public:
  // Pushes these changes of a table, if the query reads it.
  void push(const ObjectRef& table, const ZBatch& changes);
  // TRUNCATE: everything before is forgotten.
  void push_reset(const ObjectRef& table);
  // kDataError: a row error stands, which later changes may mend. Any other end of a step is for
  // good: answer() gives it too.
  Status step();
  // What the steps changed becomes the content, and is returned; answer() does it too.
  ZBatch publish() { return plan_.graph->output().publish(context_.workers); }
  // A piece of what an engine does when there is nothing else to do. True: there may be more.
  bool idle() { return plan_.graph->index_loose(8192); }
  // Help with large batches; null: none.
  void set_workers(Workers* workers) { context_.workers = workers; }
  // The content after the last step. kDataError: a row error stands.
  Result<MemoryAnswer> answer();
  const Graph& graph() const { return *plan_.graph; }
  // Tables that the query reads.
  std::vector<ObjectRef> tables() const;

 private:
  friend class MemoryDatabase;
  BoundQuery bound_;
  PhysicalPlan plan_;
  StepContext context_;
  Status failed_;
};

class MemoryDatabase {
 public:
  // CREATE TABLE, CREATE VIEW, DROP, INSERT, UPDATE, DELETE; CREATE INDEX does nothing.
  Status execute(const std::string& statement);
  Result<MemoryAnswer> query(const std::string& text);

  // The bound and optimized query, for make_view.
  Result<BoundQuery> bind(const std::string& text);
  Result<BoundQuery> bind(const sql::Query& query);
  // Over empty tables, after its first step.
  std::unique_ptr<MemoryView> make_view(const BoundQuery& bound);

  Result<ObjectRef> create_table(const std::string& name, Schema schema,
                                 std::vector<size_t> primary_key, Options with = {});
  Result<ObjectRef> find(const std::string& name);
  // What the table holds, each row once with its weight.
  ZBatch content(const ObjectRef& table);

 private:
  Status create_table(const sql::CreateTable& statement);
  Status create_view(const sql::CreateView& statement);
  Status insert(const sql::Insert& statement);
  Status update(const sql::Update& statement);
  Status erase(const sql::Delete& statement);
  Status drop(const sql::Drop& statement);
  Result<ObjectRef> find(const sql::Name& name);
  Result<MemoryAnswer> run(const BoundQuery& bound);
  BindContext context();
  // The columns of a plan as the table's, values converted as by assignment.
  static Result<PlanRef> as_rows_of(const PlanRef& plan, const CatalogObject& table,
                                    const std::vector<size_t>& columns);
  Result<ZBatch> rows_of(BoundQuery bound, PlanRef plan);
  void change(const ObjectRef& table, ZBatch changes);

  Catalog catalog_;
  std::map<ObjectId, std::vector<ZBatch>> contents_;
};

}  // namespace tidemark
