// The promise: every state that anyone sees is the query's answer at one source commit. Several
// connections write random transactions (inserts, updates of key, group and filter columns,
// deletes, truncates, savepoints, rollbacks) into two tables; every published state of every query
// must be what Postgres itself answers for the commit at that mark.
//
// How Postgres's answer for a commit is known: a writer takes a lock after its last change, asks
// the queries in its own transaction, commits, and reads the WAL position before it lets go. No
// other writer commits in between, so the answers are those at its commit, and the commit's LSN
// lies between the two positions.

#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/harness/live_query.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

struct CheckedQuery {
  std::string live;  // over tables f and d
  std::string postgres;
};

const std::vector<CheckedQuery>& queries() {
  static const std::vector<CheckedQuery> list = [] {
    std::vector<CheckedQuery> result;
    for (const char* table : {"f", "d"}) {
      auto add = [&](std::string text, std::string postgres = "") {
        auto fill = [&](std::string query) {
          for (size_t at; (at = query.find("$T")) != std::string::npos;) {
            query.replace(at, 2, table);
          }
          return query;
        };
        result.push_back({fill(text), fill(postgres.empty() ? text : postgres)});
      };
      add("SELECT grp, SUM(total), COUNT(*), COUNT(note) FROM $T WHERE status <> 'DENIED' GROUP BY "
          "grp");
      add("SELECT id, grp, total, amount, note FROM $T");
      add("SELECT COUNT(*), SUM(amount), MIN(total), MAX(total), COUNT(DISTINCT grp) FROM $T");
      add("SELECT status, MIN(note), MAX(amount), SUM(DISTINCT amount) FROM $T GROUP BY status "
          "HAVING COUNT(*) > 2");
      add("SELECT DISTINCT grp, status FROM $T WHERE total > 50");
      add("SELECT id, total FROM $T WHERE total IS NOT NULL ORDER BY total DESC, id LIMIT 5");
    }
    return result;
  }();
  return list;
}

class Writer {
 public:
  Writer(PostgresCluster& cluster, const std::string& database, uint32_t seed)
      : connection_(cluster.connect(database)), random_(seed) {
    execute("SET deadlock_timeout = '20ms'");
  }

  // One transaction. If it committed: the answers at its commit and the WAL position after it.
  struct Committed {
    Lsn after;
    std::vector<TextRows> answers;
  };
  std::optional<Committed> transaction() {
    execute("BEGIN");
    size_t statements = 1 + random_() % 5;
    bool failed = false;
    for (size_t i = 0; i < statements && !failed; ++i) {
      bool savepoint = random_() % 8 == 0;
      if (savepoint) {
        failed = !execute("SAVEPOINT s");
      }
      failed = failed || !execute(statement());
      if (savepoint && !failed) {
        failed = !execute(random_() % 2 ? "ROLLBACK TO s" : "RELEASE s");
      }
    }
    if (failed || random_() % 7 == 0) {
      execute("ROLLBACK");
      return std::nullopt;
    }
    // Taken by every writer after its last change.
    bool locked = execute("SELECT pg_advisory_lock(42)");
    Committed result;
    bool answered = locked;
    for (const CheckedQuery& query : queries()) {
      std::optional<TextRows> answer = answered ? rows(query.postgres) : std::nullopt;
      answered = answer.has_value();
      result.answers.push_back(answer.value_or(TextRows()));
    }
    if (!answered) {
      // A deadlock with a writer that truncated and waits for the lock: this transaction was the
      // victim.
      execute("ROLLBACK");
      EXPECT_TRUE(!locked || execute("SELECT pg_advisory_unlock(42)"));
      return std::nullopt;
    }
    bool committed = execute("COMMIT");
    auto position = connection_.query("SELECT pg_current_wal_insert_lsn()");
    result.after = Lsn::parse(position->text(0, 0)).value();
    EXPECT_TRUE(execute("SELECT pg_advisory_unlock(42)"));
    return committed ? std::optional<Committed>(std::move(result)) : std::nullopt;
  }

 private:
  bool execute(const std::string& sql) { return connection_.query(sql).ok(); }

  std::optional<TextRows> rows(const std::string& sql) {
    auto result = connection_.query(sql);
    if (!result.ok()) {
      return std::nullopt;
    }
    TextRows rows;
    for (size_t row = 0; row < result->rows(); ++row) {
      std::vector<std::string> cells;
      for (size_t c = 0; c < result->columns(); ++c) {
        cells.push_back(result->is_null(row, c) ? "NULL" : std::string(result->text(row, c)));
      }
      rows.insert(std::move(cells));
    }
    return rows;
  }

  std::string statement() {
    std::string table = random_() % 2 ? "f" : "d";
    auto id = [&] { return std::to_string(random_() % 300); };
    static const char* kGroups[] = {"'Box Jellyfish'", "'Cassowary'", "'Great White Shark'", "NULL",
                                    "''"};
    static const char* kStatus[] = {"'INITIAL'", "'DENIED'", "'REIMBURSED'", "NULL"};
    auto group = [&] { return std::string(kGroups[random_() % 5]); };
    auto status = [&] { return std::string(kStatus[random_() % 4]); };
    auto total = [&] {
      return random_() % 10 == 0 ? std::string("NULL") : std::to_string(random_() % 400) + ".25";
    };
    auto amount = [&] {
      return random_() % 10 == 0
                 ? std::string("NULL")
                 : std::to_string(random_() % 1000) + "." + std::to_string(random_() % 90 + 10);
    };
    auto note = [&] {
      return random_() % 4 == 0   ? std::string("repeat('toast ', 800)")
             : random_() % 3 == 0 ? std::string("NULL")
                                  : "'note " + id() + "'";
    };
    switch (random_() % 24) {
      case 0:
        return random_() % 6 == 0   ? "TRUNCATE f, d"
               : random_() % 4 == 0 ? "TRUNCATE " + table
                                    : "DELETE FROM " + table + " WHERE id < 20";
      case 1:
      case 2:
      case 3:
        return "DELETE FROM " + table + " WHERE id = " + id();
      case 4:
        return "UPDATE " + table + " SET id = id + 1000 WHERE id = " + id();
      case 5:
      case 6:
        return "UPDATE " + table + " SET grp = " + group() +
               " WHERE id % 17 = " + std::to_string(random_() % 17);
      case 7:
      case 8:
        return "UPDATE " + table + " SET status = " + status() + " WHERE id = " + id();
      case 9:
      case 10:
      case 11:
        return "UPDATE " + table + " SET total = " + total() + ", amount = " + amount() +
               " WHERE id = " + id();
      case 12:
        return "UPDATE " + table + " SET note = " + note() + " WHERE id = " + id();
      case 13:
        return "INSERT INTO " + table +
               " SELECT i, 'Cassowary', 'INITIAL', 1.5, 2.50, 'bulk' FROM generate_series(2000 + " +
               id() + ", 2010) i ON CONFLICT DO NOTHING";
      default:
        return "INSERT INTO " + table + " VALUES (" + id() + ", " + group() + ", " + status() +
               ", " + total() + ", " + amount() + ", " + note() + ") ON CONFLICT DO NOTHING";
    }
  }

  PostgresConnection connection_;
  std::mt19937 random_;
};

void check_every_mark(uint64_t step_commits_max, size_t transactions, uint32_t seed) {
  PostgresCluster& cluster = shared_cluster();
  std::string database = cluster.make_database();
  for (const char* table : {"f", "d"}) {
    cluster.run(std::string("CREATE TABLE ") + table +
                    " (id INT PRIMARY KEY, grp TEXT, status VARCHAR(10), total FLOAT8, amount "
                    "NUMERIC(10,2), note TEXT)",
                database);
    cluster.run(std::string("INSERT INTO ") + table +
                    " SELECT i, 'Cassowary', 'INITIAL', i * 0.25, i * 0.5, 'first' FROM "
                    "generate_series(1, 100) i",
                database);
  }
  cluster.run("ALTER TABLE f REPLICA IDENTITY FULL", database);
  // Stored out of line, so that updates of other columns leave it unchanged in the log.
  cluster.run(
      "ALTER TABLE d ALTER note SET STORAGE EXTERNAL; ALTER TABLE f ALTER note SET STORAGE "
      "EXTERNAL",
      database);

  Engine engine({.step_commits_max = step_commits_max});
  TestSession session(engine);
  for (const char* table : {"f", "d"}) {
    session.run(std::string("CREATE TABLE ") + table + " WITH (" +
                connector_options(cluster.address(database), "public", table) + ")");
  }
  std::vector<LiveQuery> live;
  for (size_t q = 0; q < queries().size() / 2; ++q) {
    live.push_back(session.query(queries()[q].live));
  }
  for (LiveQuery& query : live) {
    query.wait_for_content();
  }

  std::mutex mutex;
  std::map<Lsn, std::vector<TextRows>> answers;  // by the position after the commit
  {
    PostgresConnection connection = cluster.connect(database);
    Lsn now =
        Lsn::parse(connection.query("SELECT pg_current_wal_insert_lsn()")->text(0, 0)).value();
    for (const CheckedQuery& query : queries()) {
      answers[now].push_back(postgres_rows(cluster, database, query.postgres));
    }
  }
  std::atomic<size_t> committed{0};
  std::vector<std::thread> writers;
  for (uint32_t w = 0; w < 3; ++w) {
    writers.emplace_back([&, w] {
      Writer writer(cluster, database, seed * 10 + w);
      while (committed < transactions) {
        if (auto result = writer.transaction()) {
          ++committed;
          std::lock_guard lock(mutex);
          answers[result->after] = std::move(result->answers);
        }
      }
    });
  }
  // The other queries join while the writers are at work: their first content must be exact as
  // well.
  while (committed < transactions / 4) {
    std::this_thread::yield();
  }
  for (size_t q = queries().size() / 2; q < queries().size(); ++q) {
    live.push_back(session.query(queries()[q].live));
  }
  std::vector<std::vector<std::pair<Lsn, TextRows>>> seen(live.size());
  std::atomic<bool> writing{true};
  Lsn last;
  std::atomic<uint64_t> final_mark{0};
  std::vector<std::thread> readers;
  for (size_t q = 0; q < live.size(); ++q) {
    readers.emplace_back([&, q] {
      while (final_mark == 0 || live[q].mark().value < final_mark) {
        ViewUpdate update = live[q].next();
        if (update.kind == ViewUpdate::Kind::kEnd) {
          return;
        }
        if (update.kind == ViewUpdate::Kind::kChanges) {
          seen[q].emplace_back(update.mark, live[q].rows());
        }
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  // One more commit, so that every reader gets past all the others.
  cluster.run(
      "INSERT INTO f VALUES (99999, 'x', 'x', 1, 1, 'last'); INSERT INTO d VALUES (99999, 'x', "
      "'x', 1, 1, 'last')",
      database);
  {
    PostgresConnection connection = cluster.connect(database);
    final_mark =
        Lsn::parse(connection.query("SELECT pg_current_wal_flush_lsn()")->text(0, 0)).value().value;
    for (const CheckedQuery& query : queries()) {
      answers[Lsn{UINT64_MAX}].push_back(postgres_rows(cluster, database, query.postgres));
    }
  }
  // Commits elsewhere: they change nothing, and move the mark past the position that the readers
  // wait for.
  std::thread ticker([&] {
    PostgresConnection connection = cluster.connect(database);
    EXPECT_TRUE(connection.execute("CREATE TABLE elsewhere (n INT)").ok());
    while (writing) {
      EXPECT_TRUE(
          connection.execute("INSERT INTO elsewhere VALUES (1); SELECT pg_sleep(0.05)").ok());
    }
  });
  for (std::thread& reader : readers) {
    reader.join();
  }
  writing = false;
  ticker.join();
  size_t states = 0;
  for (size_t q = 0; q < live.size(); ++q) {
    for (const auto& [mark, rows] : seen[q]) {
      // A published change is at a commit; its position is the first one at or after the mark.
      auto expected = answers.lower_bound(mark);
      ASSERT_NE(expected, answers.end());
      ++states;
      if (rows != expected->second[q]) {
        // The first content of a query that joined later may stand at a position between two
        // commits.
        auto before = expected == answers.begin() ? expected : std::prev(expected);
        bool first = &seen[q].front().first == &mark;
        ASSERT_TRUE(first && rows == before->second[q])
            << queries()[q].live << " at " << mark.to_string() << " ("
            << expected->first.to_string() << ")\nseen " << testing::PrintToString(rows)
            << "\nexpected " << testing::PrintToString(expected->second[q]);
      }
    }
    ASSERT_EQ(live[q].rows(), answers[Lsn{UINT64_MAX}][q]) << queries()[q].live;
  }
  std::printf("%zu transactions committed, %zu published states compared\n", committed.load(),
              states);
  EXPECT_GT(states, transactions);
}

TEST(EveryMark, equals_postgres_at_that_commit_one_commit_a_step) {
  check_every_mark(1, 2000, 1);
}
TEST(EveryMark, equals_postgres_at_that_commit_as_commits_arrive) {
  check_every_mark(0, 2000, 2);
}

}  // namespace
}  // namespace tidemark
