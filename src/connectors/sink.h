#pragma once
// Where the changes of an INSERT go. The engine calls a sink by the protocol of checkpoints, so
// that each change is there once, whatever dies and when:
//
//   restore(token) ─► commit(token)? ─► ( write* ─► prepare ─► commit(token)? )* ─► finish?
//                                                     │             ▲
//                                                     └► checkpoint ┘   token, state and positions
//                                                                       of the sources in one batch
//
// prepare() makes durable what was written, shows nothing of it, and says in its token all that is
// needed to go on from there. commit() comes when that token is on the engine's disk: what it
// covers may be shown now. Killed anywhere, the next process restores the last token that is on
// disk and commits it, perhaps again; changes after it are written again.
//
// An error of any call leaves the sink as it may be: restore() with the token of the last prepare()
// that was good follows, and the changes since are written again. kUnavailable (a full disk, a
// server that is away) is tried again until it succeeds; any other stops the sink where it is.
//
// Thread rule: one thread, which may wait. A sink is the job's alone.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/crash_point.h"
#include "base/options.h"
#include "base/status.h"
#include "types/change.h"
#include "types/lsn.h"
#include "types/type.h"

namespace tidemark {

// What one published mark changes; a large one may come in parts, all with its mark.
struct SinkChanges {
  Lsn mark;
  int64_t commit_time_us = 0;  // since 2000-01-01; 0: no commit seen yet
  ChangeBatch changes;
};

struct SinkOpening {
  Options with;   // the table's
  Schema schema;  // of the rows
  // Names what it writes: no other job, and no other INSERT of the job, has it.
  std::string name;
  CrashPoint* crash = nullptr;  // for tests; outlives the sink. May be null
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Before a job begins: whether it could be written at all.
  virtual Status check() { return {}; }
  // As prepare() left it that gave this token; empty: a first start. What came after is void.
  virtual Status restore(std::string_view token) = 0;
  virtual Status write(const SinkChanges& update) = 0;
  virtual Result<std::string> prepare() = 0;
  virtual Status commit(std::string_view token) = 0;
  // When prepare() has something to do although nothing was written; absent: not at all.
  virtual std::optional<int64_t> due_us() const { return std::nullopt; }
  // The job is over: what was committed is shown, all else goes.
  virtual Status finish() { return {}; }
};

}  // namespace tidemark
