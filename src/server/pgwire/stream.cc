#include "server/pgwire/stream.h"

#include <algorithm>

#include <fmt/core.h>

#include "server/pgwire/message.h"
#include "server/pgwire/rows.h"
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

void write_text(MessageWriter& message, std::string_view text) {
  message.value([&](std::string& out) { out += text; });
}

// NULL while nothing has been read from a source: constants have no place in a log.
void write_mark_value(MessageWriter& message, const std::string& mark) {
  if (mark.empty()) {
    message.null_value();
  } else {
    write_text(message, mark);
  }
}

std::string mark_text(Lsn mark) {
  return mark.valid() ? mark.to_string() : "";
}

}  // namespace

StreamWriter::StreamWriter(const StreamResult& result, std::string zone)
    : schema_(result.schema),
      hidden_(result.hidden),
      order_(result.order),
      key_(result.key),
      zone_(std::move(zone)) {}

void StreamWriter::write_parameters(std::string& out) {
  write_parameter(out, "tidemark.result", "stream");
  write_parameter(out, "tidemark.key", key_text(key_));
  write_parameter(out, "tidemark.order", order_text(order_));
  write_parameter(out, "tidemark.hidden", std::to_string(hidden_));
  for (const char* name :
       {"tidemark.commit_time", "tidemark.lag_ms", "tidemark.snapshot", "tidemark.stale"}) {
    write_parameter(out, name, "");
  }
}

void StreamWriter::write_description(std::string& out) {
  MessageWriter message(out, 'T');
  message.int16(static_cast<int16_t>(schema_.size() + 2));
  write_column(message, "mark", WireType{});
  write_column(message, "op", WireType{});
  for (const Field& field : schema_.fields) {
    write_column(message, field.name, wire_type(field.type));
  }
}

void StreamWriter::write_parameter(std::string& out, std::string_view name, std::string value) {
  auto sent = sent_.find(name);
  if (sent != sent_.end() && sent->second == value) {
    return;
  }
  write_parameter_status(out, name, value);
  sent_.insert_or_assign(std::string(name), std::move(value));
}

void StreamWriter::write_freshness(const ViewUpdate& update, std::string& out) {
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

void StreamWriter::write_mark(const ViewUpdate& update, std::string& out) {
  MessageWriter message(out, 'D');
  message.int16(static_cast<int16_t>(schema_.size() + 2));
  write_mark_value(message, mark_text(update.mark));
  write_text(message, "mark");
  for (size_t i = 0; i < schema_.size(); ++i) {
    message.null_value();
  }
}

bool StreamWriter::write_changes(const ViewUpdate& update, size_t& row, size_t bytes_max,
                                 std::string& out) {
  const RowBatch& rows = update.changes.rows;
  TextFormat format{.zone = zone_};
  std::string mark = mark_text(update.mark);
  while (row < rows.rows) {
    if (out.size() >= bytes_max) {
      return false;
    }
    MessageWriter message(out, 'D');
    message.int16(static_cast<int16_t>(rows.columns.size() + 2));
    write_mark_value(message, mark);
    write_text(message, row_kind_text(update.changes.kinds[row]));
    for (const ColumnRef& column : rows.columns) {
      write_value(message, *column, row, format);
    }
    ++row;
    ++rows_;
  }
  return true;
}

bool StreamWriter::write_update(const ViewUpdate& update, size_t& row, size_t bytes_max,
                                std::string& out) {
  switch (update.kind) {
    case ViewUpdate::Kind::kSnapshot:
      write_parameter(out, "tidemark.snapshot",
                      fmt::format("{}/{}", update.rows_done, update.rows_total));
      return true;
    case ViewUpdate::Kind::kStale:
      write_parameter(out, "tidemark.stale",
                      update.message.empty() ? "the source is away" : update.message);
      return true;
    case ViewUpdate::Kind::kChanges:
      if (row == 0) {
        write_freshness(update, out);
      }
      if (!write_changes(update, row, bytes_max, out)) {
        return false;
      }
      write_mark(update, out);
      return true;
    case ViewUpdate::Kind::kProgress:
      write_freshness(update, out);
      write_mark(update, out);
      return true;
    case ViewUpdate::Kind::kEnd:
      return true;  // the caller ends the statement
  }
  return true;
}

}  // namespace tidemark::pgwire
