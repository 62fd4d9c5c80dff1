#include "client/script.h"

#include <fstream>
#include <iostream>
#include <sstream>

#include <errno.h>
#include <fmt/core.h>
#include <string.h>

#include "client/width.h"
#include "sql/excerpt.h"
#include "sql/parser.h"

namespace tidemark {

Result<ScriptText> read_script(const std::string& path) {
  ScriptText script{.name = path == "-" ? "standard input" : path, .text = {}};
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
  } else {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    // A directory opens, and fails at the first read.
    if (!file || (file.peek() == std::ifstream::traits_type::eof() && !file.eof())) {
      return Status::not_found(fmt::format("cannot read the script: {}: {}",
                                           strerror(errno == 0 ? EISDIR : errno), path));
    }
    file.clear();
    text << file.rdbuf();
  }
  script.text = text.str();
  if (script.text.starts_with("\xEF\xBB\xBF")) {  // a byte order mark
    script.text.erase(0, 3);
  }
  return script;
}

Status check_script(const ScriptText& script) {
  size_t invalid = find_invalid_utf8(script.text);
  if (invalid != std::string::npos) {
    unsigned byte = static_cast<unsigned char>(script.text[invalid]);
    return Status::invalid_argument(
               fmt::format("the script is not valid UTF-8: byte 0x{:02x}", byte))
        .with_position(invalid)
        .with_hint("save it as UTF-8");
  }
  sql::Script split = sql::split_script(script.text);
  if (split.end != sql::ScriptEnd::kOpenQuote && split.end != sql::ScriptEnd::kOpenComment &&
      split.end != sql::ScriptEnd::kOpenStatementSet) {
    return {};
  }
  std::string_view what = split.end == sql::ScriptEnd::kOpenQuote     ? "a quote"
                          : split.end == sql::ScriptEnd::kOpenComment ? "a comment"
                                                                      : "a statement set";
  Status status = Status::invalid_argument(fmt::format("the script ends inside {}", what));
  if (split.pieces.empty()) {
    return std::move(status).with_position(script.text.size());
  }
  // The lexer's own complaint knows where the quote begins.
  const sql::Piece& last = split.pieces.back();
  Status parsed = sql::parse_statement(last.text).status();
  return std::move(status).with_position(last.offset + parsed.position().value_or(0));
}

std::string error_text(const Status& status, const ScriptText& script) {
  std::string reason = sql::excerpt(status, script.text);
  std::string place = status.position() && !script.name.empty() ? script.name + ", " : "";
  return fmt::format("[ERROR] Could not execute SQL statement. Reason:\n{}{}\n", place, reason);
}

size_t script_position(const sql::Piece& piece, size_t position) {
  size_t byte = 0;
  for (size_t i = 1; i < position && byte < piece.text.size(); ++i) {
    ++byte;
    while (byte < piece.text.size() &&
           (static_cast<unsigned char>(piece.text[byte]) & 0xC0U) == 0x80U) {
      ++byte;
    }
  }
  return piece.offset + byte;
}

}  // namespace tidemark
