#pragma once
// The one table of connectors. Adding one: its folder, and a line in registry.cc.

#include <span>
#include <string_view>

#include "connectors/connector.h"

namespace tidemark {

std::span<Connector* const> connectors();
// kNotFound lists the connectors, and names the nearest.
Result<Connector*> find_connector(std::string_view name);
// `with`, but those options that may change while they are in use (OptionSpec) as `now` has them.
Options with_changes(Options with, const Options& now);
// The same but for those.
inline bool name_the_same(const Options& a, const Options& b) {
  return a == b || with_changes(a, b) == b;
}
// For tests: one more, before any engine is there, which it outlives.
void add_connector(Connector& connector);

}  // namespace tidemark
