#include "connectors/registry.h"

#include <fmt/core.h>

#include "base/nearest.h"
#include "connectors/filesystem/filesystem.h"
#include "connectors/postgres_cdc/postgres_cdc.h"
#include "connectors/print/print.h"

namespace tidemark {

namespace {

std::vector<Connector*>& all_connectors() {
  // Connectors hold no state; what a source holds begins with open_source.
  static PostgresCdcConnector postgres_cdc;
  static FilesystemConnector filesystem;
  static PrintConnector print;
  static std::vector<Connector*> all = {&postgres_cdc, &filesystem, &print};
  return all;
}

}  // namespace

std::span<Connector* const> connectors() {
  return all_connectors();
}

void add_connector(Connector& connector) {
  all_connectors().push_back(&connector);
}

Options with_changes(Options with, const Options& now) {
  auto named = with.find("connector");
  Result<Connector*> connector = find_connector(named == with.end() ? "" : named->second);
  if (!connector.ok()) {
    return with;
  }
  for (const OptionSpec& spec : (*connector)->options()) {
    if (!spec.is_changeable) {
      continue;
    }
    std::string name(spec.name);
    if (auto found = now.find(name); found != now.end()) {
      with[name] = found->second;
    } else {
      with.erase(name);
    }
  }
  return with;
}

Result<Connector*> find_connector(std::string_view name) {
  std::vector<std::string> names;
  std::string list;
  for (Connector* connector : connectors()) {
    if (connector->name() == name) {
      return connector;
    }
    names.emplace_back(connector->name());
    list += (list.empty() ? "" : ", ") + names.back();
  }
  auto nearest = nearest_name(name, names);
  return Status::not_found(fmt::format("unknown connector: '{}'", name))
      .with_hint((nearest ? fmt::format("did you mean '{}'? ", *nearest) : std::string()) +
                 "connectors: " + list);
}

}  // namespace tidemark
