#pragma once
// A database of the shared cluster and `tidemark serve` over it: for tests of what readers see of
// a view while the source, the view and the process change.

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"

namespace tidemark {

class ServedSource : public testing::Test {
 protected:
  void SetUp() override { database_ = shared_cluster().make_database(); }
  // The last of a source leaves nothing at the server.
  void TearDown() override;
  // At the source.
  void source(const std::string& sql) { shared_cluster().run(sql, database_); }
  std::vector<std::string> source_rows(const std::string& sql);
  // (Re)starts the server, and connects to it.
  void start(const std::vector<std::string>& flags = {});
  // Ends the process, killed or not, and starts it over the same data; nothing is read anew.
  void restart(bool clean);
  // An error fails the test.
  void run(const std::string& sql);
  std::vector<std::string> rows(const std::string& sql) { return sorted_rows(*client_, sql); }
  // A table of the source under its own name; `options` are more of them: ", 'a' = 'b'".
  void declare(const std::string& table, const std::string& options = "");
  // Until the views show all that is committed at the source now.
  void wait();

  std::string database_;
  ServeProcess serve_;
  std::optional<PostgresConnection> client_;
};

}  // namespace tidemark
