#include "connectors/postgres_cdc/copy_decoder.h"

#include <fmt/core.h>

#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr size_t kHeaderBytes = 11 + 4 + 4;

Status malformed() { return Status::corruption("malformed binary COPY data"); }

// Bytes of the first row, 0 if it is not complete, or no row because the end marker is there.
struct RowExtent {
  bool is_complete = false;
  bool is_end = false;
};

RowExtent row_extent(std::string_view bytes) {
  if (bytes.size() < 2) {
    return {};
  }
  auto columns = read_big_endian<int16_t>(bytes.data());
  if (columns < 0) {
    return {.is_complete = true, .is_end = true};
  }
  size_t at = 2;
  for (int16_t i = 0; i < columns; ++i) {
    if (at + 4 > bytes.size()) {
      return {};
    }
    auto size = read_big_endian<int32_t>(bytes.data() + at);
    at += 4 + (size > 0 ? static_cast<size_t>(size) : 0);
  }
  return {.is_complete = at <= bytes.size()};
}

}  // namespace

CopyDecoder::CopyDecoder(const ReaderPlan& plan) : plan_(plan), columns_(make_columns(plan.schema())) {}

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
  while (!bytes.empty()) {
    RowExtent extent = row_extent(bytes);
    if (!extent.is_complete) {
      return {};
    }
    if (extent.is_end) {
      is_complete_ = true;
      bytes = {};
      return {};
    }
    if (static_cast<size_t>(read_big_endian<int16_t>(bytes.data())) != columns_.size()) {
      return malformed();
    }
    const char* at = bytes.data() + 2;
    for (size_t i = 0; i < columns_.size(); ++i) {
      auto size = read_big_endian<int32_t>(at);
      at += 4;
      if (size < 0) {
        columns_[i].append_null();
        continue;
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
    bytes_ += static_cast<size_t>(at - bytes.data());
    bytes.remove_prefix(static_cast<size_t>(at - bytes.data()));
  }
  return {};
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
  return Status(status.code(), fmt::format("cannot read column {}: {}: {}", plan_.columns[column].name,
                                           status.message(), where));
}

RowBatch CopyDecoder::take() {
  RowBatch batch = to_batch(std::move(columns_));
  batch.rows = rows_;
  columns_ = make_columns(plan_.schema());
  rows_ = 0;
  bytes_ = 0;
  return batch;
}

}  // namespace tidemark
