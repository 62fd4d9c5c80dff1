#include "sql/lexer.h"

#include <array>
#include <charconv>

#include <fmt/core.h>

namespace tidemark::sql {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_word_part(char c) {
  return is_word_start(c) || is_digit(c) || c == '$';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::optional<uint32_t> parse_hex(std::string_view digits) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

// Longest first, so that the first match is the longest.
constexpr std::array<std::string_view, 44> kOperators = {
    "!~~*", "!~~", "~~*", "->>", "#>>", "!~*", "~~", "#>", "@>", "<@", "->", "=>", "::", ":=", "<>",
    "!=",   "<=",  ">=",  "||",  "!~",  "~*",  "~",  "<",  ">",  "=",  "+",  "-",  "*",  "/",  "%",
    "(",    ")",   "[",   "]",   "{",   "}",   ",",  ";",  ".",  ":",  "^",  "|",  "$",  "&"};

// The bytes of the UTF-8 sequence at `i`, 0 if there is no valid one.
size_t utf8_length(std::string_view text, size_t i) {
  auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  auto follows = [&](size_t at) { return (byte(at) & 0xC0U) == 0x80U; };
  unsigned first = byte(i);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return follows(i + 1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    bool overlong = first == 0xE0 && byte(i + 1) < 0xA0;
    bool surrogate = first == 0xED && byte(i + 1) > 0x9F;
    return follows(i + 1) && follows(i + 2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    bool overlong = first == 0xF0 && byte(i + 1) < 0x90;
    bool too_large = first == 0xF4 && byte(i + 1) > 0x8F;
    return follows(i + 1) && follows(i + 2) && follows(i + 3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t length = utf8_length(text, i);
    if (length == 0) {
      return i;
    }
    i += length;
  }
  return std::nullopt;
}

void append_utf8(std::string& out, uint32_t c) {
  auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

Result<std::vector<Token>> tokenize(std::string_view text) {
  if (std::optional<size_t> bad = find_invalid_utf8(text)) {
    return Status::invalid_argument(fmt::format("text is not valid UTF-8: byte 0x{:02x}",
                                                static_cast<unsigned char>(text[*bad])))
        .with_position(*bad);
  }
  Lexer lexer(text);
  std::vector<Token> tokens;
  do {
    tokens.push_back(TRY(lexer.next()));
  } while (tokens.back().kind != TokenKind::kEnd);
  return tokens;
}

Token Lexer::token(TokenKind kind, std::string text, size_t start) const {
  return Token{
      .kind = kind, .text = std::move(text), .upper = {}, .position = start, .end = position_};
}

Status Lexer::fail(std::string message, size_t position, size_t resume) {
  position_ = resume;
  return Status::invalid_argument(std::move(message)).with_position(position);
}

Status Lexer::skip_blanks() {
  while (position_ < text_.size()) {
    if (is_blank(at(position_))) {
      ++position_;
    } else if (at(position_) == '-' && at(position_ + 1) == '-') {
      size_t line_end = text_.find('\n', position_);
      position_ = line_end == std::string_view::npos ? text_.size() : line_end;
    } else if (at(position_) == '/' && at(position_ + 1) == '*' && at(position_ + 2) != '+') {
      size_t end = text_.find("*/", position_ + 2);
      if (end == std::string_view::npos) {
        open_ = OpenLexeme::kComment;
        return fail("comment is not closed: expected */", position_, text_.size());
      }
      position_ = end + 2;
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::next() {
  TRY(skip_blanks());
  size_t start = position_;
  if (start >= text_.size()) {
    if (in_hint_) {
      in_hint_ = false;
      open_ = OpenLexeme::kComment;
      return fail("hint is not closed: expected */", start, start);
    }
    return token(TokenKind::kEnd, "", start);
  }
  char c = at(start);
  char c1 = at(start + 1);
  if ((c == 'X' || c == 'x') && c1 == '\'') {
    return bytes(start);
  }
  if ((c == 'E' || c == 'e') && c1 == '\'') {
    return escape_string(start);
  }
  if ((c == 'U' || c == 'u') && c1 == '&' && at(start + 2) == '\'') {
    return unicode_string(start);
  }
  if (is_word_start(c)) {
    return word(start);
  }
  if (is_digit(c) || (c == '.' && is_digit(c1))) {
    return number(start);
  }
  if (c == '\'') {
    return string(start, start);
  }
  if (c == '`' || c == '"') {
    return quoted_identifier(start);
  }
  if (c == '$') {
    if (size_t tag = dollar_tag(start)) {
      return dollar_string(start, tag);
    }
  }
  return symbol(start);
}

Result<Token> Lexer::word(size_t start) {
  while (is_word_part(at(position_))) {
    ++position_;
  }
  Token result =
      token(TokenKind::kWord, std::string(text_.substr(start, position_ - start)), start);
  result.upper = result.text;
  for (char& c : result.upper) {
    c = upper(c);
  }
  return result;
}

// E'..' as PostgreSQL has it (version 15 manual, "String Constants with C-Style Escapes"), without
// escapes by number.
Result<Token> Lexer::escape_string(size_t start) {
  constexpr std::string_view kNames = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  std::string text;
  for (size_t i = start + 2; i < text_.size(); ++i) {
    char c = text_[i];
    if (c == '\'' && at(i + 1) != '\'') {
      position_ = i + 1;
      return token(TokenKind::kString, std::move(text), start);
    }
    if (c == '\'' || c == '\\') {
      c = at(++i);
      size_t named = text_[i - 1] == '\\' ? kNames.find(c) : std::string_view::npos;
      c = named != std::string_view::npos ? kMeanings[named] : c;
    }
    text += c;
  }
  open_ = OpenLexeme::kQuote;
  return fail("string is not closed: expected '", start, text_.size());
}

Result<Token> Lexer::number(size_t start) {
  auto digits = [&] {
    while (is_digit(at(position_))) {
      ++position_;
    }
  };
  TokenKind kind = TokenKind::kInteger;
  digits();
  if (at(position_) == '.') {
    kind = TokenKind::kDecimal;
    ++position_;
    digits();
  }
  if (at(position_) == 'e' || at(position_) == 'E') {
    bool is_signed = at(position_ + 1) == '+' || at(position_ + 1) == '-';
    size_t exponent = position_ + (is_signed ? 2 : 1);
    if (is_digit(at(exponent))) {
      kind = TokenKind::kDouble;
      position_ = exponent;
      digits();
    }
  }
  if (is_word_part(at(position_))) {
    while (is_word_part(at(position_))) {
      ++position_;
    }
    kind = TokenKind::kMeasure;
  }
  return token(kind, std::string(text_.substr(start, position_ - start)), start);
}

// Reads from the quote at `quote` to its end; a doubled quote stands for itself.
Result<std::string> Lexer::quoted(size_t quote, std::string_view what) {
  char mark = at(quote);
  std::string value;
  size_t from = quote + 1;
  while (true) {
    size_t end = text_.find(mark, from);
    if (end == std::string_view::npos) {
      open_ = OpenLexeme::kQuote;
      return fail(fmt::format("{} is not closed: expected {}", what, mark), quote, text_.size());
    }
    value.append(text_.substr(from, end - from));
    if (at(end + 1) != mark) {
      position_ = end + 1;
      return value;
    }
    value += mark;
    from = end + 2;
  }
}

Result<Token> Lexer::quoted_identifier(size_t start) {
  std::string name = TRY(quoted(start, "quoted identifier"));
  if (name.empty()) {
    return fail("a quoted identifier may not be empty", start, position_);
  }
  return token(TokenKind::kQuotedIdentifier, std::move(name), start);
}

Result<Token> Lexer::string(size_t start, size_t quote) {
  std::string value = TRY(quoted(quote, "string"));
  return token(TokenKind::kString, std::move(value), start);
}

// The length of $$ or $tag$ at `start`; 0: there is none.
size_t Lexer::dollar_tag(size_t start) const {
  size_t end = start + 1;
  while (is_word_start(at(end)) || (end > start + 1 && is_digit(at(end)))) {
    ++end;
  }
  return at(end) == '$' ? end + 1 - start : 0;
}

// $tag$ .. $tag$: text without escapes (PostgreSQL 15 manual, "Dollar-Quoted String Constants").
Result<Token> Lexer::dollar_string(size_t start, size_t tag_length) {
  std::string_view tag = text_.substr(start, tag_length);
  size_t from = start + tag_length;
  size_t end = text_.find(tag, from);
  if (end == std::string_view::npos) {
    open_ = OpenLexeme::kQuote;
    return fail(fmt::format("string is not closed: expected {}", tag), start, text_.size());
  }
  position_ = end + tag_length;
  return token(TokenKind::kString, std::string(text_.substr(from, end - from)), start);
}

Result<Token> Lexer::bytes(size_t start) {
  std::string digits = TRY(quoted(start + 1, "binary string"));
  std::string value;
  for (size_t i = 0; i < digits.size(); i += 2) {
    std::optional<uint32_t> byte = parse_hex(std::string_view(digits).substr(i, 2));
    if (!byte || i + 1 == digits.size()) {
      return fail("a binary string needs pairs of hexadecimal digits", start, position_);
    }
    value += static_cast<char>(*byte);
  }
  return token(TokenKind::kBytes, std::move(value), start);
}

Result<Token> Lexer::unicode_string(size_t start) {
  std::string raw = TRY(quoted(start + 2, "string"));
  std::string value;
  for (size_t i = 0; i < raw.size();) {
    if (raw[i] != '\\') {
      value += raw[i++];
      continue;
    }
    if (i + 1 < raw.size() && raw[i + 1] == '\\') {
      value += '\\';
      i += 2;
      continue;
    }
    bool is_long = i + 1 < raw.size() && raw[i + 1] == '+';
    size_t length = is_long ? 6 : 4;
    size_t from = i + (is_long ? 2 : 1);
    std::optional<uint32_t> code;
    if (from + length <= raw.size()) {
      code = parse_hex(std::string_view(raw).substr(from, length));
    }
    if (!code || *code > 0x10FFFF || *code == 0 || (*code >= 0xD800 && *code <= 0xDFFF)) {
      return fail("not a unicode escape: expected \\XXXX or \\+XXXXXX", start, position_);
    }
    append_utf8(value, *code);
    i = from + length;
  }
  return token(TokenKind::kString, std::move(value), start);
}

Result<Token> Lexer::symbol(size_t start) {
  if (text_.substr(start, 3) == "/*+") {
    position_ = start + 3;
    in_hint_ = true;
    return token(TokenKind::kHintBegin, "/*+", start);
  }
  if (in_hint_ && text_.substr(start, 2) == "*/") {
    position_ = start + 2;
    in_hint_ = false;
    return token(TokenKind::kHintEnd, "*/", start);
  }
  if (at(start) == '?' || (at(start) == '$' && is_digit(at(start + 1)))) {
    position_ = start + 1;
    while (at(start) == '$' && is_digit(at(position_))) {
      ++position_;
    }
    return token(TokenKind::kParameter, std::string(text_.substr(start + 1, position_ - start - 1)),
                 start);
  }
  for (std::string_view op : kOperators) {
    if (text_.substr(start, op.size()) == op) {
      position_ = start + op.size();
      return token(TokenKind::kOperator, std::string(op == "!=" ? "<>" : op), start);
    }
  }
  return fail(fmt::format("unexpected character: {}", at(start)), start, start + 1);
}

}  // namespace tidemark::sql
