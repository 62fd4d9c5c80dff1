#include "client/completion.h"

#include <algorithm>

#include "client/session.h"
#include "sql/keywords.h"

namespace tidemark {

namespace {

bool begins_with(std::string_view text, std::string_view start) {
  auto same = [](unsigned char a, unsigned char b) { return tolower(a) == tolower(b); };
  return text.size() >= start.size() && std::equal(start.begin(), start.end(), text.begin(), same);
}

}  // namespace

std::vector<std::string> matching_words(const std::vector<std::string>& names,
                                        std::string_view word) {
  std::vector<std::string> words;
  for (const std::string& name : names) {
    if (begins_with(name, word)) {
      words.push_back(name);
    }
  }
  bool lower = std::ranges::any_of(word, [](unsigned char c) { return islower(c) != 0; });
  for (auto keywords : {sql::reserved_keywords(), sql::non_reserved_keywords()}) {
    for (std::string_view keyword : keywords) {
      if (!word.empty() && begins_with(keyword, word)) {
        std::string shown(keyword);
        if (lower) {
          std::ranges::transform(shown, shown.begin(),
                                 [](unsigned char c) { return static_cast<char>(tolower(c)); });
        }
        words.push_back(std::move(shown));
      }
    }
  }
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

std::vector<std::string> Completion::candidates(std::string_view, std::string_view word) {
  if (!names_) {
    names_.emplace();
    for (const char* question :
         {"SHOW TABLES", "SHOW VIEWS", "SHOW CATALOGS", "SHOW DATABASES", "SHOW FUNCTIONS"}) {
      for (std::string& name : session_.ask(question)) {
        names_->push_back(std::move(name));
      }
    }
  }
  return matching_words(*names_, word);
}

}  // namespace tidemark
