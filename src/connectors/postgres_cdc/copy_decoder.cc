#include "connectors/postgres_cdc/copy_decoder.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr size_t kCopyHeaderBytes = 11 + 4 + 4;
constexpr size_t kReceivedBytes = 64 << 10;  // more only for a row that is larger
constexpr size_t kRunRows = 128;             // a few columns of them stay in the first cache

Status malformed() {
  return Status::corruption("malformed binary COPY data");
}

}  // namespace

CopyDecoder::CopyDecoder(const ReaderPlan& plan)
    : plan_(plan),
      schema_(plan.schema()),
      columns_(make_columns(schema_)),
      fields_(columns_.size() * kRunRows),
      buffer_(kReceivedBytes) {}

std::span<char> CopyDecoder::room() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    buffer_.resize(2 * buffer_.size());
  }
  return std::span(buffer_).subspan(end_);
}

Status CopyDecoder::decode(size_t rows_max) {
  has_header_ = has_header_ || TRY(skip_header());
  while (has_header_ && rows_ < rows_max) {
    size_t rows = TRY(find_rows(std::min(kRunRows, rows_max - rows_)));
    if (rows == 0) {
      break;
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      std::span<const std::string_view> values = std::span(fields_).subspan(i * kRunRows, rows);
      Status status = plan_.columns[i].decoder.decode_all(values, columns_[i]);
      if (!status.ok()) {
        return row_error(std::move(status), i);
      }
    }
    rows_ += rows;
  }
  return {};
}

Result<bool> CopyDecoder::skip_header() {
  std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  if (bytes.size() < kCopyHeaderBytes) {
    return false;
  }
  if (!bytes.starts_with(kSignature)) {
    return malformed();
  }
  size_t size = kCopyHeaderBytes + read_big_endian<uint32_t>(bytes.data() + kCopyHeaderBytes - 4);
  if (bytes.size() < size) {
    return false;
  }
  begin_ += size;
  return true;
}

Result<size_t> CopyDecoder::find_rows(size_t rows_max) {
  const char* begin = buffer_.data() + begin_;
  const char* end = buffer_.data() + end_;
  const char* at = begin;
  size_t rows = 0;
  while (rows < rows_max && end - at >= 2) {
    auto count = read_big_endian<int16_t>(at);
    if (count < 0) {
      at = end;
      break;
    }
    if (static_cast<size_t>(count) != columns_.size()) {
      return malformed();
    }
    const char* next = find_fields(at + 2, end, rows);
    if (next == nullptr) {
      break;
    }
    at = next;
    ++rows;
  }
  auto size = static_cast<size_t>(at - begin);
  begin_ += size;
  bytes_ += size;
  return rows;
}

const char* CopyDecoder::find_fields(const char* at, const char* end, size_t row) {
  for (size_t place = row; place < fields_.size(); place += kRunRows) {
    if (end - at < 4) {
      return nullptr;
    }
    auto size = read_big_endian<int32_t>(at);
    at += 4;
    if (size < 0) {
      fields_[place] = {};
      continue;
    }
    if (end - at < size) {
      return nullptr;
    }
    fields_[place] = {at, static_cast<size_t>(size)};
    at += size;
  }
  return at;
}

Status CopyDecoder::row_error(Status status, size_t column) const {
  // Names the row by its key where the columns before the failing one have it.
  size_t row = columns_[column].size();
  std::string where = plan_.table.display_name();
  for (size_t i = 0; i < column; ++i) {
    if (plan_.columns[i].in_key && !columns_[i].is_null(row)) {
      where += fmt::format(", row ({})=({})", plan_.columns[i].name, text_of(columns_[i], row));
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
    column.reserve(rows_);  // the next one will be as large
  }
  rows_ = 0;
  bytes_ = 0;
  return batch;
}

}  // namespace tidemark
