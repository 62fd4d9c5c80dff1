#pragma once
// A live query as rows. They have the columns `mark` and `op`, then the query's own, those that
// only the order needs last. What belongs to an update but is not a row is sent as ParameterStatus:
//
//   ParameterStatus   tidemark.result = stream, tidemark.key, tidemark.order, tidemark.hidden
//   RowDescription    mark, op, ...
//   per update        ParameterStatus  tidemark.commit_time, .lag_ms, .stale
//                     DataRow          mark, +I | -U | +U | -D, values ...
//                     DataRow          mark, "mark", NULL ...: the update is complete
//   while it is read  ParameterStatus  tidemark.snapshot = done/total
//   at the end        ParameterStatus  tidemark.result = rows (written by the connection)
//
// A parameter is sent only when its value has changed, and before the rows that it belongs to.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/session.h"

namespace tidemark::pgwire {

// `mark` and `op` (both text) in front of the query's columns.
Schema stream_schema(const Schema& schema);

class StreamRows {
 public:
  explicit StreamRows(const StreamResult& result);

  const Schema& schema() const { return schema_; }
  void write_parameters(std::string& out);
  // Takes in an update: its parameters go to `out`, its rows wait to be read.
  void take(const ViewUpdate& update, std::string& out);
  // Rows of the update that were not read yet.
  const RowBatch& rows() const { return rows_; }
  size_t next_row() const { return next_; }
  bool is_read() const { return next_ == rows_.rows; }
  void read_up_to(size_t row) { next_ = row; }
  // Change rows taken in; those that say "mark" do not count.
  uint64_t changes() const { return changes_; }

 private:
  void write_parameter(std::string& out, std::string_view name, std::string value);
  void write_freshness(const ViewUpdate& update, std::string& out);
  void take_rows(const ViewUpdate& update);

  Schema schema_;
  size_t hidden_;
  std::vector<SortKey> order_;
  std::optional<std::vector<size_t>> key_;
  std::map<std::string, std::string, std::less<>> sent_;
  RowBatch rows_;
  size_t next_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace tidemark::pgwire
