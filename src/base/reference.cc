#include "base/reference.h"

#include <fstream>
#include <sstream>

#include <stdlib.h>

namespace tidemark {

namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Status::not_found("cannot read the file " + path);
  }
  std::ostringstream text;
  text << file.rdbuf();
  std::string content = text.str();
  while (content.ends_with('\n') || content.ends_with('\r')) {
    content.pop_back();
  }
  return content;
}

Result<std::string> value_of(const std::string& reference) {
  constexpr std::string_view kFile = "file:";
  if (reference.starts_with(kFile)) {
    return read_file(reference.substr(kFile.size()));
  }
  const char* value = getenv(reference.c_str());
  if (value == nullptr) {
    return Status::not_found("the environment variable " + reference + " is not set");
  }
  return std::string(value);
}

Result<std::string> resolve(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      result += "${";
      i += 3;
      continue;
    }
    if (text.compare(i, 2, "${") != 0) {
      result += text[i++];
      continue;
    }
    size_t end = text.find('}', i);
    if (end == std::string::npos) {
      return Status::invalid_argument("a reference ${ has no }");
    }
    result += TRY(value_of(text.substr(i + 2, end - i - 2)));
    i = end + 1;
  }
  return result;
}

}  // namespace

Result<Options> resolve_references(const Options& options) {
  Options resolved;
  for (const auto& [key, value] : options) {
    Result<std::string> whole = resolve(value);
    if (!whole.ok()) {
      return whole.status().with_context("option '" + key + "'");
    }
    resolved[key] = std::move(whole).value();
  }
  return resolved;
}

}  // namespace tidemark
