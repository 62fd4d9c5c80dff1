#pragma once
// Runs statements of a session; one function a kind, grouped in files by what they touch:
// execute_query.cc, execute_explain.cc, execute_read.cc, execute_transaction.cc, execute_ddl.cc,
// execute_view.cc, execute_alter.cc, execute_alter_options.cc, execute_function.cc,
// execute_jobs.cc, execute_show.cc, execute_session.cc.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/session.h"
#include "engine/subscription.h"
#include "physical/planner.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

enum class Sharing : uint8_t;
struct GraphInput;
struct PhysicalPlan;
struct BoundPoint;
struct SystemSnapshot;
struct ViewRead;
struct ZBatch;

tidemark::Options to_options(const sql::Options& options);
// Of SET and RESET: new values, and options that go.
using OptionChanges = std::map<std::string, std::optional<std::string>>;

// Runs also in a block that has failed: COMMIT, ROLLBACK, ROLLBACK TO.
bool mends_block(const sql::Statement& statement);

class StatementExecutor {
 public:
  // `parameters`: what $1, ... stand for; null: there are none.
  StatementExecutor(Session& session, std::string_view text, Parameters* parameters = nullptr);
  ~StatementExecutor();

  Result<StatementResult> execute(const sql::Statement& statement);
  // The same by the rules of transaction blocks: in one that has failed, only its end runs.
  Result<StatementResult> execute_in_transaction(const sql::Statement& statement);
  Result<StatementShape> describe(const sql::Statement& statement);

 private:
  using Outcome = Result<StatementResult>;

  // execute_query.cc
  Sharing sharing() const;
  Outcome run(const sql::QueryStatement& statement);
  Outcome run(const sql::Subscribe& statement);
  Outcome run(const sql::Explain& statement);
  Outcome run_query(const sql::Query& query, bool stream, bool progress);
  Outcome run_bound(const BoundQuery& bound, bool stream, bool progress);
  Outcome stream_query(const BoundQuery& bound, bool progress);
  Result<StreamResult> start_stream(const BoundQuery& bound, bool progress, Sharing sharing,
                                    uint64_t& id);
  Outcome first_answer(StreamResult stream);
  // Waits for it; the subscription goes on. Errors: cancelled, or what ended the query.
  Result<ViewUpdate> first_content(Subscription& subscription);
  Outcome explain_analyze(const sql::Query& query);
  std::string shared_state(const BoundQuery& bound, bool is_kept);

  // execute_read.cc
  std::optional<StatementResult> look_up(const BoundQuery& bound, uint64_t version);
  Outcome read_once(const BoundQuery& bound);
  Outcome read_tables(const BoundQuery& bound);
  // The views' contents, all at one mark; nullopt: one of them shows nothing yet. `point`: of the
  // only view; may be null.
  Result<std::optional<std::vector<ViewRead>>> read_views(
      const std::vector<const GraphInput*>& views, const BoundPoint* point);
  ViewRead added_up(ObjectId view, ViewRead read);
  ZBatch content_of(const ViewRead& read, const BoundPoint* point);
  Result<ZBatch> content_as_of(const GraphInput& view);
  Result<RowBatch> evaluate_once(const BoundQuery& bound, PhysicalPlan& plan,
                                 const std::map<size_t, ZBatch>& contents);
  // Of a query of one view, whose content would fill the memory. nullopt: it is to be read whole.
  Result<std::optional<RowsResult>> evaluate_in_pieces(const BoundQuery& bound, PhysicalPlan& plan);
  Result<RowBatch> answer_of(const BoundQuery& bound, PhysicalPlan& plan, StepContext& context);
  StepContext once_context(const SystemNames& names);

  // execute_system.cc
  // The engine as system tables and functions of pg_catalog show it; taken at first use.
  const SystemSnapshot& system_snapshot();
  void take_dataflows(SystemSnapshot& snapshot);
  void ask_positions(SystemSnapshot& snapshot);
  ZBatch system_content(const CatalogObject& table);
  // PostgreSQL's fixed ones, then the session's.
  std::vector<std::pair<std::string, std::string>> settings() const;

  // execute_transaction.cc
  Outcome run(const sql::Begin& statement);
  Outcome run(const sql::Commit& statement);
  Outcome run(const sql::Rollback& statement);
  Outcome run(const sql::Savepoint& statement);
  void end_block();

  // execute_ddl.cc
  Outcome run(const sql::CreateTable& statement);
  Outcome run(const sql::CreateCatalog& statement);
  Outcome run(const sql::CreateDatabase& statement);
  Outcome run(const sql::Drop& statement);

  // execute_view.cc
  Outcome run(const sql::CreateView& statement);
  Outcome run(const sql::CreateMaterializedView& statement);
  // A view as a statement defines it, and what it reads.
  struct NewView {
    CatalogObject object;
    BoundQuery bound;
  };
  Result<NewView> new_view(const sql::Query& query, const std::vector<sql::ViewColumn>& columns);
  Result<NewView> new_materialized_view(const sql::Query& query,
                                        const std::vector<sql::ViewColumn>& columns);
  void take_context(const BoundQuery& bound, CatalogObject& object) const;
  // What CREATE OR REPLACE replaces; null: the name is free. Error: it is of another kind, or
  // REPLACE finds nothing.
  Result<ObjectRef> find_replaced(const sql::Name& name, sql::CreateMode mode,
                                  std::string_view kind);
  Status check_unchanging(const std::vector<ObjectRef>& used);

  // execute_alter.cc
  Outcome run(const sql::Alter& statement);
  Status alter_query(const ObjectRef& object, const sql::Query& query);
  Status rename(const ObjectRef& object, const sql::RenameObject& action);
  Outcome alter_options(const ObjectRef& view, tidemark::Options options, std::string tag);

  // execute_alter_options.cc
  Outcome alter_table(const sql::Alter& statement);
  Outcome alter_catalog(const sql::Alter& statement);
  // Of all that is read through the source, and of the source if it is open.
  Status change_source(const std::string& key, const OptionChanges& changes);
  Status replace_view(const ObjectRef& old, NewView view);
  Status replace_materialized_view(const ObjectRef& old, NewView view);
  Status start_build(const ObjectRef& old, NewView view);
  // Error: what depends on the object does not work with the changed one, or gives other columns.
  Status check_dependents(const CatalogObject& old, const ObjectRef& changed);
  Status check_dependent(const CatalogObject& dependent, const CatalogObject& old,
                         const ObjectRef& changed);
  Status check_is_not_read(const CatalogObject& old, const std::vector<ObjectRef>& used);

  // execute_jobs.cc
  Outcome run(const sql::Insert& statement);
  Outcome run(const sql::StatementSet& statement);
  Outcome run(const sql::StopJob& statement);
  Outcome show_jobs();
  // An INSERT whose names are resolved.
  struct NewInsert {
    ObjectRef sink;
    std::vector<size_t> columns;  // of the sink, that the query gives
    BoundQuery query;
    std::string text;     // the query's
    size_t position = 0;  // of the sink's name
  };
  Result<NewInsert> new_insert(const sql::Insert& insert);
  // Begins a job of those that read something; the rows of the others are written before the
  // answer, and leave no job. Error: nothing has begun.
  Outcome start_inserts(std::vector<NewInsert> inserts);
  Result<ObjectRef> start_job(std::vector<NewInsert> inserts);
  struct ConstantRows {
    ObjectRef sink;
    RowBatch rows;
  };
  Result<ConstantRows> constant_rows(const NewInsert& insert);
  Status write_constants(std::vector<ConstantRows> constants);
  // A sink that the statement may write, and the columns of it that the query gives.
  Result<ObjectRef> find_sink(const sql::Insert& insert);
  Result<std::vector<size_t>> insert_columns(const sql::Insert& insert, const CatalogObject& sink);
  Status start_dataflows(const CatalogObject& job, const std::vector<BoundQuery>& queries);
  Status end_job(const ObjectRef& job);
  Status check_job(const CatalogObject& job, const CatalogObject& old, const ObjectRef& changed);

  // execute_function.cc
  Outcome run(const sql::CreateFunction& statement);
  Outcome drop_function(const sql::Drop& statement);
  Result<ObjectRef> find_function(const sql::Name& name);
  Outcome show_functions(const sql::Show& statement);
  Status replace_function(const ObjectRef& old, CatalogObject function,
                          const std::vector<ObjectRef>& used);

  // execute_index.cc
  Outcome run(const sql::CreateIndex& statement);
  Outcome drop_index(const sql::Drop& statement);
  Outcome show_indexes(const sql::Show& statement);

  // execute_users.cc
  Outcome run(const sql::CreateUser& statement);
  Outcome run(const sql::AlterUser& statement);
  Outcome drop_user(const sql::Drop& statement);
  Outcome show_users();

  // execute_check.cc
  Outcome run(const sql::VerifyView& statement);
  Outcome run(const sql::WaitForLsn& statement);
  Status wait_for_end(Subscription& subscription);
  Status wait_for_mark(Lsn mark, int64_t timeout_us);
  // As tidemark.min_mark asks, before a read.
  Status wait_for_min_mark();

  // execute_show.cc
  Outcome show_freshness();
  Outcome show_slots();
  Outcome show_subscriptions();
  Outcome run(const sql::Describe& statement);
  Outcome run(const sql::Show& statement);
  Outcome run(const sql::ShowCreate& statement);
  Outcome run(const sql::ShowSetting& statement);

  // execute_session.cc
  Outcome run(const sql::Use& statement);
  Outcome run(const sql::Set& statement);
  Outcome run(const sql::Reset& statement);

  BindContext bind_context() const;
  Result<BoundQuery> bind(const sql::Query& query);
  std::shared_ptr<const PreparedRead> prepare(const sql::Query& query, const BoundQuery& bound);
  // Opens what the plan's scans need and starts a dataflow with a first subscriber (if given).
  Result<uint64_t> start_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                  std::shared_ptr<Subscription> subscription, Sharing sharing);
  Result<ObjectName> full_name(const sql::Name& name) const;
  Result<ObjectRef> find(const sql::Name& name);
  Result<ObjectRef> create_object(CatalogObject object, const std::vector<ObjectRef>& used);
  Status forget_object(const ObjectRef& object);
  Status keep_object(ObjectId id);
  Status drop_object(const ObjectRef& object, bool cascade);
  StatementResult done(std::string tag);
  StatementResult table(std::string tag, Schema schema, std::vector<std::vector<std::string>> rows);
  void notice(std::string text) { notices_.push_back(std::move(text)); }

  // What only reading a SUBSCRIBE as a query needs.
  Result<StatementResult> resubscribe(const sql::Subscribe& statement, bool progress);
  StreamResult new_stream(const BoundQuery& bound, bool progress) const;
  static sql::Query query_of(const sql::Subscribe& statement);

  Session& session_;
  Engine& engine_;
  Catalog& catalog_;
  std::string_view text_;
  Parameters* parameters_;
  std::vector<std::string> notices_;
  std::unique_ptr<SystemSnapshot> system_;
};

}  // namespace tidemark
