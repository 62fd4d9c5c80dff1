#include "tests/runner/slt_run.h"

#include <algorithm>

#include <fmt/core.h>

#include "tests/runner/slt_result.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// The message without its values, which come last, and without the numbers in its names.
std::string cause_of(const Status& status) {
  std::string message = status.message().substr(0, status.message().find(": "));
  std::string cause(status.sqlstate());
  cause += ' ';
  for (char c : message) {
    bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) {
      cause += c;
    } else if (cause.back() != '#') {
      cause += '#';
    }
  }
  return cause;
}

struct Loaded {
  ObjectRef table;
  ZBatch rows;
};

// Row errors come and go while rows do: what counts is the answer at the end.
void step(MemoryView& view) {
  static_cast<void>(view.step());
}

Result<SltRows> rows_now(MemoryView& view, const std::string& types) {
  SltRows rows = slt_rows(TRY(view.answer()), types);
  std::ranges::sort(rows);
  return rows;
}

bool same(const Result<SltRows>& a, const Result<SltRows>& b) {
  return a.ok() == b.ok() && (!a.ok() || *a == *b);
}

class FileRun {
 public:
  FileRun(const std::string& path, const SltOptions& options, SltReport& report)
      : path_(path), options_(options), report_(report) {}

  void run(const SltRecord& record) {
    if (record.is_query) {
      ++report_.queries;
      query(record);
    } else {
      ++report_.statements;
      statement(record);
    }
  }

 private:
  void note(const SltRecord& record, const std::string& cause, const std::string& text) {
    report_.add(cause, fmt::format("{}:{}: {}", path_, record.line, text));
  }

  void statement(const SltRecord& record) {
    Status status = database_.execute(record.sql);
    if (record.expects_error) {
      bool matches = status.message().find(record.error_pattern) != std::string::npos;
      if (status.ok() || !matches) {
        ++report_.failed_statements;
        note(record, "an error was expected", status.ok() ? "none came" : status.message());
      }
    } else if (!status.ok()) {
      ++report_.failed_statements;
      note(record, "statement: " + cause_of(status), status.message());
    }
  }

  void query(const SltRecord& record) {
    Result<BoundQuery> bound = database_.bind(record.sql);
    if (!bound.ok()) {
      return refuse(record, bound.status());
    }
    std::unique_ptr<MemoryView> view = database_.make_view(*bound);
    std::vector<Loaded> tables;
    for (const ObjectRef& table : view->tables()) {
      tables.push_back({table, database_.content(table)});
      view->push(table, tables.back().rows);
    }
    step(*view);
    Result<MemoryAnswer> answer = view->answer();
    if (!answer.ok()) {
      return refuse(record, answer.status());
    }
    SltRows rows = slt_rows(*answer, record.types);
    std::string difference = slt_difference(record, rows, !bound->order.empty());
    if (difference.empty() && !record.label.empty()) {
      std::string hash = slt_hash(slt_values(record, rows));
      auto [known, added] = labels_.emplace(record.label, hash);
      difference = added || known->second == hash ? "" : "another answer under the same label";
    }
    if (!difference.empty()) {
      ++report_.wrong;
      return note(record, "wrong answer", difference);
    }
    std::ranges::sort(rows);
    std::string divergence = options_.as_views ? diverges(record, *bound, tables, rows) : "";
    if (!divergence.empty()) {
      ++report_.diverged;
      return note(record, "the view diverges", divergence);
    }
    ++report_.passed;
  }

  void refuse(const SltRecord& record, const Status& status) {
    ++report_.refused;
    note(record, "query: " + cause_of(status), status.message());
  }

  // What is wrong with the query as a view whose rows come, go and come again; empty: nothing.
  std::string diverges(const SltRecord& record, const BoundQuery& bound,
                       const std::vector<Loaded>& tables, const SltRows& answer) {
    constexpr size_t kParts = 3;
    std::unique_ptr<MemoryView> view = database_.make_view(bound);
    step(*view);
    Result<SltRows> empty = rows_now(*view, record.types);
    for (size_t part = 0; part < kParts; ++part) {
      for (const Loaded& loaded : tables) {
        view->push(loaded.table, part_of(loaded.rows, part, kParts));
      }
      step(*view);
    }
    if (!same(rows_now(*view, record.types), answer)) {
      return "another answer when its rows come after it";
    }
    for (const Loaded& loaded : tables) {
      view->push(loaded.table, negated(loaded.rows));
    }
    step(*view);
    if (!same(rows_now(*view, record.types), empty)) {
      return "another answer than at first when its rows are gone";
    }
    for (const Loaded& loaded : tables) {
      view->push(loaded.table, loaded.rows);
    }
    step(*view);
    return same(rows_now(*view, record.types), answer) ? ""
                                                       : "another answer when its rows are back";
  }

  static ZBatch part_of(const ZBatch& batch, size_t part, size_t parts) {
    std::vector<uint32_t> chosen;
    std::vector<int64_t> weights;
    for (size_t row = part; row < batch.rows.rows; row += parts) {
      chosen.push_back(static_cast<uint32_t>(row));
      weights.push_back(batch.weight(row));
    }
    return {batch.rows.select(chosen), std::move(weights)};
  }

  const std::string& path_;
  const SltOptions& options_;
  SltReport& report_;
  MemoryDatabase database_;
  std::map<std::string, std::string> labels_;
};

}  // namespace

void SltReport::add(const std::string& cause, std::string example) {
  Cause& entry = causes[cause];
  if (entry.count++ == 0) {
    entry.example = std::move(example);
  }
}

void SltReport::add(const SltReport& other) {
  files += other.files;
  statements += other.statements;
  queries += other.queries;
  passed += other.passed;
  wrong += other.wrong;
  diverged += other.diverged;
  refused += other.refused;
  failed_statements += other.failed_statements;
  skipped += other.skipped;
  for (const auto& [cause, entry] : other.causes) {
    Cause& mine = causes[cause];
    if (mine.count == 0) {
      mine.example = entry.example;
    }
    mine.count += entry.count;
  }
}

std::string SltReport::to_string(size_t causes_max) const {
  std::string text = fmt::format(
      "{} files: {} statements, {} failed; {} queries: {} passed, {} wrong, {} diverged, {} "
      "refused; {} records skipped\n",
      files, statements, failed_statements, queries, passed, wrong, diverged, refused, skipped);
  std::vector<std::pair<std::string, Cause>> ordered(causes.begin(), causes.end());
  std::ranges::stable_sort(
      ordered, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  for (size_t i = 0; i < std::min(ordered.size(), causes_max); ++i) {
    text += fmt::format("{:>9}  {}\n           {}\n", ordered[i].second.count, ordered[i].first,
                        ordered[i].second.example);
  }
  return text;
}

void run_slt(const std::string& path, const std::string& text, const SltOptions& options,
             SltReport& report) {
  ++report.files;
  Result<SltFile> file = parse_slt(text, options.names);
  if (!file.ok()) {
    ++report.failed_statements;
    report.add("not sqllogictest", path + ": " + file.status().message());
    return;
  }
  report.skipped += file->skipped;
  FileRun run(path, options, report);
  for (const SltRecord& record : file->records) {
    run.run(record);
  }
}

}  // namespace tidemark
