#pragma once
// The terminal in full-screen mode, through ncurses: from construction to destruction. The one
// place that includes curses.h.

#include <cstddef>
#include <memory>

#include "client/frame.h"

namespace tidemark {

class Screen {
 public:
  // nullptr: this is not a terminal that can do it.
  static std::unique_ptr<Screen> open();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  size_t width() const;
  size_t height() const;
  void draw(const Frame& frame);
  // Draws everything anew at the next draw().
  void redraw();
  // After SIGWINCH.
  void resize();
  // The next key that was pressed, kNone if none was; does not wait.
  KeyPress next_key();

 private:
  explicit Screen(void* terminal) : terminal_(terminal) {}
  void* terminal_;  // curses.h's SCREEN
};

}  // namespace tidemark
