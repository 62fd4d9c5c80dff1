#pragma once
// A live query as messages. The rows have the columns `mark` and `op`, then the query's own, those
// that only the order needs last:
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
#include <string>
#include <string_view>

#include "engine/session.h"
#include "types/text.h"

namespace tidemark::pgwire {

class StreamWriter {
 public:
  // `zone`: for TIMESTAMP_LTZ.
  StreamWriter(const StreamResult& result, std::string zone);

  void write_parameters(std::string& out);
  void write_description(std::string& out);
  // Appends from row `row` on, which it moves, until bytes_max; true when the update is complete.
  bool write_update(const ViewUpdate& update, size_t& row, size_t bytes_max, std::string& out);
  // Change rows written; those that say "mark" do not count.
  uint64_t rows_written() const { return rows_; }

 private:
  void write_parameter(std::string& out, std::string_view name, std::string value);
  void write_freshness(const ViewUpdate& update, std::string& out);
  void write_mark(const ViewUpdate& update, std::string& out);
  bool write_changes(const ViewUpdate& update, size_t& row, size_t bytes_max, std::string& out);

  const Schema schema_;
  const size_t hidden_;
  const std::vector<SortKey> order_;
  const std::optional<std::vector<size_t>> key_;
  const std::string zone_;
  std::map<std::string, std::string, std::less<>> sent_;
  uint64_t rows_ = 0;
};

}  // namespace tidemark::pgwire
