#pragma once
// A picture of the terminal: lines of styled text. What is drawn is made as a Frame by code without
// a terminal, so that tests can look at it.

#include <string>
#include <vector>

namespace tidemark {

enum class TextStyle : uint8_t {
  kPlain,
  kHeader,   // column names
  kBar,      // title and status line
  kWarning,  // in the status line
  kDim,      // NULL, hints
  kFresh,    // changed just now
  kRecent,   // changed a moment ago
  kSelected,
};

struct TextSpan {
  std::string text;
  TextStyle style = TextStyle::kPlain;
};

struct Frame {
  std::vector<std::vector<TextSpan>> lines;

  // Without styles, for tests: lines without the spaces at their ends.
  std::string plain_text() const;
};

enum class Key : uint8_t {
  kNone,
  kQuit,
  kUp,
  kDown,
  kLeft,
  kRight,
  kNextPage,
  kPreviousPage,
  kGoto,
  kEnd,
  kHome,
  kOpen,
  kRefresh,
  kPlus,
  kMinus,
  kDigit,
  kBackspace,
};
struct KeyPress {
  Key key = Key::kNone;
  char digit = 0;
};

}  // namespace tidemark
