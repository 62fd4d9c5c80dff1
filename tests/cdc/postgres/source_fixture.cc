#include "tests/cdc/postgres/source_fixture.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "postgres/address.h"
#include "types/text.h"

namespace tidemark {

namespace {

std::string row_text(const RowBatch& rows, size_t row) {
  std::string text;
  for (const ColumnRef& column : rows.columns) {
    text += column->is_null(row) ? "NULL" : text_of(*column, row);
    text += '|';
  }
  return text;
}

std::string key_text(const RowBatch& rows, size_t row, const std::vector<size_t>& key) {
  std::string text;
  for (size_t column : key) {
    text += text_of(*rows.columns[column], row) + "|";
  }
  return text;
}

// What one has that the other has not, and how much of it; both are sorted. Empty: nothing.
std::string difference(const std::vector<std::string>& read,
                       const std::vector<std::string>& at_source) {
  auto told = [](const std::vector<std::string>& a, const std::vector<std::string>& b,
                 std::string_view what) {
    std::vector<std::string> only;
    std::ranges::set_difference(a, b, std::back_inserter(only));
    constexpr size_t kTold = 20;
    std::string text = only.empty() ? "" : fmt::format("{} rows {}:", only.size(), what);
    for (size_t i = 0; i < std::min(only.size(), kTold); ++i) {
      text += "\n  " + only[i];
    }
    return text.empty() ? text : text + (only.size() > kTold ? "\n  ...\n" : "\n");
  };
  return told(read, at_source, "were read that the source has not") +
         told(at_source, read, "of the source were not read");
}

// The n-th of the parts of a row's text.
std::string part_of(const std::string& row, size_t n) {
  size_t begin = 0;
  for (; n != 0; --n) {
    begin = row.find('|', begin) + 1;
  }
  return row.substr(begin, row.find('|', begin) - begin);
}

}  // namespace

std::vector<std::string> TableModel::sorted_rows() const {
  std::vector<std::string> sorted;
  for (const auto& [key, row] : by_key) {
    sorted.push_back(row);
  }
  for (const auto& [row, count] : rows) {
    for (int64_t i = 0; i < count; ++i) {
      sorted.push_back(row);
    }
    if (count < 0) {
      sorted.push_back("NEGATIVE " + row);
    }
  }
  std::ranges::sort(sorted);
  return sorted;
}

void RecordingSink::begun_anew() {
  in_commit = false;  // a commit that was cut off is void
  position = Lsn{};
}

void RecordingSink::reset(ReaderId reader) {
  TableModel& table = tables.at(reader);
  table.rows.clear();
  table.row_count = 0;
  table.by_key.clear();
  table.is_ready = false;
  table.has_snapshot = false;
  table.snapshot_rows = 0;
  table.stopped = Status();
  ++table.resets;
}

void RecordingSink::snapshot_rows(ReaderId reader, RowBatch rows, SnapshotProgress progress) {
  TableModel& table = tables.at(reader);
  if (table.has_snapshot) {
    table.violation = "snapshot_rows after snapshot_done";
  }
  table.snapshot_rows += rows.rows;
  table.progress = progress;
  for (size_t i = 0; i < rows.rows; ++i) {
    if (table.table.row_key.empty()) {
      ++table.rows[row_text(rows, i)];
      ++table.row_count;
    } else if (!table.by_key.emplace(key_text(rows, i, table.table.row_key), row_text(rows, i))
                    .second) {
      table.violation = "a key twice in the snapshot: " + row_text(rows, i);
    }
  }
}

void RecordingSink::snapshot_done(ReaderId reader) {
  tables.at(reader).has_snapshot = true;
}

void RecordingSink::reader_ready(ReaderId reader) {
  TableModel& table = tables.at(reader);
  table.is_ready = true;
  if (!table.has_snapshot || in_commit) {
    table.violation = "reader_ready within a commit, or before snapshot_done";
  }
}

void RecordingSink::changes(ReaderId reader, ChangeBatch batch) {
  TableModel& table = tables.at(reader);
  in_commit = true;
  ++table.change_batches;
  if (!table.has_snapshot) {
    table.violation = "changes before snapshot_done";
  }
  if ((batch.old_rows == OldRows::kFull) != table.table.row_key.empty()) {
    table.violation = "old rows of another kind than resolved";
  }
  for (size_t i = 0; i < batch.kinds.size(); ++i) {
    apply(table, batch, i);
  }
}

void RecordingSink::apply(TableModel& table, const ChangeBatch& batch, size_t row) {
  if (batch.old_rows == OldRows::kFull) {
    std::string text = row_text(batch.rows, row);
    auto at = table.rows.try_emplace(text, 0).first;
    int change = is_retraction(batch.kinds[row]) ? -1 : 1;
    at->second += change;
    table.row_count += change;
    if (at->second == 0) {
      table.rows.erase(at);
    }
    return;
  }
  std::string key = key_text(batch.rows, row, table.table.row_key);
  auto found = table.by_key.find(key);
  switch (batch.kinds[row]) {
    case RowKind::kDelete:
    case RowKind::kUpdateBefore:
      if (found == table.by_key.end()) {
        table.violation = "an old key that is not there: " + key;
      } else if (batch.kinds[row] == RowKind::kDelete) {
        table.by_key.erase(found);
      } else {
        moved_ = found->second;
        table.by_key.erase(found);
      }
      return;
    default:
      break;
  }
  std::string text;
  for (size_t column = 0; column < batch.rows.columns.size(); ++column) {
    bool is_unchanged = !batch.unchanged.empty() && !batch.unchanged[column].empty() &&
                        batch.unchanged[column][row] != 0;
    const Column& values = *batch.rows.columns[column];
    if (is_unchanged) {
      text += part_of(found == table.by_key.end() ? moved_ : found->second, column) + "|";
    } else {
      text += (values.is_null(row) ? "NULL" : text_of(values, row)) + "|";
    }
  }
  if (batch.kinds[row] == RowKind::kInsert && found != table.by_key.end()) {
    table.violation = "an insert of a key that is there: " + key;
  }
  table.by_key[key] = text;
}

void RecordingSink::truncate(ReaderId reader) {
  TableModel& table = tables.at(reader);
  in_commit = true;
  ++table.truncates;
  table.rows.clear();
  table.row_count = 0;
  table.by_key.clear();
}

void RecordingSink::advance(Lsn to) {
  if (to < position) {
    for (auto& [id, table] : tables) {
      table.violation = "the position moved back";
    }
  }
  position = to;
}

void RecordingSink::commit_end(const CommitInfo& commit) {
  in_commit = false;
  advance(commit.position);
  commits.push_back(commit);
  if (on_commit) {
    on_commit(commit);
  }
}

void RecordingSink::progress(Lsn to, int64_t) {
  if (in_commit) {
    for (auto& [id, table] : tables) {
      table.violation = "progress within a commit";
    }
  }
  advance(to);
}

void RecordingSink::reader_stopped(ReaderId reader, Status status) {
  tables.at(reader).stopped = std::move(status);
  tables.at(reader).is_ready = false;
}

void RecordingSink::reader_failed(ReaderId reader, Status status) {
  tables.at(reader).failed = std::move(status);
}

SourceFixture::SourceFixture(PostgresCluster& c, const std::string& d, Options m)
    : cluster(c), database(d), more(std::move(m)) {}

Options SourceFixture::options(const std::string& schema_and_table) const {
  size_t dot = schema_and_table.find('.');
  Options with = {
      {"connector", "postgres-cdc"},
      {"hostname", cluster.socket_directory()},
      {"port", cluster.port()},
      {"username", "postgres"},
      {"password", "postgres"},
      {"database-name", database},
      {"schema-name", dot == std::string::npos ? "public" : schema_and_table.substr(0, dot)},
      {"table-name",
       dot == std::string::npos ? schema_and_table : schema_and_table.substr(dot + 1)}};
  for (const auto& [name, value] : more) {
    with[name] = value;
  }
  return with;
}

Result<SourceTable> SourceFixture::resolve(const std::string& table,
                                           const std::optional<Schema>& declared,
                                           const Options& settings) {
  return connector.resolve_table(options(table), declared, settings);
}

ReaderId SourceFixture::read(const std::string& table, const std::optional<Schema>& declared) {
  Result<SourceTable> resolved = resolve(table, declared);
  if (!resolved.ok()) {
    fmt::print(stderr, "{}\n", resolved.status().to_string());
  }
  CHECK(resolved.ok());
  return read_resolved(table, *resolved);
}

void SourceFixture::open(const Options& with, std::optional<ResumePoint> resume) {
  Result<std::unique_ptr<Source>> opened =
      connector.open_source({.with = with,
                             .wake =
                                 [this] {
                                   std::lock_guard lock(mutex_);
                                   woken_ = true;
                                   wake_.notify_all();
                                 },
                             .durable_name = durable_name,
                             .resume = std::move(resume),
                             .read_ahead_directory = read_ahead_directory});
  CHECK(opened.ok());
  source = std::move(opened).value();
  sink.on_status = [this] { messages.push_back(source->status().message); };
}

bool SourceFixture::was_told(const std::string& part) const {
  return std::ranges::any_of(messages, [&](const std::string& message) {
    return message.find(part) != std::string::npos;
  });
}

SourceCheckpoint SourceFixture::checkpoint() {
  CHECK(pump_until([&] { return !sink.in_commit; }));  // a poll may end within a commit
  return SourceCheckpoint{.tables = sink.tables,
                          .at = {.position = sink.position, .token = source->token()}};
}

void SourceFixture::restart(const SourceCheckpoint& from) {
  source.reset();
  sink.tables.clear();
  sink.commits.clear();
  sink.position = from.at.position;
  sink.in_commit = false;
  for (const auto& [id, kept] : from.tables) {
    Options with = options(kept.table.display_name);
    if (source == nullptr) {
      open(with, from.at);
    }
    TableModel model = kept;
    if (!kept.is_ready) {
      model = TableModel{.table = kept.table, .columns = kept.columns};
    }
    model.is_ready = false;
    ReaderId added = source->add_reader(ReaderSpec{.with = with,
                                                   .columns = kept.columns,
                                                   .row_key = kept.table.row_key,
                                                   .is_resumed = kept.is_ready});
    CHECK(added == id);
    sink.tables.emplace(id, std::move(model));
  }
  source->start();
}

ReaderId SourceFixture::read_resolved(const std::string& table, const SourceTable& resolved,
                                      std::vector<SourceCondition> conditions) {
  if (source == nullptr) {
    open(options(table), std::nullopt);
    source->start();
  }
  TableModel model;
  model.table = resolved;
  model.columns = resolved.schema.fields;
  model.columns.insert(model.columns.end(), resolved.hidden.fields.begin(),
                       resolved.hidden.fields.end());
  ReaderId id = source->add_reader(ReaderSpec{.with = options(table),
                                              .columns = model.columns,
                                              .conditions = std::move(conditions),
                                              .row_key = resolved.row_key});
  sink.tables.emplace(id, std::move(model));
  return id;
}

bool SourceFixture::pump_until(const std::function<bool()>& holds, int seconds) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    // Writers may be faster than this: a condition, or the deadline, does not wait for the last of
    // it.
    while (source->poll(1 << 20, sink) && std::chrono::steady_clock::now() < deadline &&
           (sink.in_commit || !holds())) {
    }
    if (acknowledges) {
      source->acknowledge(sink.position);
    }
    if (holds()) {
      return true;
    }
    std::unique_lock lock(mutex_);
    // Bounded, for conditions that the source's events do not make true.
    wake_.wait_for(lock, std::chrono::milliseconds(20), [&] { return woken_; });
    woken_ = false;
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
  }
}

bool SourceFixture::pump_until_ready(ReaderId reader) {
  bool ended = pump_until([&] { return model(reader).is_ready || !model(reader).failed.ok(); });
  if (!model(reader).failed.ok()) {
    fmt::print(stderr, "{}\n", model(reader).failed.to_string());
  }
  return ended && model(reader).is_ready;
}

bool SourceFixture::catch_up() {
  Result<Lsn> position = source->current_position();
  return position.ok() && pump_until([&] { return sink.position >= *position; });
}

std::vector<std::string> SourceFixture::rows_at_source(ReaderId reader) {
  const TableModel& table = model(reader);
  std::string columns;
  for (const Field& field : table.columns) {
    columns += fmt::format("COALESCE({}::text, 'NULL') || '|' || ", quote_identifier(field.name));
  }
  size_t dot = table.table.display_name.find('.');
  std::string sql = fmt::format("SELECT {} '' FROM {}", columns,
                                quote_qualified(table.table.display_name.substr(0, dot),
                                                table.table.display_name.substr(dot + 1)));
  Result<QueryResult> result = cluster.connect(database).query(sql);
  CHECK(result.ok());
  std::vector<std::string> rows;
  for (size_t i = 0; i < result->rows(); ++i) {
    rows.emplace_back(result->text(i, 0));
  }
  std::ranges::sort(rows);
  return rows;
}

void expect_exact(SourceFixture& fixture, ReaderId reader) {
  ASSERT_TRUE(fixture.catch_up()) << fixture.source->status().message;
  EXPECT_EQ(fixture.model(reader).violation, "");
  EXPECT_TRUE(fixture.model(reader).failed.ok()) << fixture.model(reader).failed.to_string();
  EXPECT_EQ(difference(fixture.model(reader).sorted_rows(), fixture.rows_at_source(reader)), "")
      << "at " << fixture.sink.position.to_string() << ", in a commit: " << fixture.sink.in_commit;
}

}  // namespace tidemark
