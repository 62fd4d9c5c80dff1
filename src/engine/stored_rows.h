#pragma once
// Rows with weights as the store keeps them: their number, varint; per row the weight, 8 bytes, and
// the values of its columns (types/row_codec.h).

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/type.h"
#include "zset/zset.h"

namespace tidemark {

std::string encode_rows(const ZBatch& batch);
// kCorruption: encode_rows has not written that.
Result<ZBatch> decode_rows(std::string_view bytes, const std::vector<Type>& types);

}  // namespace tidemark
