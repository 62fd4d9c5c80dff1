// Bytes as text and text as bytes: number bases, base64, character sets, URLs.

#include <array>

#include "base/ascii.h"
#include "base/base64.h"
#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "expr/functions/utf8.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kHexLower = "0123456789abcdef";

int hex_digit(char c) {
  return c >= '0' && c <= '9'                     ? c - '0'
         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                  : -1;
}

void append_hex(std::string_view bytes, std::string_view digits, std::string& out) {
  for (char c : bytes) {
    out += digits[static_cast<uint8_t>(c) >> 4];
    out += digits[static_cast<uint8_t>(c) & 15];
  }
}

// A digit that is missing in front is 0. False: not hexadecimal.
bool append_unhex(std::string_view text, std::string& out) {
  int high = text.size() % 2 == 1 ? 0 : -1;
  for (char c : text) {
    int digit = hex_digit(c);
    if (digit < 0) {
      return false;
    }
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return true;
}

void append_digits(uint64_t value, int bits, std::string_view digits, std::string& out) {
  size_t from = out.size();
  do {
    out += digits[value & ((1u << bits) - 1)];
    value >>= bits;
  } while (value != 0);
  std::reverse(out.begin() + static_cast<ptrdiff_t>(from), out.end());
}

template <int kBits, bool kLower>
void integer_digits_text(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    append_digits(static_cast<uint64_t>(a[0].at<int64_t>(row)), kBits,
                  kLower ? kHexLower : kHexUpper, out);
    return true;
  });
}

void hex_of_text(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    append_hex(a[0].string_at(row), kHexUpper, out);
    return true;
  });
}

Result<BoundFunction> bind_hex(std::span<const Type> types) {
  if (types.size() == 1 && (types[0].is_character() || types[0].is_binary())) {
    return BoundFunction{
        hex_of_text, Type::string(), {types[0].as_nullable()}, NullRule::kStrict, false};
  }
  return bind_shape<"l", 's', integer_digits_text<4, false>>(types);
}

void unhex(const KernelFrame& frame, Arguments a) {
  fill_text(frame,
            [&](size_t row, std::string& out) { return append_unhex(a[0].string_at(row), out); });
}

void to_base64(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    append_base64(a[0].string_at(row), out);
    return true;
  });
}

void from_base64(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    return append_from_base64(a[0].string_at(row), out) && is_valid_utf8(out);
  });
}

enum class Charset { kAscii, kLatin1, kUtf8, kUtf16, kUtf16Be, kUtf16Le };

std::optional<Charset> find_charset(std::string_view name) {
  constexpr std::pair<std::string_view, Charset> kCharsets[] = {
      {"US-ASCII", Charset::kAscii},   {"ISO-8859-1", Charset::kLatin1},
      {"UTF-8", Charset::kUtf8},       {"UTF-16", Charset::kUtf16},
      {"UTF-16BE", Charset::kUtf16Be}, {"UTF-16LE", Charset::kUtf16Le}};
  std::string upper = ascii_upper(name);
  for (const auto& [known, charset] : kCharsets) {
    if (known == upper) {
      return charset;
    }
  }
  return std::nullopt;
}

void append_code_unit(uint32_t unit, bool little, std::string& out) {
  char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit);
  out += little ? low : high;
  out += little ? high : low;
}

void append_in_charset(std::string_view text, Charset charset, std::string& out) {
  bool little = charset == Charset::kUtf16Le;
  if (charset == Charset::kUtf16) {
    append_code_unit(0xFEFF, false, out);  // Java writes the byte order mark
  }
  while (!text.empty()) {
    uint32_t point = take_point(text);
    if (charset == Charset::kUtf8) {
      append_point(point, out);
    } else if (charset == Charset::kAscii || charset == Charset::kLatin1) {
      out += point < (charset == Charset::kAscii ? 0x80u : 0x100u) ? static_cast<char>(point) : '?';
    } else if (point < 0x10000) {
      append_code_unit(point, little, out);
    } else {
      append_code_unit(0xD800 + ((point - 0x10000) >> 10), little, out);
      append_code_unit(0xDC00 + ((point - 0x10000) & 0x3FF), little, out);
    }
  }
}

constexpr uint32_t kReplacement = 0xFFFD;  // for bytes that are no character

void append_from_utf16(std::string_view bytes, Charset charset, std::string& out) {
  bool little = charset == Charset::kUtf16Le;
  auto unit_at = [&](size_t i) {
    auto byte = [&](size_t k) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[k])); };
    return little ? byte(i) | (byte(i + 1) << 8) : (byte(i) << 8) | byte(i + 1);
  };
  size_t i = 0;
  if (charset == Charset::kUtf16 && bytes.size() >= 2) {
    little = bytes[0] == '\xFF' && bytes[1] == '\xFE';
    i = unit_at(0) == 0xFEFF ? 2 : 0;
  }
  for (; i + 1 < bytes.size(); i += 2) {
    uint32_t unit = unit_at(i);
    if (unit >= 0xD800 && unit < 0xDC00 && i + 3 < bytes.size() && unit_at(i + 2) >= 0xDC00 &&
        unit_at(i + 2) < 0xE000) {
      append_point(0x10000 + ((unit - 0xD800) << 10) + (unit_at(i + 2) - 0xDC00), out);
      i += 2;
    } else {
      append_point(unit >= 0xD800 && unit < 0xE000 ? kReplacement : unit, out);
    }
  }
  if (i < bytes.size()) {
    append_point(kReplacement, out);
  }
}

void append_from_charset(std::string_view bytes, Charset charset, std::string& out) {
  if (charset == Charset::kUtf8 && is_valid_utf8(bytes)) {
    out = bytes;
    return;
  }
  if (charset >= Charset::kUtf16) {
    append_from_utf16(bytes, charset, out);
    return;
  }
  for (char c : bytes) {
    uint32_t byte = static_cast<uint8_t>(c);
    append_point(byte < 0x80 || charset == Charset::kLatin1 ? byte : kReplacement, out);
  }
}

bool unknown_charset(const KernelFrame& frame, size_t row, std::string_view name) {
  frame.fail(row, fmt::format("no such character set: '{}': expected US-ASCII, ISO-8859-1, UTF-8, "
                              "UTF-16, UTF-16BE or UTF-16LE",
                              name));
  return true;
}

// Flink: text to bytes in a character set. Postgres: bytes to text in an encoding.
void encode(const KernelFrame& frame, Arguments a) {
  bool is_text = frame.argument_types[0].is_character();
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view value = a[0].string_at(row), name = a[1].string_at(row);
    if (is_text) {
      std::optional<Charset> charset = find_charset(name);
      if (!charset) {
        return unknown_charset(frame, row, name);
      }
      append_in_charset(value, *charset, out);
    } else if (ascii_lower(name) == "hex") {
      append_hex(value, kHexLower, out);
    } else if (ascii_lower(name) == "base64") {
      append_base64(value, out);
    } else {
      frame.fail(row, fmt::format("no such encoding: '{}': expected hex or base64", name));
    }
    return true;
  });
}

Result<BoundFunction> bind_encode(std::span<const Type> types) {
  if (types.size() == 2 && types[0].is_binary()) {
    return bind_shape<"ys", 's', encode, true>(types);
  }
  return bind_shape<"ss", 'y', encode, true>(types);
}

void decode(const KernelFrame& frame, Arguments a) {
  bool is_bytes = frame.argument_types[0].is_binary();
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view value = a[0].string_at(row), name = a[1].string_at(row);
    if (is_bytes) {
      std::optional<Charset> charset = find_charset(name);
      if (!charset) {
        return unknown_charset(frame, row, name);
      }
      append_from_charset(value, *charset, out);
      return true;
    }
    std::string lower = ascii_lower(name);
    bool good = lower == "hex"      ? value.size() % 2 == 0 && append_unhex(value, out)
                : lower == "base64" ? append_from_base64(value, out)
                                    : false;
    if (!good) {
      frame.fail(row, fmt::format("cannot decode '{}' as {}: expected hex or base64", value, name));
    }
    return true;
  });
}

Result<BoundFunction> bind_decode(std::span<const Type> types) {
  if (types.size() == 2 && types[0].is_character()) {
    return bind_shape<"ss", 'y', decode, true>(types);
  }
  return bind_shape<"ys", 's', decode, true>(types);
}

// As Java's URLEncoder: letters, digits and .-*_ stay, a blank is +.
void url_encode(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    for (char c : a[0].string_at(row)) {
      bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                   std::string_view(".-*_").find(c) != std::string_view::npos;
      if (plain) {
        out += c;
      } else if (c == ' ') {
        out += '+';
      } else {
        out += '%';
        append_hex(std::string_view(&c, 1), kHexUpper, out);
      }
    }
    return true;
  });
}

void url_decode(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::string_view text = a[0].string_at(row);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i] == '+' ? ' ' : text[i];
        continue;
      }
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) {
        return false;
      }
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    return is_valid_utf8(out);
  });
}

// The parts of scheme://user@host:port/path?query#ref; nullopt: it has none.
struct UrlParts {
  std::optional<std::string_view> protocol, authority, user_info, host, path, query, ref, file;
};

std::optional<UrlParts> split_url(std::string_view url) {
  UrlParts parts;
  size_t colon = url.find("://");
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  parts.protocol = url.substr(0, colon);
  std::string_view rest = url.substr(colon + 3);
  if (size_t hash = rest.find('#'); hash != std::string_view::npos) {
    parts.ref = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
  }
  size_t end = std::min(rest.find_first_of("/?"), rest.size());
  parts.authority = rest.substr(0, end);
  parts.file = rest.substr(end);
  parts.path = parts.file;
  if (size_t mark = parts.file->find('?'); mark != std::string_view::npos) {
    parts.path = parts.file->substr(0, mark);
    parts.query = parts.file->substr(mark + 1);
  }
  parts.host = parts.authority;
  if (size_t at = parts.authority->rfind('@'); at != std::string_view::npos) {
    parts.user_info = parts.authority->substr(0, at);
    parts.host = parts.authority->substr(at + 1);
  }
  size_t bracket = parts.host->find(']');
  size_t port = parts.host->find(':', bracket == std::string_view::npos ? 0 : bracket);
  parts.host = parts.host->substr(0, port);
  return parts;
}

void parse_url(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    std::optional<UrlParts> parts = split_url(a[0].string_at(row));
    if (!parts) {
      return false;
    }
    std::string_view name = a[1].string_at(row);
    std::optional<std::string_view> found = name == "HOST"        ? parts->host
                                            : name == "PATH"      ? parts->path
                                            : name == "QUERY"     ? parts->query
                                            : name == "REF"       ? parts->ref
                                            : name == "PROTOCOL"  ? parts->protocol
                                            : name == "AUTHORITY" ? parts->authority
                                            : name == "FILE"      ? parts->file
                                            : name == "USERINFO"  ? parts->user_info
                                                                  : std::nullopt;
    if (a.size() > 2 && name == "QUERY" && found) {
      std::string_view key = a[2].string_at(row), query = *found;
      found = std::nullopt;
      while (!query.empty() && !found) {
        std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        size_t equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == key) {
          found = pair.substr(equals + 1);
        }
      }
    }
    out = found.value_or("");
    return found.has_value();
  });
}

constexpr Function kEncodingFunctions[] = {
    {"BIN", "encoding", "BIN(n)", "The number in base 2; a negative one in two's complement.",
     "BIN(12)", "1100", bind_shape<"l", 's', integer_digits_text<1, false>>},
    {"HEX", "encoding", "HEX(x)", "A number in base 16, or the bytes of a text.", "HEX('AB')",
     "4142", bind_hex},
    {"TO_HEX", "encoding", "TO_HEX(n)", "The number in base 16, lower case (Postgres).",
     "TO_HEX(255)", "ff", bind_shape<"l", 's', integer_digits_text<4, true>>},
    {"UNHEX", "encoding", "UNHEX(s)", "The bytes of a text in base 16; NULL if it is not one.",
     "UNHEX('4142')", "\\x4142", bind_shape<"s", 'y', unhex>},
    {"TO_BASE64", "encoding", "TO_BASE64(s)", "The bytes of the text in base 64.",
     "TO_BASE64('hello world')", "aGVsbG8gd29ybGQ=", bind_shape<"s", 's', to_base64>},
    {"FROM_BASE64", "encoding", "FROM_BASE64(s)", "Text from base 64; NULL if it is not one.",
     "FROM_BASE64('aGVsbG8gd29ybGQ=')", "hello world", bind_shape<"s", 's', from_base64>},
    {"ENCODE", "encoding", "ENCODE(s, charset), ENCODE(bytes, 'hex' | 'base64')",
     "Text as bytes in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE; of bytes, as "
     "Postgres.",
     "ENCODE('ä', 'ISO-8859-1')", "\\xe4", bind_encode},
    {"DECODE", "encoding", "DECODE(bytes, charset), DECODE(s, 'hex' | 'base64')",
     "Text from bytes in a character set; of text, as Postgres.", "DECODE(X'e4', 'ISO-8859-1')",
     "ä", bind_decode},
    {"URL_ENCODE", "encoding", "URL_ENCODE(s)", "As a part of a URL (form encoding, UTF-8).",
     "URL_ENCODE('a b/ä')", "a+b%2F%C3%A4", bind_shape<"s", 's', url_encode>},
    {"URL_DECODE", "encoding", "URL_DECODE(s)", "The text of a part of a URL; NULL if it is none.",
     "URL_DECODE('a+b%2F%C3%A4')", "a b/ä", bind_shape<"s", 's', url_decode>},
    {"PARSE_URL", "encoding", "PARSE_URL(url, part [, key])",
     "HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO of a URL; with a key, its "
     "value "
     "in the query. NULL if there is none.",
     "PARSE_URL('http://facebook.com/path?query=1', 'QUERY', 'query')", "1",
     bind_shape<"ss?s", 's', parse_url>},
};

}  // namespace

std::span<const Function> encoding_functions() {
  return kEncodingFunctions;
}

}  // namespace tidemark
