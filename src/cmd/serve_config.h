#pragma once
// The file of --config: a flag of `serve` a line, without its dashes, and its value.
//
//   # comment
//   data-dir = /var/lib/tidemark
//   listen = 127.0.0.1:7432
//   allow-insecure-listen
//
// Flags of the command line win over the file's.

#include <map>
#include <string>

#include "base/status.h"

namespace tidemark {

// Values by name; a name alone has the value "true". A line that is neither is an error.
Result<std::multimap<std::string, std::string>> read_config(const std::string& path);

}  // namespace tidemark
