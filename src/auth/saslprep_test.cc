#include "auth/saslprep.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

// RFC 4013, section 3; the last two are prohibited there, and then taken as they are.
TEST(Saslprep, examples_of_the_rfc) {
  EXPECT_EQ(saslprep("I\u00ADX"), "IX");
  EXPECT_EQ(saslprep("user"), "user");
  EXPECT_EQ(saslprep("USER"), "USER");
  EXPECT_EQ(saslprep("\u00AA"), "a");
  EXPECT_EQ(saslprep("\u2168"), "IX");
  EXPECT_EQ(saslprep("\x07"), "\x07");
  EXPECT_EQ(saslprep("\u0627\x31"), "\u0627\x31");
}

TEST(Saslprep, spaces_and_what_is_mapped_to_nothing) {
  EXPECT_EQ(saslprep("a\u00A0b\u3000c\u2009d"), "a b c d");
  EXPECT_EQ(saslprep("pass\uFE0Fword\u2060"), "password");
  EXPECT_EQ(saslprep("\u00AD"), "\u00AD") << "nothing would be left of it";
}

TEST(Saslprep, normal_forms_are_one) {
  EXPECT_EQ(saslprep("caf\u00E9"), "caf\u00E9");
  EXPECT_EQ(saslprep("cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(saslprep("\uFB01n"), "fin");
  std::string long_one, decomposed;
  for (int i = 0; i < 1000; ++i) {
    long_one += "\u0587";  // becomes two
    decomposed += "\u0565\u0582";
  }
  EXPECT_EQ(saslprep(long_one), decomposed);
}

TEST(Saslprep, what_is_not_valid_stays) {
  EXPECT_EQ(saslprep("\xC3\x28"), "\xC3\x28");
  EXPECT_EQ(saslprep("caf\xE9"), "caf\xE9") << "Latin-1";
  EXPECT_EQ(saslprep("\xED\xA0\x80"), "\xED\xA0\x80") << "a surrogate";
  EXPECT_EQ(saslprep("\uE000x"), "\uE000x") << "private use";
  EXPECT_EQ(saslprep("\U0001F600e\u0301"), "\U0001F600e\u0301") << "not assigned in Unicode 3.2";
  EXPECT_EQ(saslprep(""), "");
}

TEST(Saslprep, right_to_left_ones_need_both_ends) {
  EXPECT_EQ(saslprep("\u0627\uFE8D"), "\u0627\u0627");
  EXPECT_EQ(saslprep("\u0627a\uFE8D"), "\u0627a\uFE8D") << "mixed: prohibited";
}

}  // namespace
}  // namespace tidemark
