#pragma once
// Cuts a script into statements at each `;` that ends one: not inside quotes, comments or a
// statement set (EXECUTE STATEMENT SET BEGIN .. END, BEGIN STATEMENT SET; .. END). Works on any
// text.

#include <cstdint>
#include <string_view>
#include <vector>

namespace tidemark::sql {

struct Piece {
  std::string_view text;  // without the `;`, borrowed from the script
  size_t offset = 0;      // of its first byte in the script
};

// How the script ends; a prompt waits for more unless it is kComplete.
enum class ScriptEnd : uint8_t {
  kComplete,
  kNoSemicolon,
  kOpenQuote,
  kOpenComment,
  kOpenStatementSet
};

struct Script {
  std::vector<Piece> pieces;  // none is blank; the last may be incomplete
  ScriptEnd end = ScriptEnd::kComplete;
};

Script split_script(std::string_view text);

}  // namespace tidemark::sql
