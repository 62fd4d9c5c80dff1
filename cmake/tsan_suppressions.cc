// Libraries that are not built with the thread sanitizer: it does not see how they order what they do.
extern "C" const char* __tsan_default_suppressions() {
  return "race:rocksdb::\n"
         "race:librocksdb\n"
         "race:libzstd\n";
}
