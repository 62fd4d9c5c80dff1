#pragma once
// A script to run: its text, where it came from, and how an error in it is shown.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/split.h"

namespace tidemark {

struct ScriptText {
  std::string name;  // the file, "-c", "standard input"; empty: the prompt
  std::string text;
};

// "-" is standard input. Fails on files that cannot be read.
Result<ScriptText> read_script(const std::string& path);

// Whether it can be run at all: fails on text that is not UTF-8 and on a script that ends inside a
// quote, a comment or a statement set. The positions count in the text.
Status check_script(const ScriptText& script);

// "[ERROR] Could not execute SQL statement. Reason:" with the place in the script. The status's
// position counts in script.text.
std::string error_text(const Status& status, const ScriptText& script);

// The byte where the 1-based character `position` of the piece is, counted in the script; the start
// of the piece for 0.
size_t script_position(const sql::Piece& piece, size_t position);

}  // namespace tidemark
