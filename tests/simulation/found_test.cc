// What the simulation has found, step by step.

#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/durability.h"
#include "engine/engine.h"
#include "engine/step_loop.h"
#include "engine/subscription.h"
#include "sql/parser.h"
#include "tests/simulation/simulated_source.h"
#include "tests/simulation/simulation.h"
#include "types/text.h"

namespace tidemark {
namespace {

class StillClock final : public Clock {
 public:
  int64_t wall_us() const override { return now; }
  int64_t steady_us() const override { return now; }
  int64_t now = 1'000'000'000;
};

class Found : public testing::Test {
 protected:
  Found() {
    add_simulated_connector();
    SimulatedConnector::world = &world_;
    world_.is_calm = true;
    std::filesystem::remove_all(directory_);
    open();
    EXPECT_TRUE(
        execute("CREATE TABLE accounts WITH ('connector' = 'simulated', 'table' = 'accounts')")
            .ok());
    EXPECT_TRUE(
        execute("CREATE TABLE entries WITH ('connector' = 'simulated', 'table' = 'entries')").ok());
  }
  ~Found() override {
    kill();
    std::filesystem::remove_all(directory_);
    SimulatedConnector::world = nullptr;
  }

  void open() {
    EngineOptions options;
    options.data_directory = directory_;
    options.session_settings = {{"execution.runtime-mode", "batch"}};
    options.simulation = Simulation{&clock_, nullptr};
    engine_ = Engine::open(std::move(options)).value();
    session_ = engine_->new_session();
  }
  void kill() {
    session_.reset();
    engine_.reset();
  }
  Result<StatementResult> execute(const std::string& text) {
    sql::Statement statement = sql::parse_statement(text).value();
    return session_->execute(statement, text);
  }
  // Turns, without a checkpoint that ends, until there is nothing to do.
  void turns() {
    for (int i = 0; i < 200; ++i) {
      engine_->step_loop().turn();
    }
  }
  // All that the source has is on disk: one may have been begun before the last of it came.
  void checkpoint() {
    for (int i = 0; i < 3; ++i) {
      turns();
      clock_.now += 2'000'000;
      engine_->step_loop().turn();
      engine_->durability()->writer().write();
    }
    turns();
  }
  // The first column of a query that gives one row.
  std::string value(const std::string& query) {
    StatementResult result = execute(query).value();
    std::string text;
    append_text(*std::get<RowsResult>(result.outcome).rows.columns[0], 0, text);
    return text;
  }
  std::string count_at_source() {
    return std::to_string(world_.upstream.at(world_.upstream.now())[0].size());
  }

  const std::string directory_ = fmt::format("/dev/shm/tidemark_found_{}", getpid());
  SimulatedWorld world_{7};
  StillClock clock_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
};

// The record of a view that was given its own definition again went to the disk before the batch
// that it was in: with the mark of that batch, and without its state.
TEST_F(Found, ADefinitionIsReplacedWhileACheckpointIsBeingWritten) {
  ASSERT_TRUE(execute("CREATE MATERIALIZED VIEW n AS SELECT COUNT(*) AS n FROM accounts").ok());
  world_.upstream.commit(0);
  checkpoint();
  for (int i = 0; i < 20; ++i) {
    world_.upstream.commit(0);
  }
  turns();
  clock_.now += 2'000'000;
  engine_->step_loop().turn();  // staged, and not written
  ASSERT_TRUE(engine_->durability()->writer().is_writing());
  ASSERT_TRUE(
      execute("CREATE OR REPLACE MATERIALIZED VIEW n AS SELECT COUNT(*) AS n FROM accounts").ok());
  kill();
  open();
  turns();
  EXPECT_EQ(value("SELECT n FROM n"), count_at_source());
}

// A view on a view that was read anew kept no note of it: who had been told of a mark in between,
// by an earlier process, went on from there as if nothing had changed.
TEST_F(Found, AReaderOfAViewOnAViewThatIsReadAnew) {
  ASSERT_TRUE(
      execute(
          "CREATE MATERIALIZED VIEW per AS SELECT grp, COUNT(*) AS n FROM accounts GROUP BY grp")
          .ok());
  ASSERT_TRUE(execute("CREATE MATERIALIZED VIEW n AS SELECT SUM(n) AS n FROM per").ok());
  world_.upstream.commit(0);
  checkpoint();
  for (int i = 0; i < 5; ++i) {
    world_.upstream.commit(0);
  }
  turns();
  Lsn told = world_.upstream.now();
  ASSERT_EQ(value("SELECT n FROM n"), count_at_source());
  kill();
  world_.upstream.slots().clear();
  for (int i = 0; i < 5; ++i) {
    world_.upstream.commit(0);
  }
  open();
  turns();
  ASSERT_EQ(value("SELECT n FROM n"), count_at_source());
  for (const char* view : {"per", "n"}) {
    Status status =
        execute(fmt::format("SUBSCRIBE {} AS OF MARK '{}'", view, told.to_string())).status();
    EXPECT_NE(status.message().find("was never shown"), std::string::npos) << status.to_string();
  }
}

// The first content of a view that was read anew had no rows, and so was no change: who had been
// told of an earlier mark, and had come back before it, went on as if nothing had changed.
TEST_F(Found, AReaderWhoComesBackBeforeTheFirstContent) {
  ASSERT_TRUE(execute("CREATE MATERIALIZED VIEW n AS SELECT COUNT(*) AS n FROM accounts").ok());
  world_.upstream.commit(0);
  checkpoint();
  ASSERT_TRUE(
      execute("CREATE MATERIALIZED VIEW none AS SELECT id FROM accounts WHERE id < 0").ok());
  world_.upstream.commit(0);
  turns();
  Lsn told = world_.upstream.now();
  ASSERT_EQ(value("SELECT COUNT(*) FROM none"), "0");
  kill();  // nothing of it is on disk
  world_.upstream.commit(0);
  open();
  StatementResult result =
      execute(fmt::format("SUBSCRIBE none AS OF MARK '{}'", told.to_string())).value();
  turns();
  std::shared_ptr<Subscription> subscription = std::get<StreamResult>(result.outcome).subscription;
  std::optional<ViewUpdate> last;
  while (std::optional<ViewUpdate> update = subscription->next(0)) {
    last = std::move(update);
  }
  ASSERT_TRUE(last && last->kind == ViewUpdate::Kind::kEnd);
  EXPECT_NE(last->status.message().find("was not shown at mark"), std::string::npos)
      << last->status.to_string();
}

}  // namespace
}  // namespace tidemark
