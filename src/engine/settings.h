#pragma once
// The table of session settings: Flink's keys with their defaults, and ours. It gives SET, SHOW,
// the notices for keys without effect, and the reference.

#include <span>
#include <string>
#include <string_view>

#include "base/options.h"

namespace tidemark {

std::span<const OptionSpec> all_settings();
// The default of a key; empty if the key is unknown or has none.
std::string default_setting(std::string_view key);

}  // namespace tidemark
