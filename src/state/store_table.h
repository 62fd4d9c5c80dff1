#pragma once
// A batch as one table of RocksDB: sorted, compressed, in a file of its own, so that the database
// can take it in as it is. What a batch writes through the log goes to the disk twice more, the
// first time not compressed.
//
// Only for the store. Thread rule: none; it works on what it is given.

#include <string>

#include <rocksdb/options.h>
#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

namespace tidemark {

// Does what the batch does, later calls before earlier ones, if it is taken in as a whole. On disk
// when it returns. The batch is not empty and is of the default column family; there is no such
// file.
rocksdb::Status write_store_table(const rocksdb::WriteBatch& batch, const rocksdb::Options& options,
                                  const std::string& path);

}  // namespace tidemark
