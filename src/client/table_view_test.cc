#include "client/table_view.h"

#include <gtest/gtest.h>

#include "client/width.h"

namespace tidemark {
namespace {

class TableViewTest : public testing::Test {
 protected:
  void SetUp() override {
    use_utf8_locale();
    setenv("TZ", "UTC", 1);
    tzset();
    head_.is_stream = true;
    head_.columns = {{"detail", Type::string()}, {"costs", Type::float64()}};
    head_.key = {{0}};
    table_.emplace(head_, 0);
    for (int i = 0; i < 7; ++i) {
      table_->apply(RowKind::kInsert, {"row " + std::to_string(i), std::to_string(i * 100)}, 1);
    }
    table_->apply(RowKind::kInsert, {"wide 日本語", std::nullopt}, 1);
    table_->commit();
  }
  Content content() {
    Content content{.head = &head_, .table = &*table_};
    content.freshness = {.mark = "0/1A2B3C8", .commit_time_us = 45'296'789'000, .lag_ms = 3};
    content.is_reading = false;
    content.now_us = 10'000'000;
    return content;
  }
  AnswerHead head_;
  std::optional<LiveTable> table_;
  TableView view_{"SELECT detail,\n  SUM(x) AS costs FROM t", 30, false};
};

TEST_F(TableViewTest, whole_screen) {
  EXPECT_EQ(view_.render(content(), 80, 11).plain_text(),
            "SELECT detail, SUM(x) AS costs FROM t\n"
            "detail        costs\n"
            "row 0             0\n"
            "row 1           100\n"
            "row 2           200\n"
            "row 3           300\n"
            "row 4           400\n"
            "row 5           500\n"
            "row 6           600\n"
            "wide 日本語  <NULL>\n"
            "mark 0/1A2B3C8 · committed 12:34:56.789 · lag 3 ms · 8 rows · q quit\n");
}

TEST_F(TableViewTest, every_size_is_filled_and_never_exceeded) {
  for (size_t width = 1; width <= 40; ++width) {
    for (size_t height = 1; height <= 12; ++height) {
      for (Key key :
           {Key::kNone, Key::kRight, Key::kDown, Key::kOpen, Key::kQuit, Key::kEnd, Key::kHome}) {
        view_.press({key}, content());
        Frame frame = view_.render(content(), width, height);
        ASSERT_EQ(frame.lines.size(), height);
        for (const auto& line : frame.lines) {
          size_t used = 0;
          for (const TextSpan& span : line) {
            used += display_width(span.text);
          }
          ASSERT_EQ(used, width) << width << "x" << height;
        }
      }
    }
  }
}

TEST_F(TableViewTest, small_terminal_keeps_what_matters_most) {
  EXPECT_EQ(view_.render(content(), 20, 5).plain_text(),
            "SELEC... page 1 of 4\n"
            "detail  costs\n"
            "row 0       0\n"
            "row 1     100\n"
            "mark 0/1A2B3C8\n");
}

TEST_F(TableViewTest, pages) {
  view_.render(content(), 60, 6);  // three rows a page
  view_.press({Key::kNextPage}, content());
  std::string text = view_.render(content(), 60, 6).plain_text();
  EXPECT_NE(text.find("row 3"), std::string::npos);
  EXPECT_NE(text.find("page 2 of 3"), std::string::npos);
  view_.press({Key::kEnd}, content());
  text = view_.render(content(), 60, 6).plain_text();
  EXPECT_NE(text.find("page 3 of 3"), std::string::npos);
  EXPECT_NE(text.find("wide"), std::string::npos);
  view_.press({Key::kGoto}, content());
  view_.press({Key::kDigit, '1'}, content());
  EXPECT_NE(view_.render(content(), 60, 6).plain_text().find("Enter page number: 1"),
            std::string::npos);
  view_.press({Key::kOpen}, content());
  EXPECT_NE(view_.render(content(), 60, 6).plain_text().find("row 0"), std::string::npos);
}

TEST_F(TableViewTest, opens_a_row_and_leaves) {
  view_.render(content(), 60, 8);
  view_.press({Key::kDown}, content());
  view_.press({Key::kDown}, content());
  view_.press({Key::kOpen}, content());
  std::string text = view_.render(content(), 60, 8).plain_text();
  EXPECT_NE(text.find("detail (STRING)\n  row 1\ncosts (DOUBLE)\n  100\n"), std::string::npos)
      << text;
  EXPECT_TRUE(view_.press({Key::kQuit}, content()));   // back to the table
  EXPECT_FALSE(view_.press({Key::kQuit}, content()));  // out
}

TEST_F(TableViewTest, changed_cells_stand_out_for_a_while) {
  Content now = content();
  table_->apply(RowKind::kUpdateAfter, {"row 1", "101"}, now.now_us);
  table_->commit();
  auto style_of = [&](const std::string& text) {
    for (const auto& line : view_.render(now, 80, 12).lines) {
      for (const TextSpan& span : line) {
        if (span.text == text) {
          return span.style;
        }
      }
    }
    return TextStyle::kWarning;
  };
  EXPECT_EQ(style_of("101"), TextStyle::kFresh);
  EXPECT_EQ(style_of("row 1"), TextStyle::kPlain);
  EXPECT_EQ(style_of("<NULL>"), TextStyle::kDim);
  now.now_us += 1'000'000;
  EXPECT_EQ(style_of("101"), TextStyle::kRecent);
  now.now_us += 1'000'000;
  EXPECT_EQ(style_of("101"), TextStyle::kPlain);
}

TEST_F(TableViewTest, progress_while_the_source_is_read) {
  Content reading = content();
  reading.head = nullptr;
  reading.table = nullptr;
  reading.is_reading = true;
  reading.freshness = {.snapshot_rows = 500'000, .snapshot_rows_total = 1'000'000};
  reading.reading_since_us = reading.now_us - 2'000'000;
  std::string text = view_.render(reading, 80, 10).plain_text();
  EXPECT_NE(text.find("[#########################.........................]  50%\n"
                      "500,000 of 1,000,000 rows · 250,000 rows/s · 2 s left\n"),
            std::string::npos)
      << text;
}

TEST_F(TableViewTest, says_that_it_is_stale) {
  Content stale = content();
  stale.freshness.stale = "stale since 12:00:01: reconnecting (connection refused)";
  EXPECT_NE(view_.render(stale, 80, 12).plain_text().find("stale since 12:00:01: reconnecting"),
            std::string::npos);
}

}  // namespace
}  // namespace tidemark
