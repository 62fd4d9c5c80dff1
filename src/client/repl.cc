#include "client/repl.h"

#include <fmt/core.h>
#include <signal.h>
#include <stdlib.h>

#include "client/completion.h"
#include "client/line_editor.h"
#include "client/run_script.h"
#include "client/width.h"

namespace tidemark {

namespace {

constexpr const char* kPrompt = "tidemark> ";
constexpr const char* kContinuation = "       > ";

std::string history_path() {
  const char* home = getenv("HOME");
  return home == nullptr || home[0] == '\0' ? "" : std::string(home) + "/.tidemark_history";
}

std::string_view trimmed(std::string_view text) {
  size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos
             ? ""
             : text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

// What people type without a semicolon, out of habit.
bool needs_no_semicolon(std::string_view text) {
  std::string lower;
  for (char c : text) {
    lower += static_cast<char>(tolower(static_cast<unsigned char>(c)));
  }
  return lower == "quit" || lower == "exit" || lower == "help" || lower == "clear" ||
         lower == "\\q";
}

// As one line, which is easier to edit; a line comment would swallow what follows it.
std::string history_entry(std::string_view statement) {
  std::string entry(trimmed(statement));
  if (entry.find("--") == std::string::npos) {
    std::replace(entry.begin(), entry.end(), '\n', ' ');
  }
  return entry;
}

// Runs the complete statements of what was typed, and takes them away from it.
RunEnd run_complete(ClientSession& session, Completion& completion, LineEditor& editor,
                    std::string& typed) {
  ScriptText script{.name = "", .text = std::move(typed)};
  typed.clear();
  if (needs_no_semicolon(trimmed(script.text))) {
    script.text = trimmed(script.text) == "\\q" ? "quit" : std::string(trimmed(script.text));
    script.text += ';';
  }
  sql::Script split = sql::split_script(script.text);
  size_t complete = split.pieces.size();
  if (split.end != sql::ScriptEnd::kComplete) {
    complete -= complete == 0 ? 0 : 1;
    size_t rest = complete < split.pieces.size() ? split.pieces[complete].offset : 0;
    typed = script.text.substr(rest);
  }
  if (complete == 0) {
    return {};
  }
  size_t run_to = typed.empty() ? script.text.size() : script.text.size() - typed.size();
  editor.remember(history_entry(std::string_view(script.text).substr(0, run_to)));
  Status valid = check_script({.name = "", .text = script.text.substr(0, run_to)});
  if (!valid.ok()) {
    fmt::print(stderr, "{}", error_text(valid, script));
    return {};
  }
  for (size_t i = 0; i < complete; ++i) {
    RunEnd end = run_statement(session, script, split.pieces[i]);
    completion.forget();
    bool left = end.kind == RunEnd::Kind::kInterrupted && end.signal == SIGINT;
    if (left || end.kind == RunEnd::Kind::kFailed) {
      return {};  // the statements after it are not run
    }
    if (end.kind != RunEnd::Kind::kDone && end.kind != RunEnd::Kind::kLeft) {
      return end;
    }
  }
  return {};
}

}  // namespace

RunEnd run_prompt(ClientSession& session) {
  Completion completion(session);
  LineEditor editor(session.signals(), history_path(),
                    [&](std::string_view before, std::string_view word) {
                      return completion.candidates(before, word);
                    });
  fmt::print(
      "tidemark {} - SQL whose answers stay true. HELP; for help, QUIT; or Ctrl-D to leave.\n\n",
      TIDEMARK_VERSION);
  std::string typed;
  while (true) {
    std::string line;
    fflush(stdout);
    LineEditor::End ended = editor.read(typed.empty() ? kPrompt : kContinuation, line);
    if (ended == LineEditor::End::kInterrupted) {
      fmt::print("^C\n");
      typed.clear();
      continue;
    }
    if (ended == LineEditor::End::kHangup) {
      return {.kind = RunEnd::Kind::kInterrupted, .signal = SIGHUP};
    }
    if (ended == LineEditor::End::kEnd) {
      fmt::print("\nExiting...\n");
      return {.kind = RunEnd::Kind::kQuit};
    }
    typed += line;
    if (trimmed(typed).empty()) {
      typed.clear();
      continue;
    }
    RunEnd end = run_complete(session, completion, editor, typed);
    if (end.kind == RunEnd::Kind::kQuit) {
      fmt::print("Exiting...\n");
    }
    if (end.kind != RunEnd::Kind::kDone) {
      return end;
    }
    if (session.connection().is_broken()) {
      return {.kind = RunEnd::Kind::kFailed,
              .status = Status::unavailable("the connection was lost")};
    }
  }
}

}  // namespace tidemark
