// The code blocks of the guides are run as they stand: SQL by psql against a server and a source
// that fit, JSON and configuration looked at by those who read them.

#include <fstream>
#include <regex>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include "cmd/serve_config.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"

namespace tidemark {
namespace {

struct Block {
  std::string language;
  std::string text;
};

std::vector<Block> blocks_of(const std::string& file) {
  std::ifstream in(std::string(TIDEMARK_SOURCE_DIR) + "/docs/guide/" + file);
  EXPECT_TRUE(in.good()) << file;
  std::vector<Block> blocks;
  bool is_inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      is_inside = !is_inside;
      if (is_inside) {
        blocks.push_back({line.substr(3), ""});
      }
    } else if (is_inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

TEST(Guide, statements_of_the_server_guide_run) {
  PostgresCluster cluster;
  cluster.run(
      "CREATE SCHEMA claims; CREATE TABLE claims.accident_claims (claim_id int PRIMARY KEY, "
      "claim_total numeric(10, 2), accident_detail text, claim_status text); INSERT INTO "
      "claims.accident_claims VALUES (1, 10, 'collision', 'NEW'), (2, 5, 'theft', 'NEW')");
  ServeProcess server;
  ASSERT_TRUE(server.start());
  PostgresConnection connection = server.connect();
  PostgresConnection source = cluster.connect();
  PostgresAddress address = cluster.address();
  size_t run = 0;
  for (const Block& block : blocks_of("serve.md")) {
    if (block.language != "sql") {
      continue;
    }
    std::string text = std::regex_replace(
        block.text, std::regex("'hostname' = 'postgres', 'port' = '5432'"),
        fmt::format("'hostname' = '{}', 'port' = '{}'", address.host, address.port));
    text = std::regex_replace(text, std::regex("--[^\n]*"), "");
    // Positions of the text are those of another source: this one's is older.
    text = std::regex_replace(text, std::regex("'0/306EE20'"), "'0/100'");
    std::string statement;
    for (char c : text) {
      statement += c;
      if (c != ';') {
        continue;
      }
      bool at_source = statement.find("pg_current_wal_insert_lsn") != std::string::npos;
      Result<QueryResult> result = (at_source ? source : connection).query(statement);
      EXPECT_TRUE(result.ok()) << statement << "\n" << result.status().to_string();
      statement.clear();
      ++run;
    }
  }
  EXPECT_GT(run, 8U);
}

TEST(Guide, statements_about_users_run) {
  ServeProcess server;
  ASSERT_TRUE(server.start());
  PostgresConnection connection = server.connect();
  for (const Block& block : blocks_of("production.md")) {
    if (block.language == "sql") {
      Result<QueryResult> result = connection.query(block.text);
      EXPECT_TRUE(result.ok()) << block.text << "\n" << result.status().to_string();
    }
  }
}

TEST(Guide, the_configuration_is_read) {
  for (const Block& block : blocks_of("production.md")) {
    if (block.text.starts_with("# /etc/tidemark.conf")) {
      std::string path = testing::TempDir() + "/tidemark_guide.conf";
      std::ofstream(path) << block.text;
      auto values = read_config(path);
      ASSERT_TRUE(values.ok()) << values.status().message();
      EXPECT_EQ(values->find("http")->second, "127.0.0.1:9432");
      EXPECT_EQ(values->size(), 6U);
    }
  }
}

}  // namespace
}  // namespace tidemark
