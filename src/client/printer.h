#pragma once
// Writes an answer to the output, in one of the forms a user can ask for, as it comes.

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "client/answer.h"
#include "client/live_table.h"
#include "client/output.h"
#include "client/tableau.h"

namespace tidemark {

enum class OutputForm : uint8_t { kTable, kChangelog, kTableau, kCsv, kJson };

// Every change on its line, under a header with widths by type.
class StreamingTableau {
 public:
  explicit StreamingTableau(size_t width_max) : width_max_(width_max) {}
  void head(const AnswerHead& head, std::string& out);
  void row(RowKind op, std::string_view mark, Row row, std::string& out);
  void end(std::string& out);

 private:
  size_t width_max_;
  std::optional<Tableau> tableau_;
  size_t rows_ = 0;
};

// Only what there is at the end.
class FinalRows {
 public:
  explicit FinalRows(size_t width_max) : width_max_(width_max) {}
  void head(const AnswerHead& head, std::string& out);
  void row(RowKind op, std::string_view mark, Row row, std::string& out);
  void mark();
  void end(std::string& out);

 private:
  size_t width_max_;
  AnswerHead head_;
  std::optional<LiveTable> live_;  // of a live query
  std::vector<Row> rows_;          // of another one
};

// The text of EXPLAIN and SHOW CREATE, as it is.
struct RawText {
  void head(const AnswerHead&, std::string&) {}
  void row(RowKind op, std::string_view mark, Row row, std::string& out);
  void end(std::string&) {}
};

struct JsonLines {
  void head(const AnswerHead& head, std::string& out);
  void row(RowKind op, std::string_view mark, Row row, std::string& out);
  void end(std::string&) {}
  std::vector<AnswerColumn> columns;
};

struct CsvLines {
  void head(const AnswerHead& head, std::string& out);
  void row(RowKind op, std::string_view mark, Row row, std::string& out);
  void end(std::string&) {}
  std::vector<AnswerColumn> columns;
};

using Printer = std::variant<StreamingTableau, FinalRows, RawText, JsonLines, CsvLines>;

}  // namespace tidemark
