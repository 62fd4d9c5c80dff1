#include "sql/token_stream.h"

#include <array>
#include <charconv>

#include <fmt/core.h>

#include "base/nearest.h"
#include "sql/keywords.h"
#include "sql/lexer.h"
#include "sql/limits.h"

namespace tidemark::sql {

namespace {

constexpr size_t kLevelsPerNesting = 4;  // a parenthesis opens two to four Levels
constexpr size_t kExpectedShownMax = 8;

// Calls `each` with every blank-separated word until it returns false.
template <typename Each>
bool all_words(std::string_view words, Each each) {
  size_t index = 0;
  while (!words.empty()) {
    size_t blank = words.find(' ');
    std::string_view word = words.substr(0, blank);
    if (!each(word, index++)) {
      return false;
    }
    words = blank == std::string_view::npos ? std::string_view() : words.substr(blank + 1);
  }
  return true;
}

bool is_symbol(std::string_view word) {
  return !(word.front() >= 'A' && word.front() <= 'Z') && word.front() != '_';
}

size_t count_words(std::string_view words) {
  size_t count = 0;
  all_words(words, [&](std::string_view, size_t) { return ++count > 0; });
  return count;
}

std::string shown(std::string_view words) {
  return is_symbol(words) ? fmt::format("'{}'", words) : std::string(words);
}

}  // namespace

const Token& TokenStream::peek(size_t ahead) const {
  return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
}

const Token& TokenStream::take() {
  const Token& token = peek();
  if (next_ + 1 < tokens_.size()) {
    ++next_;
  }
  expected_.clear();
  return token;
}

bool TokenStream::at(std::string_view words, size_t ahead) const {
  return all_words(words, [&](std::string_view word, size_t i) {
    const Token& token = peek(ahead + i);
    if (token.kind == TokenKind::kWord) {
      DCHECK(is_symbol(word) || is_keyword(word));
      return token.upper == word;
    }
    return token.kind == TokenKind::kOperator && token.text == word;
  });
}

bool TokenStream::accept_quietly(std::string_view words) {
  if (!at(words)) {
    return false;
  }
  for (size_t n = count_words(words); n > 0; --n) {
    take();
  }
  return true;
}

bool TokenStream::accept(std::string_view words) {
  if (accept_quietly(words)) {
    return true;
  }
  std::string text = shown(words);
  if (std::find(expected_.begin(), expected_.end(), text) == expected_.end()) {
    expected_.push_back(std::move(text));
  }
  return false;
}

Status TokenStream::expect(std::string_view words) {
  if (accept(words)) {
    return {};
  }
  // Of several words, the first that is missing is the one to point at.
  while (count_words(words) > 1 && at(words.substr(0, words.find(' ')))) {
    take();
    words.remove_prefix(words.find(' ') + 1);
    accept(words);
  }
  return unexpected("");
}

std::string TokenStream::found() const {
  constexpr size_t kShownMax = 40;
  const Token& token = peek();
  std::string text = token.text.size() <= kShownMax ? token.text : token.text.substr(0, kShownMax);
  if (text.size() < token.text.size()) {
    while (find_invalid_utf8(text)) {
      text.pop_back();
    }
    text += "..";
  }
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the text";
    case TokenKind::kWord:
    case TokenKind::kInteger:
    case TokenKind::kDecimal:
    case TokenKind::kDouble:
    case TokenKind::kMeasure:
      return text;
    case TokenKind::kQuotedIdentifier:
      return fmt::format("`{}`", text);
    case TokenKind::kString:
      return fmt::format("the string '{}'", text);
    case TokenKind::kBytes:
      return "a binary string";
    case TokenKind::kParameter:
      return "a parameter";
    case TokenKind::kHintBegin:
      return "a hint /*+";
    case TokenKind::kOperator:
    case TokenKind::kHintEnd:
      return fmt::format("'{}'", text);
  }
  return text;
}

// A misspelt keyword is either the token itself (SELCT) or the one before, which was taken for an
// alias (SELECT a FORM t).
std::string TokenStream::hint(bool wants_name) const {
  static constexpr std::array<std::string_view, 14> kClauses = {
      "FROM",  "WHERE",  "GROUP", "ORDER", "HAVING", "JOIN",   "LIMIT",
      "UNION", "SELECT", "INNER", "LEFT",  "WINDOW", "VALUES", "WITH"};
  const Token& token = peek();
  if (token.kind == TokenKind::kWord) {
    if (is_reserved(token.upper) && expected_.empty()) {
      return {};
    }
    if (std::optional<std::string> near = nearest_name(token.upper, expected_);
        near && *near != token.upper && token.upper.size() > 1) {
      return fmt::format("did you mean {}?", *near);
    }
  }
  if (next_ > 0 && tokens_[next_ - 1].kind == TokenKind::kWord &&
      !is_keyword(tokens_[next_ - 1].upper)) {
    std::vector<std::string> clauses(kClauses.begin(), kClauses.end());
    const Token& before = tokens_[next_ - 1];
    if (std::optional<std::string> near = nearest_name(before.upper, clauses);
        near && before.text.size() > 2) {
      return fmt::format("did you mean {} in place of {}?", *near, before.text);
    }
  }
  if (wants_name && token.kind == TokenKind::kWord && is_reserved(token.upper)) {
    return fmt::format("{} is a keyword: write `{}` if it is a name", token.upper, token.text);
  }
  return {};
}

// GROUP without BY: when some expected words begin with the current one, the fault is behind it.
void TokenStream::narrow_expected() {
  std::vector<std::string> rest;
  for (const std::string& words : expected_) {
    size_t blank = words.find(' ');
    if (at_kind(TokenKind::kWord) && blank != std::string::npos &&
        words.compare(0, blank, peek().upper) == 0) {
      rest.push_back(words.substr(blank + 1));
    }
  }
  if (!rest.empty()) {
    take();
    expected_ = std::move(rest);
    narrow_expected();
  }
}

Status TokenStream::unexpected(std::string_view what) {
  narrow_expected();
  if (!what.empty()) {
    expected_.insert(expected_.begin(), std::string(what));
  }
  std::string list;
  size_t shown_count = std::min(expected_.size(), kExpectedShownMax);
  for (size_t i = 0; i < shown_count; ++i) {
    bool is_last = i + 1 == expected_.size();
    list += i == 0 ? "" : is_last ? " or " : ", ";
    list += expected_[i];
  }
  if (shown_count < expected_.size()) {
    list += ", ..";
  }
  Status status =
      Status::invalid_argument(list.empty() ? fmt::format("unexpected {}", found())
                                            : fmt::format("expected {}, found {}", list, found()))
          .with_position(position());
  std::string help = hint(!what.empty());
  return help.empty() ? status : std::move(status).with_hint(std::move(help));
}

Status TokenStream::error(std::string message, size_t position) const {
  return Status::invalid_argument(std::move(message)).with_position(position);
}

bool TokenStream::at_identifier(size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kQuotedIdentifier ||
         (token.kind == TokenKind::kWord && !is_reserved(token.upper));
}

Result<Identifier> TokenStream::identifier(std::string_view what) {
  if (!at_identifier()) {
    return unexpected(what);
  }
  const Token& token = take();
  return Identifier{token.text, token.position};
}

Result<Identifier> TokenStream::any_word(std::string_view what) {
  if (!at_kind(TokenKind::kWord) && !at_kind(TokenKind::kQuotedIdentifier)) {
    return unexpected(what);
  }
  const Token& token = take();
  return Identifier{token.text, token.position};
}

Result<Name> TokenStream::name(std::string_view what) {
  Name result;
  result.parts.push_back(TRY(identifier(what)));
  while (at(".")) {
    take();
    result.parts.push_back(TRY(any_word(what)));
  }
  return result;
}

Result<std::vector<Identifier>> TokenStream::identifiers(std::string_view what) {
  std::vector<Identifier> result;
  TRY(expect("("));
  do {
    result.push_back(TRY(identifier(what)));
  } while (accept(","));
  TRY(expect(")"));
  return result;
}

Result<std::string> TokenStream::string(std::string_view what) {
  if (!at_kind(TokenKind::kString)) {
    return unexpected(what);
  }
  return take().text;
}

Result<uint32_t> TokenStream::number(std::string_view what) {
  const Token& token = peek();
  uint32_t value = 0;
  if (token.kind != TokenKind::kInteger) {
    return unexpected(what);
  }
  const char* end = token.text.data() + token.text.size();
  if (std::from_chars(token.text.data(), end, value).ptr != end || value > 2147483647U) {
    return error(fmt::format("number is too large: {}", token.text), token.position);
  }
  take();
  return value;
}

Status Level::check() const {
  if (in_.depth_ > kNestingMax * kLevelsPerNesting) {
    return in_.error(fmt::format("nested too deeply: at most {} levels", kNestingMax),
                     in_.position());
  }
  return {};
}

Status Level::grow() {
  ++in_.height_;
  if (in_.height_ + in_.depth_ > kTreeHeightMax) {
    return in_.error(
        fmt::format("expression is too long: at most {} operators in a row", kTreeHeightMax),
        in_.position());
  }
  return {};
}

}  // namespace tidemark::sql
