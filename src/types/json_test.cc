#include "types/json.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

std::string round_trip(std::string_view text, JsonLayout layout) {
  JsonParser parser;
  Result<JsonValue> value = parser.parse(text);
  if (!value.ok()) {
    return "error";
  }
  std::string out;
  append_json(*value, layout, out);
  return out;
}

TEST(Json, documents_come_back_with_their_digits) {
  for (const char* text :
       {"{}", "[]", "null", "true", "-0.50", "12345678901234567890123456789", "1e400",
        "\"a\\\"b\\n\"", "[1,[2,{\"a\":null}]]", "{\"b\":1,\"a\":[2.00]}"}) {
    EXPECT_EQ(round_trip(text, JsonLayout::kCompact), text);
  }
}

TEST(Json, jsonb_orders_members_by_length_and_keeps_the_last_of_a_name) {
  EXPECT_EQ(round_trip(R"( {"bb":1,"a":2,"a":{"c":[]} ,"b":"é"} )", JsonLayout::kJsonb),
            R"({"a": {"c": []}, "b": "é", "bb": 1})");
}

TEST(Json, what_is_not_json_is_an_error) {
  for (const char* text : {"",           " ",          "{",    "[1,]", "[1 2]", "{\"a\"}",
                           "{\"a\":1,}", "01",         "1.",   "nul",  "\"a",   "[1] 2",
                           "{} {}",      "tru",        "+1",   "'a'",  "1 2",   "\"a\" \"b\"",
                           "[1]]",       "{\"a\":1}}", "[01]", "[1.]", "[nul]", "[\"\\x\"]"}) {
    EXPECT_EQ(round_trip(text, JsonLayout::kCompact), "error") << text;
  }
}

TEST(Json, numbers_are_equal_by_value) {
  JsonParser parser;
  auto same = [&](std::string_view a, std::string_view b) {
    return same_json(*parser.parse(a), *parser.parse(b));
  };
  EXPECT_TRUE(same("1", "1.0"));
  EXPECT_TRUE(same("1000", "1e3"));
  EXPECT_TRUE(same("0", "-0.00"));
  EXPECT_FALSE(same("1", "-1"));
  EXPECT_FALSE(same("10", "1"));
  EXPECT_TRUE(same(R"({"a":1,"b":[2]})", R"({"b":[2.0],"a":1})"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
}

TEST(JsonText, strings_are_escaped) {
  std::string out;
  append_json_string("a\"b\\c\n\t\r\x01 é", out);
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\t\\r\\u0001 é\"");
}

}  // namespace
}  // namespace tidemark
