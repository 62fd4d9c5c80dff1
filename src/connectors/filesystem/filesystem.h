#pragma once
// The sink 'filesystem': changes as lines of files in a directory. A file appears whole, under a
// name that no other ever has; file_sink.h says how.

#include "connectors/connector.h"

namespace tidemark {

class FilesystemConnector final : public SinkConnector {
 public:
  std::string_view name() const override { return "filesystem"; }
  std::span<const OptionSpec> options() const override;
  Result<SourceTable> resolve_table(const Options& with, const std::optional<Schema>& declared,
                                    const Options& settings) override;
  Result<std::unique_ptr<Sink>> open_sink(SinkOpening opening) override;
};

}  // namespace tidemark
