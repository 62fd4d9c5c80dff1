#include "state/memory_disk.h"

#include <rocksdb/file_system.h>

namespace tidemark {

namespace {

// Without the files in which RocksDB says what its options were. Nobody reads them, and to write
// one and to see whether it can be read again takes a third of the time of an opening.
class WithoutOptionFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "WithoutOptionFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    if (name.find("/OPTIONS-") != std::string::npos) {
      return rocksdb::IOStatus::NotSupported();
    }
    return FileSystemWrapper::NewWritableFile(name, options, file, context);
  }
};

}  // namespace

MemoryDisk::MemoryDisk()
    : memory_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
      files_(rocksdb::NewCompositeEnv(
          std::make_shared<WithoutOptionFiles>(memory_->GetFileSystem()))) {}
MemoryDisk::~MemoryDisk() = default;

}  // namespace tidemark
