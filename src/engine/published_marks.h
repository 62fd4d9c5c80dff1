#pragma once
// How far each source's commits were shown, in a file beside the store: what a killed process has
// told its readers goes beyond its last checkpoint, and the next process comes past exactly these
// marks again (engine/change_log.h). Written without a sync: it outlives the process, not the
// machine. After a power cut a reader may be told that its mark was never shown.
//
//   file `published`: records of 16 bytes, a hash of the source's key and the LSN, little-endian
//
// Thread rule: the step thread.

#include <cstdint>
#include <string>
#include <vector>

#include "types/lsn.h"

namespace tidemark {

class PublishedMarks {
 public:
  explicit PublishedMarks(const std::string& directory);
  ~PublishedMarks();
  PublishedMarks(const PublishedMarks&) = delete;
  PublishedMarks& operator=(const PublishedMarks&) = delete;

  // As of the last note, this process's or an earlier one's; not valid: none.
  Lsn of(const std::string& source_key) const;
  // Commits up to here are about to be shown.
  void note(const std::string& source_key, Lsn position);

 private:
  struct Record {
    uint64_t source = 0;
    uint64_t position = 0;
  };
  static uint64_t hash(const std::string& source_key);

  int fd_ = -1;
  std::vector<Record> records_;  // as in the file
};

}  // namespace tidemark
