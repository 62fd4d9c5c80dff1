#include "expr/json_path.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "base/ascii.h"

namespace tidemark {

namespace {

class PathReader {
 public:
  explicit PathReader(std::string_view text) : whole_(text), text_(text) {}

  Result<JsonPath> read() {
    JsonPath path;
    skip_blanks();
    path.strict = ascii_lower(text_.substr(0, 6)) == "strict";
    bool lax = ascii_lower(text_.substr(0, 3)) == "lax";
    text_.remove_prefix(path.strict ? 6 : lax ? 3 : 0);
    skip_blanks();
    if (!take('$')) {
      return fail("expected $");
    }
    while (!text_.empty()) {
      path.steps.push_back(TRY(read_step()));
      skip_blanks();
    }
    return path;
  }

 private:
  Status fail(std::string_view why) const {
    return Status::data_error(fmt::format("not a JSON path: '{}': {} at character {}", whole_, why,
                                          whole_.size() - text_.size() + 1));
  }
  void skip_blanks() {
    while (!text_.empty() && text_[0] == ' ') {
      text_.remove_prefix(1);
    }
  }
  bool take(char c) {
    bool found = !text_.empty() && text_[0] == c;
    text_.remove_prefix(found ? 1 : 0);
    return found;
  }
  Result<std::string> quoted(char quote) {
    std::string name;
    while (!text_.empty() && text_[0] != quote) {
      text_.remove_prefix(text_[0] == '\\' && text_.size() > 1 ? 1 : 0);
      name += text_[0];
      text_.remove_prefix(1);
    }
    return take(quote) ? Result<std::string>(std::move(name)) : fail("a quote that does not end");
  }
  Result<JsonPath::Step> read_step() {
    if (take('.')) {
      if (take('*')) {
        return JsonPath::Step{JsonPath::StepKind::kAllMembers, "", 0};
      }
      if (take('"')) {
        return JsonPath::Step{JsonPath::StepKind::kMember, TRY(quoted('"')), 0};
      }
      size_t end = std::min(text_.find_first_of(".[ ?(@"), text_.size());
      if (end == 0) {
        return fail("expected a name");
      }
      std::string name(text_.substr(0, end));
      text_.remove_prefix(end);
      return JsonPath::Step{JsonPath::StepKind::kMember, std::move(name), 0};
    }
    if (!take('[')) {
      return fail("expected . or [");
    }
    skip_blanks();
    JsonPath::Step step;
    if (take('*')) {
      step.kind = JsonPath::StepKind::kAllElements;
    } else if (take('\'')) {
      step.name = TRY(quoted('\''));
    } else if (take('"')) {
      step.name = TRY(quoted('"'));
    } else {
      step.kind = JsonPath::StepKind::kElement;
      auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), step.index);
      if (error != std::errc()) {
        return fail("expected a number, a name in quotes or *");
      }
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    }
    skip_blanks();
    return take(']') ? Result<JsonPath::Step>(std::move(step)) : fail("expected ]");
  }

  std::string_view whole_;
  std::string_view text_;
};

void step_from(const JsonValue& value, const JsonPath::Step& step,
               std::vector<const JsonValue*>& found) {
  switch (step.kind) {
    case JsonPath::StepKind::kMember:
      if (const JsonValue* member = value.member(step.name)) {
        found.push_back(member);
      }
      return;
    case JsonPath::StepKind::kAllMembers:
      for (const auto& [name, member] : value.members) {
        found.push_back(&member);
      }
      return;
    case JsonPath::StepKind::kElement: {
      int64_t size = static_cast<int64_t>(value.elements.size());
      int64_t at = step.index < 0 ? size + step.index : step.index;
      if (at >= 0 && at < size) {
        found.push_back(&value.elements[static_cast<size_t>(at)]);
      }
      return;
    }
    case JsonPath::StepKind::kAllElements:
      for (const JsonValue& element : value.elements) {
        found.push_back(&element);
      }
      for (const auto& [name, member] : value.members) {
        found.push_back(&member);
      }
      return;
  }
}

}  // namespace

bool JsonPath::is_definite() const {
  return std::none_of(steps.begin(), steps.end(), [](const Step& step) {
    return step.kind == StepKind::kAllMembers || step.kind == StepKind::kAllElements;
  });
}

std::vector<const JsonValue*> JsonPath::find(const JsonValue& document) const {
  std::vector<const JsonValue*> values{&document};
  for (const Step& step : steps) {
    std::vector<const JsonValue*> next;
    for (const JsonValue* value : values) {
      step_from(*value, step, next);
    }
    values = std::move(next);
  }
  return values;
}

Result<JsonPath> parse_json_path(std::string_view text) {
  return PathReader(text).read();
}

}  // namespace tidemark
