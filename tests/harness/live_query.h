#pragma once
// A session and live queries for tests: a query's content as the changes make it, checked change by
// change.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {

// Rows as text, sorted; a cell is its text or NULL.
using TextRows = std::multiset<std::vector<std::string>>;

class LiveQuery {
 public:
  explicit LiveQuery(StreamResult stream) : stream_(std::move(stream)) {}
  LiveQuery(LiveQuery&&) = default;
  ~LiveQuery() {
    if (stream_.subscription) {
      stream_.subscription->cancel();
    }
  }

  // Takes one update (waiting up to 20 s); fails the test if there is none. Changes that do not fit
  // the rows (a retraction of what is not there) fail it too.
  ViewUpdate next();
  void wait_for_content();
  // Until the mark has reached this LSN.
  void wait_for(const std::string& lsn);
  const TextRows& rows() const { return rows_; }
  Lsn mark() const { return mark_; }
  size_t updates() const { return updates_; }
  const StreamResult& stream() const { return stream_; }

 private:
  StreamResult stream_;
  TextRows rows_;
  Lsn mark_;
  bool has_content_ = false;
  size_t updates_ = 0;
};

class TestSession {
 public:
  explicit TestSession(Engine& engine) : session_(engine.new_session()) {}
  // Runs a script of statements without results; fails the test on error.
  std::vector<std::string> run(const std::string& text);
  // The error of a script, or "" if there was none: message, then hint.
  std::string error(const std::string& text);
  LiveQuery query(const std::string& text);
  // A query that answers once (batch mode), SHOW, ...
  TextRows rows(const std::string& text);
  Session& session() { return *session_; }

 private:
  std::unique_ptr<Session> session_;
};

// 'connector' = 'postgres-cdc', 'hostname' = ..., for WITH (...).
std::string connector_options(const PostgresAddress& address, const std::string& schema,
                              const std::string& table);
TextRows postgres_rows(PostgresCluster& cluster, const std::string& database,
                       const std::string& query);

}  // namespace tidemark
