#pragma once
// The parser's view of the tokens: look ahead, take, and say what was expected. It remembers every
// word that was asked for in vain at the current token, so that an error can list them.

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/ast_expr.h"
#include "sql/token.h"

namespace tidemark::sql {

class TokenStream {
 public:
  // `tokens` ends with kEnd.
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek(size_t ahead = 0) const;
  size_t position() const { return peek().position; }
  size_t previous_end() const { return next_ == 0 ? 0 : tokens_[next_ - 1].end; }
  bool at_kind(TokenKind kind, size_t ahead = 0) const { return peek(ahead).kind == kind; }
  const Token& take();

  // `words` are upper-case keywords and symbols separated by blanks: "IF NOT EXISTS", "GROUPING
  // SETS (".
  bool at(std::string_view words, size_t ahead = 0) const;
  bool accept(std::string_view words);  // takes all of them or none
  Status expect(std::string_view words);
  // Like accept, without being listed in errors: for what may follow anywhere, such as operators.
  bool accept_quietly(std::string_view words);

  // "expected .., found ..": `what` joins what was asked for in vain. Empty adds nothing.
  Status unexpected(std::string_view what);
  Status error(std::string message, size_t position) const;

  // A quoted identifier or a word that is not reserved; `what` is for the error: "table name".
  bool at_identifier(size_t ahead = 0) const;
  Result<Identifier> identifier(std::string_view what);
  Result<Identifier> any_word(std::string_view what);                  // reserved words too
  Result<Name> name(std::string_view what);                            // a.b.c
  Result<std::vector<Identifier>> identifiers(std::string_view what);  // (a, b)
  Result<std::string> string(std::string_view what);
  Result<uint32_t> number(std::string_view what);

  uint32_t next_parameter() { return ++parameters_; }
  void start_statement() { parameters_ = 0; }

 private:
  friend class Level;
  std::string found() const;
  std::string hint(bool wants_name) const;
  void narrow_expected();

  std::vector<Token> tokens_;
  size_t next_ = 0;
  std::vector<std::string> expected_;  // asked for in vain at tokens_[next_]
  uint32_t parameters_ = 0;
  size_t depth_ = 0;   // Levels now open
  size_t height_ = 0;  // of the highest tree finished inside the innermost Level
};

// One level of recursion. Bounds both the stack of the parser and the height of the tree: a loop
// that makes a tree lean to the left calls grow() for every node.
//
//   Level level(in);
//   TRY(level.check());
class Level {
 public:
  explicit Level(TokenStream& in) : in_(in), outer_height_(in.height_) {
    in_.height_ = 0;
    ++in_.depth_;
  }
  ~Level() {
    in_.height_ = std::max(outer_height_, in_.height_ + 1);
    --in_.depth_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  Status check() const;
  Status grow();

 private:
  TokenStream& in_;
  size_t outer_height_;
};

}  // namespace tidemark::sql
