#include "expr/functions/simple_pattern.h"

#include <random>

#include <gtest/gtest.h>
#include <re2/re2.h>

namespace tidemark {
namespace {

using Outcome = SimplePattern::Outcome;

// What RE2 says, and what the simple pattern says if it knows: they are the same.
void expect_as_re2(const std::string& text, const std::string& pattern, const RE2& re2,
                   const SimplePattern& simple, size_t& known) {
  ASSERT_EQ(simple.groups(), static_cast<size_t>(re2.NumberOfCapturingGroups())) << pattern;
  std::vector<std::string_view> groups(simple.groups() + 1);
  std::vector<re2::StringPiece> pieces(groups.size());
  Outcome outcome = simple.match(text, groups);
  if (outcome == Outcome::kUnknown) {
    return;
  }
  ++known;
  bool matches = re2.Match({text.data(), text.size()}, 0, text.size(), RE2::UNANCHORED,
                           pieces.data(), static_cast<int>(pieces.size()));
  ASSERT_EQ(outcome == Outcome::kMatches, matches) << pattern << " on " << text;
  for (size_t i = 0; matches && i < groups.size(); ++i) {
    ASSERT_EQ(groups[i].data(), pieces[i].data()) << pattern << " on " << text << ", group " << i;
    ASSERT_EQ(groups[i].size(), pieces[i].size()) << pattern << " on " << text << ", group " << i;
  }
}

class RandomPattern {
 public:
  explicit RandomPattern(uint64_t seed) : random_(seed) {}

  std::string alternatives(int depth) {
    std::string text = sequence(depth);
    while (below(4) == 0) {
      text += "|" + sequence(depth);
    }
    return text;
  }
  std::string text() {
    std::string result;
    for (size_t i = below(12); i > 0; --i) {
      result += one_of({"a", "b", "c", "1", "2", "_", "&", "-", "\n", " ", "\\", "]", "ä", "ab"});
    }
    return result;
  }

 private:
  size_t below(size_t n) { return random_() % n; }
  std::string one_of(std::initializer_list<const char*> list) {
    return list.begin()[below(list.size())];
  }
  std::string sequence(int depth) {
    std::string text;
    for (size_t i = below(4); i > 0; --i) {
      text += piece(depth);
    }
    return text;
  }
  std::string piece(int depth) {
    size_t kind = below(10);
    if (kind == 0) {
      return one_of({"^", "$"});
    }
    if (kind < 4 && depth > 0) {
      return one_of({"(", "(?:", "("}) + alternatives(depth - 1) + one_of({")", ")", ")", ")*"});
    }
    std::string set =
        one_of({"a",       "b",     "ab",   "abc",   "1",    "&",    ".",      "\\d",
                "\\W",     "\\s",   "\\.",  "\\n",   "[ab]", "[^&]", "[a-c1]", "[^a-b]",
                "[\\d_-]", "[\\D]", "[]a]", "[-.b]", "ä",    "\\b",  "x{2}"});
    return set + one_of({"", "", "", "*", "+", "?", "*?", "+?", "??", "**"});
  }

  std::mt19937_64 random_;
};

TEST(SimplePattern, matches_what_re2_matches) {
  RandomPattern random(7);
  RE2::Options options;
  options.set_log_errors(false);
  size_t simple_patterns = 0, known = 0;
  for (size_t i = 0; i < 20'000; ++i) {
    std::string pattern = random.alternatives(2);
    std::optional<SimplePattern> simple = SimplePattern::parse(pattern);
    if (!simple) {
      continue;
    }
    ++simple_patterns;
    RE2 re2(pattern, options);
    ASSERT_TRUE(re2.ok()) << pattern;
    for (size_t j = 0; j < 20; ++j) {
      expect_as_re2(random.text(), pattern, re2, *simple, known);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
  EXPECT_GT(simple_patterns, 5'000u);
  EXPECT_GT(known, 50'000u);
}

TEST(SimplePattern, every_escape_and_every_character) {
  size_t known = 0;
  for (int c = 1; c < 128; ++c) {
    for (const char* prefix : {"", "\\", "[x", "[^x", "[\\"}) {
      std::string pattern =
          std::string(prefix) + static_cast<char>(c) + (*prefix == '[' ? "]" : "");
      std::optional<SimplePattern> simple = SimplePattern::parse(pattern);
      if (!simple) {
        continue;
      }
      RE2 re2(pattern);
      ASSERT_TRUE(re2.ok()) << pattern;
      for (char other = 1; other > 0 && other < 127; ++other) {
        expect_as_re2(std::string(1, other), pattern, re2, *simple, known);
      }
    }
  }
  EXPECT_GT(known, 30'000u);
}

TEST(SimplePattern, what_takes_long_or_is_not_ascii_is_left_to_others) {
  std::optional<SimplePattern> slow = SimplePattern::parse("a*a*a*a*b");
  ASSERT_TRUE(slow.has_value());
  EXPECT_EQ(slow->match(std::string(1000, 'a') + "cb", {}), Outcome::kUnknown);
  EXPECT_EQ(slow->match(std::string(1000, 'a'), {}), Outcome::kDiffers);  // no b
  EXPECT_EQ(slow->match("äb", {}), Outcome::kUnknown);
  EXPECT_EQ(slow->match("aab", {}), Outcome::kMatches);
}

TEST(SimplePattern, other_forms_are_refused) {
  for (const char* pattern : {"a{2}", "(a)*", "(?i)a", "(", "[", "a**", "\\bx", "\\_", "ä",
                              "[[:alpha:]]", "[b-a]", "\\", "*a", "^*"}) {
    EXPECT_FALSE(SimplePattern::parse(pattern).has_value()) << pattern;
  }
}

}  // namespace
}  // namespace tidemark
