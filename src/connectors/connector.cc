#include "connectors/connector.h"

namespace tidemark {

const char* name_of(SourceState state) {
  switch (state) {
    case SourceState::kConnecting:
      return "connecting";
    case SourceState::kSnapshot:
      return "snapshot";
    case SourceState::kStreaming:
      return "streaming";
    case SourceState::kStale:
      return "stale";
    case SourceState::kFailed:
      return "failed";
    case SourceState::kReleased:
      return "released";
  }
  CHECK(false);
}

}  // namespace tidemark
