#include "sql/split.h"

#include "sql/lexer.h"

namespace tidemark::sql {

namespace {

// Follows the words of one statement, to know whether a `;` is inside a statement set.
class SetTracker {
 public:
  void word(const Token& token) {
    bool after_break = last_ == ";" || (in_set_ && last_ == "BEGIN");
    if (in_set_ && after_break && token.upper == "END") {
      in_set_ = false;
      last_ = "END";
      return;
    }
    bool is_set = before_ == "STATEMENT" && last_ == "SET";
    bool opens = is_set && (token.upper == "BEGIN" || (token.text == ";" && begun_));
    in_set_ = in_set_ || opens;
    begun_ = begun_ || (token.upper == "BEGIN" && last_.empty());
    before_ = last_;
    last_ = token.kind == TokenKind::kWord       ? token.upper
            : token.kind == TokenKind::kOperator ? token.text
                                                 : "'";
  }
  bool in_set() const { return in_set_; }

 private:
  std::string before_;  // the word before last_
  std::string last_;
  bool begun_ = false;  // the statement starts with BEGIN
  bool in_set_ = false;
};

}  // namespace

Script split_script(std::string_view text) {
  Script script;
  Lexer lexer(text);
  SetTracker tracker;
  bool started = false;
  size_t start = 0;
  size_t end = 0;
  while (true) {
    Result<Token> token = lexer.next();
    if (!token.ok()) {
      size_t position = token.status().position().value_or(0);
      // An open comment before any word is not a statement, but the prompt must still wait.
      if (!started && lexer.open() != OpenLexeme::kComment) {
        start = position;
        started = true;
      }
      end = lexer.open() == OpenLexeme::kNone ? position + 1 : text.size();
      continue;
    }
    if (token->kind == TokenKind::kEnd) {
      break;
    }
    if (!started && token->text != ";") {
      start = token->position;
      started = true;
      tracker = SetTracker();
    }
    tracker.word(*token);
    if (token->kind == TokenKind::kOperator && token->text == ";" && !tracker.in_set()) {
      if (started) {
        script.pieces.push_back({text.substr(start, token->position - start), start});
      }
      started = false;
    } else {
      end = token->end;
    }
  }
  if (started) {
    script.pieces.push_back({text.substr(start, end - start), start});
    script.end = tracker.in_set() ? ScriptEnd::kOpenStatementSet : ScriptEnd::kNoSemicolon;
  }
  if (lexer.open() != OpenLexeme::kNone) {
    script.end =
        lexer.open() == OpenLexeme::kQuote ? ScriptEnd::kOpenQuote : ScriptEnd::kOpenComment;
  }
  return script;
}

}  // namespace tidemark::sql
