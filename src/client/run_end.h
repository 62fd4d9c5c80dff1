#pragma once

#include <cstdint>

#include "base/status.h"

namespace tidemark {

// How a statement, or the whole run, ended.
struct RunEnd {
  enum class Kind : uint8_t {
    kDone,
    kFailed,       // `status`; its position counts in the statement's script
    kQuit,         // QUIT, EXIT
    kLeft,         // the user left the full screen
    kTimeUp,       // --for
    kInterrupted,  // `signal`
    kOutputClosed,
  };
  Kind kind = Kind::kDone;
  Status status;
  int signal = 0;
};

}  // namespace tidemark
