#include "client/tableau.h"

#include <algorithm>

#include <fmt/core.h>

#include "client/width.h"

namespace tidemark {

namespace {

size_t timestamp_width(int precision) {
  return precision == 0 ? 19 : 20 + static_cast<size_t>(precision);
}

// TableauStyle.java, columnWidthsByType.
size_t width_of_type(const Type& type, size_t width_max) {
  switch (type.kind) {
    case TypeKind::kTinyint:
      return 4;
    case TypeKind::kSmallint:
      return 6;
    case TypeKind::kInt:
      return 11;
    case TypeKind::kBigint:
      return 20;
    case TypeKind::kDecimal:
      return static_cast<size_t>(type.precision) + 2;
    case TypeKind::kBoolean:
      return 5;
    case TypeKind::kDate:
      return 10;
    case TypeKind::kTime:
      return type.precision == 0 ? 8 : 9 + static_cast<size_t>(type.precision);
    case TypeKind::kTimestamp:
      return timestamp_width(type.precision);
    case TypeKind::kTimestampLtz:
      return timestamp_width(type.precision) + 3;  // we show the offset
    default:
      return width_max;
  }
}

}  // namespace

std::string shown_cell(const Cell& cell, const Type& type) {
  if (!cell) {
    return std::string(kNullText);
  }
  if (type.kind == TypeKind::kBoolean) {
    return *cell == "t" ? "TRUE" : "FALSE";
  }
  return printable(*cell);
}

Tableau Tableau::streaming(std::span<const AnswerColumn> columns, size_t width_max) {
  Tableau tableau;
  tableau.has_op_ = true;
  tableau.columns_.assign(columns.begin(), columns.end());
  tableau.widths_.push_back(2);
  for (const AnswerColumn& column : columns) {
    size_t width = std::max(
        {display_width(column.name), kNullText.size(), width_of_type(column.type, width_max)});
    tableau.widths_.push_back(width);
  }
  return tableau;
}

Tableau Tableau::fitting(std::span<const AnswerColumn> columns, std::span<const Row> rows,
                         size_t width_max) {
  Tableau tableau;
  tableau.columns_.assign(columns.begin(), columns.end());
  for (size_t i = 0; i < columns.size(); ++i) {
    size_t width = 0;
    for (const Row& row : rows) {
      width = std::max(width, display_width(shown_cell(row[i], columns[i].type)));
    }
    tableau.widths_.push_back(std::max(display_width(columns[i].name), std::min(width, width_max)));
  }
  return tableau;
}

void Tableau::append_border(std::string& out) const {
  for (size_t width : widths_) {
    out += '+';
    out.append(width + 2, '-');
  }
  out += "+\n";
}

void Tableau::append_line(std::span<const std::string> cells, std::string& out) const {
  for (size_t i = 0; i < cells.size(); ++i) {
    out += fmt::format("| {} ", pad_left(cut_width(cells[i], widths_[i]), widths_[i]));
  }
  out += "|\n";
}

void Tableau::append_header(std::string& out) const {
  std::vector<std::string> names;
  if (has_op_) {
    names.emplace_back("op");
  }
  for (const AnswerColumn& column : columns_) {
    names.push_back(printable(column.name));
  }
  append_border(out);
  append_line(names, out);
  append_border(out);
}

void Tableau::append_row(RowKind op, const Row& row, std::string& out) const {
  std::vector<std::string> cells;
  if (has_op_) {
    cells.emplace_back(row_kind_text(op));
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    cells.push_back(shown_cell(row[i], columns_[i].type));
  }
  append_line(cells, out);
}

std::string rows_in_set(size_t rows) {
  return rows == 0 ? "Empty set" : fmt::format("{} row{} in set", rows, rows == 1 ? "" : "s");
}

std::string rows_received(size_t rows) {
  return fmt::format("Received a total of {} row{}", rows, rows == 1 ? "" : "s");
}

}  // namespace tidemark
