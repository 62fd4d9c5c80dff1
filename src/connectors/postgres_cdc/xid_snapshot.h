#pragma once
// Which transactions a Postgres snapshot sees, and which have been delivered by the stream lately.

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace tidemark {

// Transaction ids wrap around; a is before b if it is less than half the circle behind.
inline bool xid_precedes(uint32_t a, uint32_t b) {
  return static_cast<int32_t>(a - b) < 0;
}

struct XidSnapshot {
  uint32_t xmin = 0;                  // all before it are over
  uint32_t xmax = 0;                  // none from here on is seen
  std::vector<uint32_t> in_progress;  // sorted by value

  // The text of pg_current_snapshot(): "xmin:xmax:xid,xid", 64 bits each, of which the low 32
  // count.
  static std::optional<XidSnapshot> parse(std::string_view text);

  bool sees(uint32_t xid) const;
};

// The last transactions that the stream has delivered. A commit can reach us before the backend
// that made it leaves the list of running transactions (with a synchronous standby much before), so
// a snapshot taken meanwhile may not see it.
//
// Thread rule: any thread.
class DeliveredXids {
 public:
  void add(uint32_t xid);
  // Another stream begins, maybe of another server.
  void clear();
  // How many have been delivered; marks a point in the stream.
  uint64_t count() const;
  // Whether the snapshot sees all that were delivered before `count`.
  bool all_seen_by(const XidSnapshot& snapshot, uint64_t count) const;

 private:
  // More than the transactions that can be committed and not yet over at once (one a backend).
  static constexpr size_t kKept = 16384;
  mutable std::mutex mutex_;  // guards all below
  std::array<uint32_t, kKept> xids_{};
  uint64_t count_ = 0;
};

}  // namespace tidemark
