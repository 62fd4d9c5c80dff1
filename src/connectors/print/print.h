#pragma once
// The sink 'print': a line a change on the process's standard output or error, as Flink's:
//
//   +I[1, a]        id> -U[1, a]
//
// A change is printed when it is published, and again after a kill if no checkpoint has had it: at
// least once.

#include "connectors/connector.h"

namespace tidemark {

class PrintConnector final : public SinkConnector {
 public:
  std::string_view name() const override { return "print"; }
  std::span<const OptionSpec> options() const override;
  Result<std::unique_ptr<Sink>> open_sink(SinkOpening opening) override;
};

}  // namespace tidemark
