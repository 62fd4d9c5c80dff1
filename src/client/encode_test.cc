#include "client/encode.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

std::vector<AnswerColumn> columns() {
  return {{"name", Type::string()},
          {"n", Type::decimal(38, 2)},
          {"d", Type::float64()},
          {"b", Type::boolean()}};
}

std::string json(const Row& row) {
  std::string out;
  append_json_change(columns(), RowKind::kUpdateAfter, "0/1A2B3C8", row, out);
  return out;
}

std::string csv(const Row& row) {
  std::string out;
  append_csv_change(columns(), RowKind::kInsert, "0/1A2B3C8", row, out);
  return out;
}

TEST(Json, numbers_keep_their_digits) {
  EXPECT_EQ(json({"Box", "123456789012345678901234567890123456.78", "1e+22", "t"}),
            "{\"op\":\"+U\",\"mark\":\"0/1A2B3C8\",\"data\":{\"name\":\"Box\","
            "\"n\":123456789012345678901234567890123456.78,\"d\":1e+22,\"b\":true}}\n");
}

TEST(Json, null_and_not_numbers) {
  EXPECT_EQ(json({std::nullopt, "NaN", "-Infinity", "f"}),
            "{\"op\":\"+U\",\"mark\":\"0/1A2B3C8\",\"data\":{\"name\":null,"
            "\"n\":\"NaN\",\"d\":\"-Infinity\",\"b\":false}}\n");
  std::string out;
  append_json_change({}, RowKind::kInsert, "", {}, out);
  EXPECT_EQ(out, "{\"op\":\"+I\",\"mark\":null,\"data\":{}}\n");
}

TEST(Csv, quotes_by_rfc_4180) {
  EXPECT_EQ(csv({"plain", "1.50", "2", "t"}), "+I,0/1A2B3C8,plain,1.50,2,true\n");
  EXPECT_EQ(csv({"a,\"b\"\nc", std::nullopt, std::nullopt, std::nullopt}),
            "+I,0/1A2B3C8,\"a,\"\"b\"\"\nc\",,,\n");
}

TEST(Csv, empty_string_differs_from_null) {
  EXPECT_EQ(csv({"", "1", "2", "f"}), "+I,0/1A2B3C8,\"\",1,2,false\n");
  std::string out;
  append_csv_header(columns(), out);
  EXPECT_EQ(out, "op,mark,name,n,d,b\n");
}

}  // namespace
}  // namespace tidemark
