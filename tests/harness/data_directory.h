#pragma once
// A store in a directory of one test, and ways to write to it.

#include <cstdint>
#include <memory>
#include <string>

#include "base/check.h"
#include "state/store.h"
#include "tests/harness/temporary_directory.h"

namespace tidemark {

// Made by the first store in it.
class DataDirectory {
 public:
  std::string path() const { return directory_.path() + "/data"; }

 private:
  TemporaryDirectory directory_;
};

// For StoreOptions::table_bytes_min: every batch goes in as a table, or none.
constexpr size_t kAllAsTables = 0, kAllToTheLog = SIZE_MAX;

inline std::unique_ptr<Store> open_store(const DataDirectory& directory,
                                         size_t table_bytes_min = kAllToTheLog) {
  Result<std::unique_ptr<Store>> store =
      Store::open(directory.path(), {.table_bytes_min = table_bytes_min});
  CHECK(store.ok());
  return std::move(store).value();
}

}  // namespace tidemark
