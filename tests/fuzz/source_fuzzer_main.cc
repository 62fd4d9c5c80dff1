// libFuzzer's entry: script/fuzz source.

#include "tests/fuzz/fuzzer_corpus.h"
#include "tests/fuzz/source_fuzz.h"

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  tidemark::write_seeds(tidemark::SourceFuzz::seeds(), *count, *arguments);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* fuzz = new tidemark::SourceFuzz();  // for the life of the process
  fuzz->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
