#pragma once
// A case of the oracle: tables, transactions and queries as text, so that a failing one can be
// printed, shrunk and kept. It is run against a real Postgres through the whole engine: at every
// mark every query's content must be what Postgres answers there.

#include <optional>
#include <string>
#include <vector>

#include "tests/harness/live_query.h"

namespace tidemark {

struct OracleQuery {
  std::string ours;
  std::string postgres;  // empty: the same text
};

struct OracleCase {
  std::vector<std::string> tables;  // "t0 (a INT, ...)"
  // The first is committed before the queries begin.
  std::vector<std::vector<std::string>> transactions;
  std::vector<OracleQuery> queries;
  uint64_t step_commits_max = 1;
  // Tables with a primary key have REPLICA IDENTITY DEFAULT: only the key of an old row is sent.
  bool keeps_keys = false;
  bool shares_state = true;  // see the setting tidemark.share_state

  std::string to_string() const;
};

struct OracleFailure {
  size_t query = 0;
  size_t transaction = 0;  // index of the one after which the answers differ
  bool is_error = false;   // an error instead of an answer
  std::string text;
};

// What was compared.
struct OracleStats {
  size_t states = 0;    // contents of queries at marks
  size_t empty = 0;     // of these, without a row
  size_t given_up = 0;  // queries that take Postgres too long, or make too many rows
};

// The first difference, if there is one. Queries that Postgres itself refuses are a failure of the
// case too.
std::optional<OracleFailure> run_oracle_case(const OracleCase& oracle,
                                             OracleStats* stats = nullptr);

// A smaller case that still fails: without queries, transactions, statements and tables that the
// failure does not need.
OracleCase shrink_oracle_case(OracleCase oracle);

// Runs and, when it fails, shrinks; fails the test with the small script.
void expect_oracle_holds(const OracleCase& oracle, OracleStats* stats = nullptr);

}  // namespace tidemark
