#include "connectors/postgres_cdc/pgoutput.h"

#include <fmt/core.h>

#include "types/pg_wire.h"

namespace tidemark {

namespace {

// Reads from the front; once something is missing all further reads give zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  template <typename T>
  T number() {
    if (end_ - at_ < static_cast<ptrdiff_t>(sizeof(T))) [[unlikely]] {
      return fail<T>();
    }
    T value = read_big_endian<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  char byte() {
    if (at_ == end_) [[unlikely]] {
      return fail<char>();
    }
    return *at_++;
  }
  std::string_view bytes(size_t size) {
    if (static_cast<size_t>(end_ - at_) < size) [[unlikely]] {
      return fail<std::string_view>();
    }
    std::string_view value(at_, size);
    at_ += size;
    return value;
  }
  std::string string() {
    const void* zero = std::memchr(at_, 0, static_cast<size_t>(end_ - at_));
    if (zero == nullptr) {
      return fail<std::string>();
    }
    std::string value(at_, static_cast<const char*>(zero));
    at_ = static_cast<const char*>(zero) + 1;
    return value;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == end_; }

 private:
  template <typename T>
  T fail() {
    ok_ = false;
    at_ = end_;
    return T{};
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

Status malformed(char kind) {
  return Status::corruption(fmt::format("malformed message of the change stream: '{}'", kind));
}

bool read_row(Reader& reader, PgRow& row) {
  auto count = reader.number<uint16_t>();
  row.resize(count);
  for (PgField& field : row) {
    field.kind = reader.byte();
    switch (field.kind) {
      case 'n':
      case 'u':
        field.bytes = {};
        break;
      case 't':
      case 'b':
        field.bytes = reader.bytes(reader.number<uint32_t>());
        break;
      default:
        return false;
    }
  }
  return reader.ok();
}

}  // namespace

Result<PgBegin> parse_begin(std::string_view body) {
  Reader reader(body);
  PgBegin begin{.final_position = Lsn{reader.number<uint64_t>()},
                .time_us = reader.number<int64_t>(),
                .xid = reader.number<uint32_t>()};
  if (!reader.ok()) {
    return malformed('B');
  }
  return begin;
}

Result<PgCommit> parse_commit(std::string_view body) {
  Reader reader(body);
  reader.byte();
  reader.number<uint64_t>();  // where the commit record begins
  PgCommit commit{.end_position = Lsn{reader.number<uint64_t>()},
                  .time_us = reader.number<int64_t>()};
  if (!reader.ok()) {
    return malformed('C');
  }
  return commit;
}

Result<PgRelation> parse_relation(std::string_view body) {
  Reader reader(body);
  PgRelation relation;
  relation.oid = reader.number<uint32_t>();
  relation.schema = reader.string();
  relation.name = reader.string();
  relation.identity = reader.byte();
  auto count = reader.number<uint16_t>();
  for (uint16_t i = 0; i < count && reader.ok(); ++i) {
    PgRelation::Column column;
    column.in_key = (reader.byte() & 1) != 0;
    column.name = reader.string();
    column.type_oid = reader.number<uint32_t>();
    column.modifier = reader.number<int32_t>();
    relation.columns.push_back(std::move(column));
  }
  if (!reader.ok()) {
    return malformed('R');
  }
  return relation;
}

Status parse_row_change(char kind, std::string_view body, PgRowChange& change) {
  Reader reader(body);
  change.relation = reader.number<uint32_t>();
  change.old_kind = 0;
  change.has_new = false;
  char part = reader.byte();
  if (kind != 'I' && (part == 'K' || part == 'O')) {
    change.old_kind = part;
    if (!read_row(reader, change.old_row)) {
      return malformed(kind);
    }
    part = kind == 'D' ? '\0' : reader.byte();
  }
  if (kind != 'D') {
    if (part != 'N' || !read_row(reader, change.new_row)) {
      return malformed(kind);
    }
    change.has_new = true;
  }
  bool complete = reader.ok() && reader.at_end() && (change.has_new || change.old_kind != 0);
  return complete ? Status() : malformed(kind);
}

Result<std::vector<uint32_t>> parse_truncate(std::string_view body) {
  Reader reader(body);
  auto count = reader.number<uint32_t>();
  reader.byte();  // CASCADE, RESTART IDENTITY: the list already has every table
  std::vector<uint32_t> relations;
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    relations.push_back(reader.number<uint32_t>());
  }
  if (!reader.ok()) {
    return malformed('T');
  }
  return relations;
}

Result<PgStreamAbort> parse_stream_abort(std::string_view body) {
  Reader reader(body);
  PgStreamAbort abort{.xid = reader.number<uint32_t>(), .subxid = reader.number<uint32_t>()};
  if (!reader.ok()) {
    return malformed('A');
  }
  return abort;
}

Result<uint32_t> parse_xid(std::string_view body) {
  Reader reader(body);
  auto xid = reader.number<uint32_t>();
  if (!reader.ok()) {
    return Status::corruption("malformed message of the change stream: no transaction id");
  }
  return xid;
}

}  // namespace tidemark
