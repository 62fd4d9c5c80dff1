#include "state/rocks_options.h"

#include <algorithm>

#include <linux/magic.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <sys/vfs.h>

#include "state/memory_disk.h"

namespace tidemark {

namespace {

// Sorted runs of tables (decision 0023): as many are merged as one when there are kRunsMerged, and
// all when what came after the largest is 3/2 of it. A point that is looked up asks the filters of
// each.
constexpr int kRunsMerged = 32;
// Merging has fallen behind: whoever writes waits.
constexpr int kRunsMax = 64;

// RocksDB's own log, in the data directory, ends the process when the disk is full: its next line
// finds a writer with an error, and that is an assertion in Debian's library.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Files there take their room at once, and in zeros.
bool is_in_memory(const std::string& directory) {
  struct statfs system;
  return statfs(directory.c_str(), &system) == 0 && system.f_type == TMPFS_MAGIC;
}

// RocksDB starts as many as it may, whether there are files for them or not.
int opening_threads(rocksdb::Env& files, const std::string& directory) {
  constexpr int64_t kTablesEach = 4, kThreadsMax = 16;
  std::vector<std::string> names;
  files.GetChildren(directory, &names);  // none yet: there is nothing to open
  int64_t tables = std::ranges::count_if(names, [](auto& name) { return name.ends_with(".sst"); });
  return static_cast<int>(std::clamp(tables / kTablesEach, int64_t{1}, kThreadsMax));
}

}  // namespace

rocksdb::Options rocks_options(const std::string& directory, const StoreOptions& options) {
  rocksdb::Options result;
  rocksdb::Env& files = options.disk != nullptr ? options.disk->files() : *rocksdb::Env::Default();
  result.env = &files;
  result.allow_fallocate = options.disk == nullptr && !is_in_memory(directory);
  result.create_if_missing = true;
  result.paranoid_checks = true;
  result.track_and_verify_wals_in_manifest = true;
  // The log is replayed at the start: what is not yet in tables bounds that time.
  result.write_buffer_size = options.buffer_bytes;
  result.max_write_buffer_number = 3;
  result.max_background_jobs = 2;
  result.compression = rocksdb::kZSTD;
  result.compression_opts.level = 1;  // 3 takes a third longer, for 3 % of the bytes
  result.bottommost_compression = rocksdb::kZSTD;
  result.bottommost_compression_opts.enabled = true;
  result.compaction_style = rocksdb::kCompactionStyleUniversal;
  result.compaction_options_universal.max_size_amplification_percent = 150;
  result.level0_file_num_compaction_trigger = kRunsMerged;
  result.level0_slowdown_writes_trigger = kRunsMax;
  result.level0_stop_writes_trigger = kRunsMax;
  result.max_manifest_file_size = 4 << 20;  // read at the start; a checkpoint adds some 300 bytes
  // The log is not compressed (wal_compression): RocksDB before 8.0 cannot read a compressed record
  // whose parts lie at one offset of their blocks (its pull request 11198), and a valid log of
  // large batches is then refused as damaged.
  result.bytes_per_sync = 1 << 20;
  result.max_open_files = 512;
  result.max_file_opening_threads = opening_threads(files, directory);
  result.info_log = std::make_shared<NoLog>();
  // Nobody reads its statistics: no thread that tells them, no table that is opened for them at a
  // start.
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  result.skip_stats_update_on_db_open = true;
  // A write that was torn by a power cut at the log's end was never acknowledged; damage before it
  // is an error.
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // In pieces, of which a look-up needs one: else a cache that is too small for the filters of all
  // runs reads a whole one for each key.
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.block_size = 16 << 10;
  table.format_version = 5;
  if (options.disk != nullptr) {
    // It is opened very often, and has little in it.
    result.table_cache_numshardbits = 0;
    result.arena_block_size = 32 << 10;
    result.writable_file_max_buffer_size = 4 << 10;
    result.compression = result.bottommost_compression = rocksdb::kNoCompression;
    table.cache_index_and_filter_blocks = false;
    table.index_type = rocksdb::BlockBasedTableOptions::kBinarySearch;
    table.partition_filters = false;
  }
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return result;
}

}  // namespace tidemark
