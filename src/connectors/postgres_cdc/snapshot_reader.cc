#include "connectors/postgres_cdc/snapshot_reader.h"

#include <algorithm>

#include <fmt/core.h>

#include "connectors/postgres_cdc/copy_decoder.h"

namespace tidemark {

namespace {

constexpr size_t kBatchRows = 8192;
constexpr size_t kBatchBytes = 2 << 20;
// A range costs one statement, about a millisecond. Each is this part of what is left: the last
// ones are small, so that the connections end together.
constexpr int64_t kRangePagesMin = 2048;
constexpr int64_t kRangePart = 4;
// Below this a second connection gains nothing.
constexpr int64_t kSharedPagesMin = 2 * kRangePagesMin;
constexpr int64_t kRetrySnapshotUs = 2'000;
constexpr int kRetriesMax = 5'000;

std::string copy_sql(const ReaderPlan& plan, const TablePart& part, int64_t first_page,
                     int64_t end_page) {
  std::string columns;
  bool is_plain = !plan.columns.empty() && first_page == 0 && end_page < 0;
  for (const ReaderPlan::Column& column : plan.columns) {
    columns += columns.empty() ? "" : ", ";
    columns += quote_identifier(column.source_name);
    if (!column.decoder.has_binary()) {
      columns += "::pg_catalog.text";
      is_plain = false;
    }
  }
  std::string table = quote_qualified(part.schema, part.name);
  if (is_plain) {  // about a quarter faster than a query
    return fmt::format("COPY {} ({}) TO STDOUT (FORMAT binary)", table, columns);
  }
  std::string where;
  if (first_page > 0) {
    where = fmt::format(" WHERE ctid >= '({},0)'", first_page);
  }
  if (end_page >= 0) {
    where += fmt::format("{} ctid < '({},0)'", where.empty() ? " WHERE" : " AND", end_page);
  }
  return fmt::format("COPY (SELECT {} FROM ONLY {}{}) TO STDOUT (FORMAT binary)", columns, table,
                     where);
}

// A name that was given up between our look at the catalog and our lock: another look says how it
// is now.
Status looking_again(const PostgresConnection& connection, Status status) {
  constexpr std::string_view kUndefinedColumn = "42703", kUndefinedTable = "42P01";
  if (!status.ok() &&
      (connection.sqlstate() == kUndefinedColumn || connection.sqlstate() == kUndefinedTable)) {
    return Status::unavailable("a table was altered as its reading began: " + status.message());
  }
  return status;
}

// Ends a copy early, and leaves the transaction usable for the other readers.
Status abandon_copy(PostgresConnection& connection) {
  connection.cancel();
  char rest[8192];
  for (Result<size_t> bytes = 1; bytes.ok() && *bytes != 0;) {
    bytes = connection.next_copy_bytes(rest);
  }
  return connection.execute("ROLLBACK TO SAVEPOINT start");
}

}  // namespace

SnapshotReader::~SnapshotReader() {
  interrupt_.request();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void SnapshotReader::connect(size_t connections) {
  while (connections_.size() + connecting_.size() < connections) {
    connecting_.push_back(
        std::async(std::launch::async, [this]() -> Result<PostgresConnection> {
          return PostgresConnection::open(TRY(address_.now()), ConnectionMode::kSource,
                                          &interrupt_);
        }));
  }
}

Status SnapshotReader::await_connections() {
  for (std::future<Result<PostgresConnection>>& connecting : std::exchange(connecting_, {})) {
    connections_.push_back(TRY(connecting.get()));
  }
  return {};
}

namespace {

constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ";

const char* snapshot_function(const PostgresConnection& connection) {
  return connection.server_version() >= 13'00'00 ? "pg_catalog.pg_current_snapshot()"
                                                 : "pg_catalog.txid_current_snapshot()";
}

Result<XidSnapshot> parse_snapshot(std::string_view text) {
  std::optional<XidSnapshot> snapshot = XidSnapshot::parse(text);
  if (!snapshot) {
    return Status::corruption(fmt::format("cannot read the server's snapshot: {}", text));
  }
  return std::move(*snapshot);
}

}  // namespace

// TRUNCATE and rewriting ALTERs are not bound to snapshots: one that comes between the snapshot and
// the COPY leaves the COPY without the rows that the snapshot has. The lock that every SELECT takes
// keeps them out.
std::string lock_sql(const std::vector<SnapshotTarget>& targets, const char* how = "") {
  std::string tables;
  for (const SnapshotTarget& target : targets) {
    const TableInfo& table = target.plan->table;
    tables += (tables.empty() ? "" : ", ") + quote_qualified(table.schema, table.name);
  }
  return tables.empty() ? "" : "LOCK TABLE " + tables + " IN ACCESS SHARE MODE" + how + "; ";
}

// Lets the other connections see the leader's snapshot, under the same lock. They do not wait for
// it: a TRUNCATE that waits for the leader stands before them, and the leader waits for them. One
// that cannot have it is not used.
Status SnapshotReader::share(const std::string& snapshot_name,
                             const std::vector<SnapshotTarget>& targets) {
  std::string set = fmt::format("{}SET TRANSACTION SNAPSHOT {}; {}", kBegin,
                                quote_literal(snapshot_name), lock_sql(targets, " NOWAIT"));
  for (size_t i = 1; i < connections_.size();) {
    Status shared = connections_[i].execute(set);
    constexpr std::string_view kLockNotAvailable = "55P03";
    if (!shared.ok() && connections_[i].sqlstate() != kLockNotAvailable) {
      return shared;
    }
    if (shared.ok()) {
      ++i;
    } else {
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return {};
}

Result<XidSnapshot> SnapshotReader::import(const std::string& snapshot_name,
                                           const std::vector<SnapshotTarget>& targets) {
  PostgresConnection& leader = connections_[0];
  Result<QueryResult> result = leader.query(
      std::string(kBegin) + "SET TRANSACTION SNAPSHOT " + quote_literal(snapshot_name) + "; " +
      lock_sql(targets) + "SELECT " + snapshot_function(leader));
  TRY(looking_again(leader, result.status()));
  std::optional<XidSnapshot> snapshot = TRY(parse_snapshot(result->text(0, 0)));
  TRY(share(snapshot_name, targets));
  // The slot's snapshot is older than the lock: a table that was truncated or rewritten in between
  // has another file than the catalog of the snapshot says.
  std::string oids;
  for (const SnapshotTarget& target : targets) {
    for (const TablePart& part : target.plan->table.parts) {
      oids += (oids.empty() ? "" : ", ") + std::to_string(part.oid);
    }
  }
  if (!oids.empty()) {
    QueryResult rewritten = TRY(connections_[0].query(
        fmt::format("SELECT count(*) FROM pg_catalog.pg_class WHERE oid IN ({}) AND relfilenode <> "
                    "0 AND relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(oid)",
                    oids)));
    if (rewritten.integer(0, 0) != 0) {
      return Status::unavailable("a table was truncated or rewritten while the slot was made");
    }
  }
  return std::move(*snapshot);
}

Result<XidSnapshot> SnapshotReader::take(
    const std::vector<SnapshotTarget>& targets,
    const std::function<bool(const XidSnapshot&)>& acceptable) {
  PostgresConnection& leader = connections_[0];
  // The lock first: LOCK TABLE takes no snapshot, so that the one taken after it sees every
  // TRUNCATE before it.
  std::string lock = lock_sql(targets);
  std::string question = fmt::format("{}{}SELECT {}, pg_catalog.pg_export_snapshot()", kBegin, lock,
                                     snapshot_function(leader));
  for (int retry = 0; retry < kRetriesMax; ++retry) {
    Result<QueryResult> result = leader.query(question);
    TRY(looking_again(leader, result.status()));
    XidSnapshot snapshot = TRY(parse_snapshot(result->text(0, 0)));
    if (acceptable(snapshot)) {
      TRY(share(std::string(result->text(0, 1)), targets));
      return snapshot;
    }
    TRY(leader.execute("ROLLBACK"));
    if (sleep_unless_interrupted(interrupt_, kRetrySnapshotUs)) {
      return Status::cancelled("interrupted");
    }
  }
  return Status::unavailable(
      "a commit in the stream stays invisible at the source: is a synchronous standby away?");
}

Result<SnapshotReader::Positions> SnapshotReader::positions() {
  QueryResult result = TRY(connections_[0].query(
      "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()"));
  return Positions{.inserted = Lsn::parse(result.text(0, 0)).value_or(Lsn{}),
                   .flushed = Lsn::parse(result.text(0, 1)).value_or(Lsn{})};
}

Status SnapshotReader::start(std::vector<SnapshotTarget> targets) {
  // Ranges need the TID range scan of PostgreSQL 14; before, each would read the whole table.
  bool may_split = connections_.size() > 1 && connections_[0].server_version() >= 14'00'00;
  std::vector<std::pair<int64_t, Work>> sized;
  for (size_t i = 0; i < targets.size(); ++i) {
    progress_.push_back(std::make_unique<Progress>());
    progress_[i]->target = targets[i];
    double rows = 0;
    for (const TablePart& part : targets[i].plan->table.parts) {
      rows += std::max(part.rows_estimate, 0.0);
      QueryResult size = TRY(connections_[0].query(fmt::format(
          "SELECT pg_catalog.pg_relation_size({}::pg_catalog.oid::pg_catalog.regclass) / "
          "pg_catalog.current_setting('block_size')::int8",
          part.oid)));
      int64_t pages = size.integer(0, 0);
      if (!may_split || pages < kSharedPagesMin) {
        sized.emplace_back(pages, Work{.target = i, .part = part, .first_page = 0, .end_page = -1});
        continue;
      }
      for (int64_t first = 0, end = 0; first < pages; first = end) {
        end = first + std::max(kRangePagesMin, (pages - first) / kRangePart);
        bool is_last = end + kRangePagesMin / 2 > pages;
        end = is_last ? pages : end;
        sized.emplace_back(
            end - first,
            Work{.target = i, .part = part, .first_page = first, .end_page = is_last ? -1 : end});
      }
    }
    progress_[i]->rows_total = static_cast<uint64_t>(rows);
  }
  std::ranges::stable_sort(sized, std::greater<>(), &std::pair<int64_t, Work>::first);
  for (auto& [pages, work] : sized) {
    ++progress_[work.target]->work_left;
    work_.push_back(std::move(work));
  }
  for (const auto& progress : progress_) {
    if (progress->work_left == 0) {  // a partitioned table without partitions
      callbacks_.done(progress->target.reader);
    }
  }
  running_ = static_cast<int>(connections_.size());
  for (PostgresConnection& connection : connections_) {
    threads_.emplace_back([this, c = std::move(connection)]() mutable { run(std::move(c)); });
  }
  connections_.clear();
  return {};
}

void SnapshotReader::run(PostgresConnection connection) {
  Status ready = connection.execute("SAVEPOINT start");
  if (!ready.ok() && !interrupt_.requested()) {
    callbacks_.lost(std::move(ready));
  }
  for (;;) {
    size_t next = next_work_.fetch_add(1);
    if (next >= work_.size() || interrupt_.requested()) {
      break;
    }
    const Work& work = work_[next];
    Status status = progress_[work.target]->is_failed ? Status() : read(connection, work);
    if (!status.ok() && (interrupt_.requested() || connection.is_broken() ||
                         status.code() == StatusCode::kUnavailable)) {
      if (!interrupt_.requested()) {
        callbacks_.lost(std::move(status));
      }
      break;
    }
    finish(work, std::move(status));
  }
  --running_;
}

Status SnapshotReader::read(PostgresConnection& connection, const Work& work) {
  Progress& progress = *progress_[work.target];
  const ReaderPlan& plan = *progress.target.plan;
  Status started = connection.start_copy(copy_sql(plan, work.part, work.first_page, work.end_page));
  if (!started.ok()) {
    started = looking_again(connection, std::move(started));
    if (started.code() == StatusCode::kUnavailable) {
      return started;
    }
    if (!connection.is_broken()) {
      TRY(connection.execute("ROLLBACK TO SAVEPOINT start"));
    }
    return std::move(started).with_context("cannot read " + plan.table.display_name());
  }
  CopyDecoder decoder(plan);
  for (bool more = true; more;) {
    size_t bytes = TRY(connection.next_copy_bytes(decoder.room()));
    decoder.filled(bytes);
    more = bytes != 0;
    for (bool is_full = true; is_full;) {
      Status decoded = decoder.decode(kBatchRows);
      if (!decoded.ok()) {
        TRY(abandon_copy(connection));
        return decoded;
      }
      is_full = decoder.rows() >= kBatchRows || decoder.bytes() >= kBatchBytes;
      if (decoder.rows() != 0 && (is_full || !more) && !push(progress, decoder.take())) {
        return Status::cancelled("interrupted");
      }
    }
  }
  return {};
}

bool SnapshotReader::push(Progress& progress, RowBatch rows) {
  uint64_t rows_done = progress.rows_done += rows.rows;
  uint64_t rows_total =
      progress.rows_total == 0 ? 0 : std::max(progress.rows_total, rows_done);  // it is a guess
  size_t bytes = held_bytes(rows);
  SourceEvent event{
      .reader = progress.target.reader,
      .bytes = bytes,
      .body = SnapshotRowsEvent{.rows = std::move(rows),
                                .progress = {.rows_done = rows_done, .rows_total = rows_total}}};
  return queue_.push(std::move(event), interrupt_);
}

void SnapshotReader::finish(const Work& work, Status status) {
  Progress& progress = *progress_[work.target];
  if (!status.ok() && !progress.is_failed.exchange(true)) {
    callbacks_.failed(progress.target.reader, std::move(status));
  }
  if (--progress.work_left == 0 && !progress.is_failed) {
    callbacks_.done(progress.target.reader);
  }
}

}  // namespace tidemark
