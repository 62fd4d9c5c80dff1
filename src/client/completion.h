#pragma once
// What Tab offers: keywords, and the names of catalogs, databases, tables, columns and functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

class ClientSession;

class Completion {
 public:
  explicit Completion(ClientSession& session) : session_(session) {}

  // Words that begin with `word`, ignoring case, sorted. Keywords take the case of the word.
  std::vector<std::string> candidates(std::string_view before, std::string_view word);
  // Names may have changed: they are asked for again at the next Tab.
  void forget() { names_.reset(); }

 private:
  ClientSession& session_;
  std::optional<std::vector<std::string>> names_;
};

// The pure part of it.
std::vector<std::string> matching_words(const std::vector<std::string>& names,
                                        std::string_view word);

}  // namespace tidemark
