#include "client/printer.h"

#include "client/encode.h"

namespace tidemark {

namespace {

std::vector<AnswerColumn> visible_columns(const AnswerHead& head) {
  auto end = head.columns.begin() + static_cast<ptrdiff_t>(head.visible());
  return {head.columns.begin(), end};
}

}  // namespace

void StreamingTableau::head(const AnswerHead& head, std::string& out) {
  tableau_ = Tableau::streaming(visible_columns(head), width_max_);
  tableau_->append_header(out);
}

void StreamingTableau::row(RowKind op, std::string_view, Row row, std::string& out) {
  tableau_->append_row(op, row, out);
  ++rows_;
}

void StreamingTableau::end(std::string& out) {
  if (tableau_) {
    tableau_->append_border(out);
    out += rows_received(rows_) + "\n";
  }
}

void FinalRows::head(const AnswerHead& head, std::string&) {
  head_ = head;
  if (head.is_stream) {
    live_.emplace(head, 0);
  }
}

void FinalRows::row(RowKind op, std::string_view, Row row, std::string&) {
  if (live_) {
    live_->apply(op, std::move(row), 0);
  } else {
    rows_.push_back(std::move(row));
  }
}

void FinalRows::mark() {
  if (live_) {
    live_->commit();
  }
}

void FinalRows::end(std::string& out) {
  if (live_) {
    live_->commit();
    for (size_t i = 0; i < live_->size(); ++i) {
      rows_.push_back(live_->entry(i).cells);
    }
  }
  if (!rows_.empty()) {
    Tableau tableau = Tableau::fitting(visible_columns(head_), rows_, width_max_);
    tableau.append_header(out);
    for (const Row& row : rows_) {
      tableau.append_row(RowKind::kInsert, row, out);
    }
    tableau.append_border(out);
  }
  out += rows_in_set(rows_.size()) + "\n";
}

void RawText::row(RowKind, std::string_view, Row row, std::string& out) {
  if (!row.empty() && row[0]) {
    out += *row[0];
    if (!row[0]->ends_with('\n')) {
      out += '\n';
    }
  }
}

void JsonLines::head(const AnswerHead& head, std::string&) {
  columns = visible_columns(head);
}

void JsonLines::row(RowKind op, std::string_view mark, Row row, std::string& out) {
  append_json_change(columns, op, mark, row, out);
}

void CsvLines::head(const AnswerHead& head, std::string& out) {
  columns = visible_columns(head);
  append_csv_header(columns, out);
}

void CsvLines::row(RowKind op, std::string_view mark, Row row, std::string& out) {
  append_csv_change(columns, op, mark, row, out);
}

}  // namespace tidemark
