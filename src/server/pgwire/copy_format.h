#pragma once
// Rows as COPY writes them: text, csv, binary (PostgreSQL 15 manual, COPY, "File Formats").

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/ast_ddl.h"
#include "types/column.h"
#include "types/text.h"

namespace tidemark::pgwire {

class CopyFormat {
 public:
  enum class Kind : uint8_t { kText, kCsv, kBinary };

  // The options of a COPY statement, checked.
  static Result<CopyFormat> make(const sql::Options& options, const Schema& schema);

  Kind kind() const { return kind_; }
  // What stands before the first and behind the last row; empty: nothing.
  std::string header(const Schema& schema) const;
  std::string trailer() const;
  void append_row(const RowBatch& rows, size_t row, std::string& out,
                  const TextFormat& format) const;

 private:
  void append_text_field(std::string_view text, std::string& out) const;
  void append_csv_field(std::string_view text, bool is_forced, bool is_alone,
                        std::string& out) const;
  Status check() const;

  Kind kind_ = Kind::kText;
  char delimiter_ = '\t';
  std::string null_ = "\\N";
  bool has_header_ = false;
  char quote_ = '"';
  char escape_ = '"';
  std::vector<bool> forced_;  // FORCE_QUOTE: columns quoted even if they need it not
};

}  // namespace tidemark::pgwire
