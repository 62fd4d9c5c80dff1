#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tidemark {

void check_failed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "tidemark: internal error at %s:%d: CHECK(%s) failed\n", file, line,
               expression);
  std::abort();
}

}  // namespace tidemark
