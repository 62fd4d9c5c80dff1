#pragma once
// What kernels of JSON functions share: the documents and paths of one batch.

#include <optional>

#include "expr/function.h"
#include "expr/json_path.h"

namespace tidemark {

// Usually there is one path for all rows.
class Documents {
 public:
  // nullptr: not JSON.
  const JsonValue* parse(std::string_view text) {
    Result<JsonValue> parsed = parser_.parse(text);
    if (!parsed.ok()) {
      return nullptr;
    }
    value_ = std::move(parsed).value();
    return &value_;
  }
  // nullptr: not a path, which is reported for the row.
  const JsonPath* path(const KernelFrame& frame, size_t row, std::string_view text) {
    if (!path_ || path_text_ != text) {
      Result<JsonPath> parsed = parse_json_path(text);
      if (!parsed.ok()) {
        frame.fail(row, std::string(parsed.status().message()));
        return nullptr;
      }
      path_ = std::move(parsed).value();
      path_text_ = text;
    }
    return &*path_;
  }
  // Where the path leads in the document that was parsed last. An error is reported for the row.
  std::vector<const JsonValue*> find(const KernelFrame& frame, size_t row) {
    Result<std::vector<const JsonValue*>> found = path_->find(value_);
    if (!found.ok()) {
      frame.fail(row, std::string(found.status().message()));
      return {};
    }
    return std::move(found).value();
  }

 private:
  JsonParser parser_;
  JsonValue value_;
  std::string path_text_;
  std::optional<JsonPath> path_;
};

// Any SQL value as JSON (json.cc).
void append_value_as_json(const Column& column, size_t row, std::string& out);

inline void fail_not_json(const KernelFrame& frame, size_t row, std::string_view text) {
  constexpr size_t kShownMax = 100;
  frame.fail(row, fmt::format("not JSON: '{}'", text.substr(0, kShownMax)));
}

}  // namespace tidemark
