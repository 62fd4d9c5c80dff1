#include "connectors/postgres_cdc/snapshot_reader.h"

#include <algorithm>
#include <unordered_set>

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
// What a kill loses of a snapshot that is kept.
constexpr int64_t kKeptPagesMax = 16'384;
// Below this a second connection gains nothing.
constexpr int64_t kSharedPagesMin = 2 * kRangePagesMin;
constexpr int64_t kRetrySnapshotUs = 2'000;
constexpr int kRetriesMax = 5'000;
constexpr int64_t kAwaitStreamUs = 5'000;

std::string pages_sql(int64_t first_page, int64_t end_page) {
  std::string where = fmt::format("ctid >= '({},0)'", first_page);
  if (end_page >= 0) {
    where += fmt::format(" AND ctid < '({},0)'", end_page);
  }
  return where;
}

// `where`: of rows; empty: all.
std::string copy_sql(const ReaderPlan& plan, const TablePart& part, const std::string& where) {
  std::string columns;
  std::string wanted = where;
  if (!plan.condition.empty()) {
    wanted += (wanted.empty() ? "" : " AND ") + plan.condition;
  }
  bool is_plain = !plan.columns.empty() && wanted.empty();
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
  return fmt::format("COPY (SELECT {} FROM ONLY {}{}) TO STDOUT (FORMAT binary)", columns, table,
                     wanted.empty() ? "" : " WHERE " + wanted);
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
    connecting_.push_back(std::async(std::launch::async, [this]() -> Result<PostgresConnection> {
      return PostgresConnection::open(TRY(address_.now()), ConnectionMode::kSource, &interrupt_);
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

// What must be the same for ranges that were read earlier to be worth something: the files of the
// table's parts, and the catalog's rows about them and their columns, by the transactions that made
// these.
Result<std::string> SnapshotReader::fingerprint(const TableInfo& table) {
  std::string oids = std::to_string(table.oid);
  for (const TablePart& part : table.parts) {
    oids += ", " + std::to_string(part.oid);
  }
  QueryResult found = TRY(connections_[0].query(fmt::format(
      "SELECT (SELECT pg_catalog.string_agg(pg_catalog.format('%s %s %s', oid, xmin, "
      "pg_catalog.pg_relation_filenode(oid)), ',' ORDER BY oid) FROM pg_catalog.pg_class WHERE oid "
      "IN ({0})) || ';' || (SELECT pg_catalog.string_agg(pg_catalog.format('%s %s', attnum, xmin), "
      "',' ORDER BY attrelid, attnum) FROM pg_catalog.pg_attribute WHERE attrelid IN ({0}) AND "
      "attnum > 0)",
      oids)));
  return std::string(found.text(0, 0));
}

void SnapshotReader::cut(Work work, int64_t pages_max) {
  int64_t end = work.end_page < 0 ? std::max(work.pages, work.first_page + 1) : work.end_page;
  int64_t last = work.end_page;
  for (int64_t first = work.first_page; first < end; first = work.end_page) {
    int64_t step = std::max(kRangePagesMin, std::min((end - first) / kRangePart, pages_max));
    bool is_last = pages_max == 0 || first + step + kRangePagesMin / 2 > end;
    work.first_page = first;
    work.pages = is_last ? end - first : step;
    work.end_page = is_last ? last : first + step;
    work_.push_back(work);
    if (is_last) {
      break;
    }
  }
}

// What of a target is to be read: all ranges but those that are kept, and of these what has
// changed.
Status SnapshotReader::add_work(size_t target) {
  SnapshotTarget& wanted = progress_[target]->target;
  const TableInfo& table = wanted.plan->table;
  std::vector<int64_t> pages;
  for (const TablePart& part : table.parts) {
    QueryResult size = TRY(connections_[0].query(
        fmt::format("SELECT pg_catalog.pg_relation_size({}::pg_catalog.oid::pg_catalog.regclass) / "
                    "pg_catalog.current_setting('block_size')::int8",
                    part.oid)));
    pages.push_back(size.integer(0, 0));
  }
  // Ranges need the TID range scan of PostgreSQL 14; before, each would read the whole table.
  bool has_ranges = connections_[0].server_version() >= 14'00'00;
  bool is_large =
      std::ranges::any_of(pages, [](int64_t number) { return number >= kSharedPagesMin; });
  if (wanted.spool != nullptr &&
      !(has_ranges && is_large && wanted.spool->begin(TRY(fingerprint(table))))) {
    wanted.spool->remove();
    wanted.spool.reset();
  }
  bool may_split = has_ranges && (connections_.size() > 1 || wanted.spool != nullptr);
  std::vector<SpooledRange> ranges;
  if (wanted.spool != nullptr) {
    ranges = wanted.spool->ranges();
    std::ranges::sort(ranges, {}, &SpooledRange::first_page);
  }
  for (size_t i = 0; i < pages.size(); ++i) {
    int64_t pages_max = 0;
    if (may_split && pages[i] >= kSharedPagesMin) {
      pages_max = wanted.spool != nullptr ? kKeptPagesMax : pages[i];
    }
    const TablePart& part = table.parts[i];
    KeptWork changed{.target = target, .part = part, .ranges = {}, .wants_changed = true};
    Work rest{
        .target = target,
        .part = part,
        .first_page = 0,
        .end_page = -1,
        .pages = pages[i],
        .rows_per_page = part.rows_estimate / static_cast<double>(std::max<int64_t>(pages[i], 1))};
    bool is_all_kept = false;
    for (const SpooledRange& range : ranges) {
      if (range.part != part.oid) {
        continue;
      }
      if (rest.first_page < range.first_page) {
        rest.end_page = range.first_page;
        cut(rest, pages_max);
        rest.end_page = -1;
      }
      rest.first_page = range.end_page;
      is_all_kept = range.end_page < 0;
      kept_work_.push_back(
          {.target = target, .part = part, .ranges = {range}, .wants_changed = false});
      changed.ranges.push_back(range);
    }
    if (!is_all_kept) {
      cut(rest, pages_max);
    }
    if (!changed.ranges.empty()) {
      kept_work_.push_back(std::move(changed));
    }
  }
  return {};
}

Status SnapshotReader::start(std::vector<SnapshotTarget> targets, Lsn end) {
  end_ = end;
  for (size_t i = 0; i < targets.size(); ++i) {
    progress_.push_back(std::make_unique<Progress>());
    progress_[i]->target = targets[i];
    double rows = 0;
    for (const TablePart& part : targets[i].plan->table.parts) {
      rows += std::max(part.rows_estimate, 0.0);
    }
    progress_[i]->rows_total = static_cast<uint64_t>(rows);
    TRY(add_work(i));
  }
  std::ranges::stable_sort(work_, std::greater<>(), &Work::pages);
  for (const Work& work : work_) {
    ++progress_[work.target]->work_left;
  }
  for (const KeptWork& work : kept_work_) {
    ++progress_[work.target]->work_left;
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
    if (next >= work_.size() + kept_work_.size() || interrupt_.requested() ||
        !run_next(connection, next)) {
      break;
    }
  }
  --running_;
}

bool SnapshotReader::run_next(PostgresConnection& connection, size_t next) {
  bool is_kept = next >= work_.size();
  size_t target = is_kept ? kept_work_[next - work_.size()].target : work_[next].target;
  Status status;
  if (!progress_[target]->is_failed) {
    status = is_kept ? read_kept(connection, kept_work_[next - work_.size()])
                     : read(connection, work_[next]);
  }
  if (!status.ok() && (interrupt_.requested() || connection.is_broken() ||
                       status.code() == StatusCode::kUnavailable)) {
    if (!interrupt_.requested()) {
      callbacks_.lost(std::move(status));
    }
    return false;
  }
  finish(target, std::move(status));
  return true;
}

Status SnapshotReader::read(PostgresConnection& connection, const Work& work) {
  Progress& progress = *progress_[work.target];
  bool is_whole = work.first_page == 0 && work.end_page < 0;
  std::string sql = copy_sql(*progress.target.plan, work.part,
                             is_whole ? "" : pages_sql(work.first_page, work.end_page));
  SnapshotSpool* spool = progress.target.spool.get();
  std::unique_ptr<SnapshotSpool::Writer> writer = spool == nullptr ? nullptr : spool->write_range();
  uint64_t rows = TRY(copy(connection, progress, sql, writer.get(), nullptr));
  if (!progress.target.plan->condition.empty()) {
    // Those that the server has left out are done too.
    auto about =
        static_cast<uint64_t>(std::max(work.rows_per_page, 0.0) * static_cast<double>(work.pages));
    progress.rows_done += about > rows ? about - rows : 0;
  }
  if (writer != nullptr) {
    spool->keep(*writer, {.part = work.part.oid,
                          .first_page = work.first_page,
                          .end_page = work.end_page,
                          .end = end_});
  }
  return {};
}

Status SnapshotReader::read_kept(PostgresConnection& connection, const KeptWork& work) {
  Progress& progress = *progress_[work.target];
  std::shared_ptr<const ChangedKeys> changed = TRY(changed_keys(progress));
  if (!work.wants_changed) {
    return read_back(progress, work.ranges[0], *changed);
  }
  std::string pages;
  for (const SpooledRange& range : work.ranges) {
    pages += fmt::format("{}({})", pages.empty() ? "" : " OR ",
                         pages_sql(range.first_page, range.end_page));
  }
  std::string key = progress.target.spool->key_columns();
  const ReaderPlan& plan = *progress.target.plan;
  // Keys that differ may be equal to the server, and be in two lists.
  std::unordered_set<std::string> read;
  auto pick = [&](RowBatch rows) {
    return select_by_key(plan, std::move(rows), [&](std::string row_key) {
      return changed->keys.contains(row_key) && read.insert(std::move(row_key)).second;
    });
  };
  // Some hundred look-ups may be taken for dearer than all pages.
  TRY(connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_tidscan = off"));
  for (const std::string& list : changed->literal_lists) {
    std::string where = fmt::format("{} IN ({}) AND ({})", key, list, pages);
    TRY(copy(connection, progress, copy_sql(plan, work.part, where), nullptr, pick));
  }
  return {};
}

// When the stream has brought all that the snapshot sees.
Result<std::shared_ptr<const ChangedKeys>> SnapshotReader::changed_keys(Progress& progress) {
  std::lock_guard lock(progress.mutex);
  SnapshotSpool& spool = *progress.target.spool;
  while (progress.changed == nullptr) {
    if (spool.is_removed()) {
      return Status::unavailable("what was kept of a snapshot that was cut off is of no use");
    }
    if (spool.marked() >= end_) {
      Result<ChangedKeys> changed = spool.changed_keys(*progress.target.plan);
      if (!changed.ok()) {
        spool.remove();
        return Status::unavailable(changed.status().message());
      }
      progress.changed = std::make_shared<const ChangedKeys>(std::move(*changed));
    } else if (sleep_unless_interrupted(interrupt_, kAwaitStreamUs)) {
      return Status::cancelled("interrupted");
    }
  }
  return progress.changed;
}

Status SnapshotReader::read_back(Progress& progress, const SpooledRange& range,
                                 const ChangedKeys& changed) {
  const ReaderPlan& plan = *progress.target.plan;
  auto has_not_changed = [&](const std::string& key) { return !changed.keys.contains(key); };
  SnapshotSpool::Reader reader(*progress.target.spool, range);
  CopyDecoder decoder(plan);
  for (bool more = true; more;) {
    std::string_view chunk = TRY(reader.next());
    more = !chunk.empty();
    do {
      std::span<char> room = decoder.room();
      size_t bytes = std::min(room.size(), chunk.size());
      std::copy_n(chunk.data(), bytes, room.data());
      decoder.filled(bytes);
      chunk.remove_prefix(bytes);
      for (bool is_full = true; is_full;) {
        TRY(decoder.decode(kBatchRows));
        is_full = decoder.rows() >= kBatchRows || decoder.bytes() >= kBatchBytes;
        if (decoder.rows() != 0 && (is_full || !more) &&
            !push(progress, select_by_key(plan, decoder.take(), has_not_changed))) {
          return Status::cancelled("interrupted");
        }
      }
    } while (!chunk.empty());
  }
  return {};
}

Result<uint64_t> SnapshotReader::copy(PostgresConnection& connection, Progress& progress,
                                      const std::string& sql, SnapshotSpool::Writer* writer,
                                      const std::function<RowBatch(RowBatch)>& pick) {
  const ReaderPlan& plan = *progress.target.plan;
  Status started = connection.start_copy(sql);
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
  uint64_t count = 0;
  for (bool more = true; more;) {
    std::span<char> room = decoder.room();
    size_t bytes = TRY(connection.next_copy_bytes(room));
    if (writer != nullptr) {
      writer->append({room.data(), bytes});
    }
    decoder.filled(bytes);
    more = bytes != 0;
    for (bool is_full = true; is_full;) {
      Status decoded = decoder.decode(kBatchRows);
      if (!decoded.ok()) {
        TRY(abandon_copy(connection));
        return decoded;
      }
      is_full = decoder.rows() >= kBatchRows || decoder.bytes() >= kBatchBytes;
      if (decoder.rows() != 0 && (is_full || !more)) {
        RowBatch rows = decoder.take();
        count += rows.rows;
        if (!push(progress, pick ? pick(std::move(rows)) : std::move(rows))) {
          return Status::cancelled("interrupted");
        }
      }
    }
  }
  return count;
}

bool SnapshotReader::push(Progress& progress, RowBatch rows) {
  if (rows.rows == 0) {
    return !interrupt_.requested();
  }
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

void SnapshotReader::finish(size_t target, Status status) {
  Progress& progress = *progress_[target];
  if (!status.ok() && !progress.is_failed.exchange(true)) {
    callbacks_.failed(progress.target.reader, std::move(status));
  }
  if (--progress.work_left == 0 && !progress.is_failed) {
    callbacks_.done(progress.target.reader);
  }
}

}  // namespace tidemark
