#include "engine/execute/name_filter.h"

#include <string_view>

#include "base/ascii.h"

namespace tidemark {

namespace {

// SQL LIKE on names: % and _, backslash escapes.
bool like(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) {
    return text.empty();
  }
  if (pattern[0] == '%') {
    return like(text, pattern.substr(1)) || (!text.empty() && like(text.substr(1), pattern));
  }
  if (pattern[0] == '\\' && pattern.size() > 1) {
    return !text.empty() && text[0] == pattern[1] && like(text.substr(1), pattern.substr(2));
  }
  return !text.empty() && (pattern[0] == '_' || pattern[0] == text[0]) &&
         like(text.substr(1), pattern.substr(1));
}

}  // namespace

bool passes(const std::optional<sql::ShowFilter>& filter, const std::string& name) {
  if (!filter) {
    return true;
  }
  bool matches = filter->kind == sql::FilterKind::kIlike
                     ? like(ascii_lower(name), ascii_lower(filter->pattern))
                     : like(name, filter->pattern);
  return matches != filter->negated;
}

}  // namespace tidemark
