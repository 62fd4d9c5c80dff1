#include "connectors/postgres_cdc/xid_snapshot.h"

#include <algorithm>
#include <charconv>

namespace tidemark {

std::optional<XidSnapshot> XidSnapshot::parse(std::string_view text) {
  XidSnapshot snapshot;
  const char* at = text.data();
  const char* end = text.data() + text.size();
  auto read = [&](char separator) -> std::optional<uint32_t> {
    uint64_t xid = 0;
    auto [next, error] = std::from_chars(at, end, xid);
    if (error != std::errc() || (separator != 0 && (next == end || *next != separator))) {
      return std::nullopt;
    }
    at = separator == 0 ? next : next + 1;
    return static_cast<uint32_t>(xid);
  };
  std::optional<uint32_t> xmin = read(':'), xmax = read(':');
  if (!xmin || !xmax) {
    return std::nullopt;
  }
  snapshot.xmin = *xmin;
  snapshot.xmax = *xmax;
  while (at != end) {
    std::optional<uint32_t> xid = read(0);
    if (!xid || (at != end && *at != ',')) {
      return std::nullopt;
    }
    snapshot.in_progress.push_back(*xid);
    at += at != end ? 1 : 0;
  }
  std::ranges::sort(snapshot.in_progress);
  return snapshot;
}

bool XidSnapshot::sees(uint32_t xid) const {
  if (xid_precedes(xid, xmin)) {
    return true;
  }
  return xid_precedes(xid, xmax) && !std::ranges::binary_search(in_progress, xid);
}

void DeliveredXids::add(uint32_t xid) {
  std::lock_guard lock(mutex_);
  xids_[count_++ % kKept] = xid;
}

void DeliveredXids::clear() {
  std::lock_guard lock(mutex_);
  count_ = 0;
}

uint64_t DeliveredXids::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

bool DeliveredXids::all_seen_by(const XidSnapshot& snapshot, uint64_t count) const {
  std::lock_guard lock(mutex_);
  uint64_t first = count_ > kKept ? count_ - kKept : 0;
  for (uint64_t i = first; i < count; ++i) {
    if (!snapshot.sees(xids_[i % kKept])) {
      return false;
    }
  }
  return true;
}

}  // namespace tidemark
