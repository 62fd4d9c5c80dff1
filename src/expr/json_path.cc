#include "expr/json_path.h"

#include <algorithm>
#include <span>

#include <fmt/core.h>
#include <re2/re2.h>

#include "base/check.h"
#include "expr/json_condition.h"

namespace tidemark {

namespace {

using Values = std::vector<const JsonValue*>;

bool is_equal(const JsonValue& a, const JsonValue& b) {
  // As in Jayway a number is equal to a text of it.
  bool mixed = (a.kind == JsonKind::kNumber && b.kind == JsonKind::kString) ||
               (a.kind == JsonKind::kString && b.kind == JsonKind::kNumber);
  return mixed ? a.text == b.text : same_json(a, b);
}

// Numbers by what they are, texts by their bytes; others have no order.
bool is_less(const JsonValue& a, const JsonValue& b, bool or_equal) {
  if (a.kind != b.kind || (a.kind != JsonKind::kNumber && a.kind != JsonKind::kString)) {
    return false;
  }
  std::strong_ordering order =
      a.kind == JsonKind::kNumber ? compare_json_numbers(a.text, b.text) : a.text <=> b.text;
  return order < 0 || (or_equal && order == 0);
}

class PathFinder {
 public:
  PathFinder(const JsonValue& document, bool strict) : document_(document), strict_(strict) {}

  Values follow(const JsonValue& from, std::span<const JsonStep> steps) {
    Values values{&from};
    for (size_t i = 0; i < steps.size(); ++i) {
      bool descended = i > 0 && steps[i - 1].kind == JsonStep::Kind::kDescend;
      Values next;
      for (const JsonValue* value : values) {
        if (gave_up()) {
          return {};
        }
        step(*value, steps[i], descended, next);
      }
      values = std::move(next);
    }
    return values;
  }
  bool gave_up() const { return visited_ > kVisitedMax; }

 private:
  static constexpr size_t kVisitedMax = 1'000'000;  // `$..*..*..*` takes a power of the document

  void add(const JsonValue& value, Values& found) {
    if (++visited_ <= kVisitedMax) {
      found.push_back(&value);
    }
  }
  void descend(const JsonValue& value, Values& found) {
    if (gave_up()) {
      return;
    }
    add(value, found);
    for (const JsonValue& element : value.elements) {
      descend(element, found);
    }
    for (const auto& [name, member] : value.members) {
      descend(member, found);
    }
  }
  void add_if(const JsonValue& value, const JsonCondition& condition, Values& found) {
    if (++visited_ <= kVisitedMax && holds(condition, value)) {
      found.push_back(&value);
    }
  }
  // itself: what `..` has led to is not opened once more.
  void filter(const JsonValue& value, const JsonStep& step, bool itself, Values& found) {
    bool items = step.kind == JsonStep::Kind::kFilterItems;
    if (value.kind == JsonKind::kArray && !itself && !(items && strict_)) {
      for (const JsonValue& element : value.elements) {
        add_if(element, *step.condition, found);
      }
    } else if (items || !value.is_scalar()) {
      add_if(value, *step.condition, found);
    }
  }
  void step(const JsonValue& value, const JsonStep& step, bool descended, Values& found);
  Values values_of(const JsonOperand& operand, const JsonValue& current) {
    switch (operand.kind) {
      case JsonOperand::Kind::kFromCurrent:
        return follow(current, operand.steps);
      case JsonOperand::Kind::kFromDocument:
        return follow(document_, operand.steps);
      case JsonOperand::Kind::kLiteral:
        return {&operand.literal};
    }
    CHECK(false);
  }
  bool holds(const JsonCondition& condition, const JsonValue& current);

  const JsonValue& document_;
  bool strict_;
  size_t visited_ = 0;
};

void PathFinder::step(const JsonValue& value, const JsonStep& step, bool descended, Values& found) {
  switch (step.kind) {
    case JsonStep::Kind::kMember:
      if (const JsonValue* member = value.member(step.name)) {
        add(*member, found);
      }
      return;
    case JsonStep::Kind::kElement: {
      int64_t size = static_cast<int64_t>(value.elements.size());
      int64_t at = step.index < 0 ? size + step.index : step.index;
      if (at >= 0 && at < size) {
        add(value.elements[static_cast<size_t>(at)], found);
      }
      return;
    }
    case JsonStep::Kind::kAll:
      for (const JsonValue& element : value.elements) {
        add(element, found);
      }
      for (const auto& [name, member] : value.members) {
        add(member, found);
      }
      return;
    case JsonStep::Kind::kDescend:
      descend(value, found);
      return;
    case JsonStep::Kind::kFilter:
    case JsonStep::Kind::kFilterItems:
      filter(value, step, descended, found);
      return;
  }
}

bool PathFinder::holds(const JsonCondition& condition, const JsonValue& current) {
  using enum JsonCondition::Kind;
  auto part_holds = [&](const JsonCondition& part) { return holds(part, current); };
  switch (condition.kind) {
    case kAnd:
      return std::ranges::all_of(condition.parts, part_holds);
    case kOr:
      return std::ranges::any_of(condition.parts, part_holds);
    case kNot:
      return !part_holds(condition.parts[0]);
    case kExists:
      return !values_of(condition.left, current).empty();
    case kMatches:
      return std::ranges::any_of(values_of(condition.left, current), [&](const JsonValue* value) {
        return value->is_scalar() && re2::RE2::PartialMatch(value->text, *condition.pattern);
      });
    case kEqual:
    case kLess:
    case kLessEqual:
    case kIn:
    case kStartsWith:
      break;
  }
  Values right = values_of(condition.right, current);
  auto compare = [&](const JsonValue& a, const JsonValue& b) {
    switch (condition.kind) {
      case kEqual:
        return is_equal(a, b);
      case kIn:
        return std::ranges::any_of(b.elements,
                                   [&](const JsonValue& element) { return is_equal(a, element); });
      case kStartsWith:
        return a.kind == JsonKind::kString && b.kind == JsonKind::kString &&
               a.text.starts_with(b.text);
      default:
        return is_less(a, b, condition.kind == kLessEqual);
    }
  };
  return std::ranges::any_of(values_of(condition.left, current), [&](const JsonValue* a) {
    return std::ranges::any_of(right, [&](const JsonValue* b) { return compare(*a, *b); });
  });
}

}  // namespace

bool JsonPath::is_definite() const {
  return std::ranges::all_of(steps, [](const JsonStep& step) {
    return step.kind == JsonStep::Kind::kMember || step.kind == JsonStep::Kind::kElement;
  });
}

Result<std::vector<const JsonValue*>> JsonPath::find(const JsonValue& document) const {
  PathFinder finder(document, strict);
  Values found = finder.follow(document, steps);
  return finder.gave_up() ? Status::data_error("a JSON path leads through too many values")
                          : Result<Values>(std::move(found));
}

}  // namespace tidemark
