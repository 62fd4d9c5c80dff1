// LIKE, SIMILAR TO and regular expressions. LIKE is matched by hand, simple expressions by trying
// (simple_pattern.h), the rest by RE2, in linear time. Compiled patterns are kept for the batch.

#include <algorithm>
#include <memory>

#include <re2/re2.h>

#include "expr/functions/case_mapping.h"
#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "expr/functions/simple_pattern.h"
#include "expr/functions/utf8.h"
#include "types/nested.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

// Matches from the front; on a mismatch after a %, tries one character later.
bool like(std::string_view text, std::string_view pattern, char escape) {
  size_t star = std::string_view::npos, mark = 0, t = 0, p = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == escape && escape != '\0' && p + 1 < pattern.size()) {
      if (text[t] == pattern[p + 1]) {
        ++t;
        p += 2;
        continue;
      }
    } else if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
      continue;
    } else if (p < pattern.size() && pattern[p] == '_') {
      ++p;
      ++t;
      while (t < text.size() && is_continuation(text[t])) {
        ++t;
      }
      continue;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++t;
      ++p;
      continue;
    }
    if (star == std::string_view::npos) {
      return false;
    }
    p = star + 1;
    t = ++mark;
  }
  while (p < pattern.size() && pattern[p] == '%') {
    ++p;
  }
  return p == pattern.size();
}

char escape_of(const KernelFrame& frame, Arguments a, size_t row) {
  if (a.size() < 3) {
    return '\\';
  }
  std::string_view escape = a[2].string_at(row);
  if (escape.size() != 1) {
    frame.fail(row, fmt::format("ESCAPE takes one character: '{}'", escape));
  }
  return escape.empty() ? '\0' : escape[0];
}

// A pattern of % and plain text alone, as the texts between its %s: the first and the last hold the
// ends, the others come where they first can. nullopt: it is another.
std::optional<std::vector<std::string_view>> plain_pieces(std::string_view pattern, char escape) {
  std::vector<std::string_view> pieces(1, pattern.substr(0, 0));
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '_' || (pattern[i] == escape && escape != '\0')) {
      return std::nullopt;
    }
    if (pattern[i] == '%') {
      pieces.push_back(pattern.substr(i + 1, 0));
    } else {
      pieces.back() = {pieces.back().data(), pieces.back().size() + 1};
    }
  }
  return pieces;
}

bool like_pieces(std::string_view text, std::span<const std::string_view> pieces) {
  if (pieces.size() == 1) {
    return text == pieces[0];
  }
  std::string_view first = pieces.front(), last = pieces.back();
  if (text.size() < first.size() + last.size() || !text.starts_with(first) ||
      !text.ends_with(last)) {
    return false;
  }
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  for (std::string_view piece : pieces.subspan(1, pieces.size() - 2)) {
    size_t at = text.find(piece);
    if (at == std::string_view::npos) {
      return false;
    }
    text.remove_prefix(at + piece.size());
  }
  return true;
}

template <bool kInsensitive>
void like_kernel(const KernelFrame& frame, Arguments a) {
  if (!kInsensitive && a.size() == 2 && a[1].is_constant() && frame.rows != 0 && !a[1].is_null(0)) {
    if (auto pieces = plain_pieces(a[1].string_at(0), '\\')) {
      uint8_t* out = frame.out.mutable_data<uint8_t>();
      for (size_t row = 0; row < frame.rows; ++row) {
        out[row] = like_pieces(a[0].string_at(row), *pieces);
      }
      return;
    }
  }
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    char escape = escape_of(frame, a, row);
    std::string_view text = a[0].string_at(row), pattern = a[1].string_at(row);
    std::string lower_text, lower_pattern;
    if (kInsensitive) {
      append_lower(text, lower_text);
      append_lower(pattern, lower_pattern);
      text = lower_text;
      pattern = lower_pattern;
    }
    frame.out.mutable_data<uint8_t>()[row] = like(text, pattern, escape);
  }
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

// The patterns of one batch: usually one constant.
class Patterns {
 public:
  explicit Patterns(bool insensitive) : insensitive_(insensitive) {}

  // nullptr after an error, which is reported for the row.
  const RE2* find(const KernelFrame& frame, size_t row, std::string_view pattern) {
    if (!last_ || last_text_ != pattern) {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_case_sensitive(!insensitive_);
      last_ = std::make_unique<RE2>(piece(pattern), options);
      last_text_ = pattern;
    }
    if (!last_->ok()) {
      frame.fail(row, fmt::format("not a regular expression: '{}': {}", pattern, last_->error()));
      return nullptr;
    }
    return last_.get();
  }

  // Whether the pattern matches somewhere, and the group there: null if it takes no part, or there
  // is none of that number. FALSE after an error.
  bool match(const KernelFrame& frame, size_t row, std::string_view pattern, std::string_view text,
             int32_t group, std::string_view& found) {
    if (!insensitive_ && (!is_read_ || simple_text_ != pattern)) {
      simple_ = SimplePattern::parse(pattern);
      simple_text_ = pattern;
      is_read_ = true;
    }
    size_t wanted = group < 0 ? 0 : static_cast<size_t>(group) + 1;
    if (simple_) {
      groups_.resize(group < 0 || wanted > simple_->groups() + 1 ? 0 : wanted);
      SimplePattern::Outcome outcome = simple_->match(text, groups_);
      if (outcome != SimplePattern::Outcome::kUnknown) {
        found = groups_.empty() ? std::string_view() : groups_.back();
        return outcome == SimplePattern::Outcome::kMatches;
      }
    }
    const RE2* compiled = find(frame, row, pattern);
    if (compiled == nullptr) {
      return false;
    }
    pieces_.resize(group > compiled->NumberOfCapturingGroups() ? 0 : wanted);
    bool matches = compiled->Match(piece(text), 0, text.size(), RE2::UNANCHORED, pieces_.data(),
                                   static_cast<int>(pieces_.size()));
    found = pieces_.empty() ? std::string_view()
                            : std::string_view(pieces_.back().data(), pieces_.back().size());
    return matches;
  }

 private:
  bool insensitive_;
  std::string last_text_;
  std::unique_ptr<RE2> last_;
  bool is_read_ = false;
  std::string simple_text_;
  std::optional<SimplePattern> simple_;   // null: it is no simple one
  std::vector<std::string_view> groups_;  // scratch
  std::vector<re2::StringPiece> pieces_;  // scratch
};

template <bool kInsensitive, bool kNegated>
void regexp_match(const KernelFrame& frame, Arguments a) {
  Patterns patterns(kInsensitive);
  std::string_view ignored;
  for (size_t row = 0; row < frame.rows; ++row) {
    if (!frame.out.is_null(row)) {
      bool matches =
          patterns.match(frame, row, a[1].string_at(row), a[0].string_at(row), -1, ignored);
      frame.out.mutable_data<uint8_t>()[row] = matches != kNegated;
    }
  }
}

// Calls f(match) for every match, left to right; f returns false to stop. An empty match moves on
// by one character.
template <typename F>
void for_each_match(const RE2& pattern, std::string_view text, int groups, F&& f) {
  std::vector<re2::StringPiece> match(static_cast<size_t>(groups) + 1);
  for (size_t at = 0; at <= text.size();) {
    if (!pattern.Match(piece(text), at, text.size(), RE2::UNANCHORED, match.data(), groups + 1) ||
        !f(match)) {
      return;
    }
    size_t start = static_cast<size_t>(match[0].data() - text.data());
    size_t end = start + match[0].size();
    if (match[0].empty()) {
      ++end;
      while (end < text.size() && is_continuation(text[end])) {
        ++end;
      }
    }
    at = end;
  }
}

void regexp_replace(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  fill_text(frame, [&](size_t row, std::string& out) {
    const RE2* pattern = patterns.find(frame, row, a[1].string_at(row));
    if (pattern == nullptr) {
      return true;
    }
    // Java writes groups as $1, RE2 as \1.
    std::string with;
    std::string_view wanted = a[2].string_at(row);
    for (size_t i = 0; i < wanted.size(); ++i) {
      bool group =
          wanted[i] == '$' && i + 1 < wanted.size() && wanted[i + 1] >= '0' && wanted[i + 1] <= '9';
      with += group ? '\\' : wanted[i];
    }
    out = a[0].string_at(row);
    // Every match makes `with` of it, and puts in what its groups have matched.
    size_t matches = out.size() + 1,
           groups = 1 + static_cast<size_t>(std::ranges::count(with, '\\'));
    if (groups * out.size() + matches * with.size() > kValueBytesMax) {
      matches = 0;
      for_each_match(*pattern, out, 0, [&](const auto&) { return ++matches > 0; });
    }
    if (groups * out.size() + matches * with.size() > kValueBytesMax) {
      frame.fail(row, "REGEXP_REPLACE would make a text of more than 256 MB");
      return false;
    }
    RE2::GlobalReplace(&out, *pattern, with);
    return true;
  });
}

void regexp_extract(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  fill_part(frame, a[0], [&](size_t row, std::string_view& out) {
    int32_t group = a.size() > 2 ? a[2].at<int32_t>(row) : 0;
    return patterns.match(frame, row, a[1].string_at(row), a[0].string_at(row), group, out) &&
           out.data() != nullptr;
  });
}

// SQL's SIMILAR TO as a regular expression over the whole text: % and _ as in LIKE, the rest is
// alike.
void similar_to(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    char escape = escape_of(frame, a, row);
    std::string regexp = "(?s:^(?:";
    std::string_view text = a[1].string_at(row);
    for (size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (c == escape && i + 1 < text.size()) {
        regexp += RE2::QuoteMeta(piece(text.substr(++i, 1)));
      } else if (c == '%') {
        regexp += ".*";
      } else if (c == '_') {
        regexp += '.';
      } else if (c == '.' || c == '^' || c == '$' || c == '\\') {
        regexp += '\\';
        regexp += c;
      } else {
        regexp += c;
      }
    }
    regexp += ")$)";
    if (const RE2* pattern = patterns.find(frame, row, regexp)) {
      frame.out.mutable_data<uint8_t>()[row] =
          RE2::PartialMatch(piece(a[0].string_at(row)), *pattern);
    }
  }
}

void regexp_count(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  fill<int32_t>(frame, [&](size_t row) {
    int32_t count = 0;
    if (const RE2* pattern = patterns.find(frame, row, a[1].string_at(row))) {
      for_each_match(*pattern, a[0].string_at(row), 0, [&](const auto&) { return ++count > 0; });
    }
    return count;
  });
}

void regexp_instr(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  fill<int32_t>(frame, [&](size_t row) {
    std::string_view text = a[0].string_at(row);
    int32_t place = 0;
    if (const RE2* pattern = patterns.find(frame, row, a[1].string_at(row))) {
      for_each_match(*pattern, text, 0, [&](const auto& match) {
        size_t bytes = static_cast<size_t>(match[0].data() - text.data());
        place = static_cast<int32_t>(code_points(text.substr(0, bytes))) + 1;
        return false;
      });
    }
    return place;
  });
}

Type text_array() {
  return Type::array(Type::string());
}

void regexp_extract_all(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  fill_text(frame, [&](size_t row, std::string& out) {
    const RE2* pattern = patterns.find(frame, row, a[1].string_at(row));
    int group = a.size() > 2 ? a[2].at<int32_t>(row) : 1;
    if (pattern == nullptr) {
      return true;
    }
    if (group < 0 || group > pattern->NumberOfCapturingGroups()) {
      frame.fail(row, fmt::format("no group {} in '{}'", group, a[1].string_at(row)));
      return true;
    }
    Column found(Type::string());
    for_each_match(*pattern, a[0].string_at(row), group, [&](const auto& match) {
      const re2::StringPiece& part = match[static_cast<size_t>(group)];
      part.data() == nullptr ? found.append_null()
                             : found.append_string({part.data(), part.size()});
      return true;
    });
    out = pack_array(found);
    return true;
  });
}

void regexp_split(const KernelFrame& frame, Arguments a) {
  Patterns patterns(false);
  fill_text(frame, [&](size_t row, std::string& out) {
    const RE2* pattern = patterns.find(frame, row, a[1].string_at(row));
    if (pattern == nullptr) {
      return true;
    }
    std::string_view text = a[0].string_at(row);
    Column parts(Type::string());
    size_t from = 0;
    for_each_match(*pattern, text, 0, [&](const auto& match) {
      size_t start = static_cast<size_t>(match[0].data() - text.data());
      size_t end = start + match[0].size();
      if (end > 0 && start < text.size() && end > from) {  // an empty match splits between letters
        parts.append_string(text.substr(from, start - from));
        from = end;
      }
      return true;
    });
    parts.append_string(text.substr(from));
    out = pack_array(parts);
    return true;
  });
}

const std::string* text_literal(std::span<const Value* const> literals, size_t argument) {
  const Value* value = argument < literals.size() ? literals[argument] : nullptr;
  return value != nullptr ? std::get_if<std::string>(value) : nullptr;
}

// Only an escape can be wrong.
bool is_good_escape(std::span<const Value* const> literals) {
  const std::string* escape = text_literal(literals, 2);
  return escape != nullptr && escape->size() == 1;
}

template <Kernel kKernel>
Result<BoundFunction> bind_like(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<"ss?s", 'b', kKernel, true>(types)));
  bound.can_fail = types.size() > 2;
  bound.never_fails = is_good_escape;
  return bound;
}

// Other patterns may be good too; but a call that cannot fail is made for more rows than need it,
// which is cheap for simple ones alone.
bool is_simple(std::span<const Value* const> literals) {
  const std::string* pattern = text_literal(literals, 1);
  return pattern != nullptr && SimplePattern::parse(*pattern).has_value();
}

template <FixedString kShape, char kResult, Kernel kKernel>
Result<BoundFunction> bind_match(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<kShape, kResult, kKernel, true>(types)));
  bound.never_fails = is_simple;
  return bound;
}

template <FixedString kShape, Kernel kKernel>
Result<BoundFunction> bind_text_array(std::span<const Type> types) {
  BoundFunction bound = TRY((bind_shape<kShape, 's', kKernel, true>(types)));
  bound.result = text_array();
  return bound;
}

constexpr Function kPatternFunctions[] = {
    {"LIKE", "pattern", "s LIKE pattern [ESCAPE 'c']",
     "Whether the whole text matches: % is any characters, _ one. The escape is \\ unless given.",
     "'Box Jellyfish' LIKE 'Box%'", "true", bind_like<like_kernel<false>>},
    {"ILIKE", "pattern", "s ILIKE pattern [ESCAPE 'c']", "As LIKE, case ignored (Postgres).",
     "'GRÖßE' ILIKE 'gr_ß%'", "true", bind_like<like_kernel<true>>},
    {"SIMILAR TO", "pattern", "s SIMILAR TO pattern [ESCAPE 'c']",
     "Whether the whole text matches SQL's regular expression.", "'abc' SIMILAR TO '(a|b)%'",
     "true", bind_shape<"ss?s", 'b', similar_to, true>},
    {"REGEXP", "pattern", "REGEXP(s, regexp)",
     "Whether the regular expression (RE2) matches somewhere.", "REGEXP('Cassowary', 's{2}')",
     "true", bind_match<"ss", 'b', regexp_match<false, false>>},
    {"~", "pattern", "s ~ regexp", "As REGEXP (Postgres).", "'abc' ~ '^a'", "true",
     bind_match<"ss", 'b', regexp_match<false, false>>},
    {"~*", "pattern", "s ~* regexp", "As ~, case ignored.", "'ABC' ~* '^a'", "true",
     bind_shape<"ss", 'b', regexp_match<true, false>, true>},
    {"!~", "pattern", "s !~ regexp", "Not ~.", "'abc' !~ '^a'", "false",
     bind_match<"ss", 'b', regexp_match<false, true>>},
    {"!~*", "pattern", "s !~* regexp", "Not ~*.", "'xyz' !~* '^A'", "true",
     bind_shape<"ss", 'b', regexp_match<true, true>, true>},
    {"REGEXP_REPLACE", "pattern", "REGEXP_REPLACE(s, regexp, with)",
     "Every match replaced; $1 is the first group.",
     "REGEXP_REPLACE('2020-01-31', '(\\d+)-(\\d+)-(\\d+)', '$3.$2.$1')", "31.01.2020",
     bind_shape<"sss", 's', regexp_replace, true>},
    {"REGEXP_EXTRACT", "pattern", "REGEXP_EXTRACT(s, regexp [, group])",
     "The first match, or one of its groups; NULL if there is none.",
     "REGEXP_EXTRACT('id-42', '(\\d+)', 1)", "42", bind_match<"ss?i", 's', regexp_extract>},
    {"REGEXP_SUBSTR", "pattern", "REGEXP_SUBSTR(s, regexp)",
     "The first match; NULL if there is none.", "REGEXP_SUBSTR('id-42', '\\d+')", "42",
     bind_match<"ss", 's', regexp_extract>},
    {"REGEXP_EXTRACT_ALL", "pattern", "REGEXP_EXTRACT_ALL(s, regexp [, group])",
     "The group (the first) of every match, as an array.",
     "REGEXP_EXTRACT_ALL('a1 b2', '([a-z])(\\d)', 2)", "{1,2}",
     bind_text_array<"ss?i", regexp_extract_all>},
    {"REGEXP_COUNT", "pattern", "REGEXP_COUNT(s, regexp)", "How many matches there are.",
     "REGEXP_COUNT('a1 b2', '\\d')", "2", bind_shape<"ss", 'i', regexp_count, true>},
    {"REGEXP_INSTR", "pattern", "REGEXP_INSTR(s, regexp)",
     "Where the first match begins (1-based), 0 if there is none.", "REGEXP_INSTR('ab12', '\\d')",
     "3", bind_shape<"ss", 'i', regexp_instr, true>},
    {"REGEXP_LIKE", "pattern", "REGEXP_LIKE(s, regexp)", "As REGEXP (Postgres).",
     "REGEXP_LIKE('abc', 'b')", "true", bind_match<"ss", 'b', regexp_match<false, false>>},
    {"REGEXP_SPLIT_TO_ARRAY", "pattern", "REGEXP_SPLIT_TO_ARRAY(s, regexp)",
     "The parts between the matches (Postgres).", "REGEXP_SPLIT_TO_ARRAY('a, b;c', '[,;] *')",
     "{a,b,c}", bind_text_array<"ss", regexp_split>},
};

}  // namespace

std::span<const Function> pattern_functions() {
  return kPatternFunctions;
}

}  // namespace tidemark
