#include "tests/oracle/oracle_case.h"

#include <chrono>

#include <gtest/gtest.h>

#include "types/text.h"

namespace tidemark {

namespace {

constexpr int64_t kPatienceUs = 10'000'000;

// One query on its way through the marks.
class Follower {
 public:
  explicit Follower(StreamResult stream) : stream_(std::move(stream)) {}
  ~Follower() { stream_.subscription->cancel(); }

  // Empty: the content at this position is in rows(). Otherwise what went wrong.
  std::string follow_to(Lsn position) {
    while (!has_content_ || mark_ < position) {
      std::optional<ViewUpdate> update = stream_.subscription->next(kPatienceUs);
      if (!update) {
        return "no update came in time";
      }
      if (update->kind == ViewUpdate::Kind::kEnd) {
        return "the query ended: " + update->status.message();
      }
      if (update->kind == ViewUpdate::Kind::kChanges) {
        has_content_ = true;
        if (std::string wrong = apply(update->changes); !wrong.empty()) {
          return wrong;
        }
      }
      if (update->kind == ViewUpdate::Kind::kChanges ||
          update->kind == ViewUpdate::Kind::kProgress) {
        mark_ = update->mark;
      }
    }
    return "";
  }
  const TextRows& rows() const { return rows_; }

 private:
  std::string apply(const ChangeBatch& changes) {
    size_t visible = stream_.schema.size() - stream_.hidden;
    for (size_t row = 0; row < changes.rows.rows; ++row) {
      std::vector<std::string> cells;
      for (size_t c = 0; c < visible; ++c) {
        const Column& column = *changes.rows.columns[c];
        cells.push_back(column.is_null(row) ? "NULL" : text_of(column, row));
      }
      if (!is_retraction(changes.kinds[row])) {
        rows_.insert(std::move(cells));
        continue;
      }
      auto found = rows_.find(cells);
      if (found == rows_.end()) {
        return "a row was taken back that is not there: " + testing::PrintToString(cells);
      }
      rows_.erase(found);
    }
    return "";
  }

  StreamResult stream_;
  TextRows rows_;
  Lsn mark_;
  bool has_content_ = false;
};

std::string table_name(const std::string& definition) {
  return definition.substr(0, definition.find(' '));
}

Result<TextRows> answer(PostgresConnection& connection, const std::string& query) {
  QueryResult result = TRY(connection.query(query));
  TextRows rows;
  for (size_t row = 0; row < result.rows(); ++row) {
    std::vector<std::string> cells;
    for (size_t c = 0; c < result.columns(); ++c) {
      std::string cell(result.text(row, c));
      cells.push_back(result.is_null(row, c)       ? "NULL"
                      : result.column_oid(c) == 16 ? (cell == "t" ? "true" : "false")
                                                   : cell);
    }
    rows.insert(std::move(cells));
  }
  return rows;
}

std::string difference(const TextRows& ours, const TextRows& theirs) {
  std::string text;
  auto list = [&](const char* title, const TextRows& all, const TextRows& other) {
    size_t shown = 0;
    for (auto row = all.begin(); row != all.end(); row = all.upper_bound(*row)) {
      if (all.count(*row) > other.count(*row) && ++shown <= 10) {
        text += std::string("  ") + title + " " + std::to_string(all.count(*row)) + "x, other " +
                std::to_string(other.count(*row)) + "x: " + testing::PrintToString(*row) + "\n";
      }
    }
  };
  list("only ours", ours, theirs);
  list("only Postgres", theirs, ours);
  return text;
}

// One database for all cases, one after the other, each in the schema `oracle`.
const std::string& oracle_database() {
  static const std::string name = shared_cluster().make_database();
  return name;
}

class CaseRun {
 public:
  CaseRun(const OracleCase& oracle, OracleStats& stats)
      : oracle_(oracle),
        stats_(stats),
        cluster_(shared_cluster()),
        database_(oracle_database()),
        writer_(cluster_.connect(database_)),
        engine_({.step_commits_max = oracle.step_commits_max, .step_bytes_max = 256 << 20}),
        session_(engine_) {}

  ~CaseRun() {
    followers_.clear();
    CHECK(writer_.query("SET statement_timeout = 0; DROP SCHEMA oracle CASCADE").ok());
  }

  std::optional<OracleFailure> run() {
    CHECK(writer_.query("CREATE SCHEMA oracle; SET search_path = oracle").ok());
    // Compiling deep plans takes Postgres longer than running them over a few rows.
    CHECK(writer_.query("SET jit = off; SET statement_timeout = '400ms'").ok());
    CHECK(writer_.query("CREATE TABLE tick (n INT)").ok());
    for (const std::string& table : oracle_.tables) {
      CHECK(writer_.query("CREATE TABLE " + table).ok());
      bool has_key = table.find("PRIMARY KEY") != std::string::npos;
      if (!(oracle_.keeps_keys && has_key)) {
        CHECK(writer_.query("ALTER TABLE " + table_name(table) + " REPLICA IDENTITY FULL").ok());
      }
    }
    commit(0);
    for (const std::string& table : oracle_.tables) {
      std::string name = table_name(table);
      session_.run("CREATE TABLE " + name + " WITH (" +
                   connector_options(cluster_.address(database_), "oracle", name) + ")");
    }
    if (!oracle_.shares_state) {
      session_.run("SET 'tidemark.share_state' = 'false'");
    }
    // The second half begins later, beside the first: over what that holds, where they share it.
    size_t queries = oracle_.queries.size();
    size_t early = oracle_.transactions.size() > 1 ? (queries + 1) / 2 : queries;
    if (auto failure = start_until(early)) {
      return failure;
    }
    for (size_t t = 0; t < std::max<size_t>(oracle_.transactions.size(), 1); ++t) {
      if (t != 0) {
        commit(t);
      }
      if (auto failure = start_until(t == 0 ? early : queries)) {
        return failure;
      }
      if (auto failure = compare(t)) {
        return failure;
      }
    }
    return std::nullopt;
  }

 private:
  // A statement that fails (a duplicate key) rolls the whole transaction back.
  void commit(size_t transaction) {
    if (transaction >= oracle_.transactions.size()) {
      return;
    }
    CHECK(writer_.query("BEGIN").ok());
    bool good = true;
    for (const std::string& statement : oracle_.transactions[transaction]) {
      good = good && writer_.query(statement).ok();
    }
    CHECK(writer_.query(good ? "COMMIT" : "ROLLBACK").ok());
  }
  std::optional<OracleFailure> start_until(size_t end) {
    for (size_t q = followers_.size(); q < end; ++q) {
      if (auto failure = start(q)) {
        return failure;
      }
    }
    return std::nullopt;
  }
  std::optional<OracleFailure> start(size_t q) {
    StreamResult stream;
    Status status =
        session_.session().execute_script(oracle_.queries[q].ours, [&](StatementResult result) {
          if (auto* live = std::get_if<StreamResult>(&result.outcome)) {
            stream = std::move(*live);
          }
          return true;
        });
    if (!status.ok()) {
      return OracleFailure{q, 0, true, status.to_string()};
    }
    CHECK(stream.subscription != nullptr);
    followers_.push_back(std::make_unique<Follower>(std::move(stream)));
    return std::nullopt;
  }
  std::optional<OracleFailure> compare(size_t t) {
    Lsn position =
        Lsn::parse(writer_.query("SELECT pg_current_wal_insert_lsn()")->text(0, 0)).value();
    // A commit elsewhere moves every mark past the position.
    CHECK(writer_.query("INSERT INTO tick VALUES (1)").ok());
    for (size_t q = 0; q < followers_.size(); ++q) {
      const OracleQuery& query = oracle_.queries[q];
      if (followers_[q] == nullptr) {
        continue;
      }
      Result<TextRows> theirs =
          answer(writer_, query.postgres.empty() ? query.ours : query.postgres);
      if (!theirs.ok() &&
          theirs.status().message().find("statement timeout") != std::string::npos) {
        ++stats_.given_up;
        followers_[q] = nullptr;  // too much for Postgres: nothing to compare with
        continue;
      }
      if (!theirs.ok()) {
        return OracleFailure{q, t, true, "Postgres: " + theirs.status().message()};
      }
      std::string wrong = followers_[q]->follow_to(position);
      if (wrong.find("of rows at once") != std::string::npos) {
        ++stats_.given_up;
        followers_[q] = nullptr;  // too much for us: Postgres does not make all rows of a join
        continue;
      }
      if (!wrong.empty()) {
        return OracleFailure{q, t, true, wrong};
      }
      ++stats_.states;
      stats_.empty += theirs->empty() ? 1 : 0;
      if (followers_[q]->rows() != *theirs) {
        return OracleFailure{q, t, false, difference(followers_[q]->rows(), *theirs)};
      }
    }
    return std::nullopt;
  }

  const OracleCase& oracle_;
  OracleStats& stats_;
  PostgresCluster& cluster_;
  std::string database_;
  PostgresConnection writer_;
  Engine engine_;
  TestSession session_;
  std::vector<std::unique_ptr<Follower>> followers_;
};

// Keeps what is still failing, in the same way, after parts were left out.
class Shrinker {
 public:
  explicit Shrinker(OracleCase oracle) : best_(std::move(oracle)) {}

  OracleCase run() {
    std::optional<OracleFailure> failure = run_oracle_case(best_);
    if (!failure) {
      return best_;
    }
    is_error_ = failure->is_error;
    best_.queries = {best_.queries[failure->query]};
    if (failure->transaction + 1 < best_.transactions.size()) {
      OracleCase cut = best_;
      cut.transactions.resize(failure->transaction + 1);
      keep_if_fails(std::move(cut));
    }
    for (size_t t = best_.transactions.size(); t-- > 0;) {
      OracleCase without = best_;
      if (t > 0) {
        without.transactions.erase(without.transactions.begin() + static_cast<ptrdiff_t>(t));
      } else if (!without.transactions.empty()) {
        without.transactions[0].clear();
      }
      keep_if_fails(std::move(without));
    }
    for (size_t t = 0; t < best_.transactions.size(); ++t) {
      for (size_t s = best_.transactions[t].size(); s-- > 0 && left_ > 0;) {
        OracleCase without = best_;
        auto& statements = without.transactions[t];
        statements.erase(statements.begin() + static_cast<ptrdiff_t>(s));
        keep_if_fails(std::move(without));
      }
    }
    for (size_t i = best_.tables.size(); i-- > 0;) {
      OracleCase without = best_;
      without.tables.erase(without.tables.begin() + static_cast<ptrdiff_t>(i));
      std::string name = table_name(best_.tables[i]);
      bool used = without.queries[0].ours.find(name) != std::string::npos;
      for (const auto& transaction : without.transactions) {
        for (const std::string& statement : transaction) {
          used = used || statement.find(name) != std::string::npos;
        }
      }
      if (!used) {
        keep_if_fails(std::move(without));
      }
    }
    return best_;
  }

 private:
  void keep_if_fails(OracleCase candidate) {
    if (left_-- <= 0 || std::chrono::steady_clock::now() > end_) {
      return;
    }
    std::optional<OracleFailure> failure = run_oracle_case(candidate);
    if (failure && failure->is_error == is_error_) {
      best_ = std::move(candidate);
    }
  }

  OracleCase best_;
  bool is_error_ = false;
  int left_ = 120;  // runs
  // A case that waits for an answer that never comes is not shrunk to the end.
  std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
};

}  // namespace

std::string OracleCase::to_string() const {
  std::string text = keeps_keys ? "-- keys have REPLICA IDENTITY DEFAULT\n" : "";
  text += shares_state ? "" : "-- SET 'tidemark.share_state' = 'false'\n";
  for (const std::string& table : tables) {
    text += "CREATE TABLE " + table + ";\n";
  }
  for (const auto& transaction : transactions) {
    text += "BEGIN;\n";
    for (const std::string& statement : transaction) {
      text += "  " + statement + ";\n";
    }
    text += "COMMIT;\n";
  }
  for (const OracleQuery& query : queries) {
    text += query.ours + ";\n" +
            (query.postgres.empty() ? "" : "-- Postgres: " + query.postgres + "\n");
  }
  return text;
}

std::optional<OracleFailure> run_oracle_case(const OracleCase& oracle, OracleStats* stats) {
  OracleStats unused;
  return CaseRun(oracle, stats != nullptr ? *stats : unused).run();
}

OracleCase shrink_oracle_case(OracleCase oracle) {
  return Shrinker(std::move(oracle)).run();
}

void expect_oracle_holds(const OracleCase& oracle, OracleStats* stats) {
  std::optional<OracleFailure> failure = run_oracle_case(oracle, stats);
  if (!failure) {
    return;
  }
  std::string first = failure->text;
  std::printf("differs, to be shrunk: %s\n%s\n", oracle.queries[failure->query].ours.c_str(),
              first.c_str());
  std::fflush(stdout);
  OracleCase small = shrink_oracle_case(oracle);
  std::optional<OracleFailure> again = run_oracle_case(small);
  ADD_FAILURE() << oracle.queries[failure->query].ours << "\nafter transaction "
                << failure->transaction << ":\n"
                << first << "\nshrunk to:\n"
                << small.to_string() << (again ? again->text : "(does not fail any more)");
}

}  // namespace tidemark
