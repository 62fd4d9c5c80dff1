#pragma once
// How a live query looks: which rows and columns are on the screen, and everything around them.
// Makes frames of any size, down to one cell; keeps the place that the user has moved to.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "client/answer.h"
#include "client/frame.h"
#include "client/live_table.h"

namespace tidemark {

// One line of the changelog.
struct LoggedChange {
  RowKind op = RowKind::kInsert;
  Row row;
  int64_t time_us = 0;
};

// What there is to show. Exactly one of `table` and `log` is set once `head` is.
struct Content {
  const AnswerHead* head = nullptr;  // null: no columns known yet
  const LiveTable* table = nullptr;
  const std::deque<LoggedChange>* log = nullptr;
  Freshness freshness;
  bool is_reading = true;  // no mark has come yet
  bool has_ended = false;
  int64_t reading_since_us = 0;  // when its first rows came
  int64_t now_us = 0;            // steady
};

class TableView {
 public:
  TableView(std::string query, size_t column_width_max, bool follow_end);

  Frame render(const Content& content, size_t width, size_t height);
  // False: the user wants to leave.
  bool press(KeyPress press, const Content& content);

 private:
  using Line = std::vector<TextSpan>;
  struct VisibleRow {
    const Row* cells;
    const std::vector<int64_t>* changed_us;
    RowKind op;
    int64_t logged_us;
  };

  size_t row_count(const Content& content) const;
  VisibleRow row_at(const Content& content, size_t position) const;
  void clamp(const Content& content, size_t page_rows);
  void grow_widths(const Content& content);
  Line title(const Content& content, size_t width) const;
  Line header(const Content& content, size_t width) const;
  Line row_line(const Content& content, size_t position, size_t width) const;
  void add_rows(const Content& content, size_t width, size_t count, Frame& frame);
  void add_reading(const Content& content, size_t width, size_t count, Frame& frame) const;
  void add_opened(const Content& content, size_t width, size_t count, Frame& frame) const;
  Line status(const Content& content, size_t width) const;
  TextStyle cell_style(const Content& content, const VisibleRow& row, size_t column,
                       bool selected) const;

  std::string query_;
  size_t column_width_max_;
  bool follow_end_;             // keep the newest rows on the screen
  std::vector<size_t> widths_;  // of the visible columns; never shrink, so that nothing jumps
  size_t top_ = 0;
  size_t left_ = 0;
  size_t page_rows_ = 1;
  std::optional<size_t> selected_;
  bool opened_ = false;
  std::optional<std::string> goto_page_;  // what has been typed
  std::string hint_;                      // shown once in the status line
};

// "12:34:56.789" in the local zone.
std::string clock_text(int64_t time_us);
// "1,234,567"
std::string grouped(uint64_t number);

}  // namespace tidemark
