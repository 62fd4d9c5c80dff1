#include "connectors/connector.h"

#include <algorithm>
#include <array>

namespace tidemark {

namespace {

// Of SourceCondition's comparisons, from kEqual on.
constexpr std::array<std::string_view, 6> kComparisonNames = {"=", "<>", "<", "<=", ">", ">="};

}  // namespace

std::string_view name_of(SourceCondition::Kind comparison) {
  return kComparisonNames.at(static_cast<size_t>(comparison) -
                             static_cast<size_t>(SourceCondition::Kind::kEqual));
}

std::optional<SourceCondition::Kind> find_comparison(std::string_view name) {
  auto found = std::ranges::find(kComparisonNames, name);
  if (found == kComparisonNames.end()) {
    return std::nullopt;
  }
  return static_cast<SourceCondition::Kind>(static_cast<size_t>(SourceCondition::Kind::kEqual) +
                                            static_cast<size_t>(found - kComparisonNames.begin()));
}

const char* name_of(SourceState state) {
  switch (state) {
    case SourceState::kConnecting:
      return "connecting";
    case SourceState::kSnapshot:
      return "snapshot";
    case SourceState::kStreaming:
      return "streaming";
    case SourceState::kStale:
      return "stale";
    case SourceState::kFailed:
      return "failed";
    case SourceState::kReleased:
      return "released";
  }
  CHECK(false);
}

Result<std::unique_ptr<Sink>> Connector::open_sink(SinkOpening) {
  return Status::invalid_argument("connector '" + std::string(name()) + "' cannot be written");
}

Result<SourceTable> SinkConnector::resolve_table(const Options&,
                                                 const std::optional<Schema>& declared,
                                                 const Options&) {
  if (!declared) {
    return Status::invalid_argument("connector '" + std::string(name()) +
                                    "' needs the columns of its rows")
        .with_hint("CREATE TABLE t (a INT, ...) WITH (...), or LIKE a table that has them");
  }
  return SourceTable{.schema = *declared};
}

Result<std::vector<SourceTableName>> SinkConnector::list_tables(const Options&) {
  return Status::invalid_argument("connector '" + std::string(name()) +
                                  "' has no catalog: it is a sink");
}

Options SinkConnector::table_options(const Options& catalog, const SourceTableName&) {
  return catalog;
}

Result<std::unique_ptr<Source>> SinkConnector::open_source(SourceOpening) {
  return Status::invalid_argument("connector '" + std::string(name()) +
                                  "' is a sink: it is written, and not read");
}

}  // namespace tidemark
