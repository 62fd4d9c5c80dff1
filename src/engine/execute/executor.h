#pragma once
// Runs statements of a session; one function a kind, grouped in files by what they touch:
// execute_query.cc, execute_explain.cc, execute_ddl.cc, execute_show.cc, execute_session.cc.

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/session.h"
#include "engine/subscription.h"
#include "physical/planner.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

class StatementExecutor {
 public:
  StatementExecutor(Session& session, std::string_view text)
      : session_(session),
        engine_(session.engine_),
        catalog_(session.engine_.catalog()),
        text_(text) {}

  Result<StatementResult> execute(const sql::Statement& statement);

 private:
  using Outcome = Result<StatementResult>;

  // execute_query.cc
  Outcome run(const sql::QueryStatement& statement);
  Outcome run(const sql::Subscribe& statement);
  Outcome run(const sql::Explain& statement);
  Outcome run_query(const sql::Query& query, bool stream, bool progress);
  Outcome run_constant(const BoundQuery& bound);
  // A query of constants, run. Error: its row error.
  Result<PhysicalPlan> run_graph(const BoundQuery& bound);
  Outcome first_answer(StreamResult stream);
  // Waits for it; the subscription goes on. Errors: cancelled, or what ended the query.
  Result<ViewUpdate> first_content(Subscription& subscription);
  Outcome explain_analyze(const sql::Query& query);

  // execute_ddl.cc
  Outcome run(const sql::CreateTable& statement);
  Outcome run(const sql::CreateView& statement);
  Outcome run(const sql::CreateMaterializedView& statement);
  Outcome run(const sql::CreateCatalog& statement);
  Outcome run(const sql::CreateDatabase& statement);
  Outcome run(const sql::Drop& statement);

  // execute_check.cc
  Outcome run(const sql::VerifyView& statement);
  Outcome run(const sql::WaitForLsn& statement);
  Status wait_for_end(Subscription& subscription);
  Status wait_for_mark(Lsn mark, int64_t timeout_us);

  // execute_show.cc
  Outcome run(const sql::Describe& statement);
  Outcome run(const sql::Show& statement);
  Outcome run(const sql::ShowCreate& statement);
  Outcome run(const sql::ShowSetting& statement);

  // execute_session.cc
  Outcome run(const sql::Use& statement);
  Outcome run(const sql::Set& statement);
  Outcome run(const sql::Reset& statement);
  Outcome run(const sql::StopJob& statement);

  BindContext bind_context() const;
  Result<BoundQuery> bind(const sql::Query& query);
  // Opens what the plan's scans need and starts a dataflow with a first subscriber (if given).
  Result<uint64_t> start_dataflow(const BoundQuery& bound, ObjectId object, std::string name,
                                  std::shared_ptr<Subscription> subscription);
  std::vector<std::string> parts_of(const sql::Name& name) const;
  Result<ObjectName> full_name(const sql::Name& name) const;
  Result<ObjectRef> find(const sql::Name& name);
  Result<ObjectRef> create_object(CatalogObject object, const std::vector<ObjectRef>& used);
  Status forget_object(const ObjectRef& object);
  Status drop_object(const ObjectRef& object, bool cascade);
  StatementResult done(std::string tag);
  StatementResult table(std::string tag, Schema schema, std::vector<std::vector<std::string>> rows);
  void notice(std::string text) { notices_.push_back(std::move(text)); }

  Session& session_;
  Engine& engine_;
  Catalog& catalog_;
  std::string_view text_;
  std::vector<std::string> notices_;
};

}  // namespace tidemark
