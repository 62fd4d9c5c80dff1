#pragma once
// What a durable source keeps of a table's snapshot while that is read: a snapshot that a kill or a
// lost connection cuts off goes on with the ranges that had not been read, at another snapshot of
// the server (docs/decisions/0029).
//
//   <directory>/log      what the ranges are good for, and the keys of all rows that have changed
//                        since the first of them was read
//   <directory>/N.rows   the rows of one range of pages, as COPY sent them
//
// A row that a range holds and whose key has not changed since is at the same place of the table
// with the same values. So the table at a later snapshot S is, each row once:
//
//   the rows of the ranges kept, but for those whose key is among the changed ones
//   rows of S in the pages of these ranges, whose key is among them
//   rows of S in all other pages
//
// Nothing here is synced, and every record has a checksum: what a power cut leaves is a beginning
// of the log, and if that does not reach the place where the stream goes on, it is noticed.
//
// Thread rule: any thread; touch, mark and settle one thread, the receiver's.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/postgres_cdc/changed_keys.h"
#include "connectors/postgres_cdc/pgoutput.h"
#include "connectors/postgres_cdc/reader_plan.h"

namespace tidemark {

// A range of a table's pages that was read whole.
struct SpooledRange {
  uint32_t part = 0;  // the oid of what has the pages, the table or a partition
  int64_t first_page = 0;
  int64_t end_page = -1;  // < 0: to the end
  Lsn end;                // all that its snapshot sees was committed before there
  uint64_t file = 0;
  uint64_t bytes = 0;  // of the file
};

class SnapshotSpool {
 public:
  // Whether a snapshot by this plan can go on so: old rows come by a key of types whose values are
  // equal only if they are the same.
  static bool suits(const ReaderPlan& plan);
  // Nothing is on disk before begin().
  SnapshotSpool(std::string directory, const ReaderPlan& plan);
  // What an earlier process left; null: it is of no use.
  static std::shared_ptr<SnapshotSpool> open(const std::string& directory);
  ~SnapshotSpool();
  SnapshotSpool(const SnapshotSpool&) = delete;
  SnapshotSpool& operator=(const SnapshotSpool&) = delete;

  // Whether the plan reads the same columns of the same table.
  bool is_of(const ReaderPlan& plan) const;

  // --- the stream ---
  void touch(const PgRelation& relation, const PgRowChange& change);
  // All changes of commits up to `position` have been noted. Before anybody hears of the position.
  void mark(Lsn position);
  Lsn marked() const { return Lsn{marked_.load()}; }
  // The stream goes on at `position`: what says nothing there is forgotten.
  void settle(Lsn position);

  // --- the snapshot ---
  // It begins to be read. `fingerprint`: what the table's files and columns are; ranges of another
  // one are forgotten. False: nothing can be kept.
  bool begin(std::string_view fingerprint);
  std::vector<SpooledRange> ranges() const;
  Result<ChangedKeys> changed_keys(const ReaderPlan& plan) const;
  // Of the table, for a row's IN: ("a", "b").
  std::string key_columns() const;

  // The rows of a range as they come. It counts once it has been kept.
  class Writer {
   public:
    Writer() = default;  // keeps nothing
    Writer(const SnapshotSpool& spool, uint64_t file);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    void append(std::string_view bytes);

   private:
    friend class SnapshotSpool;
    bool flush();
    int fd_ = -1;
    uint64_t file_ = 0;
    uint64_t bytes_ = 0;
    bool is_whole_ = true;
    std::string buffer_;
  };
  std::unique_ptr<Writer> write_range();
  void keep(Writer& writer, SpooledRange range);

  // Reads a range back. kUnavailable: it is damaged or gone, and with it the spool.
  class Reader {
   public:
    Reader(SnapshotSpool& spool, const SpooledRange& range);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    // The next bytes, valid until the next call; empty at the end.
    Result<std::string_view> next();

   private:
    SnapshotSpool& spool_;
    const uint64_t bytes_;
    int fd_ = -1;
    uint64_t at_ = 0;
    std::string chunk_;
  };

  // The ranges are worth nothing any more.
  void forget();
  // The same for all of it: nothing is kept from here on.
  void remove();
  bool is_removed() const;

 private:
  struct KeyColumn {
    std::string name;  // at the source
    uint32_t type_oid = 0;
  };

  SnapshotSpool(std::string directory) : directory_(std::move(directory)) {}
  bool load();
  std::string range_path(uint64_t file) const;
  void note(char kind, std::string_view body);
  void note_range(const SpooledRange& range);
  bool flush();
  bool write_head(Lsn reached);
  void forget_locked();
  void remove_locked();
  bool take_key(const PgRelation& relation, const PgRow& row, const PgRow* instead);

  const std::string directory_;
  uint32_t table_ = 0;
  std::vector<KeyColumn> key_;
  std::string description_;  // of the plan

  mutable std::mutex mutex_;  // guards all below
  std::string pending_;       // of the log, not yet written
  int fd_ = -1;
  uint64_t log_bytes_ = 0;
  std::string fingerprint_;
  std::vector<SpooledRange> ranges_;
  uint64_t next_file_ = 0;
  bool is_removed_ = false;
  std::string scratch_;
  std::atomic<uint64_t> marked_{0};
};

}  // namespace tidemark
