#include "connectors/postgres_cdc/copy_decoder.h"

#include <fmt/core.h>

#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr size_t kHeaderBytes = 11 + 4 + 4;

Status malformed() {
  return Status::corruption("malformed binary COPY data");
}

// A batch after the first is expected to become as large as this.
constexpr size_t kRowsExpected = 8192;

}  // namespace

CopyDecoder::CopyDecoder(const ReaderPlan& plan)
    : plan_(plan), schema_(plan.schema()), columns_(make_columns(schema_)) {}

Status CopyDecoder::append(std::string_view bytes) {
  if (pending_.empty()) {
    TRY(decode(bytes));
    pending_ = bytes;
    return {};
  }
  pending_ += bytes;
  std::string_view all = pending_;
  TRY(decode(all));
  pending_.erase(0, pending_.size() - all.size());
  return {};
}

Status CopyDecoder::decode(std::string_view& bytes) {
  if (!has_header_) {
    if (bytes.size() < kHeaderBytes) {
      return {};
    }
    if (!bytes.starts_with(kSignature)) {
      return malformed();
    }
    auto extension = read_big_endian<uint32_t>(bytes.data() + 15);
    if (bytes.size() < kHeaderBytes + extension) {
      return {};
    }
    bytes.remove_prefix(kHeaderBytes + extension);
    has_header_ = true;
  }
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  while (at != end) {
    const char* row = at;
    TRY(decode_row(at, end));
    if (at == row) {
      break;
    }
  }
  bytes.remove_prefix(static_cast<size_t>(at - bytes.data()));
  return {};
}

Status CopyDecoder::decode_row(const char*& row, const char* end) {
  const char* at = row;
  if (end - at < 2) {
    return {};
  }
  auto count = read_big_endian<int16_t>(at);
  at += 2;
  if (count < 0) {
    row = end;
    return {};
  }
  if (static_cast<size_t>(count) != columns_.size()) {
    return malformed();
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (end - at < 4) [[unlikely]] {
      undo_row(i);
      return {};
    }
    auto size = read_big_endian<int32_t>(at);
    at += 4;
    if (size < 0) {
      columns_[i].append_null();
      continue;
    }
    if (end - at < size) [[unlikely]] {
      undo_row(i);
      return {};
    }
    std::string_view value(at, static_cast<size_t>(size));
    const PgDecoder& decoder = plan_.columns[i].decoder;
    Status status = decoder.has_binary() ? decoder.decode_binary(value, columns_[i])
                                         : decoder.decode_text(value, columns_[i]);
    if (!status.ok()) [[unlikely]] {
      return row_error(std::move(status), i);
    }
    at += size;
  }
  ++rows_;
  bytes_ += static_cast<size_t>(at - row);
  row = at;
  return {};
}

// The server sends a row in one message; this is for what may stand between.
void CopyDecoder::undo_row(size_t columns) {
  for (size_t i = 0; i < columns; ++i) {
    columns_[i].resize(rows_);
  }
}

Status CopyDecoder::row_error(Status status, size_t column) const {
  // Names the row by its key where the columns before the failing one have it.
  std::string where = plan_.table.display_name();
  for (size_t i = 0; i < column; ++i) {
    if (plan_.columns[i].in_key && !columns_[i].is_null(rows_)) {
      where += fmt::format(", row ({})=({})", plan_.columns[i].name, text_of(columns_[i], rows_));
      break;
    }
  }
  return Status(status.code(), fmt::format("cannot read column {}: {}: {}",
                                           plan_.columns[column].name, status.message(), where));
}

RowBatch CopyDecoder::take() {
  RowBatch batch = to_batch(std::move(columns_));
  batch.rows = rows_;
  columns_ = make_columns(schema_);
  for (Column& column : columns_) {
    column.reserve(kRowsExpected);
  }
  rows_ = 0;
  bytes_ = 0;
  return batch;
}

}  // namespace tidemark
