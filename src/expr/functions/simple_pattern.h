#pragma once
// Regular expressions of a simple form, matched by trying: characters and sets of them with
// quantifiers, groups, alternatives, ^ and $, in ASCII. Most patterns are of it, and most texts are
// short: to try is several times as fast as a machine for any pattern. What matches is what RE2
// matches: the leftmost, and there what the first alternatives and the greedy quantifiers take.
//
// Immutable once parsed: any thread.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

class SimplePattern {
 public:
  // nullopt: it is of another form, or no regular expression.
  static std::optional<SimplePattern> parse(std::string_view pattern);

  enum class Outcome : uint8_t { kMatches, kDiffers, kUnknown };
  // kUnknown: the text is not ASCII, or to try takes long. Otherwise groups[0] is what matched and
  // groups[i] its i-th group; one that takes no part has a null data().
  Outcome match(std::string_view text, std::span<std::string_view> groups) const;
  size_t groups() const { return groups_; }  // without the whole

 private:
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();

  // One bit an ASCII character.
  struct CharacterSet {
    uint64_t bits[2] = {0, 0};
    bool has(char c) const {
      auto code = static_cast<uint8_t>(c);
      return code < 128 && (bits[code / 64] >> (code % 64) & 1) != 0;
    }
    void add(uint8_t from, uint8_t to);
    void add(const CharacterSet& other);
    void invert();
  };
  enum class StepKind : uint8_t { kText, kSet, kSplit, kJump, kSave, kBegin, kEnd };
  // What a piece does, in order. There are no loops but within kSet, so that a match goes through
  // each step once.
  struct Step {
    StepKind kind;
    bool is_lazy = false;     // kSet
    size_t min = 1, max = 1;  // kSet: how many
    size_t next = 1;          // kJump: steps on; kSplit: to the other alternative
    size_t slot = 0;          // kSave
    std::string text = {};    // kText
    CharacterSet set = {};    // kSet
  };
  // A text that every match has, at so many bytes from its begin.
  struct Required {
    std::string text;
    size_t from = 0, to = 0;  // kNone: any number
  };
  struct Piece {
    std::vector<Step> steps;
    size_t min = 0, max = 0;  // bytes; kNone: any number
    Required required;
  };
  class Parser;
  struct Trial;

  bool begins_between(Trial& trial, size_t first, size_t last) const;
  bool run(Trial& trial, size_t step, size_t at) const;

  std::vector<Step> steps_;
  Required required_;
  size_t groups_ = 0;
};

}  // namespace tidemark
