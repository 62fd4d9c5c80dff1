#include "state/store.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include <fmt/core.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>

#include "base/crash_point.h"
#include "state/memory_disk.h"
#include "state/quiet_merge.h"
#include "state/rocks_options.h"
#include "state/store_table.h"

namespace tidemark {

namespace {

// docs/state_layout.md says what each version holds.
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "tidemark state 1";
// Where tables of batches are made; what is left there was never taken in.
constexpr std::string_view kTableFolder = "/incoming";

// With less room no table is taken in: after its list of files could not be written while it takes
// one in, RocksDB 7.8 may end the process when there is room again.
constexpr uint64_t kRoomMin = 1 << 20;

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

Status to_status(const rocksdb::Status& status, std::string_view what) {
  std::string message = fmt::format("{}: {}", what, status.ToString());
  return status.IsCorruption() ? Status::corruption(std::move(message))
                               : Status::unavailable(std::move(message));
}

Status written(const rocksdb::Status& status) {
  return status.ok() ? Status() : to_status(status, "cannot write the state");
}

}  // namespace

std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xFF) {
    end.pop_back();
  }
  if (!end.empty()) {
    end.back() = static_cast<char>(end.back() + 1);
  }
  return end;
}

struct StoreBatch::Content {
  rocksdb::WriteBatch batch;
};

StoreBatch::StoreBatch() : content_(std::make_unique<Content>()) {}
StoreBatch::~StoreBatch() = default;
StoreBatch::StoreBatch(StoreBatch&& other) noexcept = default;
StoreBatch& StoreBatch::operator=(StoreBatch&& other) noexcept = default;

// The calls on a batch in memory fail only when a limit of its size is set, which is not so here.
void StoreBatch::put(std::string_view key, std::string_view value) {
  CHECK(content_->batch.Put(slice(key), slice(value)).ok());
}
void StoreBatch::erase(std::string_view key) {
  CHECK(content_->batch.Delete(slice(key)).ok());
}
void StoreBatch::erase_prefix(std::string_view prefix) {
  std::string end = end_of_prefix(prefix);
  CHECK(!end.empty());
  CHECK(content_->batch.DeleteRange(slice(prefix), slice(end)).ok());
}
size_t StoreBatch::size_bytes() const {
  return content_->batch.GetDataSize();
}
size_t StoreBatch::count() const {
  return content_->batch.Count();
}

struct StoreCursor::Position {
  std::string prefix;
  std::string end;  // outlives the iterator, which refers to it
  rocksdb::Slice end_slice;
  std::unique_ptr<rocksdb::Iterator> iterator;
};

StoreCursor::StoreCursor(std::unique_ptr<Position> position) : position_(std::move(position)) {}
StoreCursor::~StoreCursor() = default;
StoreCursor::StoreCursor(StoreCursor&& other) noexcept = default;
StoreCursor& StoreCursor::operator=(StoreCursor&& other) noexcept = default;

void StoreCursor::seek(std::string_view key) {
  position_->iterator->Seek(slice(std::max<std::string_view>(key, position_->prefix)));
}
void StoreCursor::seek_before(std::string_view key) {
  position_->iterator->SeekForPrev(slice(key));
  if (valid() && this->key() == key) {
    position_->iterator->Prev();
  }
}
bool StoreCursor::valid() const {
  return position_->iterator->Valid() && key().starts_with(position_->prefix);
}
void StoreCursor::next() {
  position_->iterator->Next();
}
void StoreCursor::previous() {
  position_->iterator->Prev();
}
std::string_view StoreCursor::key() const {
  return view(position_->iterator->key());
}
std::string_view StoreCursor::value() const {
  return view(position_->iterator->value());
}
Status StoreCursor::status() const {
  rocksdb::Status status = position_->iterator->status();
  return status.ok() ? Status() : to_status(status, "cannot read the state");
}

struct Store::Database {
  rocksdb::Options options;
  std::unique_ptr<rocksdb::DB> rocks;
  // While a batch goes to the log, or the log is flushed and a table taken in: what is older than a
  // table is in tables.
  std::mutex order;
};

Store::Store(std::string directory, std::unique_ptr<Database> database)
    : directory_(std::move(directory)), database_(std::move(database)) {}
Store::~Store() = default;

namespace {

constexpr std::string_view kMarkerName = "/tidemark";

// "MANIFEST-000010 1234"; empty: unknown.
std::string manifest_of(rocksdb::DB& rocks) {
  std::vector<std::string> files;
  uint64_t size = 0;
  if (!rocks.GetLiveFiles(files, &size, false).ok()) {
    return {};
  }
  for (const std::string& file : files) {
    if (size_t at = file.find("MANIFEST-"); at != std::string::npos) {
      return fmt::format("{} {}", file.substr(at), size);
    }
  }
  return {};
}

}  // namespace

// Looks at the directory as it is before RocksDB opens it.
Status Store::check_marker(bool is_new) const {
  rocksdb::Env& files = *database_->options.env;
  std::string text;
  rocksdb::ReadFileToString(&files, directory_ + std::string(kMarkerName), &text);
  std::istringstream file(text);
  std::string format, manifest, size;
  std::getline(file, format);
  file >> manifest >> size;
  if (is_new) {
    return format.empty() ? Status()
                          : Status::corruption(fmt::format(
                                "the data directory has lost its list of files: {}", directory_));
  }
  if (format.empty()) {
    return Status::corruption(fmt::format("not a data directory of tidemark: {}", directory_));
  }
  if (format != kFormat) {
    return Status::corruption(
               fmt::format("the data directory has the format '{}', this program reads '{}': {}",
                           format, kFormat, directory_))
        .with_hint("use the version of tidemark that wrote it, or another directory");
  }
  uint64_t found = 0;
  bool is_there = files.GetFileSize(directory_ + "/" + manifest, &found).ok();
  if (is_there && found < strtoull(size.c_str(), nullptr, 10)) {
    return Status::corruption(
               fmt::format("the data directory is damaged: {} has {} bytes of {}: {}", manifest,
                           found, size, directory_))
        .with_hint("start with another data directory: the sources are read again");
  }
  return {};
}

// Replaced by rename. Not synced: an older one says less, and nothing false.
void Store::write_marker() {
  std::string manifest = manifest_of(*database_->rocks);
  std::lock_guard lock(marker_mutex_);
  std::string text = fmt::format("{}\n{}\n", kFormat, manifest);
  if (manifest.empty() || text == marker_) {
    return;
  }
  std::string path = directory_ + std::string(kMarkerName);
  rocksdb::Env& files = *database_->options.env;
  if (rocksdb::WriteStringToFile(&files, text, path + ".new").ok() &&
      files.RenameFile(path + ".new", path).ok()) {
    marker_ = std::move(text);
  }
}

namespace {

Status make_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Status::invalid_argument(
        fmt::format("cannot make the data directory: {}: {}", error.message(), directory));
  }
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all,
                               error);  // passwords are in it
  return {};
}

rocksdb::Status empty_folder(rocksdb::Env& files, const std::string& folder) {
  rocksdb::Status status = files.CreateDirIfMissing(folder);
  std::vector<std::string> left;
  if (status.ok()) {
    status = files.GetChildren(folder, &left);
  }
  for (const std::string& name : left) {
    rocksdb::Status removed = files.DeleteFile(folder + "/" + name);
    status = status.ok() ? removed : status;
  }
  return status;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, StoreOptions options) {
  if (options.disk == nullptr) {
    TRY(make_directory(directory));
  }
  std::unique_ptr<Store> store(new Store(directory, std::make_unique<Database>()));
  store->database_->options = rocks_options(directory, options);
  rocksdb::Env& files = *store->database_->options.env;
  bool is_new = !files.FileExists(directory + "/CURRENT").ok();
  store->table_bytes_min_ = options.table_bytes_min;
  TRY(store->check_marker(is_new));
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(store->database_->options, directory, &opened);
  rocksdb::DB* database = opened;
  store->database_->rocks.reset(opened);
  if (!status.ok()) {
    if (status.ToString().find("lock") != std::string::npos) {
      return Status::unavailable(
                 fmt::format("the data directory is in use by another process: {}", directory))
          .with_hint("stop that process, or use another directory");
    }
    return to_status(status, fmt::format("cannot open the data directory {}", directory));
  }
  std::string format;
  status = database->Get(rocksdb::ReadOptions(), slice(kFormatKey), &format);
  if (status.IsNotFound() && is_new) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    status = database->Put(synced, slice(kFormatKey), slice(kFormat));
    format = kFormat;
  }
  if (!status.ok()) {
    return to_status(status, fmt::format("cannot open the data directory {}", directory));
  }
  if (format != kFormat) {
    return Status::corruption(
               fmt::format("the data directory has the format '{}', this program reads '{}': {}",
                           format, kFormat, directory))
        .with_hint("use the version of tidemark that wrote it, or another directory");
  }
  // Only now that nobody else has it open.
  status = empty_folder(files, directory + std::string(kTableFolder));
  if (!status.ok()) {
    return to_status(status, fmt::format("cannot open the data directory {}", directory));
  }
  store->write_marker();
  if (options.disk == nullptr) {
    store->quiet_merge_ = std::make_unique<QuietMerge>(*database, options.quiet_before_merge);
  }
  return store;
}

Status Store::write(const StoreBatch& batch, CrashPoint* crash) {
  bool is_table = batch.count() != 0 && batch.size_bytes() >= table_bytes_min_;
  auto attempt = [&] { return is_table ? write_as_table(batch, crash) : write_to_log(batch); };
  Status status = attempt();
  // After a failed write RocksDB takes no more until it is told that the cause may be gone.
  if (!status.ok() && database_->rocks->Resume().ok()) {
    status = attempt();
  }
  if (status.ok()) {
    write_marker();
  }
  if (quiet_merge_ != nullptr) {
    quiet_merge_->note_write();
  }
  return status;
}

Status Store::write_to_log(const StoreBatch& batch) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  std::lock_guard lock(database_->order);
  return written(database_->rocks->Write(synced, &batch.content_->batch));
}

namespace {

rocksdb::Status take_in(rocksdb::DB& rocks, const std::string& path) {
  uint64_t room = kRoomMin;
  rocks.GetEnv()->GetFreeSpace(path, &room);
  if (room < kRoomMin) {
    return rocksdb::Status::NoSpace();
  }
  // What is in the log only came before: a log that is cut must not lose what the table goes on
  // from.
  rocksdb::Status status = rocks.Flush(rocksdb::FlushOptions());
  if (!status.ok()) {
    return status;
  }
  // While there is a snapshot the table becomes the newest run. It is put lower otherwise where its
  // keys have room, and RocksDB before 9.0 gives it an age there that may be below that of other
  // runs: a later merge brings old values back (its pull request 12257).
  rocksdb::ManagedSnapshot snapshot(&rocks);
  rocksdb::IngestExternalFileOptions move;
  move.move_files = true;
  move.write_global_seqno = false;  // the list of files says it
  return rocks.IngestExternalFile({path}, move);
}

}  // namespace

Status Store::write_as_table(const StoreBatch& batch, CrashPoint* crash) {
  auto pass = [&](std::string_view place) {
    if (crash != nullptr) {
      crash->pass(place);
    }
  };
  rocksdb::DB& rocks = *database_->rocks;
  // RocksDB does not make a table wait for its merging, but whoever writes a key.
  uint64_t stopped = 0;
  rocks.GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &stopped);
  if (stopped != 0) {
    TRY(written(rocks.Put(rocksdb::WriteOptions(), slice(kFormatKey), slice(kFormat))));
  }
  std::string path = fmt::format("{}{}/{}.sst", directory_, kTableFolder, next_table_++);
  rocksdb::Status status = write_store_table(batch.content_->batch, database_->options, path);
  if (status.ok()) {
    pass("table_written");
    std::lock_guard lock(database_->order);
    status = take_in(rocks, path);
  }
  if (!status.ok()) {
    rocks.GetEnv()->DeleteFile(path);
    return written(status);
  }
  pass("table_taken");
  return {};
}

Result<std::optional<std::string>> Store::get(std::string_view key) const {
  std::string value;
  rocksdb::Status status = database_->rocks->Get(rocksdb::ReadOptions(), slice(key), &value);
  if (status.IsNotFound()) {
    return std::optional<std::string>();
  }
  if (!status.ok()) {
    return to_status(status, "cannot read the state");
  }
  return std::optional<std::string>(std::move(value));
}

Status Store::get(std::span<const std::string> keys,
                  std::vector<std::optional<std::string>>& values) const {
  constexpr size_t kKeysAtOnce = 256;  // each holds a block in memory until its value is copied
  values.assign(keys.size(), std::nullopt);
  std::array<rocksdb::Slice, kKeysAtOnce> slices;
  std::array<rocksdb::PinnableSlice, kKeysAtOnce> found;
  std::array<rocksdb::Status, kKeysAtOnce> statuses;
  for (size_t first = 0; first < keys.size(); first += kKeysAtOnce) {
    size_t count = std::min(kKeysAtOnce, keys.size() - first);
    std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(first), count, slices.begin());
    database_->rocks->MultiGet(rocksdb::ReadOptions(), database_->rocks->DefaultColumnFamily(),
                               count, slices.data(), found.data(), statuses.data());
    for (size_t i = 0; i < count; ++i) {
      if (statuses[i].ok()) {
        values[first + i].emplace(found[i].data(), found[i].size());
      } else if (!statuses[i].IsNotFound()) {
        return to_status(statuses[i], "cannot read the state");
      }
      found[i].Reset();
    }
  }
  return {};
}

// Not at a key yet.
StoreCursor Store::cursor(std::string_view prefix, Reading reading) const {
  auto position = std::make_unique<StoreCursor::Position>();
  position->prefix = prefix;
  position->end = end_of_prefix(prefix);
  position->end_slice = slice(position->end);
  rocksdb::ReadOptions options;
  // Without, RocksDB reads ahead by itself once blocks follow one another.
  options.readahead_size = reading == Reading::kAll ? 256 << 10 : 0;
  options.fill_cache = reading == Reading::kSome;
  if (!position->end.empty()) {
    options.iterate_upper_bound = &position->end_slice;
  }
  position->iterator.reset(database_->rocks->NewIterator(options));
  return StoreCursor(std::move(position));
}

StoreCursor Store::scan(std::string_view prefix, Reading reading) const {
  return scan_from(prefix, prefix, reading);
}

StoreCursor Store::scan_from(std::string_view prefix, std::string_view key, Reading reading) const {
  StoreCursor found = cursor(prefix, reading);
  found.seek(key);
  return found;
}

StoreCursor Store::scan_before(std::string_view prefix, std::string_view key) const {
  StoreCursor found = cursor(prefix, Reading::kSome);
  found.seek_before(key);
  return found;
}

void Store::note_damage(const Status& status) const {
  std::lock_guard lock(mutex_);
  if (damage_.ok()) {
    damage_ = status;
    is_damaged_ = true;
  }
}

Status Store::damage() const {
  std::lock_guard lock(mutex_);
  return damage_;
}

uint64_t Store::unpacked_bytes(std::string_view prefix) const {
  constexpr uint64_t kTimesCompressed = 4;  // rows of texts take 2 to 4 times their bytes on disk
  std::string end = prefix.empty() ? "\xFF" : end_of_prefix(prefix);  // no key begins so
  rocksdb::Range range(slice(prefix), slice(end));
  uint64_t bytes = 0;
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  bool is_known =
      database_->rocks
          ->GetApproximateSizes(options, database_->rocks->DefaultColumnFamily(), &range, 1, &bytes)
          .ok();
  return is_known ? bytes * kTimesCompressed : 0;
}

uint64_t Store::memory_bytes() const {
  uint64_t total = 0;
  for (const std::string& property :
       {rocksdb::DB::Properties::kCurSizeAllMemTables, rocksdb::DB::Properties::kBlockCacheUsage,
        rocksdb::DB::Properties::kEstimateTableReadersMem}) {
    uint64_t bytes = 0;
    database_->rocks->GetIntProperty(property, &bytes);
    total += bytes;
  }
  return total;
}

}  // namespace tidemark
