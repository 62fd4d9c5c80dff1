// libFuzzer's entry: script/fuzz.

#include "tests/fuzz/statement_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* fuzz = new tidemark::StatementFuzz();  // for the life of the process
  fuzz->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
