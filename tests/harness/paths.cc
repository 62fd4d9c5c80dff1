#include "tests/harness/paths.h"

namespace tidemark {

std::string source_dir() {
  return TIDEMARK_SOURCE_DIR;
}

std::string tidemark_binary() {
  return TIDEMARK_BINARY;
}

}  // namespace tidemark
