#pragma once
// What bytes from a damaged source must not break: the change stream of pgoutput, and COPY's
// binary rows. Each ends in changes or an error. A law that does not hold ends the process.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/postgres_cdc/change_decoder.h"

namespace tidemark {

class SourceFuzz {
 public:
  SourceFuzz();
  // The first byte says what the others are read as.
  void run(std::string_view input);
  // Streams and rows that are whole, for a corpus.
  static std::vector<std::string> seeds();

  // Rows that came out, and commits that ended.
  size_t rows() const { return rows_; }
  size_t commits() const { return commits_; }

 private:
  void run_stream(std::string_view input);
  void run_copy(std::string_view input);
  void take(const SourceEvent& event);
  // Every value can be written.
  void take_rows(const RowBatch& rows);

  std::shared_ptr<const ReaderPlan> full_, keyed_;
  size_t rows_ = 0;
  size_t commits_ = 0;
  Lsn position_;
};

}  // namespace tidemark
