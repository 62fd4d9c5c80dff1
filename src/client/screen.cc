#include "client/screen.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tidemark {

namespace {

constexpr short kFreshPair = 1;
constexpr short kWarningPair = 2;

attr_t attributes(TextStyle style) {
  switch (style) {
    case TextStyle::kPlain:
      return A_NORMAL;
    case TextStyle::kHeader:
      return A_BOLD | A_UNDERLINE;
    case TextStyle::kBar:
      return A_REVERSE;
    case TextStyle::kWarning:
      return A_REVERSE | A_BOLD | (has_colors() ? COLOR_PAIR(kWarningPair) : 0);
    case TextStyle::kDim:
      return A_DIM;
    case TextStyle::kFresh:
      return A_REVERSE | A_BOLD | (has_colors() ? COLOR_PAIR(kFreshPair) : 0);
    case TextStyle::kRecent:
      return A_BOLD | (has_colors() ? COLOR_PAIR(kFreshPair) : 0);
    case TextStyle::kSelected:
      return A_STANDOUT;
  }
  return A_NORMAL;
}

KeyPress meaning(int code) {
  if (code >= '0' && code <= '9') {
    return {Key::kDigit, static_cast<char>(code)};
  }
  switch (code) {
    case 'q':
    case 'Q':
    case 27:
    case 3:  // Escape, Ctrl-C
      return {Key::kQuit};
    case KEY_UP:
    case 'w':
    case 'W':
      return {Key::kUp};
    case KEY_DOWN:
    case 's':
    case 'S':
      return {Key::kDown};
    case KEY_LEFT:
    case 'a':
    case 'A':
      return {Key::kLeft};
    case KEY_RIGHT:
    case 'd':
    case 'D':
      return {Key::kRight};
    case 'n':
    case 'N':
    case KEY_NPAGE:
      return {Key::kNextPage};
    case 'p':
    case 'P':
    case KEY_PPAGE:
      return {Key::kPreviousPage};
    case 'g':
    case 'G':
      return {Key::kGoto};
    case 'l':
    case 'L':
    case KEY_END:
      return {Key::kEnd};
    case KEY_HOME:
      return {Key::kHome};
    case 'o':
    case 'O':
    case '\n':
    case '\r':
    case KEY_ENTER:
      return {Key::kOpen};
    case 'r':
    case 'R':
    case KEY_F(5):
    case 12:  // Ctrl-L
      return {Key::kRefresh};
    case '+':
      return {Key::kPlus};
    case '-':
      return {Key::kMinus};
    case KEY_BACKSPACE:
    case 127:
    case 8:
      return {Key::kBackspace};
    default:
      return {};
  }
}

}  // namespace

std::unique_ptr<Screen> Screen::open() {
  // newterm() returns where initscr() would end the process.
  SCREEN* terminal = newterm(nullptr, stdout, stdin);
  if (terminal == nullptr) {
    return nullptr;
  }
  set_escdelay(25);
  raw();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  curs_set(0);
  if (has_colors()) {
    start_color();
    use_default_colors();
    init_pair(kFreshPair, COLOR_GREEN, -1);
    init_pair(kWarningPair, COLOR_RED, -1);
  }
  return std::unique_ptr<Screen>(new Screen(terminal));
}

Screen::~Screen() {
  endwin();
  delscreen(static_cast<SCREEN*>(terminal_));
}

size_t Screen::width() const {
  return static_cast<size_t>(getmaxx(stdscr));
}
size_t Screen::height() const {
  return static_cast<size_t>(getmaxy(stdscr));
}

void Screen::draw(const Frame& frame) {
  for (size_t y = 0; y < frame.lines.size(); ++y) {
    move(static_cast<int>(y), 0);
    for (const TextSpan& span : frame.lines[y]) {
      attrset(static_cast<int>(attributes(span.style)));
      addnstr(span.text.data(), static_cast<int>(span.text.size()));
    }
    attrset(A_NORMAL);
  }
  refresh();
}

void Screen::redraw() {
  clearok(stdscr, TRUE);
}

void Screen::resize() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    resizeterm(size.ws_row, size.ws_col);
    erase();
  }
}

KeyPress Screen::next_key() {
  int code = getch();
  return code == ERR || code == KEY_RESIZE ? KeyPress{} : meaning(code);
}

}  // namespace tidemark
