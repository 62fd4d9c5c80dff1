#pragma once
// The frame of a chaos test: random transactions over `accounts` and `audit`, under which `tidemark
// serve` is killed again and again, at random moments or at a named place of its own; now and then,
// and in the end, what it shows is compared with Postgres.

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/chaos/account_writer.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"

namespace tidemark {

class KillRun {
 public:
  // Of the starts that are not followed by a comparison `armed_percent` get a place to die at.
  KillRun(uint64_t seed, int writers, unsigned armed_percent);
  virtual ~KillRun() = default;
  // Fails the test at the first thing that is not as it must be.
  void run(int kills);

 protected:
  virtual std::vector<std::string> flags() = 0;  // of the next start
  virtual void define() = 0;
  virtual std::string crash_place() = 0;  // of a start with the flags that were given last
  // With nobody writing.
  virtual void check_all() = 0;
  virtual void before_kill() {}
  virtual void after_kill() {}
  // At the end, the server still running.
  virtual void report(int kills) = 0;

  // The two tables under their own names; `options` are further ones of WITH, each behind a comma.
  void declare_tables(PostgresConnection& client, const std::string& options = "");

  PostgresCluster cluster_{{.settings = {"max_wal_size = 128MB"}}};  // may be in memory
  ServeProcess serve_;
  std::string database_;
  std::mt19937_64 random_;
  const uint64_t seed_;
  uint64_t named_ = 0, committed_ = 0, comparisons_ = 0;

 private:
  bool start();
  void start_writers();
  void stop_writers();
  void once();

  const int writer_count_;
  const unsigned armed_percent_;
  bool armed_ = false;
  std::vector<std::unique_ptr<AccountWriter>> writers_;
};

}  // namespace tidemark
