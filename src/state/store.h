#pragma once
// The store under the state: ordered keys to values on disk, written in atomic, synced batches.
// What reads see is what finished batches wrote. RocksDB below; this header is all that the rest of
// the program knows of it.
//
// Thread rule: any thread. A batch belongs to one thread at a time, a cursor to one thread.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tidemark {

class CrashPoint;
class MemoryDisk;
class QuietMerge;

// The first bytes after all that begin with the prefix; empty: there are none.
std::string end_of_prefix(std::string_view prefix);

// Changes that become durable together. Later calls win over earlier ones for the same key.
class StoreBatch {
 public:
  StoreBatch();
  ~StoreBatch();
  StoreBatch(StoreBatch&& other) noexcept;
  StoreBatch& operator=(StoreBatch&& other) noexcept;

  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  // Every key that begins with the prefix.
  void erase_prefix(std::string_view prefix);

  size_t size_bytes() const;
  size_t count() const;  // of calls

 private:
  friend class Store;
  struct Content;
  std::unique_ptr<Content> content_;
};

// Walks the keys of a prefix in order, as they were when the cursor was made.
class StoreCursor {
 public:
  ~StoreCursor();
  StoreCursor(StoreCursor&& other) noexcept;
  StoreCursor& operator=(StoreCursor&& other) noexcept;

  // The first key at or after / the last key before; both within the prefix.
  void seek(std::string_view key);
  void seek_before(std::string_view key);
  bool valid() const;
  void next();
  void previous();
  std::string_view key() const;  // whole, with the prefix; until the cursor moves
  std::string_view value() const;
  // Not OK: the disk or the data on it is at fault, and the cursor is not valid.
  Status status() const;

 private:
  friend class Store;
  struct Position;
  explicit StoreCursor(std::unique_ptr<Position> position);
  std::unique_ptr<Position> position_;
};

struct StoreOptions {
  size_t cache_bytes = 64 << 20;   // of blocks read, in memory
  size_t buffer_bytes = 32 << 20;  // of one of three buffers of what is written in small batches
  // A batch of as many bytes becomes a table, a smaller one goes through the log: a table has 12 KB
  // of its own, and more than one sync.
  size_t table_bytes_min = 64 << 10;
  // After so long without a write all is merged, if it pays (state/quiet_merge.h).
  std::chrono::milliseconds quiet_before_merge{60'000};
  // Has the directory, instead of the machine's file system; outlives the store.
  MemoryDisk* disk = nullptr;
};

class Store {
 public:
  // Makes the directory if it is not there. kUnavailable: another process has it open; kCorruption:
  // what is in it is damaged, or was written by a later version.
  static Result<std::unique_ptr<Store>> open(const std::string& directory,
                                             StoreOptions options = {});
  ~Store();

  // Atomic, and on disk when it returns. After an error the batch is still whole: write it again
  // when the cause is gone (a full disk). Blocks for the sync, and while what was written before
  // waits to be merged.
  Status write(const StoreBatch& batch, CrashPoint* crash = nullptr);

  Result<std::optional<std::string>> get(std::string_view key) const;
  // values[i] belongs to keys[i].
  Status get(std::span<const std::string> keys,
             std::vector<std::optional<std::string>>& values) const;
  // At the first key of the prefix, the first at or after a key, the last before it. kAll: very
  // much is read once, and pushes nothing out of the cache.
  enum class Reading : uint8_t { kSome, kAll };
  StoreCursor scan(std::string_view prefix, Reading reading = Reading::kSome) const;
  StoreCursor scan_from(std::string_view prefix, std::string_view key,
                        Reading reading = Reading::kSome) const;
  StoreCursor scan_before(std::string_view prefix, std::string_view key) const;

  // Set by whoever finds that data on disk cannot be right; from then on nothing that is computed
  // from it is to be shown.
  void note_damage(const Status& status) const;
  bool is_damaged() const { return is_damaged_.load(std::memory_order_relaxed); }
  Status damage() const;

  // About how many bytes of memory what is below the prefix would take, or more.
  uint64_t unpacked_bytes(std::string_view prefix) const;
  // Of memory that the store uses for itself.
  uint64_t memory_bytes() const;
  const std::string& directory() const { return directory_; }

 private:
  struct Database;
  // The file `tidemark` in the directory: says what the directory is, and how long the list of
  // RocksDB's files (MANIFEST) is at least. A list that was cut at the end of a record cannot be
  // told from an older one otherwise.
  Status check_marker(bool is_new) const;
  void write_marker();
  StoreCursor cursor(std::string_view prefix, Reading reading) const;
  Status write_to_log(const StoreBatch& batch);
  Status write_as_table(const StoreBatch& batch, CrashPoint* crash);
  Store(std::string directory, std::unique_ptr<Database> database);
  std::string directory_;
  std::unique_ptr<Database> database_;
  size_t table_bytes_min_ = 0;
  std::unique_ptr<QuietMerge> quiet_merge_;  // before the database in its end; null: none
  std::atomic<uint64_t> next_table_{1};      // names of files since the start
  std::mutex marker_mutex_;                  // guards marker_ and the file
  std::string marker_;                       // as it is in the file
  mutable std::atomic<bool> is_damaged_{false};
  mutable std::mutex mutex_;  // guards damage_
  mutable Status damage_;
};

}  // namespace tidemark
