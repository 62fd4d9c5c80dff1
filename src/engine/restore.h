#pragma once
// A start with a data directory: definitions, then sources, then the views in the order in which
// they were made, each with the state of the last checkpoint. Nothing is read that is not needed
// for that: state comes in on demand, and warms in the background.

#include <string>
#include <vector>

#include "base/status.h"

namespace tidemark {

class Engine;

// Notices for views that are read anew, or cannot run. An error: the data directory cannot be used.
Result<std::vector<std::string>> restore(Engine& engine);

}  // namespace tidemark
