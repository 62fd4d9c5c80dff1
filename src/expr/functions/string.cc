// Text functions, with Flink's rules where Flink and Postgres differ (they are named in the texts).

#include "expr/functions/case_mapping.h"
#include "expr/functions/families.h"
#include "expr/functions/nested_arguments.h"
#include "expr/functions/parts.h"
#include "expr/functions/shape.h"
#include "expr/functions/utf8.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

template <bool kUpper>
void map_case(const KernelFrame& frame, Arguments a) {
  std::string text;
  size_t bytes = 0;
  for (size_t row = 0; row < frame.rows; ++row) {
    if (std::optional<StringRef> mapped = map_short<kUpper>(a[0].at<StringRef>(row))) {
      frame.out.mutable_data<StringRef>()[row] = *mapped;
      continue;
    }
    text.clear();
    kUpper ? append_upper(a[0].string_at(row), text) : append_lower(a[0].string_at(row), text);
    if (!put_text(frame, row, text, bytes)) {
      return;
    }
  }
}

void initcap(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    bool inside = false;
    while (!text.empty()) {
      std::string_view before = text;
      uint32_t point = take_point(text);
      std::string_view one = before.substr(0, before.size() - text.size());
      bool letter = is_alphanumeric(point);
      if (letter && !inside) {
        append_upper(one, out);
      } else {
        append_lower(one, out);
      }
      inside = letter;
    }
    return true;
  });
}

void concat(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    for (const Argument& part : a) {
      out += part.string_at(row);
    }
    return true;
  });
}

// The separator must not be NULL; NULL parts are left out.
void concat_ws(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    if (a[0].is_null(row)) {
      return false;
    }
    bool first = true;
    for (size_t i = 1; i < a.size(); ++i) {
      if (!a[i].is_null(row)) {
        out += first ? "" : a[0].string_at(row);
        out += a[i].string_at(row);
        first = false;
      }
    }
    return true;
  });
}

void char_length(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) { return code_points(a[0].string_at(row)); });
}

void octet_length(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) { return a[0].string_at(row).size(); });
}

// Flink: start 0 is 1, a negative start counts from the end, a negative length gives NULL.
void substring(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    int64_t start = a[1].at<int32_t>(row);
    int64_t length = a.size() > 2 ? a[2].at<int32_t>(row) : std::numeric_limits<int32_t>::max();
    if (length < 0) {
      return false;
    }
    int64_t points = static_cast<int64_t>(code_points(text));
    int64_t first = start > 0 ? start - 1 : start == 0 ? 0 : points + start;
    if (first < 0) {
      length += first;
      first = 0;
    }
    if (length > 0 && first < points) {
      out = sub_points(text, static_cast<size_t>(first), static_cast<size_t>(length));
    }
    return true;
  });
}

void left(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    int32_t n = a[1].at<int32_t>(row);
    out = sub_points(a[0].string_at(row), 0, static_cast<size_t>(std::max(n, 0)));
    return true;
  });
}

void right(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    size_t points = code_points(text);
    size_t n = std::min(points, static_cast<size_t>(std::max(a[1].at<int32_t>(row), 0)));
    out = sub_points(text, points - n, n);
    return true;
  });
}

std::string_view trimmed(std::string_view text, std::string_view what, bool from_left,
                         bool from_right) {
  if (what.empty()) {
    return text;
  }
  // `what` is a set of characters; one at a time, by code point.
  auto contains = [&](std::string_view one) {
    for (std::string_view rest = what; !rest.empty();) {
      std::string_view before = rest;
      take_point(rest);
      if (before.substr(0, before.size() - rest.size()) == one) {
        return true;
      }
    }
    return false;
  };
  while (from_left && !text.empty()) {
    std::string_view rest = text;
    take_point(rest);
    if (!contains(text.substr(0, text.size() - rest.size()))) {
      break;
    }
    text = rest;
  }
  while (from_right && !text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && is_continuation(text[start])) {
      --start;
    }
    if (!contains(text.substr(start))) {
      break;
    }
    text = text.substr(0, start);
  }
  return text;
}

template <bool kLeft, bool kRight>
void trim_sides(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    out = trimmed(a[0].string_at(row), a.size() > 1 ? a[1].string_at(row) : " ", kLeft, kRight);
    return true;
  });
}

// TRIM(BOTH a FROM x): the parser gives the side, a, x.
void trim_special(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view side = a[0].string_at(row);
    out = trimmed(a[2].string_at(row), a[1].string_at(row), side != "TRAILING", side != "LEADING");
    return true;
  });
}

void replace(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row), from = a[1].string_at(row),
                     to = a[2].string_at(row);
    if (from.empty()) {
      out = text;
      return true;
    }
    for (size_t at = 0;;) {
      size_t found = text.find(from, at);
      out += text.substr(at, found - at);
      if (found == std::string_view::npos) {
        return true;
      }
      if (out.size() + to.size() > kValueBytesMax) {
        frame.fail(row, "REPLACE would make a text of more than 256 MB");
        return false;
      }
      out += to;
      at = found + from.size();
    }
  });
}

int32_t position_of(std::string_view needle, std::string_view text, int32_t from = 1) {
  size_t start = byte_offset(text, static_cast<size_t>(std::max(from, 1) - 1));
  size_t found = text.find(needle, start);
  return found == std::string_view::npos
             ? 0
             : static_cast<int32_t>(code_points(text.substr(0, found))) + 1;
}

void position(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) {
    return position_of(a[0].string_at(row), a[1].string_at(row),
                       a.size() > 2 ? a[2].at<int32_t>(row) : 1);
  });
}

void instr(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame,
                [&](size_t row) { return position_of(a[1].string_at(row), a[0].string_at(row)); });
}

constexpr size_t kTextMax = 64 << 20;  // a REPEAT or LPAD beyond this is a mistake, not a result

void repeat(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    size_t times = static_cast<size_t>(std::max(a[1].at<int32_t>(row), 0));
    if (text.size() * times > kTextMax) {
      frame.fail(row, fmt::format("REPEAT would make a text of {} bytes", text.size() * times));
      return true;
    }
    for (size_t i = 0; i < times; ++i) {
      out += text;
    }
    return true;
  });
}

void reverse(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    for (size_t end = text.size(); end > 0;) {
      size_t start = end - 1;
      while (start > 0 && is_continuation(text[start])) {
        --start;
      }
      out += text.substr(start, end - start);
      end = start;
    }
    return true;
  });
}

template <bool kLeft>
void pad(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row), with = a.size() > 2 ? a[2].string_at(row) : " ";
    int32_t wanted = a[1].at<int32_t>(row);
    if (wanted < 0 || (with.empty() && static_cast<size_t>(wanted) > code_points(text))) {
      return false;
    }
    size_t length = static_cast<size_t>(wanted), points = code_points(text);
    if (length > kTextMax) {
      frame.fail(row, fmt::format("padding to {} characters", length));
      return true;
    }
    if (points >= length) {
      out = sub_points(text, 0, length);
      return true;
    }
    std::string padding;
    size_t missing = length - points, per = code_points(with);
    for (; missing >= per; missing -= per) {
      padding += with;
    }
    padding += sub_points(with, 0, missing);
    out = kLeft ? padding + std::string(text) : std::string(text) + padding;
    return true;
  });
}

void starts_with(const KernelFrame& frame, Arguments a) {
  fill<uint8_t>(frame,
                [&](size_t row) { return a[0].string_at(row).starts_with(a[1].string_at(row)); });
}
void ends_with(const KernelFrame& frame, Arguments a) {
  fill<uint8_t>(frame,
                [&](size_t row) { return a[0].string_at(row).ends_with(a[1].string_at(row)); });
}

void split_index(const KernelFrame& frame, Arguments a) {
  fill_part(frame, a[0], [&](size_t row, std::string_view& out) {
    std::string_view text = a[0].string_at(row), separator = a[1].string_at(row);
    int32_t index = a[2].at<int32_t>(row);
    if (index < 0 || separator.empty()) {
      return false;
    }
    std::optional<std::string_view> part = nth_part(text, separator, static_cast<size_t>(index));
    out = part.value_or(std::string_view());
    return part.has_value();
  });
}

void overlay(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row), with = a[1].string_at(row);
    int64_t start = a[2].at<int32_t>(row);
    int64_t length = a.size() > 3 ? a[3].at<int32_t>(row) : static_cast<int64_t>(code_points(with));
    int64_t points = static_cast<int64_t>(code_points(text));
    if (start < 1 || start > points) {
      out = text;
      return true;
    }
    out = sub_points(text, 0, static_cast<size_t>(start - 1));
    out += with;
    out += text.substr(
        byte_offset(text, static_cast<size_t>(std::max<int64_t>(start - 1 + length, 0))));
    return true;
  });
}

void translate(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    std::vector<uint32_t> from, to;
    for (std::string_view rest = a[1].string_at(row); !rest.empty();) {
      from.push_back(take_point(rest));
    }
    for (std::string_view rest = a[2].string_at(row); !rest.empty();) {
      to.push_back(take_point(rest));
    }
    while (!text.empty()) {
      uint32_t point = take_point(text);
      size_t at = static_cast<size_t>(std::find(from.begin(), from.end(), point) - from.begin());
      if (at == from.size()) {
        append_point(point, out);
      } else if (at < to.size()) {
        append_point(to[at], out);
      }
    }
    return true;
  });
}

void ascii(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) {
    std::string_view text = a[0].string_at(row);
    return text.empty() ? 0 : static_cast<uint8_t>(text[0]);
  });
}

void chr(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    int64_t code = a[0].at<int64_t>(row);
    if (code >= 0) {
      append_point(static_cast<uint32_t>(code & 0xFF), out);
    }
    return true;
  });
}

// The n-th part, from the end for a negative n; nothing if there is none.
std::string_view split_part_of(std::string_view text, std::string_view separator, int64_t n) {
  if (separator.empty()) {
    return n == 1 || n == -1 ? text : std::string_view();
  }
  if (n < 0) {
    int64_t parts = 1;
    for (size_t at = text.find(separator); at != std::string_view::npos;
         at = text.find(separator, at + separator.size())) {
      ++parts;
    }
    n = parts + 1 + n;
  }
  for (int64_t i = 1; n >= 1; ++i) {
    size_t found = text.find(separator);
    if (i == n) {
      return text.substr(0, found);
    }
    if (found == std::string_view::npos) {
      break;
    }
    text.remove_prefix(found + separator.size());
  }
  return {};
}

void split_part(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    int32_t n = a[2].at<int32_t>(row);
    if (n == 0) {
      frame.fail(row, "SPLIT_PART counts parts from 1, or from -1 backwards: 0");
      return true;
    }
    out = split_part_of(a[0].string_at(row), a[1].string_at(row), n);
    return true;
  });
}

void elt(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    int64_t n = a[0].is_null(row) ? 0 : a[0].at<int32_t>(row);
    if (n < 1 || n >= static_cast<int64_t>(a.size()) || a[static_cast<size_t>(n)].is_null(row)) {
      return false;
    }
    out = a[static_cast<size_t>(n)].string_at(row);
    return true;
  });
}

// As Postgres: quoted, with quotes doubled; E'..' where there is a backslash.
void quote_literal(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    out = text.find('\\') == std::string_view::npos ? "'" : "E'";
    for (char c : text) {
      out.append(c == '\'' || c == '\\' ? 2 : 1, c);
    }
    out += '\'';
    return true;
  });
}

void bit_length(const KernelFrame& frame, Arguments a) {
  fill<int32_t>(frame, [&](size_t row) { return a[0].string_at(row).size() * 8; });
}

constexpr Function kStringFunctions[] = {
    {"||", "string", "a || b", "Both texts, one after the other; NULL if either is.",
     "'ab' || 'cd'", "abcd",
     [](std::span<const Type> types) {
       bool arrays = types.size() == 2 &&
                     (types[0].kind == TypeKind::kArray || types[1].kind == TypeKind::kArray);
       return arrays ? bind_array_concatenation(types) : bind_shape<"aa", 's', concat>(types);
     }},
    {"CONCAT", "string", "CONCAT(a, b, ...)", "All texts, one after the other; NULL if any is.",
     "CONCAT('a', 1, 'b')", "a1b", bind_shape<"a*", 's', concat>},
    {"CONCAT_WS", "string", "CONCAT_WS(separator, a, b, ...)",
     "The texts with a separator between them; NULLs are left out.",
     "CONCAT_WS('-', 'a', NULL, 'b')", "a-b",
     bind_shape<"sa*", 's', concat_ws, false, NullRule::kCalled>},
    {"CHAR_LENGTH", "string", "CHAR_LENGTH(s)", "Number of characters (Unicode code points).",
     "CHAR_LENGTH('größe')", "5", bind_shape<"s", 'i', char_length>},
    {"CHARACTER_LENGTH", "string", "CHARACTER_LENGTH(s)", "As CHAR_LENGTH.",
     "CHARACTER_LENGTH('abc')", "3", bind_shape<"s", 'i', char_length>},
    {"LENGTH", "string", "LENGTH(s)", "As CHAR_LENGTH.", "LENGTH('')", "0",
     bind_shape<"s", 'i', char_length>},
    {"OCTET_LENGTH", "string", "OCTET_LENGTH(s)", "Number of bytes of the text in UTF-8.",
     "OCTET_LENGTH('größe')", "7", bind_shape<"s", 'i', octet_length>},
    {"UPPER", "string", "UPPER(s)", "Upper case.", "UPPER('größe')", "GRÖßE",
     bind_shape<"s", 's', map_case<true>>},
    {"LOWER", "string", "LOWER(s)", "Lower case.", "LOWER('ÄB')", "äb",
     bind_shape<"s", 's', map_case<false>>},
    {"INITCAP", "string", "INITCAP(s)",
     "Every word with a capital first letter, the rest in lower case.", "INITCAP('box JELLY-fish')",
     "Box Jelly-Fish", bind_shape<"s", 's', initcap>},
    {"SUBSTRING", "string", "SUBSTRING(s, start [, length])",
     "Characters from start (1-based) on. As in Flink, start 0 is 1, a negative start counts from "
     "the end and a negative length gives NULL.",
     "SUBSTRING('Cassowary', 0, 4)", "Cass", bind_shape<"si?i", 's', substring>},
    {"SUBSTR", "string", "SUBSTR(s, start [, length])", "As SUBSTRING.", "SUBSTR('Cassowary', -3)",
     "ary", bind_shape<"si?i", 's', substring>},
    {"LEFT", "string", "LEFT(s, n)", "The first n characters.", "LEFT('Cassowary', 3)", "Cas",
     bind_shape<"si", 's', left>},
    {"RIGHT", "string", "RIGHT(s, n)", "The last n characters.", "RIGHT('Cassowary', 3)", "ary",
     bind_shape<"si", 's', right>},
    {"TRIM", "string", "TRIM([BOTH | LEADING | TRAILING] [a] FROM s)",
     "Without the characters of a (blanks) at its ends.", "TRIM(LEADING 'x' FROM 'xxabx')", "abx",
     [](std::span<const Type> types) {
       return types.size() == 3 ? bind_shape<"sss", 's', trim_special>(types)
                                : bind_shape<"s", 's', trim_sides<true, true>>(types);
     }},
    {"BTRIM", "string", "BTRIM(s [, characters])", "Without the characters (blanks) at both ends.",
     "BTRIM('  a b ')", "a b", bind_shape<"s?s", 's', trim_sides<true, true>>},
    {"LTRIM", "string", "LTRIM(s [, characters])", "Without the characters (blanks) at the front.",
     "LTRIM('  a ')", "a ", bind_shape<"s?s", 's', trim_sides<true, false>>},
    {"RTRIM", "string", "RTRIM(s [, characters])", "Without the characters (blanks) at the end.",
     "RTRIM('ab..', '.')", "ab", bind_shape<"s?s", 's', trim_sides<false, true>>},
    {"REPLACE", "string", "REPLACE(s, from, to)",
     "Every occurrence of one text replaced by another.", "REPLACE('aXbX', 'X', '-')", "a-b-",
     bind_shape<"sss", 's', replace>},
    {"POSITION", "string", "POSITION(x IN s)", "Where x first stands in s (1-based), 0 if nowhere.",
     "POSITION('o' IN 'Cassowary')", "5", bind_shape<"ss?i", 'i', position>},
    {"LOCATE", "string", "LOCATE(x, s [, from])", "As POSITION, from a character on.",
     "LOCATE('s', 'Cassowary', 4)", "4", bind_shape<"ss?i", 'i', position>},
    {"INSTR", "string", "INSTR(s, x)", "As POSITION, with the arguments the other way round.",
     "INSTR('Cassowary', 'w')", "6", bind_shape<"ss", 'i', instr>},
    {"STRPOS", "string", "STRPOS(s, x)", "As INSTR (Postgres's name).", "STRPOS('abc', 'c')", "3",
     bind_shape<"ss", 'i', instr>},
    {"REPEAT", "string", "REPEAT(s, n)", "The text n times.", "REPEAT('ab', 3)", "ababab",
     bind_shape<"si", 's', repeat, true>},
    {"REVERSE", "string", "REVERSE(s)", "The characters in reverse order.", "REVERSE('abc')", "cba",
     bind_shape<"s", 's', reverse>},
    {"LPAD", "string", "LPAD(s, n [, with])",
     "Filled up at the front to n characters, or cut to n.", "LPAD('7', 3, '0')", "007",
     bind_shape<"si?s", 's', pad<true>, true>},
    {"RPAD", "string", "RPAD(s, n [, with])", "Filled up at the end to n characters, or cut to n.",
     "RPAD('abc', 5, '.')", "abc..", bind_shape<"si?s", 's', pad<false>, true>},
    {"STARTSWITH", "string", "STARTSWITH(s, x)", "Whether s begins with x.",
     "STARTSWITH('Cassowary', 'Cas')", "true", bind_shape<"ss", 'b', starts_with>},
    {"ENDSWITH", "string", "ENDSWITH(s, x)", "Whether s ends with x.", "ENDSWITH('Cassowary', 'x')",
     "false", bind_shape<"ss", 'b', ends_with>},
    {"SPLIT_INDEX", "string", "SPLIT_INDEX(s, separator, n)",
     "The n-th part (0-based); NULL if there are fewer.", "SPLIT_INDEX('a,b,c', ',', 1)", "b",
     bind_shape<"ssi", 's', split_index>},
    {"OVERLAY", "string", "OVERLAY(s PLACING x FROM start [FOR length])",
     "s with x in place of the characters from start on.",
     "OVERLAY('This is an old string' PLACING ' new' FROM 10 FOR 5)", "This is a new string",
     bind_shape<"ssi?i", 's', overlay>},
    {"TRANSLATE", "string", "TRANSLATE(s, from, to)",
     "Each character of from replaced by its counterpart in to, or removed.",
     "TRANSLATE('3.14', '.3', ',4')", "4,14", bind_shape<"sss", 's', translate>},
    {"ASCII", "string", "ASCII(s)", "Value of the first byte; 0 for an empty text.", "ASCII('A')",
     "65", bind_shape<"s", 'i', ascii>},
    {"CHR", "string", "CHR(n)", "The character with this code (modulo 256, as in Flink).",
     "CHR(97)", "a", bind_shape<"l", 's', chr>},
    {"SPLIT_PART", "string", "SPLIT_PART(s, separator, n)",
     "The n-th part (1-based, from the end if negative); empty if there are fewer (Postgres).",
     "SPLIT_PART('a,b,c', ',', -1)", "c", bind_shape<"ssi", 's', split_part, true>},
    {"ELT", "string", "ELT(n, a, b, ...)", "The n-th of the texts; NULL if there is none.",
     "ELT(2, 'a', 'b')", "b", bind_shape<"is*", 's', elt, false, NullRule::kCalled>},
    {"STARTS_WITH", "string", "STARTS_WITH(s, x)", "As STARTSWITH (Postgres).",
     "STARTS_WITH('Cassowary', 'Cas')", "true", bind_shape<"ss", 'b', starts_with>},
    {"QUOTE_LITERAL", "string", "QUOTE_LITERAL(s)", "As a literal of SQL (Postgres).",
     "QUOTE_LITERAL('it''s')", "'it''s'", bind_shape<"a", 's', quote_literal>},
    {"BIT_LENGTH", "string", "BIT_LENGTH(s)", "Number of bits of the text in UTF-8 (Postgres).",
     "BIT_LENGTH('ab')", "16", bind_shape<"s", 'i', bit_length>},
};

}  // namespace

std::span<const Function> string_functions() {
  return kStringFunctions;
}

}  // namespace tidemark
