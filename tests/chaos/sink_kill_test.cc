// Random transactions on a real Postgres, whose changes jobs write to files, while `tidemark serve`
// is killed with -9: at random moments, and at the named places of the sinks and of checkpoints. At
// the end, and now and then between, what the files say added up is the table, and no file is there
// in part.
//
// TIDEMARK_CHAOS_KILLS: how many (a quarter of them); TIDEMARK_CHAOS_SEED: of the random choices.

#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/chaos/kill_run.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"
#include "tests/harness/sink_files.h"

namespace tidemark {
namespace {

struct Written {
  const char* sink;
  const char* columns;
  const char* options;
  const char* flink;
  const char* postgres;
};

// Files of each size and age; from a table, from state, from a view.
const Written kWritten[] = {
    {"copy", "id INT, owner STRING, balance BIGINT",
     "'sink.rolling-policy.rollover-interval' = '0s'", "SELECT id, owner, balance FROM accounts",
     "SELECT id, owner, balance FROM accounts"},
    {"sums", "owner STRING, n BIGINT, s BIGINT",
     "'sink.rolling-policy.rollover-interval' = '30ms', 'sink.rolling-policy.file-size' = '1kB'",
     "SELECT owner, COUNT(*), SUM(balance) FROM accounts GROUP BY owner",
     "SELECT owner, count(*), sum(balance)::bigint FROM accounts GROUP BY owner"},
    {"audited", "account INT, amount DECIMAL(12, 2), what STRING",
     "'sink.rolling-policy.rollover-interval' = '300ms'",
     "SELECT account, amount, what FROM audit WHERE amount < 5",
     "SELECT account, amount, what FROM audit WHERE amount < 5"},
    {"counted", "what STRING, n BIGINT", "'sink.rolling-policy.rollover-interval' = '50ms'",
     "SELECT what, n FROM per_what",
     "SELECT what, count(*) FROM audit WHERE amount < 20 GROUP BY what"},
};

class SinkChaos final : public KillRun {
 public:
  explicit SinkChaos(uint64_t seed) : KillRun(seed, 2, 67) {}

 private:
  std::vector<std::string> flags() override {
    return {"--checkpoint-interval", random_() % 2 == 0 ? "10ms" : "60ms"};
  }
  SinkFiles files_of(const Written& written) const {
    return SinkFiles(serve_.directory() + "/" + written.sink);
  }

  void define() override {
    PostgresConnection client = serve_.connect();
    declare_tables(client);
    auto execute = [&](const std::string& sql) {
      Status made = client.execute(sql);
      ASSERT_TRUE(made.ok()) << sql << "\n" << made.to_string();
    };
    execute(
        "CREATE MATERIALIZED VIEW per_what AS SELECT what, COUNT(*) AS n FROM audit WHERE amount < "
        "20 GROUP BY what");
    std::string set;
    for (const Written& written : kWritten) {
      execute(fmt::format(
          "CREATE TABLE {} ({}) WITH ('connector' = 'filesystem', 'path' = '{}', "
          "'format' = 'changelog-csv', {})",
          written.sink, written.columns, files_of(written).directory(), written.options));
      set += fmt::format("INSERT INTO {} {}; ", written.sink, written.flink);
    }
    execute("EXECUTE STATEMENT SET BEGIN " + set + "END");
  }

  void before_kill() override {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 250));
  }

  void report(int kills) override {
    EXPECT_EQ(serve_.log().find("does not run"), std::string::npos) << serve_.log();
    size_t files = 0, lines = 0;
    for (const Written& written : kWritten) {
      files += files_of(written).shown().size();
      lines += files_of(written).lines().size();
    }
    fmt::print(
        "sink chaos: seed {}, {} kills ({} at named places), {} transactions, {} comparisons, {} "
        "files of {} lines\n",
        seed_, kills, named_, committed_, comparisons_, files, lines);
  }

  std::string crash_place() override {
    const char* places[] = {"sink_write",  "sink_written", "sink_sync", "sink_synced",
                            "sink_rename", "sink_renamed", "stage",     "write",
                            "written",     "acknowledged"};
    return fmt::format("{}:{}", places[random_() % std::size(places)], random_() % 12 + 1);
  }

  // What the files say is Postgres's answer.
  void check_all() override {
    PostgresConnection source = cluster_.connect(database_);
    for (const Written& written : kWritten) {
      if (testing::Test::HasFailure()) {
        return;
      }
      std::vector<std::string> wanted = sorted_rows(source, written.postgres);
      EXPECT_EQ(files_of(written).rows_once(wanted), wanted) << written.sink << "\n" << state();
      std::set<std::string> lines;
      for (const std::string& line : files_of(written).lines()) {
        bool may_repeat = written.sink == std::string("audited");  // a table without a key
        EXPECT_TRUE(lines.insert(line).second || may_repeat) << line;
      }
      ++comparisons_;
    }
  }

  // For a failure: what the server says of its jobs and views.
  std::string state() {
    PostgresConnection client = serve_.connect();
    std::string text;
    for (const char* query : {"SHOW JOBS", "SELECT name, state, mark, rows FROM tidemark.views",
                              "SELECT what, name, position, current FROM tidemark.lag"}) {
      for (const std::string& row : sorted_rows(client, query)) {
        text += row + "\n";
      }
    }
    return text + serve_.log();
  }
};

TEST(SinkChaos, KilledAnywhereFilesAreWholeAndNothingIsDoubled) {
  const char* kills = getenv("TIDEMARK_CHAOS_KILLS");
  const char* seed = getenv("TIDEMARK_CHAOS_SEED");
  SinkChaos(seed != nullptr ? strtoull(seed, nullptr, 10) : 20261129)
      .run(kills != nullptr ? std::max(atoi(kills) / 4, 10) : 30);
}

}  // namespace
}  // namespace tidemark
