#pragma once
// The checksum of records that we write to files of our own: CRC-32C (Castagnoli), as in iSCSI (RFC
// 3720, B.4) and in RocksDB.

#include <cstdint>
#include <string_view>

namespace tidemark {

uint32_t crc32c(std::string_view bytes);

}  // namespace tidemark
