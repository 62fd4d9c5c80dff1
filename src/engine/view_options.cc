#include "engine/view_options.h"

namespace tidemark {

namespace {

constexpr OptionSpec kOptions[] = {
    {"retention", OptionSpec::Kind::kDuration, false, "5min", OptionSpec::Effect::kUsed,
     "how long changes are kept for SUBSCRIBE ... AS OF MARK; 0s: not at all"},
};

Result<int64_t> retention_of(const Options& options) {
  return parse_duration_us(option_or_default(options, kOptions, "retention"));
}

}  // namespace

Result<std::vector<std::string>> check_view_options(const Options& options) {
  std::vector<std::string> notices =
      TRY(check_options(options, kOptions, "CREATE MATERIALIZED VIEW"));
  TRY(retention_of(options));
  return notices;
}

Result<int64_t> retention_us(const CatalogObject& view) {
  return retention_of(std::get<MaterializedViewDefinition>(view.definition).options);
}

}  // namespace tidemark
