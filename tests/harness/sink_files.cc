#include "tests/harness/sink_files.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

namespace tidemark {

namespace {

// part-<job>-<insert>-<number>.<extension>
unsigned long number_of(const std::string& name) {
  size_t end = name.rfind('.');
  size_t begin = name.rfind('-', end);
  return std::stoul(name.substr(begin + 1, end - begin - 1));
}

}  // namespace

std::vector<std::string> SinkFiles::names(bool hidden) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    std::string name = entry.path().filename();
    if ((name[0] == '.') == hidden) {
      names.push_back(name);
    }
  }
  if (!hidden) {
    std::ranges::sort(names, {}, number_of);
  }
  return names;
}

std::vector<std::string> SinkFiles::lines() const {
  std::vector<std::string> lines;
  for (const std::string& name : shown()) {
    std::ifstream file(directory_ + "/" + name, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(text.str().empty() || text.str().back() == '\n') << name << " is not whole";
    for (std::string line; std::getline(text, line);) {
      lines.push_back(line);
    }
  }
  return lines;
}

std::map<std::string, int64_t> SinkFiles::counts() const {
  std::map<std::string, int64_t> counts;
  for (const std::string& line : lines()) {
    size_t mark = line.find(','), values = line.find(',', mark + 1);
    if (values == std::string::npos) {
      ADD_FAILURE() << "not a line of a changelog: " << line;
      break;
    }
    std::string op = line.substr(0, mark), row = line.substr(values + 1), shown;
    for (size_t at = 0; at <= row.size();) {
      size_t end = std::min(row.find(',', at), row.size());
      shown += (at == 0 ? "" : "|") + (end == at ? "NULL" : row.substr(at, end - at));
      at = end + 1;
    }
    int64_t& count = counts[shown];
    count += op == "+I" || op == "+U" ? 1 : -1;
    if (count == 0) {
      counts.erase(shown);
    }
  }
  return counts;
}

std::vector<std::string> SinkFiles::rows() const {
  std::vector<std::string> rows;
  for (const auto& [row, count] : counts()) {
    EXPECT_GT(count, 0) << row;
    rows.insert(rows.end(), static_cast<size_t>(std::max<int64_t>(count, 0)), row);
  }
  return rows;
}

std::vector<std::string> SinkFiles::rows_once(const std::vector<std::string>& wanted) const {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::vector<std::string> seen = rows();
  while (seen != wanted && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    seen = rows();
  }
  return seen;
}

}  // namespace tidemark
