#include "cmd/serve_config.h"

#include <fstream>

#include <fmt/core.h>

namespace tidemark {

namespace {

std::string trimmed(std::string_view text) {
  size_t from = text.find_first_not_of(" \t\r");
  size_t end = text.find_last_not_of(" \t\r");
  return from == std::string_view::npos ? "" : std::string(text.substr(from, end - from + 1));
}

}  // namespace

Result<std::multimap<std::string, std::string>> read_config(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return Status::not_found("cannot read the configuration: " + path);
  }
  std::multimap<std::string, std::string> values;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::string text = trimmed(line);
    if (text.empty() || text[0] == '#') {
      continue;
    }
    size_t equals = text.find('=');
    std::string name = trimmed(std::string_view(text).substr(0, equals));
    std::string value =
        equals == std::string::npos ? "true" : trimmed(std::string_view(text).substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (name.empty() || name.find(' ') != std::string::npos) {
      return Status::invalid_argument(
          fmt::format("cannot read the configuration: expected name = value: {}:{}", path, number));
    }
    values.emplace(std::move(name), std::move(value));
  }
  return values;
}

}  // namespace tidemark
