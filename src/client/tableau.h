#pragma once
// Rows as a grid of text, laid out as Flink's client does (TableauStyle.java): values
// right-aligned, NULL as <NULL>, what is too long cut with "...".

#include <span>
#include <string>
#include <vector>

#include "client/answer.h"

namespace tidemark {

constexpr std::string_view kNullText = "<NULL>";

// A value as the client shows it: BOOLEAN as TRUE and FALSE, NULL as <NULL>, on one line.
std::string shown_cell(const Cell& cell, const Type& type);

class Tableau {
 public:
  // Widths from the types, for rows that are not known yet; with the column `op` in front.
  static Tableau streaming(std::span<const AnswerColumn> columns, size_t width_max);
  // Widths from the rows themselves.
  static Tableau fitting(std::span<const AnswerColumn> columns, std::span<const Row> rows,
                         size_t width_max);

  void append_border(std::string& out) const;
  void append_header(std::string& out) const;  // with its borders
  void append_row(RowKind op, const Row& row, std::string& out) const;
  const std::vector<size_t>& widths() const { return widths_; }

 private:
  void append_line(std::span<const std::string> cells, std::string& out) const;

  std::vector<AnswerColumn> columns_;
  std::vector<size_t> widths_;  // one a shown column, `op` included
  bool has_op_ = false;
};

// "Empty set", "1 row in set", "7 rows in set"
std::string rows_in_set(size_t rows);
// "Received a total of 7 rows"
std::string rows_received(size_t rows);

}  // namespace tidemark
