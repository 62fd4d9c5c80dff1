#pragma once
// How the store sets RocksDB up. Only for the store.

#include <string>

#include <rocksdb/options.h>

#include "state/store.h"

namespace tidemark {

rocksdb::Options rocks_options(const std::string& directory, const StoreOptions& options);

}  // namespace tidemark
