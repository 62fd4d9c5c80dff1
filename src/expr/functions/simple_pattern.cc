#include "expr/functions/simple_pattern.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <utility>

namespace tidemark {

void SimplePattern::CharacterSet::add(uint8_t from, uint8_t to) {
  for (unsigned code = from; code <= to; ++code) {
    bits[code / 64] |= uint64_t{1} << (code % 64);
  }
}

void SimplePattern::CharacterSet::add(const CharacterSet& other) {
  bits[0] |= other.bits[0];
  bits[1] |= other.bits[1];
}

void SimplePattern::CharacterSet::invert() {
  bits[0] = ~bits[0];
  bits[1] = ~bits[1];
}

// --- reading ---

class SimplePattern::Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern) {}

  std::optional<SimplePattern> parse() {
    std::optional<Piece> all = parse_alternatives(0);
    if (!all || !rest_.empty()) {
      return std::nullopt;
    }
    SimplePattern pattern;
    pattern.steps_ = std::move(all->steps);
    pattern.required_ = std::move(all->required);
    pattern.groups_ = groups_;
    return pattern;
  }

 private:
  static constexpr size_t kDepthMax = 16;

  static size_t sum(size_t a, size_t b) { return a == kNone || b == kNone ? kNone : a + b; }

  static void append(Piece& to, Piece piece) {
    if (piece.required.text.size() > to.required.text.size()) {
      to.required = {std::move(piece.required.text), sum(to.min, piece.required.from),
                     sum(to.max, piece.required.to)};
    }
    to.min = sum(to.min, piece.min);
    to.max = sum(to.max, piece.max);
    std::ranges::move(piece.steps, std::back_inserter(to.steps));
  }

  static Piece one_step(Step step) {
    Piece piece;
    piece.steps.push_back(std::move(step));
    return piece;
  }

  bool take(char c) {
    bool is_next = !rest_.empty() && rest_[0] == c;
    rest_.remove_prefix(is_next ? 1 : 0);
    return is_next;
  }

  std::optional<Piece> parse_alternatives(size_t depth) {
    std::vector<Piece> pieces;
    do {
      std::optional<Piece> piece = parse_sequence(depth);
      if (!piece) {
        return std::nullopt;
      }
      pieces.push_back(std::move(*piece));
    } while (take('|'));
    Piece all = std::move(pieces.back());
    for (size_t i = pieces.size() - 1; i-- > 0;) {
      Piece& first = pieces[i];
      Piece either;
      either.min = std::min(first.min, all.min);
      either.max = std::max(first.max, all.max);
      either.steps.push_back({.kind = StepKind::kSplit, .next = first.steps.size() + 2});
      std::ranges::move(first.steps, std::back_inserter(either.steps));
      either.steps.push_back({.kind = StepKind::kJump, .next = all.steps.size() + 1});
      std::ranges::move(all.steps, std::back_inserter(either.steps));
      all = std::move(either);
    }
    return all;
  }

  std::optional<Piece> parse_sequence(size_t depth) {
    Piece sequence;
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      std::optional<Piece> piece = parse_piece(depth);
      if (!piece) {
        return std::nullopt;
      }
      append(sequence, std::move(*piece));
    }
    return sequence;
  }

  std::optional<Piece> parse_piece(size_t depth) {
    if (take('^')) {
      return is_repeated() ? std::nullopt : std::optional(one_step({.kind = StepKind::kBegin}));
    }
    if (take('$')) {
      return is_repeated() ? std::nullopt : std::optional(one_step({.kind = StepKind::kEnd}));
    }
    if (take('(')) {
      return parse_group(depth);
    }
    if (std::string text = plain_text(); !text.empty()) {
      Piece piece = one_step({.kind = StepKind::kText, .text = text});
      piece.min = piece.max = text.size();
      piece.required = {std::move(text), 0, 0};
      return piece;
    }
    return parse_repeated_set();
  }

  bool is_repeated() const {
    return !rest_.empty() && std::string_view("*+?{").find(rest_[0]) != std::string_view::npos;
  }

  std::optional<Piece> parse_group(size_t depth) {
    bool is_plain = rest_.starts_with("?:");
    if (depth == kDepthMax || (!is_plain && rest_.starts_with('?'))) {
      return std::nullopt;
    }
    rest_.remove_prefix(is_plain ? 2 : 0);
    size_t group = is_plain ? 0 : ++groups_;
    std::optional<Piece> inner = parse_alternatives(depth + 1);
    if (!inner || !take(')') || is_repeated()) {
      return std::nullopt;
    }
    if (is_plain) {
      return inner;
    }
    Piece piece;
    append(piece, one_step({.kind = StepKind::kSave, .slot = 2 * group}));
    append(piece, std::move(*inner));
    append(piece, one_step({.kind = StepKind::kSave, .slot = 2 * group + 1}));
    return piece;
  }

  // The characters from here on that stand for themselves and are there once.
  std::string plain_text() {
    std::string text;
    while (true) {
      std::string_view before = rest_;
      std::optional<CharacterSet> ignored;
      std::optional<char> c = parse_character(ignored);
      if (!c || is_repeated()) {
        rest_ = before;
        return text;
      }
      text += *c;
    }
  }

  // One that stands for itself, or an escape: of a character, or of the set that it gives.
  std::optional<char> parse_character(std::optional<CharacterSet>& set) {
    if (rest_.empty() || static_cast<uint8_t>(rest_[0]) >= 128) {
      return std::nullopt;
    }
    char c = rest_[0];
    if (c != '\\') {
      if (std::string_view("^$.*+?()[]{}|").find(c) != std::string_view::npos) {
        return std::nullopt;
      }
      rest_.remove_prefix(1);
      return c;
    }
    return parse_escape(set);
  }

  std::optional<char> parse_escape(std::optional<CharacterSet>& set) {
    if (rest_.size() < 2) {
      return std::nullopt;
    }
    char c = rest_[1];
    constexpr std::string_view kNames = "tnrf", kNamed = "\t\n\r\f";
    if (size_t at = kNames.find(c); at != std::string_view::npos) {
      rest_.remove_prefix(2);
      return kNamed[at];
    }
    if (std::string_view("dDwWsS").find(c) != std::string_view::npos) {
      rest_.remove_prefix(2);
      set = escaped_set(c);
      return std::nullopt;
    }
    bool is_mark = c != '_' && std::ispunct(static_cast<unsigned char>(c)) != 0;
    rest_.remove_prefix(is_mark ? 2 : 0);
    return is_mark ? std::optional(c) : std::nullopt;
  }

  static CharacterSet escaped_set(char name) {
    CharacterSet set;
    switch (name) {
      case 'w':
      case 'W':
        set.add('a', 'z');
        set.add('A', 'Z');
        set.add('_', '_');
        [[fallthrough]];
      case 'd':
      case 'D':
        set.add('0', '9');
        break;
      default:
        set.add('\t', '\n');
        set.add('\f', '\r');
        set.add(' ', ' ');
    }
    if (name < 'a') {
      set.invert();
    }
    return set;
  }

  std::optional<Piece> parse_repeated_set() {
    std::optional<CharacterSet> set = parse_set();
    if (!set) {
      return std::nullopt;
    }
    Step step{.kind = StepKind::kSet, .set = *set};
    if (take('*')) {
      step.min = 0;
      step.max = kNone;
    } else if (take('+')) {
      step.max = kNone;
    } else if (take('?')) {
      step.min = 0;
    }
    step.is_lazy = (step.min == 0 || step.max == kNone) && take('?');
    if (is_repeated()) {
      return std::nullopt;
    }
    size_t min = step.min, max = step.max;
    Piece piece = one_step(std::move(step));
    piece.min = min;
    piece.max = max;
    return piece;
  }

  std::optional<CharacterSet> parse_set() {
    std::optional<CharacterSet> set;
    if (take('.')) {
      set.emplace().add('\n', '\n');
      set->invert();
    } else if (take('[')) {
      set = parse_brackets();
    } else if (std::optional<char> c = parse_character(set)) {
      set.emplace().add(static_cast<uint8_t>(*c), static_cast<uint8_t>(*c));
    }
    return set;
  }

  std::optional<CharacterSet> parse_brackets() {
    CharacterSet set;
    bool is_inverted = take('^');
    bool is_first = true;
    if (rest_.starts_with(']')) {
      return std::nullopt;
    }
    while (!take(']')) {
      std::optional<CharacterSet> escaped;
      std::optional<char> from = parse_member(escaped);
      bool is_last = rest_.starts_with(']');
      if ((!from && !escaped) || (from == '-' && !is_first && !is_last)) {
        return std::nullopt;
      }
      std::optional<char> to = from;
      if (rest_.starts_with('-') && !rest_.starts_with("-]")) {
        rest_.remove_prefix(1);
        std::optional<CharacterSet> none;
        to = parse_member(none);
        if (!from || !to || *to < *from || *from == '-' || *to == '-') {
          return std::nullopt;
        }
      }
      if (escaped) {
        set.add(*escaped);
      } else {
        set.add(static_cast<uint8_t>(*from), static_cast<uint8_t>(*to));
      }
      is_first = false;
    }
    if (is_inverted) {
      set.invert();
    }
    return set;
  }

  // In brackets most characters stand for themselves.
  std::optional<char> parse_member(std::optional<CharacterSet>& set) {
    if (!rest_.empty() && std::string_view("$.*+?(){}|").find(rest_[0]) != std::string_view::npos) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      return c;
    }
    return parse_character(set);
  }

  std::string_view rest_;
  size_t groups_ = 0;
};

std::optional<SimplePattern> SimplePattern::parse(std::string_view pattern) {
  constexpr size_t kBytesMax = 1000;  // of longer ones RE2 may say that they are too large
  return pattern.size() <= kBytesMax ? Parser(pattern).parse() : std::nullopt;
}

// --- matching ---

struct SimplePattern::Trial {
  static constexpr size_t kGroupsMax = 8;

  std::string_view text;
  size_t budget;  // steps and characters that may still be looked at
  size_t slots[2 * (kGroupsMax + 1)];

  bool spend(size_t cost) {
    bool is_enough = budget > cost;
    budget = is_enough ? budget - cost : 0;
    return is_enough;
  }
};

namespace {

bool is_ascii(std::string_view text) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  uint64_t all = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    all |= word;
  }
  for (; at < text.size(); ++at) {
    all |= static_cast<uint8_t>(text[at]);
  }
  return (all & kHigh) == 0;
}

}  // namespace

bool SimplePattern::run(Trial& trial, size_t step, size_t at) const {
  while (trial.spend(1)) {
    if (step == steps_.size()) {
      trial.slots[1] = at;
      return true;
    }
    const Step& now = steps_[step];
    switch (now.kind) {
      case StepKind::kText:
        if (!trial.text.substr(at).starts_with(now.text)) {
          return false;
        }
        at += now.text.size();
        break;
      case StepKind::kSet: {
        size_t most = std::min(now.max, trial.text.size() - at), taken = 0;
        if (now.is_lazy) {
          while (taken < now.min && taken < most && now.set.has(trial.text[at + taken])) {
            ++taken;
          }
          for (; taken >= now.min && !run(trial, step + 1, at + taken); ++taken) {
            if (taken == most || !now.set.has(trial.text[at + taken])) {
              return false;
            }
          }
          return taken >= now.min;
        }
        while (taken < most && now.set.has(trial.text[at + taken])) {
          ++taken;
        }
        if (taken < now.min || !trial.spend(taken)) {
          return false;
        }
        for (; taken > now.min; --taken) {
          if (run(trial, step + 1, at + taken)) {
            return true;
          }
        }
        at += now.min;
        break;
      }
      case StepKind::kSplit:
        if (run(trial, step + 1, at)) {
          return true;
        }
        step += now.next;
        continue;
      case StepKind::kJump:
        step += now.next;
        continue;
      case StepKind::kSave: {
        size_t before = std::exchange(trial.slots[now.slot], at);
        if (run(trial, step + 1, at)) {
          return true;
        }
        trial.slots[now.slot] = before;
        return false;
      }
      case StepKind::kBegin:
        if (at != 0) {
          return false;
        }
        break;
      case StepKind::kEnd:
        if (at != trial.text.size()) {
          return false;
        }
        break;
    }
    ++step;
  }
  return false;
}

// At one of these places, the first where it can.
bool SimplePattern::begins_between(Trial& trial, size_t first, size_t last) const {
  bool matches = false;
  for (size_t start = first; !matches && start <= last && trial.budget != 0; ++start) {
    trial.slots[0] = start;
    matches = run(trial, 0, start);
  }
  return matches;
}

SimplePattern::Outcome SimplePattern::match(std::string_view text,
                                            std::span<std::string_view> groups) const {
  size_t place = text.find(required_.text);
  if (place == std::string_view::npos) {
    return Outcome::kDiffers;
  }
  if (!is_ascii(text) || groups_ > Trial::kGroupsMax) {
    return Outcome::kUnknown;
  }
  Trial trial{.text = text, .budget = 16 * (steps_.size() + text.size() + 4), .slots = {}};
  std::fill_n(trial.slots, 2 * (groups_ + 1), kNone);
  bool matches = false;
  if (required_.text.empty() || required_.to == kNone) {
    matches = begins_between(trial, 0, text.size());
  } else {
    // A match begins at so many bytes before a place of the text that every match has.
    for (size_t first = 0; !matches && place != std::string_view::npos && trial.budget != 0;) {
      if (place >= required_.from) {
        size_t last = place - required_.from;
        matches =
            begins_between(trial, std::max(first, place - std::min(place, required_.to)), last);
        first = last + 1;
      }
      place = text.find(required_.text, place + 1);
    }
  }
  if (!matches) {
    return trial.budget == 0 ? Outcome::kUnknown : Outcome::kDiffers;
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    size_t from = i <= groups_ ? trial.slots[2 * i] : kNone;
    size_t to = i <= groups_ ? trial.slots[2 * i + 1] : kNone;
    groups[i] = from == kNone ? std::string_view() : text.substr(from, to - from);
  }
  return Outcome::kMatches;
}

}  // namespace tidemark
