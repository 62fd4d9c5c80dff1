#include "tests/runner/slt_file.h"

#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/core.h>

namespace tidemark {

namespace {

using Variables = std::map<std::string, std::string>;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(std::move(word));
  }
  return words;
}

std::string joined(const std::vector<std::string>& words, size_t from) {
  std::string text;
  for (size_t i = from; i < words.size(); ++i) {
    text += (i == from ? "" : " ") + words[i];
  }
  return text;
}

class Reader {
 public:
  Reader(std::string_view text, const std::set<std::string>& names) : names_(names) {
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(text.find('\n', at), text.size());
      std::string line(text.substr(at, end - at));
      if (!line.empty() && line.back() == '\r') {
        line.pop_back();
      }
      lines_.push_back(std::move(line));
      at = end + 1;
    }
  }

  Result<SltFile> read() {
    TRY(read_lines(0, lines_.size(), {}));
    return std::move(file_);
  }

 private:
  Status wrong(size_t line, std::string_view what) const {
    return Status::invalid_argument(fmt::format("{}: line {}: {}", what, line + 1, lines_[line]));
  }
  std::string line_at(size_t line, const Variables& variables) const {
    std::string text = lines_[line];
    for (const auto& [name, value] : variables) {
      std::string mark = "${" + name + "}";
      for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
        text.replace(at, mark.size(), value);
        at += value.size();
      }
    }
    return text;
  }

  Status read_lines(size_t begin, size_t end, const Variables& variables) {
    bool wanted = true;
    for (size_t at = begin; at < end && !is_halted_;) {
      std::string line = line_at(at, variables);
      std::vector<std::string> words = words_of(line);
      if (words.empty() || words[0][0] == '#') {
        ++at;
        continue;
      }
      const std::string& word = words[0];
      if ((word == "skipif" || word == "onlyif") && words.size() > 1) {
        wanted = wanted && names_.contains(words[1]) == (word == "onlyif");
        ++at;
        continue;
      }
      if (word == "loop" || word == "foreach") {
        at = TRY(read_loop(at, end, words, wanted, variables));
      } else if (word == "statement" || word == "query") {
        at = TRY(read_record(at, end, words, wanted, variables));
      } else if (word == "halt") {
        is_halted_ = wanted;
        ++at;
      } else if (word == "hash-threshold" || word == "control" || word == "require" ||
                 word == "connection" || word == "system" || word == "sleep") {
        ++at;
      } else {
        return wrong(at, "expected a record of sqllogictest");
      }
      wanted = true;
    }
    return {};
  }

  // Gives the line behind endloop.
  Result<size_t> read_loop(size_t at, size_t end, const std::vector<std::string>& words,
                           bool wanted, const Variables& variables) {
    size_t depth = 1, close = at + 1;
    for (; close < end; ++close) {
      std::vector<std::string> inner = words_of(lines_[close]);
      bool opens = !inner.empty() && (inner[0] == "loop" || inner[0] == "foreach");
      depth += opens ? 1 : 0;
      depth -= !inner.empty() && inner[0] == "endloop" ? 1 : 0;
      if (depth == 0) {
        break;
      }
    }
    if (close == end || words.size() < 3) {
      return wrong(at, "expected a loop with its endloop");
    }
    std::vector<std::string> values(words.begin() + 2, words.end());
    if (words[0] == "loop") {
      int64_t from = 0, to = 0;
      if (words.size() != 4 || !read_number(words[2], from) || !read_number(words[3], to)) {
        return wrong(at, "expected loop VARIABLE FROM TO");
      }
      values.clear();
      for (; from < to; ++from) {
        values.push_back(std::to_string(from));
      }
    }
    for (const std::string& value : values) {
      Variables inner = variables;
      inner[words[1]] = value;
      if (wanted) {
        TRY(read_lines(at + 1, close, inner));
      }
    }
    return close + 1;
  }

  static bool read_number(const std::string& text, int64_t& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
  }

  Result<size_t> read_record(size_t at, size_t end, const std::vector<std::string>& words,
                             bool wanted, const Variables& variables) {
    SltRecord record;
    record.line = at + 1;
    record.is_query = words[0] == "query";
    std::string what = words.size() > 1 ? words[1] : "";
    if (what == "error") {
      record.is_query = false;
      record.expects_error = true;
      record.error_pattern = joined(words, 2);
    } else if (record.is_query) {
      record.types = what;
      for (size_t i = 2; i < words.size(); ++i) {
        if (words[i] == "rowsort") {
          record.sort = SltSort::kRows;
        } else if (words[i] == "valuesort") {
          record.sort = SltSort::kValues;
        } else if (words[i] != "nosort") {
          record.label = words[i];
        }
      }
    } else if (what != "ok" && what != "count" && what != "maybe") {
      return wrong(at, "expected statement ok or statement error");
    }
    bool in_result = false;
    for (++at; at < end && !lines_[at].empty(); ++at) {
      if (!in_result && lines_[at] == "----") {
        in_result = true;
      } else if (in_result) {
        record.expected.push_back(line_at(at, variables));
      } else if (lines_[at][0] != '#') {
        record.sql += (record.sql.empty() ? "" : "\n") + line_at(at, variables);
      }
    }
    if (wanted) {
      file_.records.push_back(std::move(record));
    } else {
      ++file_.skipped;
    }
    return at;
  }

  const std::set<std::string>& names_;
  std::vector<std::string> lines_;
  SltFile file_;
  bool is_halted_ = false;
};

}  // namespace

Result<SltFile> parse_slt(std::string_view text, const std::set<std::string>& names) {
  return Reader(text, names).read();
}

}  // namespace tidemark
