#pragma once
// The one table of connectors. Adding one: its folder, and a line in registry.cc.

#include <span>
#include <string_view>

#include "connectors/connector.h"

namespace tidemark {

std::span<Connector* const> connectors();
// kNotFound lists the connectors, and names the nearest.
Result<Connector*> find_connector(std::string_view name);
// For tests: one more, before any engine is there, which it outlives.
void add_connector(Connector& connector);

}  // namespace tidemark
