#include "engine/published_marks.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

namespace tidemark {

PublishedMarks::PublishedMarks(const std::string& directory)
    : fd_(open((directory + "/published").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  Record record;
  while (fd_ >= 0 && read(fd_, &record, sizeof record) == sizeof record) {
    records_.push_back(record);
  }
}

PublishedMarks::~PublishedMarks() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

// Stable across processes, unlike std::hash.
uint64_t PublishedMarks::hash(const std::string& source_key) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (char c : source_key) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return hash;
}

Lsn PublishedMarks::of(const std::string& source_key) const {
  auto found = std::ranges::find(records_, hash(source_key), &Record::source);
  return found == records_.end() ? Lsn{} : Lsn{found->position};
}

void PublishedMarks::note(const std::string& source_key, Lsn position) {
  uint64_t source = hash(source_key);
  auto record = std::ranges::find(records_, source, &Record::source);
  if (record == records_.end()) {
    record = records_.insert(records_.end(), Record{.source = source});
  }
  record->position = position.value;
  // A write that fails costs a reader its place after a kill, nothing else.
  ssize_t written = pwrite(fd_, &*record, sizeof *record,
                           (record - records_.begin()) * static_cast<off_t>(sizeof *record));
  (void)written;
}

}  // namespace tidemark
