// The code blocks of the guides are run as they stand, but for addresses, names of files and
// secrets: SQL against a source or a server that fit, commands by the shell, JSON and configuration
// read by those who read them. A block that nothing here takes fails its test.

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include "cmd/serve_config.h"
#include "tests/harness/command_output.h"
#include "tests/harness/paths.h"
#include "tests/harness/postgres_cluster.h"
#include "tests/harness/serve_process.h"

namespace tidemark {
namespace {

struct Block {
  std::string language;
  std::string text;
};

std::vector<Block> blocks_of(const std::string& file) {
  std::ifstream in(source_dir() + "/docs/guide/" + file);
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

std::string with(std::string text, const std::string& part, const std::string& other) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += other.size()) {
    text.replace(at, part.size(), other);
  }
  return text;
}

std::vector<std::string> statements_of(const std::string& text) {
  std::string bare = std::regex_replace(text, std::regex("--[^\n]*"), "");
  std::vector<std::string> statements;
  std::string statement;
  for (char c : bare) {
    statement += c;
    if (c == ';') {
      statements.push_back(std::exchange(statement, {}));
    }
  }
  EXPECT_EQ(statement.find_first_not_of(" \n"), std::string::npos) << statement;
  return statements;
}

void run_all(PostgresConnection& connection, const std::string& text) {
  for (const std::string& statement : statements_of(text)) {
    Result<QueryResult> result = connection.query(statement);
    EXPECT_TRUE(result.ok()) << statement << "\n" << result.status().to_string();
  }
}

CommandOutput shell(const std::string& command) {
  return command_output("exec 2>&1; " + command);
}

constexpr const char* kClaims =
    "CREATE SCHEMA claims; CREATE TABLE claims.accident_claims (claim_id int PRIMARY KEY, "
    "claim_total numeric(10, 2), accident_detail text, claim_status text); INSERT INTO "
    "claims.accident_claims VALUES (1, 10, 'collision', 'NEW'), (2, 5, 'theft', 'NEW')";

// `tidemark serve ...` of a guide, on addresses of its own: begins, says that it is ready, ends.
void begins(const std::string& command, const std::string& folder) {
  std::string log = folder + "/log_of_guide";
  std::string line =
      with(command.substr(0, command.find('\n')), "tidemark serve",
           tidemark_binary() + " serve --socket-dir " + folder + " --listen 127.0.0.1:0");
  auto [status, output] = shell(fmt::format(
      "{0} 2>{1} & pid=$!; until grep -q 'ready: ' {1} || ! kill -0 $pid; do sleep 0.01; done; "
      "kill -TERM $pid; wait $pid; status=$?; cat {1}; exit $status",
      line, log));
  EXPECT_EQ(status, 0) << line << "\n" << output;
  EXPECT_NE(output.find("ready: "), std::string::npos) << output;
  EXPECT_NE(output.find("ended"), std::string::npos) << output;
}

class Guide : public testing::Test {
 protected:
  Guide() : folder_(server_.directory() + "/guide") {
    std::filesystem::create_directories(folder_);
  }
  std::string port() const { return server_.port(); }
  ServeProcess server_;
  std::string folder_;
};

TEST_F(Guide, first_view) {
  PostgresCluster cluster;
  cluster.run("CREATE DATABASE shop");
  cluster.run(std::string(kClaims) +
                  "; CREATE ROLE claims_owner; ALTER SCHEMA claims OWNER TO claims_owner; ALTER "
                  "TABLE claims.accident_claims OWNER TO claims_owner",
              "shop");
  PostgresAddress address = cluster.address("shop");
  PostgresConnection source = cluster.connect("shop");
  std::string url = fmt::format("postgres://viewer:secret@127.0.0.1:{}/shop", cluster.port());
  bool has_root = cluster.server_version() >= 13'00'00;  // publish_via_partition_root
  size_t taken = 0;
  std::string queries, catalog;
  std::vector<Block> blocks = blocks_of("first_view.md");
  for (const Block& block : blocks) {
    const std::string& text = block.text;
    bool is_program = text.find("SHOW TABLES") != std::string::npos ||
                      text.find("CREATE CATALOG") != std::string::npos;
    if (block.language == "sql" && !is_program) {
      std::string fitting =
          std::regex_replace(text, std::regex("PASSWORD '\\.\\.\\.'"), "PASSWORD 'secret'");
      if (!has_root) {
        fitting = std::regex_replace(fitting, std::regex(" WITH \\(publish_via[^)]*\\)"), "");
      }
      run_all(source, fitting);
      ++taken;
    } else if (text.find("SHOW TABLES") != std::string::npos) {
      queries = text;
      ++taken;
    } else if (text.find("CREATE CATALOG") != std::string::npos) {
      catalog = with(with(text, "'db.example.com'",
                          fmt::format("'{}', 'port' = '{}'", address.host, address.port)),
                     "'require'", "'disable'");  // the test's server has no TLS
      ++taken;
    } else if (text.starts_with("tidemark postgres://")) {
      std::string script = folder_ + "/tables.sql";
      // The block that follows is what is typed there.
      std::ofstream(script) << blocks[static_cast<size_t>(&block - blocks.data()) + 1].text;
      std::string command = with(text, "tidemark postgres://viewer:secret@db.example.com:5432/shop",
                                 fmt::format("TMPDIR={} {} {} -f {} --until caught-up --output csv",
                                             folder_, tidemark_binary(), url, script));
      auto [status, output] = shell(command);
      EXPECT_EQ(status, 0) << command << output;
      EXPECT_NE(output.find("accident_claims"), std::string::npos) << output;
      EXPECT_NE(output.find("collision,10.00"), std::string::npos) << output;
      ++taken;
    } else if (text.starts_with("tidemark -f q.sql")) {
      ASSERT_FALSE(catalog.empty());
      std::string script = folder_ + "/q.sql";
      std::ofstream(script) << statements_of(catalog)[0] << "\n"
                            << "SELECT accident_detail, SUM(claim_total) AS total FROM "
                               "shop.claims.accident_claims GROUP BY accident_detail;\n";
      std::string command = with(
          with(text, "...", "printf '%s\\n' \"$change\""), "tidemark -f q.sql",
          fmt::format("TMPDIR={} {} -f {} --until caught-up", folder_, tidemark_binary(), script));
      auto [status, output] = shell("{ " + command + "\n} 2>/dev/null");
      EXPECT_EQ(status, 0) << command << output;
      std::ofstream(folder_ + "/lines") << output;
      EXPECT_NE(output.find("\"op\":\"+I\""), std::string::npos) << output;
      ++taken;
    } else if (block.language == "json") {
      // The program's lines have the fields of the guide's, in that order.
      std::ofstream(folder_ + "/guide_lines") << text;
      std::string check = fmt::format(
          "python3 - {0}/guide_lines {0}/lines <<'END'\n"
          "import json, sys\n"
          "guide, real = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])\n"
          "assert guide and real\n"
          "for line in real: assert list(line) == list(guide[0]), line\n"
          "for line in real: assert list(line['data']) == list(guide[0]['data']), line\n"
          "assert {{line['op'] for line in guide}} == {{'+I', '-U', '+U'}}\n"
          "END",
          folder_);
      auto [status, output] = shell(check);
      EXPECT_EQ(status, 0) << output;
      ++taken;
    } else if (block.language.empty()) {
      // A line of the screen; src/client/live_table_test.cc holds what the program draws.
      std::regex line(
          "mark [0-9A-F]+/[0-9A-F]+ · committed [0-9:.]+ · lag [0-9]+ ms · [0-9]+ rows · q quit\n");
      EXPECT_TRUE(std::regex_match(text, line)) << text;
      ++taken;
    }
  }
  ASSERT_FALSE(catalog.empty());
  ASSERT_FALSE(queries.empty());
  std::string script = folder_ + "/catalog.sql";
  std::ofstream(script) << catalog;
  auto [status, output] = shell(fmt::format("TMPDIR={} {} -f {} --until caught-up --output csv",
                                            folder_, tidemark_binary(), script));
  EXPECT_EQ(status, 0) << output;
  EXPECT_NE(output.find("2"), std::string::npos) << output;
  EXPECT_EQ(taken, blocks.size());
}

TEST_F(Guide, server) {
  PostgresCluster cluster;
  cluster.run(kClaims);
  ASSERT_TRUE(server_.start());
  PostgresConnection connection = server_.connect();
  PostgresConnection source = cluster.connect();
  PostgresAddress address = cluster.address();
  size_t taken = 0;
  std::vector<Block> blocks = blocks_of("serve.md");
  for (const Block& block : blocks) {
    std::string text = block.text;
    if (block.language == "sql") {
      text = std::regex_replace(
          text, std::regex("'hostname' = 'postgres', 'port' = '5432'"),
          fmt::format("'hostname' = '{}', 'port' = '{}'", address.host, address.port));
      // Positions of the text are those of another source: this one's is older.
      text = std::regex_replace(text, std::regex("'0/306EE20'"), "'0/100'");
      text = std::regex_replace(text, std::regex("/var/lib/tidemark-out"), folder_);
      for (const std::string& statement : statements_of(text)) {
        bool at_source = statement.find("pg_current_wal_insert_lsn") != std::string::npos;
        Result<QueryResult> result = (at_source ? source : connection).query(statement);
        EXPECT_TRUE(result.ok()) << statement << "\n" << result.status().to_string();
      }
      ++taken;
    } else if (text.starts_with("tidemark serve")) {
      begins(with(text, "/var/lib/tidemark", folder_ + "/data"), folder_);
      ++taken;
    } else if (text.starts_with("psql")) {
      std::string command =
          with(with(text.substr(0, text.find('\n')), "/tmp", server_.directory()), "7432", port());
      auto [status, output] = shell(command + " -X -A -t -c 'SELECT 1'");
      EXPECT_EQ(status, 0) << command << output;
      EXPECT_EQ(output, "1\n");
      ++taken;
    } else if (block.language == "json") {
      // The job's lines, before their file is ended, are like the guide's but for the values.
      std::string form = std::regex_replace(text, std::regex("[{}+]"), "\\$&");
      form = std::regex_replace(form, std::regex("0/1A2B3C8"), "[0-9A-F]+/[0-9A-F]+");
      form = std::regex_replace(form, std::regex("collision"), "[a-z]+");
      form = std::regex_replace(form, std::regex("10\\.00"), "[0-9]+\\.00");
      std::string lines;
      while (lines.empty()) {
        lines = shell(fmt::format("cat {}/costs/.part-* 2>/dev/null", folder_)).text;
      }
      EXPECT_TRUE(std::regex_match(lines, std::regex("(" + form + ")+"))) << form << lines;
      ++taken;
    } else if (text.starts_with("COPY (SUBSCRIBE")) {
      // It never ends: the first mark is waited for, then its reader leaves.
      PostgresConnection reader = server_.connect();
      Status begun = reader.start_copy(text);
      ASSERT_TRUE(begun.ok()) << begun.to_string();
      std::string line;
      while (line.find(",mark,") == std::string::npos) {
        Result<std::optional<std::string_view>> message = reader.next_copy_message();
        ASSERT_TRUE(message.ok() && message->has_value()) << message.status().to_string();
        line = **message;
      }
      ++taken;
    }
  }
  EXPECT_EQ(taken, blocks.size());
}

TEST_F(Guide, production) {
  ASSERT_TRUE(server_.start());
  PostgresConnection connection = server_.connect();
  std::string config = folder_ + "/tidemark.conf", command;
  size_t taken = 0;
  std::vector<Block> blocks = blocks_of("production.md");
  for (const Block& block : blocks) {
    if (block.language == "sql") {
      run_all(connection, block.text);
      ++taken;
    } else if (block.text.starts_with("# /etc/tidemark.conf")) {
      std::string text = with(block.text, "/var/lib/tidemark", folder_ + "/data");
      text = with(text, "/etc/tidemark/server", folder_ + "/server");
      text = with(text, "127.0.0.1:9432", "127.0.0.1:0");
      std::ofstream(config) << text;
      auto values = read_config(config);
      ASSERT_TRUE(values.ok()) << values.status().message();
      EXPECT_EQ(values->find("http")->second, "127.0.0.1:0");
      EXPECT_EQ(values->size(), 6U);
      ++taken;
    } else if (block.text.starts_with("tidemark serve")) {
      command = with(block.text, "/etc/tidemark.conf", config);
      ++taken;
    }
  }
  auto [status, output] = shell(fmt::format(
      "cd {} && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=server -keyout "
      "server.key -out server.pem",
      folder_));
  ASSERT_EQ(status, 0) << output;
  begins(command, folder_);
  EXPECT_EQ(taken, blocks.size());
}

// The three above are all there are.
TEST(GuideFiles, all_have_a_test) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/docs/guide")) {
    std::string name = entry.path().filename();
    EXPECT_TRUE(name == "first_view.md" || name == "serve.md" || name == "production.md") << name;
    ++files;
  }
  EXPECT_EQ(files, 3U);
}

}  // namespace
}  // namespace tidemark
