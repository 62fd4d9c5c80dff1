// Reading ahead under transactions of all kinds, at a pace that nobody foresaw: while the source
// goes from the stream to the log and back, is restarted and loses its connection.

#include <atomic>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cdc/postgres/ahead_fixture.h"

namespace tidemark {
namespace {

// Three writers of transactions of one to some thousand rows, with parts that are rolled back, on t
// and k; one whose transactions stay open while the others commit; and checkpoints, after which the
// server may begin elsewhere.
class MixedWriters {
 public:
  MixedWriters(SourceFixture& fixture, unsigned seed) : next_(int64_t{seed} * 1'000'000'000) {
    for (int i = 0; i < 3; ++i) {
      start(fixture, seed, [this, i](PostgresConnection& connection, std::mt19937& random) {
        write(connection, random, i);
      });
    }
    start(fixture, seed, [this, seed](PostgresConnection& connection, std::mt19937& random) {
      write_long(connection, random, seed);
    });
    start(fixture, seed, [](PostgresConnection& connection, std::mt19937& random) {
      EXPECT_TRUE(connection.execute("CHECKPOINT").ok());
      usleep(random() % 200'000);
    });
  }
  ~MixedWriters() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

 private:
  void start(SourceFixture& fixture, unsigned seed,
             std::function<void(PostgresConnection&, std::mt19937&)> turn) {
    auto number = static_cast<unsigned>(threads_.size());
    threads_.emplace_back([this, turn = std::move(turn), random = std::mt19937(seed * 8 + number),
                           connection = fixture.cluster.connect(fixture.database)]() mutable {
      while (!stop_) {
        turn(connection, random);
      }
    });
  }

  // Each writer has the ids of its remainder, so that no two wait for each other.
  void write(PostgresConnection& connection, std::mt19937& random, int writer) {
    const int rows[] = {1, 1, 1, 1, 3, 20, 100, 400, 1500};
    int size = rows[random() % std::size(rows)];
    int64_t first = next_ += 10'000;
    const char* table = random() % 2 == 0 ? "t" : "k";
    std::string sql = "BEGIN;";
    unsigned parts = 1 + random() % 3;
    for (unsigned part = 0; part < parts; ++part) {
      switch (random() % 5) {
        case 0:
          sql += fmt::format(
              "UPDATE {} SET pad = pad || 'u' WHERE id > 0 AND id % 4 = {} AND id % 7 = {};", table,
              writer, random() % 7);
          break;
        case 1:
          sql += fmt::format("DELETE FROM {} WHERE id > 0 AND id % 4 = {} AND id % 5 = {};", table,
                             writer, random() % 5);
          break;
        case 2:
          sql += fmt::format(
              "SAVEPOINT s; DELETE FROM {} WHERE id > 0 AND id % 4 = {}; ROLLBACK TO s;", table,
              writer);
          break;
        default:
          sql += fmt::format(
              "INSERT INTO {} SELECT i * 4 + {}, repeat(md5(i::text), 3) FROM "
              "generate_series({}::bigint, {}::bigint) i;",
              table, writer, first + part * 2000, first + part * 2000 + size - 1);
      }
    }
    sql += random() % 8 == 0 ? "ROLLBACK" : "COMMIT";
    Status status = connection.execute(sql);
    EXPECT_TRUE(status.ok()) << status.to_string();
    usleep(random() % 3 == 0 ? random() % 20'000 : 0);
  }

  void write_long(PostgresConnection& connection, std::mt19937& random, unsigned seed) {
    int rows = random() % 2 == 0 ? 3'000 : 30'000;
    int64_t first = (int64_t{seed} * 1000 + longs_++) * 40'000;
    EXPECT_TRUE(connection
                    .execute(fmt::format("BEGIN; INSERT INTO t SELECT -i - {}, 'part' FROM "
                                         "generate_series(1, {}) i",
                                         first, rows))
                    .ok());
    usleep(random() % 400'000);
    EXPECT_TRUE(connection.execute("SAVEPOINT s; DELETE FROM t WHERE id < 0; ROLLBACK TO s").ok());
    usleep(random() % 900'000);
    EXPECT_TRUE(connection.execute("COMMIT").ok());
  }

  std::atomic<bool> stop_{false};
  std::atomic<int64_t> next_;
  int64_t longs_ = 0;
  std::vector<std::thread> threads_;
};

TEST(PostgresReadAheadRandom, every_row_arrives_once) {
  PostgresCluster cluster(ClusterOptions{.settings = {"logical_decoding_work_mem = 64kB"}});
  const char* asked = std::getenv("TIDEMARK_READ_AHEAD_ROUNDS");
  int rounds = asked != nullptr ? std::atoi(asked) : 4;
  AheadFixture fixture("100kB", "spill", cluster);
  fixture.make_table();
  fixture.run("CREATE TABLE k (id bigint PRIMARY KEY, pad text)");
  fixture.run("ALTER TABLE t ALTER id TYPE bigint");
  ReaderId t = fixture.read("t"), k = fixture.read("k");
  ASSERT_TRUE(fixture.pump_until_ready(t));
  ASSERT_TRUE(fixture.pump_until_ready(k));
  for (int round = 1; round <= rounds && !testing::Test::HasFailure(); ++round) {
    std::mt19937 random(static_cast<unsigned>(round));
    SourceCheckpoint kept = fixture.checkpoint();
    fixture.source->acknowledge(kept.at.position);
    {
      MixedWriters writers(fixture, static_cast<unsigned>(round));
      for (int step = 0; step < 25; ++step) {
        switch (random() % 8) {
          case 0:
            usleep(random() % 300'000);
            break;
          case 1:
            if (random() % 6 == 0) {
              fixture.run(kEndWalsender);
            }
            break;
          case 2:
            if (random() % 6 == 0) {
              fixture.restart(kept);
            }
            break;
          case 3:
            kept = fixture.checkpoint();
            fixture.source->acknowledge(kept.at.position);
            break;
          default:
            for (unsigned polls = random() % 20; polls != 0; --polls) {
              fixture.source->poll(random() % 2 == 0 ? 1 << 20 : 1000, fixture.sink);
              usleep(random() % 3000);
            }
        }
      }
    }
    if (random() % 2 == 0) {
      fixture.restart(kept);
    }
    SCOPED_TRACE(fmt::format("round {}", round));
    // The server may have much to decode again: this takes as long as it takes.
    Result<Lsn> end = fixture.source->current_position();
    ASSERT_TRUE(end.ok());
    ASSERT_TRUE(fixture.pump_until([&] { return fixture.sink.position >= *end; }, 600))
        << fixture.source->status().message;
    expect_exact(fixture, t);
    expect_exact(fixture, k);
    EXPECT_EQ(fixture.model(t).resets + fixture.model(k).resets, 0);
  }
}

}  // namespace
}  // namespace tidemark
