#include "expr/functions/parts.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

std::vector<std::string> all_parts(std::string text, const std::string& separator) {
  std::vector<std::string> parts;
  for (size_t at = text.find(separator); at != std::string::npos; at = text.find(separator)) {
    parts.push_back(text.substr(0, at));
    text.erase(0, at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

TEST(Parts, are_those_of_a_plain_loop) {
  std::mt19937_64 random(11);
  for (const std::string separator : {"/", "a", "\x7f", "\xff", "ab", "aa", "//"}) {
    for (int i = 0; i < 3000; ++i) {
      std::string text;
      for (size_t left = random() % 40; left > 0; --left) {
        text += std::string("//aab\x7f\x80\xff.\0", 10)[random() % 10];
      }
      std::vector<std::string> parts = all_parts(text, separator);
      for (size_t n = 0; n < parts.size(); ++n) {
        ASSERT_EQ(nth_part(text, separator, n), parts[n]) << text << " " << separator << " " << n;
      }
      ASSERT_EQ(nth_part(text, separator, parts.size()), std::nullopt) << text;
    }
  }
}

}  // namespace
}  // namespace tidemark
