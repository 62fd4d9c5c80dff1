#include "client/tableau.h"

#include <gtest/gtest.h>

#include "client/width.h"

namespace tidemark {
namespace {

class TableauTest : public testing::Test {
 protected:
  void SetUp() override { use_utf8_locale(); }
};

TEST_F(TableauTest, streaming_widths_are_flinks) {
  std::vector<AnswerColumn> columns = {
      {"a", Type::of(TypeKind::kTinyint)},
      {"b", Type::of(TypeKind::kSmallint)},
      {"c", Type::integer()},
      {"d", Type::bigint()},
      {"e", Type::decimal(10, 2)},
      {"f", Type::boolean()},
      {"g", Type::date()},
      {"h", Type::time(0)},
      {"i", Type::time(3)},
      {"j", Type::timestamp(0)},
      {"k", Type::timestamp(3)},
      {"l", Type::timestamp(6)},
      {"m", Type::string()},
      {"a_name_that_is_longer_than_thirty_cells", Type::float64()}};
  // A nullable column is at least as wide as <NULL>.
  EXPECT_EQ(Tableau::streaming(columns, 30).widths(),
            (std::vector<size_t>{2, 6, 6, 11, 20, 12, 6, 10, 8, 12, 19, 23, 26, 30, 39}));
}

TEST_F(TableauTest, layout) {
  std::vector<AnswerColumn> columns = {{"name", Type::string()}, {"n", Type::integer()}};
  std::string out;
  Tableau tableau = Tableau::streaming(columns, 10);
  tableau.append_header(out);
  tableau.append_row(RowKind::kInsert, {"Box Jellyfish", "1"}, out);
  tableau.append_row(RowKind::kUpdateBefore, {std::nullopt, std::nullopt}, out);
  tableau.append_border(out);
  EXPECT_EQ(out,
            "+----+------------+-------------+\n"
            "| op |       name |           n |\n"
            "+----+------------+-------------+\n"
            "| +I | Box Jel... |           1 |\n"
            "| -U |     <NULL> |      <NULL> |\n"
            "+----+------------+-------------+\n");
}

TEST_F(TableauTest, fits_the_rows_and_counts_wide_characters) {
  std::vector<AnswerColumn> columns = {{"s", Type::string()}, {"b", Type::boolean()}};
  std::vector<Row> rows = {{"日本", "t"}, {"a\nb", "f"}};
  std::string out;
  Tableau tableau = Tableau::fitting(columns, rows, 30);
  tableau.append_header(out);
  for (const Row& row : rows) {
    tableau.append_row(RowKind::kInsert, row, out);
  }
  EXPECT_EQ(out,
            "+------+-------+\n"
            "|    s |     b |\n"
            "+------+-------+\n"
            "| 日本 |  TRUE |\n"
            "|  a b | FALSE |\n");
}

TEST_F(TableauTest, counts) {
  EXPECT_EQ(rows_in_set(0), "Empty set");
  EXPECT_EQ(rows_in_set(1), "1 row in set");
  EXPECT_EQ(rows_in_set(7), "7 rows in set");
  EXPECT_EQ(rows_received(7), "Received a total of 7 rows");
}

TEST(Width, counts_cuts_and_pads_cells) {
  use_utf8_locale();
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\xCC\x81"), 1u);  // e and a combining accent
  EXPECT_EQ(display_width("\xFF\xFE"), 2u);
  EXPECT_EQ(fit_width("日本", 3), "日");
  EXPECT_EQ(cut_width("日本語日本語", 8), "日本...");
  EXPECT_EQ(cut_width("abcdef", 3), "abc");
  EXPECT_EQ(pad_left("日", 4), "  日");
  EXPECT_EQ(printable("a\tb\x1B[0m\xFF"), "a b?[0m?");
}

TEST(Width, finds_invalid_utf8) {
  EXPECT_EQ(find_invalid_utf8("héllo 日本 \xF0\x9F\x8C\x8A"), std::string_view::npos);
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2u);
  EXPECT_EQ(find_invalid_utf8("ab\xC3"), 2u);
  EXPECT_EQ(find_invalid_utf8("\xC0\x80"), 0u);          // overlong
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u);      // a surrogate
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0u);  // past U+10FFFF
}

}  // namespace
}  // namespace tidemark
