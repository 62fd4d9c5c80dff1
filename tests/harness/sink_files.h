#pragma once
// The directory of a sink 'filesystem', as one who reads its files sees it.

#include <map>
#include <string>
#include <vector>

namespace tidemark {

// What format 'changelog-csv' has told so far, added up; fields must have no quotes.
class SinkFiles {
 public:
  explicit SinkFiles(std::string directory) : directory_(std::move(directory)) {}
  const std::string& directory() const { return directory_; }

  // Names of files that are shown; of those that are not.
  std::vector<std::string> shown() const { return names(false); }
  std::vector<std::string> hidden() const { return names(true); }
  // All lines of files that are shown, by the files' numbers.
  std::vector<std::string> lines() const;
  // The rows, sorted, cells with | between them as sorted_rows() has them, NULL as NULL. A row that
  // is there twice fails the test, a line that is not whole too.
  std::vector<std::string> rows() const;
  // Waits until rows() are these, for some seconds; gives the last that were seen.
  std::vector<std::string> rows_once(const std::vector<std::string>& wanted) const;

 private:
  std::vector<std::string> names(bool hidden) const;
  std::map<std::string, int64_t> counts() const;
  std::string directory_;
};

}  // namespace tidemark
