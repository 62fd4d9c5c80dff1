#pragma once
// Files in memory in the place of a disk's: what stores have written is there as long as the disk
// is, as after a kill. For a simulation, which starts and kills more often than a file system can
// keep up with.
//
// Thread rule: any thread.

#include <memory>

#include <rocksdb/env.h>

namespace tidemark {

class MemoryDisk {
 public:
  MemoryDisk();
  ~MemoryDisk();
  MemoryDisk(MemoryDisk&&) = delete;

  rocksdb::Env& files() { return *files_; }  // for the store only

 private:
  std::unique_ptr<rocksdb::Env> memory_;
  std::unique_ptr<rocksdb::Env> files_;
};

}  // namespace tidemark
