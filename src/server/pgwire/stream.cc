#include "server/pgwire/stream.h"

#include <algorithm>

#include <fmt/core.h>

#include "server/pgwire/message.h"
#include "types/datetime.h"

namespace tidemark::pgwire {

namespace {

// "0,2"; "-" when no key is known, as opposed to the empty key of a single row.
std::string key_text(const std::optional<std::vector<size_t>>& key) {
  if (!key) {
    return "-";
  }
  std::string text;
  for (size_t column : *key) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", column);
  }
  return text;
}

// "1 desc nulls_first, 0 asc nulls_last"
std::string order_text(const std::vector<SortKey>& order) {
  std::string text;
  for (const SortKey& key : order) {
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", key.column,
                        key.descending ? "desc" : "asc",
                        key.nulls_first ? "nulls_first" : "nulls_last");
  }
  return text;
}

std::string mark_text(Lsn mark) {
  return mark.valid() ? mark.to_string() : "";
}

}  // namespace

Schema stream_schema(const Schema& schema) {
  Schema result{{{"mark", Type::string()}, {"op", Type::string()}}};
  result.fields.insert(result.fields.end(), schema.fields.begin(), schema.fields.end());
  return result;
}

StreamRows::StreamRows(const StreamResult& result)
    : schema_(stream_schema(result.schema)),
      hidden_(result.hidden),
      order_(result.order),
      key_(result.key) {}

void StreamRows::write_parameters(std::string& out) {
  write_parameter(out, "tidemark.result", "stream");
  write_parameter(out, "tidemark.key", key_text(key_));
  write_parameter(out, "tidemark.order", order_text(order_));
  write_parameter(out, "tidemark.hidden", std::to_string(hidden_));
  for (const char* name :
       {"tidemark.commit_time", "tidemark.lag_ms", "tidemark.snapshot", "tidemark.stale"}) {
    write_parameter(out, name, "");
  }
}

void StreamRows::write_parameter(std::string& out, std::string_view name, std::string value) {
  auto sent = sent_.find(name);
  if (sent != sent_.end() && sent->second == value) {
    return;
  }
  write_parameter_status(out, name, value);
  sent_.insert_or_assign(std::string(name), std::move(value));
}

void StreamRows::write_freshness(const ViewUpdate& update, std::string& out) {
  write_parameter(out, "tidemark.stale", "");
  if (update.commit_time_us == 0) {
    return;
  }
  std::string time;
  append_timestamp_ltz(update.commit_time_us, "UTC", time);
  // A later mark without commits of its own does not make the last commit late.
  auto sent = sent_.find("tidemark.commit_time");
  if (sent != sent_.end() && sent->second == time) {
    return;
  }
  write_parameter(out, "tidemark.commit_time", std::move(time));
  int64_t lag_ms = std::max<int64_t>(0, update.published_us - update.commit_time_us) / 1000;
  write_parameter(out, "tidemark.lag_ms", std::to_string(lag_ms));
}

// The changes, and the row that ends them. NULL in the place of a mark while nothing has been read
// from a source: constants have no place in a log.
void StreamRows::take_rows(const ViewUpdate& update) {
  const RowBatch& changes = update.changes.rows;
  std::string mark = mark_text(update.mark);
  std::vector<Column> columns = make_columns(schema_);
  for (size_t row = 0; row <= changes.rows; ++row) {
    bool ends = row == changes.rows;
    if (mark.empty()) {
      columns[0].append_null();
    } else {
      columns[0].append_string(mark);
    }
    columns[1].append_string(ends ? "mark" : row_kind_text(update.changes.kinds[row]));
  }
  for (size_t c = 2; c < columns.size(); ++c) {
    if (changes.rows != 0) {
      columns[c].append_all(*changes.columns[c - 2]);
    }
    columns[c].append_null();
  }
  rows_ = to_batch(std::move(columns));
  changes_ += changes.rows;
}

void StreamRows::take(const ViewUpdate& update, std::string& out) {
  rows_ = {};
  next_ = 0;
  switch (update.kind) {
    case ViewUpdate::Kind::kSnapshot:
      write_parameter(out, "tidemark.snapshot",
                      fmt::format("{}/{}", update.rows_done, update.rows_total));
      return;
    case ViewUpdate::Kind::kStale:
      write_parameter(out, "tidemark.stale",
                      update.message.empty() ? "the source is away" : update.message);
      return;
    case ViewUpdate::Kind::kChanges:
    case ViewUpdate::Kind::kProgress:
      write_freshness(update, out);
      take_rows(update);
      return;
    case ViewUpdate::Kind::kEnd:
      return;  // the caller ends the statement
  }
}

}  // namespace tidemark::pgwire
