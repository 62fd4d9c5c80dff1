#include "state/store_table.h"

#include <algorithm>
#include <vector>

#include <rocksdb/sst_file_writer.h>

namespace tidemark {

namespace {

struct Call {
  rocksdb::Slice key;
  rocksdb::Slice value;  // of an erased prefix: its end
  size_t number;         // in the order of the batch
  bool is_put;
};

// What a batch does, as it came; refers to the batch's bytes.
class Calls final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    keys.push_back({key, value, next_++, true});
    return {};
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice& key) override {
    keys.push_back({key, {}, next_++, false});
    return {};
  }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice& begin,
                                const rocksdb::Slice& end) override {
    ranges.push_back({begin, end, next_++, false});
    return {};
  }
  std::vector<Call> keys;
  std::vector<Call> ranges;

 private:
  size_t next_ = 0;
};

// In the order of the keys, the last call of each.
void sort_calls(std::vector<Call>& calls) {
  std::ranges::sort(calls, [](const Call& a, const Call& b) {
    int order = a.key.compare(b.key);
    return order != 0 ? order < 0 : a.number > b.number;
  });
  auto repeated =
      std::ranges::unique(calls, [](const Call& a, const Call& b) { return a.key == b.key; });
  calls.erase(repeated.begin(), repeated.end());
}

// Leaves out what a later call erases with its prefix. All that is in a table has one age, and an
// erased range takes only what is older.
void drop_erased(std::vector<Call>& calls, const std::vector<Call>& ranges) {
  for (const Call& range : ranges) {
    auto at_or_after = [&](const rocksdb::Slice& key) {
      return std::ranges::lower_bound(
          calls, key, [](const auto& a, const auto& b) { return a.compare(b) < 0; }, &Call::key);
    };
    auto begin = at_or_after(range.key), end = at_or_after(range.value);
    auto erased =
        std::remove_if(begin, end, [&](const Call& call) { return call.number < range.number; });
    calls.erase(erased, end);
  }
}

}  // namespace

rocksdb::Status write_store_table(const rocksdb::WriteBatch& batch, const rocksdb::Options& options,
                                  const std::string& path) {
  Calls calls;
  rocksdb::Status status = batch.Iterate(&calls);
  sort_calls(calls.keys);
  drop_erased(calls.keys, calls.ranges);
  constexpr bool kIsDroppedFromCache = false;  // merging reads it soon
  rocksdb::Options newest = options;
  newest.bottommost_compression = rocksdb::kDisableCompressionOption;  // would be taken otherwise
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(newest), newest, nullptr, kIsDroppedFromCache);
  if (status.ok()) {
    status = writer.Open(path);
  }
  for (const Call& range : calls.ranges) {
    if (status.ok()) {
      status = writer.DeleteRange(range.key, range.value);
    }
  }
  for (const Call& call : calls.keys) {
    if (!status.ok()) {
      break;
    }
    status = call.is_put ? writer.Put(call.key, call.value) : writer.Delete(call.key);
  }
  return status.ok() ? writer.Finish() : status;
}

}  // namespace tidemark
