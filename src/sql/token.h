#pragma once
// What the lexer makes of the text: one token per word, literal or operator.

#include <cstddef>
#include <cstdint>
#include <string>

namespace tidemark::sql {

enum class TokenKind : uint8_t {
  kEnd,               // the end of the text
  kWord,              // an unquoted identifier or keyword
  kQuotedIdentifier,  // `a` or "a"
  kString,            // '..', U&'..', $$..$$
  kBytes,             // X'..'
  kInteger,
  kDecimal,    // 1.5
  kDouble,     // 1.5e3
  kMeasure,    // 10min: a number run together with letters, only a value of SET and WITH
  kParameter,  // $1 or ?
  kOperator,   // `!=` is spelled `<>`
  kHintBegin,  // /*+
  kHintEnd,    // */ after a kHintBegin
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;     // without quotes and escapes; kParameter: the digits, or empty for `?`
  std::string upper;    // of a kWord, upper case; else empty
  size_t position = 0;  // first byte
  size_t end = 0;       // one past the last byte
};

}  // namespace tidemark::sql
