#include "connectors/print/print.h"

#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "types/text.h"

namespace tidemark {

namespace {

constexpr OptionSpec kSpecs[] = {
    {.name = "connector", .required = true, .text = "print"},
    {.name = "print-identifier", .text = "stands before each line: 'id> '"},
    {.name = "standard-error",
     .kind = OptionSpec::Kind::kBool,
     .default_value = "false",
     .text = "prints on standard error instead of standard output"},
    {.name = "sink.parallelism",
     .kind = OptionSpec::Kind::kInt,
     .effect = OptionSpec::Effect::kIgnored,
     .text = "a job has one writer for each of its sinks"},
};

class PrintSink final : public Sink {
 public:
  PrintSink(int fd, std::string prefix) : fd_(fd), prefix_(std::move(prefix)) {}

  Status restore(std::string_view) override { return {}; }

  Status write(const SinkChanges& update) override {
    std::string lines;
    const RowBatch& rows = update.changes.rows;
    for (size_t row = 0; row < rows.rows; ++row) {
      lines += prefix_;
      lines += row_kind_text(update.changes.kinds[row]);
      const char* before = "[";
      for (const ColumnRef& column : rows.columns) {
        lines += before;
        before = ", ";
        if (column->is_null(row)) {
          lines += "null";
        } else {
          append_text(*column, row, lines);
        }
      }
      lines += rows.columns.empty() ? "[]\n" : "]\n";
    }
    std::string_view left = lines;
    while (!left.empty()) {
      ssize_t written = ::write(fd_, left.data(), left.size());
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written < 0) {
        return Status::unavailable(std::string("cannot print: ") + strerror(errno));
      }
      left.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Result<std::string> prepare() override { return std::string(); }
  Status commit(std::string_view) override { return {}; }

 private:
  int fd_;
  std::string prefix_;
};

}  // namespace

std::span<const OptionSpec> PrintConnector::options() const {
  return kSpecs;
}

Result<std::unique_ptr<Sink>> PrintConnector::open_sink(SinkOpening opening) {
  bool is_error = TRY(parse_bool(option_or_default(opening.with, kSpecs, "standard-error")));
  std::string id = option_or_default(opening.with, kSpecs, "print-identifier");
  return std::unique_ptr<Sink>(std::make_unique<PrintSink>(is_error ? STDERR_FILENO : STDOUT_FILENO,
                                                           id.empty() ? "" : id + "> "));
}

}  // namespace tidemark
