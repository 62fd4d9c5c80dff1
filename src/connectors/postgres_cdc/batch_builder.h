#pragma once
// Builds one reader's change batches, row by row. Knows how far its rows belong to commits that are
// complete, so that the rows of a commit still arriving can stay behind.

#include <cstdint>

#include "connectors/postgres_cdc/reader_plan.h"

namespace tidemark {

class BatchBuilder {
 public:
  explicit BatchBuilder(const ReaderPlan& plan);  // must outlive it

  // Which of a change's columns are wanted from a row.
  enum class Take : uint8_t { kAll, kKey };
  // Appends a row. Unchanged values come from `old_row` if it has them, else they are marked.
  // On error the builder must not be used any more.
  Status append(RowKind kind, const PgRow& row, const RelationMap& map, const PgRow* old_row,
                Take take);

  size_t rows() const { return kinds_.size(); }
  size_t bytes() const { return bytes_; }
  // All rows so far belong to complete commits.
  void mark_commit() { committed_rows_ = kinds_.size(); }
  size_t committed_rows() const { return committed_rows_; }
  // Takes all rows, or those of complete commits.
  ChangeBatch take();
  ChangeBatch take_committed();

 private:
  void start();

  const ReaderPlan* plan_;
  std::vector<Column> columns_;
  std::vector<RowKind> kinds_;
  std::vector<std::vector<uint8_t>> unchanged_;
  size_t bytes_ = 0;
  size_t committed_rows_ = 0;
};

}  // namespace tidemark
