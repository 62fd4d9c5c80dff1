#include "client/line_editor.h"

#include <algorithm>
#include <cwchar>

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "client/signals.h"
#include "client/width.h"

namespace tidemark {

namespace {

constexpr int kHistoryMax = 2000;
constexpr size_t kListedMax = 200;  // candidates that one Tab lists

bool is_word_byte(char c) {
  auto u = static_cast<unsigned char>(c);
  return isalnum(u) != 0 || c == '_' || c == '$' || u >= 0x80;
}

}  // namespace

struct LineEditor::State {
  State(Signals& s, std::string path, Completer c)
      : signals(s), history_path(std::move(path)), completer(std::move(c)) {}

  static State& of(EditLine* edit) {
    void* data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  static char* prompt_of(EditLine* edit) { return const_cast<char*>(of(edit).prompt); }
  static int next_character(EditLine* edit, wchar_t* out) { return of(edit).read_character(out); }
  static unsigned char complete(EditLine* edit, int) { return of(edit).complete_word(); }

  int read_character(wchar_t* out);
  bool wait_for_key();
  unsigned char complete_word();
  void list(const std::vector<std::string>& candidates);

  Signals& signals;
  std::string history_path;
  Completer completer;
  EditLine* edit = nullptr;
  History* history = nullptr;
  const char* prompt = "";
  End end = End::kLine;
};

// False: a signal ended the line.
bool LineEditor::State::wait_for_key() {
  wait_for({.signals = signals.fd(), .keys = STDIN_FILENO}, -1);
  while (std::optional<int> signal = signals.take()) {
    if (*signal == SIGWINCH) {
      el_resize(edit);
    } else {
      end = *signal == SIGINT ? End::kInterrupted : End::kHangup;
      return false;
    }
  }
  return true;
}

int LineEditor::State::read_character(wchar_t* out) {
  std::mbstate_t shift{};
  while (true) {
    if (!wait_for_key()) {
      errno = 0;
      return -1;
    }
    char byte = 0;
    ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      continue;
    }
    if (got <= 0) {
      end = End::kEnd;
      return 0;
    }
    size_t used = std::mbrtowc(out, &byte, 1, &shift);
    if (used == static_cast<size_t>(-2)) {
      continue;  // more bytes to come
    }
    if (used == static_cast<size_t>(-1)) {
      *out = L'?';
    }
    return 1;
  }
}

unsigned char LineEditor::State::complete_word() {
  const LineInfo* info = el_line(edit);
  std::string_view before(info->buffer, static_cast<size_t>(info->cursor - info->buffer));
  size_t start = before.size();
  while (start > 0 && is_word_byte(before[start - 1])) {
    --start;
  }
  std::string word(before.substr(start));
  std::vector<std::string> candidates = completer(before, word);
  if (candidates.empty()) {
    return CC_REFRESH_BEEP;
  }
  std::string whole = common_start(candidates);
  bool single = candidates.size() == 1;
  if (whole.size() > word.size() || single) {
    // The whole word anew, since its case may differ.
    el_deletestr(edit, static_cast<int>(word.size()));
    if (single) {
      whole += ' ';
    }
    el_insertstr(edit, whole.c_str());
    return CC_REFRESH;
  }
  list(candidates);
  return CC_REDISPLAY;
}

void LineEditor::State::list(const std::vector<std::string>& candidates) {
  size_t widest = 0;
  for (const std::string& candidate : candidates) {
    widest = std::max(widest, display_width(candidate) + 2);
  }
  size_t columns = std::max<size_t>(1, 78 / widest);
  fputc('\n', stdout);
  for (size_t i = 0; i < std::min(candidates.size(), kListedMax); ++i) {
    bool last = (i + 1) % columns == 0 || i + 1 == candidates.size();
    fputs((last ? candidates[i] : pad_right(candidates[i], widest)).c_str(), stdout);
    if (last) {
      fputc('\n', stdout);
    }
  }
  if (candidates.size() > kListedMax) {
    fputs("...\n", stdout);
  }
  fflush(stdout);
}

LineEditor::LineEditor(Signals& signals, std::string history_path, Completer completer)
    : state_(std::make_unique<State>(signals, std::move(history_path), std::move(completer))) {
  State& s = *state_;
  s.history = history_init();
  HistEvent event;
  history(s.history, &event, H_SETSIZE, kHistoryMax);
  history(s.history, &event, H_SETUNIQUE, 1);
  if (!s.history_path.empty()) {
    history(s.history, &event, H_LOAD, s.history_path.c_str());
  }
  s.edit = el_init("tidemark", stdin, stdout, stderr);
  el_set(s.edit, EL_CLIENTDATA, &s);
  el_set(s.edit, EL_SIGNAL, 0);
  el_set(s.edit, EL_EDITOR, "emacs");
  el_set(s.edit, EL_HIST, history, s.history);
  el_set(s.edit, EL_PROMPT, &State::prompt_of);
  el_set(s.edit, EL_GETCFN, &State::next_character);
  el_set(s.edit, EL_ADDFN, "tidemark-complete", "completes keywords and names", &State::complete);
  el_set(s.edit, EL_BIND, "^I", "tidemark-complete", nullptr);
  el_set(s.edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(s.edit, nullptr);  // the user's ~/.editrc
}

LineEditor::~LineEditor() {
  el_end(state_->edit);
  history_end(state_->history);
}

LineEditor::End LineEditor::read(const char* prompt, std::string& line) {
  State& s = *state_;
  s.prompt = prompt;
  s.end = End::kLine;
  int count = 0;
  const char* text = el_gets(s.edit, &count);
  if (s.end == End::kInterrupted || s.end == End::kHangup) {
    el_reset(s.edit);
    return s.end;
  }
  if (text == nullptr || count <= 0) {
    return End::kEnd;
  }
  line.assign(text, static_cast<size_t>(count));
  return End::kLine;
}

void LineEditor::remember(const std::string& entry) {
  HistEvent event;
  history(state_->history, &event, H_ENTER, entry.c_str());
  if (state_->history_path.empty()) {
    return;
  }
  // The file is nobody else's to read from its first moment on; that it cannot be written is no
  // error.
  int fd = ::open(state_->history_path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
    history(state_->history, &event, H_SAVE, state_->history_path.c_str());
  }
}

std::string common_start(const std::vector<std::string>& candidates) {
  if (candidates.empty()) {
    return {};
  }
  std::string common = candidates[0];
  for (const std::string& candidate : candidates) {
    size_t same = 0;
    while (same < std::min(common.size(), candidate.size()) &&
           tolower(static_cast<unsigned char>(common[same])) ==
               tolower(static_cast<unsigned char>(candidate[same]))) {
      ++same;
    }
    common.resize(same);
  }
  return common;
}

}  // namespace tidemark
