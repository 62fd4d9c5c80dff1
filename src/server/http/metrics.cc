#include "server/http/metrics.h"

#include <array>
#include <fstream>

#include <fmt/core.h>
#include <unistd.h>

#include "engine/session.h"
#include "sql/parser.h"
#include "types/text.h"

namespace tidemark::http {

namespace {

// A label's value: backslash, quote and line end are escaped.
std::string label(std::string_view value) {
  std::string text;
  for (char c : value) {
    if (c == '\\' || c == '"') {
      text += '\\';
    }
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

Result<RowBatch> ask(Session& session, const char* query) {
  sql::Statement statement = TRY(sql::parse_statement(query));
  StatementResult result = TRY(session.execute(statement, query));
  return std::get<RowsResult>(result.outcome).rows;
}

std::string cell(const RowBatch& rows, size_t row, size_t column) {
  return rows.columns[column]->is_null(row) ? "" : tidemark::text_of(*rows.columns[column], row);
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view text) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, text, name, type);
}

// One gauge a row: labels from the first `labels` columns, the value from `column`; NULLs are left
// out.
void gauges(std::string& out, const RowBatch& rows, std::string_view name, std::string_view text,
            std::initializer_list<const char*> labels, size_t column, double scale = 1) {
  head(out, name, "gauge", text);
  for (size_t row = 0; row < rows.rows; ++row) {
    std::string value = cell(rows, row, column);
    if (value.empty()) {
      continue;
    }
    std::string names;
    size_t place = 0;
    for (const char* key : labels) {
      names += fmt::format("{}{}=\"{}\"", names.empty() ? "" : ",", key,
                           label(cell(rows, row, place++)));
    }
    out += fmt::format("{}{{{}}} {}\n", name, names, std::stod(value) * scale);
  }
}

// proc(5): the second number of statm is the resident pages.
uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

}  // namespace

void ServerMetrics::count_statement(int64_t time_us) {
  ++statements_;
  total_us_ += time_us;
  for (size_t i = 0; i < kBounds_us.size(); ++i) {
    if (time_us <= kBounds_us[i]) {
      ++buckets_[i];
      return;
    }
  }
  ++buckets_.back();
}

void ServerMetrics::append(std::string& out, size_t connections) const {
  head(out, "tidemark_connections", "gauge", "Connections of clients.");
  out += fmt::format("tidemark_connections {}\n", connections);
  head(out, "process_resident_memory_bytes", "gauge", "Memory of the program.");
  out += fmt::format("process_resident_memory_bytes {}\n", resident_bytes());
  head(out, "tidemark_connections_refused_total", "counter",
       "Connections refused because there were too many.");
  out += fmt::format("tidemark_connections_refused_total {}\n", refused_);
  head(out, "tidemark_statement_errors_total", "counter", "Statements that ended in an error.");
  out += fmt::format("tidemark_statement_errors_total {}\n", errors_);
  head(out, "tidemark_point_reads_total", "counter",
       "Reads of single rows that were answered from an index at once.");
  out += fmt::format("tidemark_point_reads_total {}\n", point_reads_);
  head(out, "tidemark_statement_seconds", "histogram", "Time from a message to its answer.");
  uint64_t sum = 0;
  for (size_t i = 0; i < kBounds_us.size(); ++i) {
    sum += buckets_[i];
    out += fmt::format("tidemark_statement_seconds_bucket{{le=\"{}\"}} {}\n",
                       static_cast<double>(kBounds_us[i]) / 1e6, sum);
  }
  out += fmt::format("tidemark_statement_seconds_bucket{{le=\"+Inf\"}} {}\n", statements_);
  out += fmt::format("tidemark_statement_seconds_sum {}\ntidemark_statement_seconds_count {}\n",
                     static_cast<double>(total_us_) / 1e6, statements_);
}

Result<std::string> engine_metrics(Session& session) {
  std::string out;
  RowBatch views = TRY(ask(session,
                           "SELECT schema, name, CASE WHEN state = 'running' THEN 1 ELSE 0 END, "
                           "lag_ms, rows, readers, state_bytes FROM tidemark.views"));
  gauges(out, views, "tidemark_view_up", "1 while the view is kept.", {"schema", "view"}, 2);
  gauges(out, views, "tidemark_view_lag_seconds",
         "Time between the last commit in the view and its publication.", {"schema", "view"}, 3,
         0.001);
  gauges(out, views, "tidemark_view_rows", "Different rows of the view.", {"schema", "view"}, 4);
  gauges(out, views, "tidemark_view_readers", "Readers that follow the view.", {"schema", "view"},
         5);
  gauges(out, views, "tidemark_view_state_bytes", "State of the view's operators in memory.",
         {"schema", "view"}, 6);
  RowBatch operators = TRY(ask(session,
                               "SELECT view, CAST(node AS STRING), operator, rows_in, rows_out, "
                               "state_bytes FROM tidemark.operators"));
  gauges(out, operators, "tidemark_operator_rows_in", "Changes that an operator has taken in.",
         {"view", "node", "operator"}, 3);
  gauges(out, operators, "tidemark_operator_rows_out", "Changes that an operator has given.",
         {"view", "node", "operator"}, 4);
  RowBatch sources =
      TRY(ask(session,
              "SELECT name, CASE WHEN state = 'streaming' THEN 1 ELSE 0 END, read_ahead_bytes, "
              "budget_bytes FROM tidemark.sources"));
  gauges(out, sources, "tidemark_source_up", "1 while the source's changes are received.",
         {"source"}, 1);
  gauges(out, sources, "tidemark_source_read_ahead_bytes",
         "Log of the source that was received and waits on our disk.", {"source"}, 2);
  gauges(out, sources, "tidemark_source_budget_bytes",
         "Log that the source may keep for us (wal.budget).", {"source"}, 3);
  RowBatch slots = TRY(ask(session, "SELECT source, kept_bytes FROM tidemark.slots"));
  gauges(out, slots, "tidemark_slot_kept_bytes", "Log that our slot keeps at the source in all.",
         {"source"}, 1);
  RowBatch lag = TRY(ask(session, "SELECT name, lag_bytes, what FROM tidemark.lag"));
  constexpr std::array<const char*, 3> kLags[] = {
      {"view", "tidemark_view_lag_bytes", "Log of the source that the view does not show yet."},
      {"received", "tidemark_source_lag_bytes", "Log of the source that was not received yet."},
      {"confirmed", "tidemark_source_held_bytes",
       "Log that the source keeps because it was not told that it is safe here."}};
  for (const auto& [what, name, text] : kLags) {
    std::vector<uint32_t> chosen;
    for (uint32_t row = 0; row < lag.rows; ++row) {
      if (cell(lag, row, 2) == what) {
        chosen.push_back(row);
      }
    }
    gauges(out, lag.select(chosen), name, text,
           {std::string_view(what) == "view" ? "view" : "source"}, 1);
  }
  return out;
}

Result<std::string> unready_views(Session& session) {
  RowBatch rows = TRY(ask(session,
                          "SELECT schema, name, state, message FROM tidemark.views "
                          "WHERE state <> 'running' ORDER BY schema, name"));
  std::string text;
  for (size_t row = 0; row < rows.rows; ++row) {
    text += fmt::format("{}.{}: {} {}\n", cell(rows, row, 0), cell(rows, row, 1),
                        cell(rows, row, 2), cell(rows, row, 3));
  }
  return text;
}

}  // namespace tidemark::http
