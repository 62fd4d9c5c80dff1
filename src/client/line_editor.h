#pragma once
// One line from the terminal, edited with libedit: history, search, completion. The one place that
// includes histedit.h.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

class Signals;

class LineEditor {
 public:
  // Words that may follow: `before` is the text up to the cursor, `word` its last word.
  using Completer =
      std::function<std::vector<std::string>(std::string_view before, std::string_view word)>;
  enum class End : uint8_t {
    kLine,
    kEnd,          // Ctrl-D, or the terminal has gone
    kInterrupted,  // Ctrl-C
    kHangup,       // SIGTERM or SIGHUP
  };

  // An empty history_path keeps the history only as long as this lives.
  LineEditor(Signals& signals, std::string history_path, Completer completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  End read(const char* prompt, std::string& line);
  void remember(const std::string& entry);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The longest text that all candidates begin with, ignoring case; its case is the first
// candidate's.
std::string common_start(const std::vector<std::string>& candidates);

}  // namespace tidemark
