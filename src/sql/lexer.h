#pragma once
// Text to tokens, by Flink's lexical rules: identifiers keep their case, `..` quotes them (as does
// ".." for those who come from Postgres), '..' and $$..$$ are strings, `/*+ .. */` is a hint.

#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/token.h"

namespace tidemark::sql {

// What the text breaks off inside of; for a prompt that waits for the rest.
enum class OpenLexeme : uint8_t { kNone, kQuote, kComment };

class Lexer {
 public:
  // Borrows `text`, which must outlive the lexer.
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token, kEnd for ever at the end. An error has a position; next() may be called again
  // and goes on behind the bad byte, or at the end of the text if a quote or comment is open.
  Result<Token> next();

  OpenLexeme open() const { return open_; }

 private:
  Status skip_blanks();
  Status fail(std::string message, size_t position, size_t resume);
  Result<Token> word(size_t start);
  Result<Token> number(size_t start);
  Result<Token> quoted_identifier(size_t start);
  Result<Token> string(size_t start, size_t quote);
  Result<Token> bytes(size_t start);
  Result<Token> escape_string(size_t start);
  Result<Token> unicode_string(size_t start);
  size_t dollar_tag(size_t start) const;
  Result<Token> dollar_string(size_t start, size_t tag_length);
  Result<Token> symbol(size_t start);
  Result<std::string> quoted(size_t quote, std::string_view what);
  Token token(TokenKind kind, std::string text, size_t start) const;
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  size_t position_ = 0;
  bool in_hint_ = false;
  OpenLexeme open_ = OpenLexeme::kNone;
};

// All tokens; the last is kEnd. Text that is not UTF-8 is an error.
Result<std::vector<Token>> tokenize(std::string_view text);

// The offset of the first byte that is not UTF-8.
std::optional<size_t> find_invalid_utf8(std::string_view text);

void append_utf8(std::string& out, uint32_t code_point);

}  // namespace tidemark::sql
