// Binary values as the text that the type's output function writes.

#include <cstdlib>

#include <arpa/inet.h>
#include <fmt/core.h>

#include "types/datetime.h"
#include "types/lsn.h"
#include "types/pg_codec.h"
#include "types/pg_numeric.h"
#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void append_hex(std::string_view bytes, std::string& out) {
  for (char c : bytes) {
    out += kHexDigits[static_cast<uint8_t>(c) >> 4];
    out += kHexDigits[static_cast<uint8_t>(c) & 15];
  }
}

void append_uuid(std::string_view bytes, std::string& out) {
  constexpr size_t kParts[] = {4, 2, 2, 2, 6};
  for (size_t part : kParts) {
    if (part != 4) {
      out += '-';
    }
    append_hex(bytes.substr(0, part), out);
    bytes.remove_prefix(part);
  }
}

void append_macaddr(std::string_view bytes, std::string& out) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) {
      out += ':';
    }
    append_hex(bytes.substr(i, 1), out);
  }
}

// varbit_send: int32 bits, then the bits from the highest of the first byte.
Status append_bits(std::string_view bytes, std::string& out) {
  if (bytes.size() < 4) {
    return Status::data_error("malformed bit string");
  }
  auto count = read_big_endian<uint32_t>(bytes.data());
  if (bytes.size() != 4 + (size_t{count} + 7) / 8) {
    return Status::data_error("malformed bit string");
  }
  for (uint32_t i = 0; i < count; ++i) {
    out += (static_cast<uint8_t>(bytes[4 + i / 8]) >> (7 - i % 8)) & 1 ? '1' : '0';
  }
  return {};
}

// network_send: family (2: IPv4, 3: IPv6), netmask bits, is cidr, address bytes, address.
Status append_inet(std::string_view bytes, std::string& out) {
  bool valid = bytes.size() >= 4 &&
               bytes.size() == 4 + static_cast<size_t>(static_cast<uint8_t>(bytes[3])) &&
               (bytes[3] == 4 || bytes[3] == 16);
  if (!valid) {
    return Status::data_error("malformed network address");
  }
  char text[INET6_ADDRSTRLEN];
  inet_ntop(bytes[3] == 4 ? AF_INET : AF_INET6, bytes.data() + 4, text, sizeof text);
  out += text;
  int bits = static_cast<uint8_t>(bytes[1]);
  if (bytes[2] != 0 || bits != bytes[3] * 8) {
    out += fmt::format("/{}", bits);
  }
  return {};
}

// timetz_send: int64 microseconds, int32 seconds west of UTC.
void append_time_tz(std::string_view bytes, std::string& out) {
  append_time(read_big_endian<int64_t>(bytes.data()), out);
  int32_t east = -read_big_endian<int32_t>(bytes.data() + 8);
  int32_t size = std::abs(east);
  out += fmt::format("{}{:02}", east < 0 ? '-' : '+', size / 3600);
  if (size % 3600 != 0) {
    out += fmt::format(":{:02}", size / 60 % 60);
  }
  if (size % 60 != 0) {
    out += fmt::format(":{:02}", size % 60);
  }
}

// interval_send: int64 microseconds, int32 days, int32 months; as EncodeInterval writes them in the
// style `postgres`. From PostgreSQL 17 on all fields at their limits are infinities.
void append_interval(std::string_view bytes, std::string& out) {
  auto us = read_big_endian<int64_t>(bytes.data());
  auto days = read_big_endian<int32_t>(bytes.data() + 8);
  auto months = read_big_endian<int32_t>(bytes.data() + 12);
  if (us == INT64_MAX && days == INT32_MAX && months == INT32_MAX) {
    out += "infinity";
    return;
  }
  if (us == INT64_MIN && days == INT32_MIN && months == INT32_MIN) {
    out += "-infinity";
    return;
  }
  bool is_first = true, after_negative = false;
  auto append_part = [&](int32_t value, const char* unit) {
    if (value == 0) {
      return;
    }
    out += fmt::format("{}{}{} {}{}", is_first ? "" : " ", after_negative && value > 0 ? "+" : "",
                       value, unit, value == 1 ? "" : "s");
    after_negative = value < 0;
    is_first = false;
  };
  append_part(months / 12, "year");
  append_part(months % 12, "mon");
  append_part(days, "day");
  if (!is_first && us == 0) {
    return;
  }
  uint64_t size = us < 0 ? -static_cast<uint64_t>(us) : static_cast<uint64_t>(us);
  out += fmt::format("{}{}{:02}:{:02}:{:02}", is_first ? "" : " ",
                     us < 0           ? "-"
                     : after_negative ? "+"
                                      : "",
                     size / 3'600'000'000, size / 60'000'000 % 60, size / 1'000'000 % 60);
  if (size % 1'000'000 != 0) {
    out += fmt::format(".{:06}", size % 1'000'000);
    out.erase(out.find_last_not_of('0') + 1);
  }
}

struct FixedFormat {
  size_t size;
  void (*append)(std::string_view, std::string&);
};

FixedFormat fixed_format(const PgType& type) {
  switch (type.kind) {
    case PgKind::kBool:
      return {1, [](std::string_view b, std::string& out) { out += b[0] != 0 ? "true" : "false"; }};
    case PgKind::kInt2:
      return {2, [](std::string_view b, std::string& out) {
                out += std::to_string(read_big_endian<int16_t>(b.data()));
              }};
    case PgKind::kInt4:
      return {4, [](std::string_view b, std::string& out) {
                out += std::to_string(read_big_endian<int32_t>(b.data()));
              }};
    case PgKind::kInt8:
      return {8, [](std::string_view b, std::string& out) {
                out += std::to_string(read_big_endian<int64_t>(b.data()));
              }};
    case PgKind::kOid:
      return {4, [](std::string_view b, std::string& out) {
                out += std::to_string(read_big_endian<uint32_t>(b.data()));
              }};
    case PgKind::kFloat4:
      return {4, [](std::string_view b, std::string& out) {
                append_float(read_big_endian<float>(b.data()), out);
              }};
    case PgKind::kFloat8:
      return {8, [](std::string_view b, std::string& out) {
                append_double(read_big_endian<double>(b.data()), out);
              }};
    case PgKind::kDate:
      return {4, [](std::string_view b, std::string& out) {
                append_date(read_big_endian<int32_t>(b.data()), out);
              }};
    case PgKind::kTime:
      return {8, [](std::string_view b, std::string& out) {
                append_time(read_big_endian<int64_t>(b.data()), out);
              }};
    case PgKind::kTimestamp:
      return {8, [](std::string_view b, std::string& out) {
                append_timestamp(read_big_endian<int64_t>(b.data()), out);
              }};
    case PgKind::kTimestampTz:
      return {8, [](std::string_view b, std::string& out) {
                append_timestamp_ltz(read_big_endian<int64_t>(b.data()), "UTC", out);
              }};
    case PgKind::kTimeTz:
      return {12, append_time_tz};
    case PgKind::kInterval:
      return {16, append_interval};
    case PgKind::kUuid:
      return {16, append_uuid};
    case PgKind::kMacaddr:
      return {type.oid == 829 ? size_t{6} : size_t{8}, append_macaddr};
    case PgKind::kLsn:
      return {8, [](std::string_view b, std::string& out) {
                out += Lsn{read_big_endian<uint64_t>(b.data())}.to_string();
              }};
    default:
      return {0, nullptr};
  }
}

// Whether the moment is one, of a type that is a moment; `bytes` has the type's size.
bool is_moment(const PgType& type, std::string_view bytes) {
  constexpr int32_t kZoneMax = 16 * 3600;  // seconds, exclusive
  switch (type.kind) {
    case PgKind::kDate:
      return is_date(read_big_endian<int32_t>(bytes.data()));
    case PgKind::kTime:
      return is_time(read_big_endian<int64_t>(bytes.data()));
    case PgKind::kTimeTz: {
      auto west = read_big_endian<int32_t>(bytes.data() + 8);
      return is_time(read_big_endian<int64_t>(bytes.data())) && west > -kZoneMax && west < kZoneMax;
    }
    case PgKind::kTimestamp:
    case PgKind::kTimestampTz:
      return is_timestamp(read_big_endian<int64_t>(bytes.data()));
    default:
      return true;
  }
}

}  // namespace

bool pg_text_is_known(const PgType& source) {
  return source.kind != PgKind::kUnknown && source.kind != PgKind::kArray;
}

Status append_pg_text(const PgType& source, std::string_view bytes, std::string& out) {
  switch (source.kind) {
    case PgKind::kText:
      out += bytes;
      return {};
    case PgKind::kChar:  // charout: a zero byte is the empty string
      out += bytes == std::string_view("\0", 1) ? std::string_view() : bytes;
      return {};
    case PgKind::kBytea:
      out += "\\x";
      append_hex(bytes, out);
      return {};
    case PgKind::kNumeric:
      return append_pg_numeric_text(bytes, out);
    case PgKind::kBit:
      return append_bits(bytes, out);
    case PgKind::kInet:
      return append_inet(bytes, out);
    case PgKind::kJsonb:  // jsonb_send: a version byte, always 1, then the text
      if (bytes.empty() || bytes[0] != 1) {
        return Status::data_error("jsonb of an unknown version");
      }
      out += bytes.substr(1);
      return {};
    default: {
      FixedFormat format = fixed_format(source);
      if (format.append == nullptr || bytes.size() != format.size || !is_moment(source, bytes)) {
        return Status::data_error(fmt::format("malformed {}: {} bytes", source.name, bytes.size()));
      }
      format.append(bytes, out);
      return {};
    }
  }
}

}  // namespace tidemark
