#pragma once
// Changes as connectors and formats speak them: rows with kinds. Inside the engine there are only
// weights; zset/changelog.h is the one place that translates.

#include <cstdint>
#include <vector>

#include "types/column.h"

namespace tidemark {

enum class RowKind : uint8_t { kInsert, kUpdateBefore, kUpdateAfter, kDelete };

// "+I", "-U", "+U", "-D"
inline const char* row_kind_text(RowKind kind) {
  constexpr const char* kTexts[] = {"+I", "-U", "+U", "-D"};
  return kTexts[static_cast<uint8_t>(kind)];
}

inline bool is_retraction(RowKind kind) {
  return kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
}

// What the -U and -D rows of a batch hold.
enum class OldRows : uint8_t {
  kFull,     // the whole row
  kKeyOnly,  // only the key columns (the others are NULL); an update that keeps its key has no -U
             // row
};

struct ChangeBatch {
  RowBatch rows;
  std::vector<RowKind> kinds;  // one a row
  OldRows old_rows = OldRows::kFull;
  // Per column, one byte a row: 1 = the source did not send the value because it is unchanged (a
  // TOASTed value); the row holds NULL there and the old value has to be looked up by key. Empty
  // outer vector: no such value in the batch; empty inner vector: none in that column.
  std::vector<std::vector<uint8_t>> unchanged;
};

}  // namespace tidemark
