#include "base/crc32c.h"

#include <string>

#include <gtest/gtest.h>

namespace tidemark {
namespace {

// RFC 3720, B.4, and the check value of the catalogue of CRC algorithms.
TEST(Crc32c, has_the_values_of_its_standard) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(Crc32c, another_byte_gives_another_value) {
  std::string text(37, 'x');
  uint32_t before = crc32c(text);
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = 'y';
    EXPECT_NE(crc32c(text), before) << i;
    text[i] = 'x';
  }
}

}  // namespace
}  // namespace tidemark
