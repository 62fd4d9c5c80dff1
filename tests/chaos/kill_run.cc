#include "tests/chaos/kill_run.h"

#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace tidemark {

KillRun::KillRun(uint64_t seed, int writers, unsigned armed_percent)
    : random_(seed), seed_(seed), writer_count_(writers), armed_percent_(armed_percent) {
  database_ = cluster_.make_database();
  cluster_.run(make_accounts(), database_);
}

bool KillRun::start() {
  std::vector<std::string> all = flags();
  if (armed_) {
    all.insert(all.end(), {"--crash-at", crash_place()});
  }
  return serve_.start(all);
}

void KillRun::start_writers() {
  for (int i = 0; i < writer_count_; ++i) {
    writers_.push_back(std::make_unique<AccountWriter>(cluster_, database_, random_()));
  }
}

void KillRun::stop_writers() {
  for (const auto& writer : writers_) {
    committed_ += writer->committed();
  }
  writers_.clear();
}

void KillRun::declare_tables(PostgresConnection& client, const std::string& options) {
  PostgresAddress address = cluster_.address(database_);
  for (const char* table : {"accounts", "audit"}) {
    Status made = client.execute(
        fmt::format("CREATE TABLE {0} WITH ('connector'='postgres-cdc', 'hostname'='{1}', "
                    "'port'='{2}', 'username'='postgres', 'password'='postgres', "
                    "'database-name'='{3}', 'schema-name'='public', 'table-name'='{0}'{4})",
                    table, address.host, address.port, database_, options));
    ASSERT_TRUE(made.ok()) << made.to_string();
  }
}

void KillRun::run(int kills) {
  ASSERT_TRUE(start());
  define();
  check_all();
  start_writers();
  for (int i = 0; i < kills && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(fmt::format("seed {}, kill {}", seed_, i));
    once();
  }
  stop_writers();
  if (armed_) {
    serve_.kill();
    armed_ = false;
    ASSERT_TRUE(start());
  }
  check_all();
  report(kills);
  EXPECT_EQ(serve_.stop(), 0);
}

void KillRun::once() {
  before_kill();
  if (armed_) {
    serve_.wait();  // at its named place
    ++named_;
  } else {
    serve_.kill();
  }
  after_kill();
  std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 50));
  bool checked = random_() % 4 == 0;
  armed_ = !checked && random_() % 100 < armed_percent_;
  bool started = start();
  ASSERT_TRUE(started || armed_) << serve_.log();
  if (checked) {
    stop_writers();
    check_all();
    start_writers();
  }
}

}  // namespace tidemark
