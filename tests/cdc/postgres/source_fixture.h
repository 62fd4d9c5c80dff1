#pragma once
// Reads tables of a test database through the Source interface, and rebuilds their content from the
// events, to be compared with what Postgres says.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/postgres_cdc.h"
#include "tests/harness/postgres_cluster.h"

namespace tidemark {

// One reader's table, rebuilt.
struct TableModel {
  SourceTable table;
  std::vector<Field> columns;                 // schema, then hidden
  std::map<std::string, int64_t> rows;        // the text of a row, and how often it is there
  int64_t row_count = 0;                      // the sum over `rows`
  std::map<std::string, std::string> by_key;  // key-only tables: key -> row
  bool is_ready = false;
  bool has_snapshot = false;
  int resets = 0;
  int truncates = 0;
  uint64_t snapshot_rows = 0;
  uint64_t change_batches = 0;
  SnapshotProgress progress;
  Status failed;
  Status stopped;
  std::string violation;  // the first breach of the events' grammar

  std::vector<std::string> sorted_rows() const;
};

class RecordingSink final : public SourceSink {
 public:
  void begun_anew() override;
  void reset(ReaderId reader) override;
  void snapshot_rows(ReaderId reader, RowBatch rows, SnapshotProgress progress) override;
  void snapshot_done(ReaderId reader) override;
  void reader_ready(ReaderId reader) override;
  void changes(ReaderId reader, ChangeBatch batch) override;
  void truncate(ReaderId reader) override;
  void commit_end(const CommitInfo& commit) override;
  void progress(Lsn position, int64_t time_us) override;
  void reader_stopped(ReaderId reader, Status status) override;
  void reader_failed(ReaderId reader, Status status) override;
  void status_changed() override {
    ++status_changes;
    if (on_status) {
      on_status();
    }
  }

  std::map<ReaderId, TableModel> tables;
  std::function<void(const CommitInfo&)> on_commit;
  std::function<void()> on_status;
  std::vector<CommitInfo> commits;
  Lsn position;
  int status_changes = 0;
  bool in_commit = false;

 private:
  void apply(TableModel& table, const ChangeBatch& batch, size_t row);
  void advance(Lsn to);

  std::string moved_;  // the row whose key is being changed
};

// What an engine has on disk: its tables at one position of the source.
struct SourceCheckpoint {
  std::map<ReaderId, TableModel> tables;
  ResumePoint at;
};

class SourceFixture {
 public:
  SourceFixture(PostgresCluster& cluster, const std::string& database, Options more = {});

  Options options(const std::string& schema_and_table) const;
  Result<SourceTable> resolve(const std::string& table,
                              const std::optional<Schema>& declared = std::nullopt,
                              const Options& settings = {});
  // Resolves and reads; the source is opened with the first.
  ReaderId read(const std::string& table, const std::optional<Schema>& declared = std::nullopt);
  ReaderId read_resolved(const std::string& table, const SourceTable& resolved,
                         std::vector<SourceCondition> conditions = {});
  // Polls until it holds; false after the deadline.
  bool pump_until(const std::function<bool()>& holds, int seconds = 30);
  bool pump_until_ready(ReaderId reader);
  // Until everything committed before is here.
  bool catch_up();
  void close() { source.reset(); }

  // The state as of now; not within a commit.
  SourceCheckpoint checkpoint();
  // Ends the source, as a process ends that is killed, and opens it again from an older state. Its
  // readers have their old ids.
  void restart(const SourceCheckpoint& from);

  bool was_told(const std::string& part) const;  // a state's message had it

  TableModel& model(ReaderId reader) { return sink.tables.at(reader); }
  // The rows that Postgres has, in the model's form.
  std::vector<std::string> rows_at_source(ReaderId reader);
  void run(const std::string& sql) { cluster.run(sql, database); }
  std::string value(const std::string& sql) { return cluster.value(sql, database); }

  PostgresCluster& cluster;
  const std::string database;
  const Options more;
  PostgresCdcConnector connector;
  RecordingSink sink;
  bool acknowledges = true;
  std::vector<std::string> messages;  // of the source's states so far
  std::string durable_name;           // of the source to open
  std::string read_ahead_directory;   // the same

 private:
  void open(const Options& with, std::optional<ResumePoint> resume);

  std::mutex mutex_;  // guards woken_
  std::condition_variable wake_;
  bool woken_ = false;

 public:
  std::unique_ptr<Source> source;  // last: calls wake until it ends
};

// The reader's content is what the source has, and nothing went wrong on the way.
void expect_exact(SourceFixture& fixture, ReaderId reader);

// Run at the source.
inline constexpr const char* kEndWalsender =
    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = "
    "current_database() AND active";

}  // namespace tidemark
