// The text of JSON paths.

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/core.h>
#include <re2/re2.h>

#include "base/ascii.h"
#include "expr/json_condition.h"

namespace tidemark {

namespace {

using StepKind = JsonStep::Kind;
using ConditionKind = JsonCondition::Kind;

JsonCondition negated(JsonCondition condition) {
  JsonCondition result{ConditionKind::kNot};
  result.parts.push_back(std::move(condition));
  return result;
}

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
    if (!take("$")) {
      return fail("expected $");
    }
    while (!text_.empty()) {
      TRY(read_step(path.steps));
      skip_blanks();
    }
    return path;
  }

 private:
  static constexpr int kDepthMax = 100;  // of conditions in conditions

  Status fail(std::string_view why) const {
    return Status::data_error(fmt::format("not a JSON path: '{}': {} at character {}", whole_, why,
                                          whole_.size() - text_.size() + 1));
  }
  void skip_blanks() {
    while (!text_.empty() && text_[0] == ' ') {
      text_.remove_prefix(1);
    }
  }
  bool take(std::string_view token) {
    bool found = text_.starts_with(token);
    text_.remove_prefix(found ? token.size() : 0);
    return found;
  }
  // A word, and not the beginning of one.
  bool take_word(std::string_view word) {
    bool ends = text_.size() <= word.size() ||
                !(std::isalnum(static_cast<unsigned char>(text_[word.size()])) ||
                  text_[word.size()] == '_');
    return ends && take(word);
  }
  Result<std::string> quoted(char quote) {
    std::string name;
    while (!text_.empty() && text_[0] != quote) {
      text_.remove_prefix(text_[0] == '\\' && text_.size() > 1 ? 1 : 0);
      name += text_[0];
      text_.remove_prefix(1);
    }
    return take({&quote, 1}) ? Result<std::string>(std::move(name))
                             : fail("a quote that does not end");
  }
  // In either kind of quotes; nothing if there are none.
  Result<std::optional<std::string>> read_text() {
    for (char quote : {'\'', '"'}) {
      if (take({&quote, 1})) {
        return std::optional(TRY(quoted(quote)));
      }
    }
    return std::optional<std::string>();
  }

  Status read_step(std::vector<JsonStep>& steps);
  Result<JsonStep> read_name();
  Result<JsonStep> read_bracket();
  Result<JsonStep> read_filter(StepKind kind);
  Result<JsonCondition> read_condition();
  Result<JsonCondition> read_all_of();
  Result<JsonCondition> read_one();
  Result<JsonCondition> read_comparison();
  Result<JsonCondition> read_pattern(JsonOperand left, char quote, bool whole);
  Result<JsonOperand> read_operand();
  Result<JsonValue> read_literal();

  std::string_view whole_;
  std::string_view text_;
  int depth_ = 0;  // of conditions
};

Status PathReader::read_step(std::vector<JsonStep>& steps) {
  if (take("?")) {
    steps.push_back(TRY(read_filter(StepKind::kFilterItems)));
    return {};
  }
  if (take("[")) {
    steps.push_back(TRY(read_bracket()));
    return {};
  }
  if (take(".**")) {
    steps.push_back({StepKind::kDescend, ""});
    return {};
  }
  if (take("..")) {
    steps.push_back({StepKind::kDescend, ""});
    steps.push_back(take("[") ? TRY(read_bracket()) : TRY(read_name()));
    return {};
  }
  if (take(".")) {
    steps.push_back(TRY(read_name()));
    return {};
  }
  return fail("expected . or [");
}

Result<JsonStep> PathReader::read_name() {
  if (take("*")) {
    return JsonStep{StepKind::kAll, ""};
  }
  if (take("\"")) {
    return JsonStep{StepKind::kMember, TRY(quoted('"'))};
  }
  std::string_view ends = depth_ == 0 ? ".[ ?(@" : ".[ ?(@)]=!<>&|,";
  size_t end = std::min(text_.find_first_of(ends), text_.size());
  if (end == 0) {
    return fail("expected a name");
  }
  std::string name(text_.substr(0, end));
  text_.remove_prefix(end);
  return JsonStep{StepKind::kMember, std::move(name)};
}

Result<JsonStep> PathReader::read_bracket() {
  skip_blanks();
  JsonStep step;
  if (take("*")) {
    step.kind = StepKind::kAll;
  } else if (take("?")) {
    step = TRY(read_filter(StepKind::kFilter));
  } else if (std::optional<std::string> name = TRY(read_text())) {
    step.name = std::move(*name);
  } else {
    step.kind = StepKind::kElement;
    auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), step.index);
    if (error != std::errc()) {
      return fail("expected a number, a name in quotes, * or ?");
    }
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
  }
  skip_blanks();
  return take("]") ? Result<JsonStep>(std::move(step)) : fail("expected ]");
}

Result<JsonStep> PathReader::read_filter(StepKind kind) {
  skip_blanks();
  if (kind == StepKind::kFilterItems && !text_.starts_with('(')) {
    return fail("expected (");
  }
  // Without brackets only what stands in the parentheses.
  ++depth_;
  Result<JsonCondition> condition = kind == StepKind::kFilterItems ? read_one() : read_condition();
  --depth_;
  JsonStep step{kind, ""};
  step.condition = std::make_shared<const JsonCondition>(TRY(std::move(condition)));
  return step;
}

Result<JsonCondition> PathReader::read_condition() {
  JsonCondition any{ConditionKind::kOr};
  do {
    any.parts.push_back(TRY(read_all_of()));
    skip_blanks();
  } while (take("||"));
  return any.parts.size() == 1 ? std::move(any.parts[0]) : std::move(any);
}

Result<JsonCondition> PathReader::read_all_of() {
  JsonCondition all{ConditionKind::kAnd};
  do {
    all.parts.push_back(TRY(read_one()));
    skip_blanks();
  } while (take("&&"));
  return all.parts.size() == 1 ? std::move(all.parts[0]) : std::move(all);
}

Result<JsonCondition> PathReader::read_one() {
  skip_blanks();
  if (++depth_ > kDepthMax) {
    return fail("conditions are nested too deeply");
  }
  auto read = [&]() -> Result<JsonCondition> {
    if (take("!")) {
      return negated(TRY(read_one()));
    }
    if (take("(")) {
      JsonCondition inner = TRY(read_condition());
      return take(")") ? Result<JsonCondition>(std::move(inner)) : fail("expected )");
    }
    return read_comparison();
  };
  Result<JsonCondition> condition = read();
  --depth_;
  return condition;
}

Result<JsonCondition> PathReader::read_comparison() {
  if (take_word("exists")) {
    skip_blanks();
    JsonCondition exists{ConditionKind::kExists};
    if (!take("(")) {
      return fail("expected (");
    }
    skip_blanks();
    exists.left = TRY(read_operand());
    skip_blanks();
    return take(")") ? Result<JsonCondition>(std::move(exists)) : fail("expected )");
  }
  JsonOperand left = TRY(read_operand());
  skip_blanks();
  if (take("=~")) {
    skip_blanks();
    return take("/") ? read_pattern(std::move(left), '/', true) : fail("expected /");
  }
  if (take_word("like_regex")) {
    skip_blanks();
    return take("\"") ? read_pattern(std::move(left), '"', false) : fail("expected \"");
  }
  struct Operator {
    std::string_view text;
    ConditionKind kind;
    bool negated = false;
    bool exchanged = false;
  };
  static constexpr Operator kOperators[] = {
      {"==", ConditionKind::kEqual},
      {"!=", ConditionKind::kEqual, true},
      {"<>", ConditionKind::kEqual, true},
      {"<=", ConditionKind::kLessEqual},
      {">=", ConditionKind::kLessEqual, false, true},
      {"=", ConditionKind::kEqual},
      {"<", ConditionKind::kLess},
      {">", ConditionKind::kLess, false, true},
      {"in", ConditionKind::kIn},
      {"nin", ConditionKind::kIn, true},
      {"starts with", ConditionKind::kStartsWith},
  };
  for (const Operator& each : kOperators) {
    bool is_word = std::isalpha(static_cast<unsigned char>(each.text[0])) != 0;
    if (is_word ? !take_word(each.text) : !take(each.text)) {
      continue;
    }
    skip_blanks();
    JsonOperand right = TRY(read_operand());
    JsonCondition condition{each.kind};
    condition.left = each.exchanged ? right : left;
    condition.right = each.exchanged ? left : right;
    return each.negated ? negated(std::move(condition)) : std::move(condition);
  }
  if (left.kind == JsonOperand::Kind::kLiteral) {
    return fail("expected an operator");
  }
  JsonCondition exists{ConditionKind::kExists};
  exists.left = std::move(left);
  return exists;
}

// whole: it must match all of the text, not a part.
Result<JsonCondition> PathReader::read_pattern(JsonOperand left, char quote, bool whole) {
  std::string pattern;
  while (!text_.empty() && text_[0] != quote) {
    // Of what is escaped only the quote has a meaning here.
    bool escaped = text_[0] == '\\' && text_.size() > 1;
    pattern += escaped && text_[1] == quote ? "" : std::string(1, text_[0]);
    pattern += escaped ? std::string(1, text_[1]) : "";
    text_.remove_prefix(escaped ? 2 : 1);
  }
  if (!take({&quote, 1})) {
    return fail("a pattern that does not end");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  if (whole) {
    options.set_case_sensitive(!take("i"));
  } else {
    skip_blanks();
    if (take_word("flag")) {
      skip_blanks();
      if (!take("\"i\"")) {
        return fail("expected \"i\"");
      }
      options.set_case_sensitive(false);
    }
  }
  JsonCondition condition{ConditionKind::kMatches};
  condition.left = std::move(left);
  auto compiled = std::make_shared<const re2::RE2>(
      whole ? fmt::format("\\A(?:{})\\z", pattern) : pattern, options);
  if (!compiled->ok()) {
    return fail(fmt::format("not a regular expression: {}", compiled->error()));
  }
  condition.pattern = std::move(compiled);
  return condition;
}

Result<JsonOperand> PathReader::read_operand() {
  JsonOperand operand;
  if (text_.starts_with('@') || text_.starts_with('$')) {
    operand.kind = take("@") ? JsonOperand::Kind::kFromCurrent : JsonOperand::Kind::kFromDocument;
    text_.remove_prefix(operand.kind == JsonOperand::Kind::kFromDocument ? 1 : 0);
    while (text_.starts_with('.') || text_.starts_with('[')) {
      TRY(read_step(operand.steps));
    }
    return operand;
  }
  operand.literal = TRY(read_literal());
  return operand;
}

Result<JsonValue> PathReader::read_literal() {
  JsonValue value;
  if (std::optional<std::string> text = TRY(read_text())) {
    value.kind = JsonKind::kString;
    value.text = std::move(*text);
    return value;
  }
  if (take("[")) {
    value.kind = JsonKind::kArray;
    skip_blanks();
    while (!take("]")) {
      if (++depth_ > kDepthMax) {
        return fail("lists are nested too deeply");
      }
      value.elements.push_back(TRY(read_literal()));
      --depth_;
      skip_blanks();
      if (!text_.starts_with(']') && !take(",")) {
        return fail("expected , or ]");
      }
      skip_blanks();
    }
    return value;
  }
  // A number, true, false or null.
  size_t end = text_.find_first_not_of("0123456789+-.abcdefghijklmnopqrstuvwxyzE");
  Result<JsonValue> token = JsonParser().parse(text_.substr(0, end));
  if (!token.ok()) {
    return fail("expected a value or a path");
  }
  text_.remove_prefix(std::min(end, text_.size()));
  return token;
}

}  // namespace

Result<JsonPath> parse_json_path(std::string_view text) {
  return PathReader(text).read();
}

}  // namespace tidemark
