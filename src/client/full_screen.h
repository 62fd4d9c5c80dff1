#pragma once
// A live query on the whole terminal: reads the answer, keeps its content, draws it at most 60
// times a second, and obeys keys until the user leaves.

#include <string>

#include "client/answer.h"
#include "client/run_end.h"
#include "client/signals.h"

namespace tidemark {

class FullScreen {
 public:
  enum class Mode : uint8_t { kTable, kChangelog };
  FullScreen(Mode mode, std::string query, size_t rows_max, size_t column_width_max);

  // Returns when the answer has ended (kDone, kFailed), the user leaves, or the time is up; the
  // caller stops an answer that still runs.
  RunEnd show(Answer& answer, AnswerEvent first, Signals& signals, int64_t deadline_us);

 private:
  Mode mode_;
  std::string query_;
  size_t rows_max_;
  size_t column_width_max_;
};

}  // namespace tidemark
