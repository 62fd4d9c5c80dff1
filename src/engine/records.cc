#include "engine/records.h"

#include "base/bytes.h"
#include "catalog/catalog_codec.h"

namespace tidemark {

namespace {
constexpr uint8_t kSourceVersion = 1;
constexpr uint8_t kDataflowVersion = 5;
constexpr uint8_t kDataflowVersionWithoutSharing = 4;
constexpr uint8_t kDataflowVersionWithoutParts = 3;
constexpr uint8_t kDataflowVersionWithoutSinks = 2;
constexpr uint8_t kDataflowVersionWithoutBuilds = 1;
}  // namespace

std::string catalog_key(std::string_view catalog) {
  return std::string(kCatalogPrefix) += catalog;
}

std::string database_key(std::string_view catalog, std::string_view database) {
  std::string key(kDatabasePrefix);
  key += catalog;
  key += '\0';
  return key += database;
}

std::string object_key(ObjectId id) {
  std::string key(kObjectPrefix);
  append_big_endian<uint64_t>(id, key);
  return key;
}

std::string user_key(std::string_view user) {
  return std::string(kUserPrefix) += user;
}

std::string source_key(std::string_view key) {
  return std::string(kSourcePrefix) += key;
}

std::string dataflow_key(uint64_t id) {
  std::string key(kDataflowPrefix);
  append_big_endian(static_cast<uint32_t>(id), key);
  return key;
}

std::string state_prefix(uint64_t dataflow) {
  std::string key(kStatePrefix);
  append_big_endian(static_cast<uint32_t>(dataflow), key);
  return key;
}

std::string change_log_prefix(uint64_t dataflow) {
  std::string key(kChangeLogPrefix);
  append_big_endian(static_cast<uint32_t>(dataflow), key);
  return key;
}

std::string sink_prefix(uint64_t dataflow) {
  std::string key(kSinkPrefix);
  append_big_endian(static_cast<uint32_t>(dataflow), key);
  return key;
}

std::string state_prefix(uint64_t dataflow, size_t node, size_t place) {
  std::string key = state_prefix(dataflow);
  append_big_endian(static_cast<uint16_t>(node), key);
  append_big_endian(static_cast<uint16_t>(place), key);
  return key;
}

std::string encode_source(const SourceRecord& record) {
  std::string out;
  append_fixed(kSourceVersion, out);
  append_options(record.with, out);
  append_bytes(record.durable_name, out);
  append_fixed(static_cast<uint8_t>(record.is_abandoned), out);
  append_fixed(record.position.value, out);
  append_fixed(record.commit_position.value, out);
  append_fixed(record.commit_time_us, out);
  append_bytes(record.token, out);
  return out;
}

Result<SourceRecord> decode_source(std::string_view bytes) {
  ByteReader in(bytes);
  SourceRecord record;
  if (in.fixed<uint8_t>() != kSourceVersion) {
    in.fail();
  }
  record.with = read_options(in);
  record.durable_name = in.bytes();
  record.is_abandoned = in.fixed<uint8_t>() != 0;
  record.position.value = in.fixed<uint64_t>();
  record.commit_position.value = in.fixed<uint64_t>();
  record.commit_time_us = in.fixed<int64_t>();
  record.token = in.bytes();
  if (!in.at_end()) {
    return Status::corruption("a source's record in the data directory cannot be read");
  }
  return record;
}

std::string encode_dataflow(const DataflowRecord& record) {
  std::string out;
  append_fixed(kDataflowVersion, out);
  append_varint(record.object, out);
  append_bytes(record.plan, out);
  append_bytes(record.zone, out);
  append_fixed(record.started_us, out);
  append_fixed(static_cast<uint8_t>(record.is_live), out);
  append_fixed(record.mark.value, out);
  append_fixed(record.commit_time_us, out);
  append_fixed(record.state, out);
  append_bytes(record.definition, out);
  append_varint(record.log, out);
  append_varint(record.insert, out);
  append_bytes(record.token, out);
  append_varint(record.parts.size(), out);
  for (uint64_t part : record.parts) {
    append_varint(part, out);
  }
  append_fixed(record.sharing, out);
  return out;
}

Result<DataflowRecord> decode_dataflow(std::string_view bytes) {
  ByteReader in(bytes);
  DataflowRecord record;
  auto version = in.fixed<uint8_t>();
  if (version < kDataflowVersionWithoutBuilds || version > kDataflowVersion) {
    in.fail();
  }
  record.object = in.varint();
  record.plan = in.bytes();
  record.zone = in.bytes();
  record.started_us = in.fixed<int64_t>();
  record.is_live = in.fixed<uint8_t>() != 0;
  record.mark.value = in.fixed<uint64_t>();
  record.commit_time_us = in.fixed<int64_t>();
  if (version > kDataflowVersionWithoutBuilds) {
    record.state = in.fixed<VersionState>();
    if (record.state > VersionState::kPlaced) {
      in.fail();
    }
    record.definition = in.bytes();
    record.log = in.varint();
  }
  if (version > kDataflowVersionWithoutSinks) {
    record.insert = in.varint();
    record.token = in.bytes();
  }
  if (version > kDataflowVersionWithoutParts) {
    uint64_t parts = in.varint();
    for (uint64_t i = 0; i < parts && !in.failed(); ++i) {
      record.parts.push_back(in.varint());
    }
  }
  if (version > kDataflowVersionWithoutSharing) {
    record.sharing = in.fixed<Sharing>();
    if (record.sharing > Sharing::kResults) {
      in.fail();
    }
  } else {
    record.sharing = record.parts.empty() ? Sharing::kNone : Sharing::kSlices;
  }
  if (!in.at_end()) {
    return Status::corruption("a view's record in the data directory cannot be read");
  }
  return record;
}

}  // namespace tidemark
