#pragma once
// The database of a simulation: three tables, the commits that made them what they are, and what
// was promised about keeping them. It outlives every engine that reads it.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "types/change.h"
#include "types/lsn.h"

namespace tidemark {

using Random = std::mt19937_64;

// Uniform in 0..n-1, the same with every library.
inline uint64_t below(Random& random, uint64_t n) {
  return random() % n;
}
inline bool one_in(Random& random, uint64_t n) {
  return below(random, n) == 0;
}

struct UpstreamRow {
  int64_t id = 0;
  std::optional<int64_t> grp;
  int64_t val = 0;
  std::string note;
  bool operator==(const UpstreamRow&) const = default;
};

using UpstreamTable = std::map<int64_t, UpstreamRow>;  // by id
constexpr size_t kUpstreamTables = 3, kLinks = 2;
// accounts and links: old rows hold the key only, and a note that is unchanged is not sent.
// entries: old rows are whole. The sum of `val` over accounts and entries is always 0; of a link it
// is the id of an entry, which may be gone.
constexpr const char* kUpstreamTableNames[kUpstreamTables] = {"accounts", "entries", "links"};
using UpstreamContent = std::array<UpstreamTable, kUpstreamTables>;

struct UpstreamChange {
  enum class Kind : uint8_t { kInsert, kUpdate, kDelete, kTruncate };
  Kind kind = Kind::kInsert;
  size_t table = 0;
  UpstreamRow before;
  UpstreamRow after;
};

struct UpstreamCommit {
  Lsn position;
  uint32_t xid = 0;
  int64_t time_us = 0;
  std::vector<UpstreamChange> changes;
};

class Upstream {
 public:
  explicit Upstream(Random& random) : random_(random) { contents_[Lsn{}] = {}; }

  // A transaction of some changes; or other databases' log.
  void commit(int64_t time_us);
  void write_elsewhere() { now_.value += 16 + 8 * below(random_, 8); }

  Lsn now() const { return now_; }
  const std::vector<UpstreamCommit>& commits() const { return commits_; }
  // The first that ends after the position; commits().size(): none.
  size_t first_after(Lsn position) const;
  const UpstreamContent& at(Lsn position) const;

  struct Slot {
    uint64_t number = 0;  // no other slot has had it
    Lsn start;            // the log is kept from here on, or from
    Lsn acknowledged;     // here: what is before may be forgotten
  };
  std::map<std::string, Slot>& slots() { return slots_; }
  Lsn make_slot(const std::string& name) {
    slots_[name] = {++slots_made_, now_, {}};
    return now_;
  }

 private:
  void change_row(size_t table, UpstreamContent& content, std::vector<UpstreamChange>& changes);
  void set(size_t table, const UpstreamRow& row, UpstreamContent& content,
           std::vector<UpstreamChange>& changes);

  Random& random_;
  Lsn now_{1000};
  int64_t next_id_ = 1;
  std::vector<UpstreamCommit> commits_;
  std::map<Lsn, UpstreamContent> contents_;  // after the commit that ends there
  std::map<std::string, Slot> slots_;
  uint64_t slots_made_ = 0;
};

}  // namespace tidemark
