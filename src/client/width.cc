#include "client/width.h"

#include <clocale>
#include <cstring>
#include <cwchar>

#include <langinfo.h>

namespace tidemark {

namespace {

struct Character {
  char32_t code = 0;
  size_t bytes = 1;
  bool valid = false;
};

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The character at the start of the text, which is not empty.
Character first_character(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) {
    return {lead, 1, true};
  }
  size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) {
    return {};
  }
  char32_t code = lead & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) {
      return {};
    }
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[size] || code > 0x10FFFF || surrogate) {
    return {};
  }
  return {code, size, true};
}

size_t width_of(const Character& character) {
  int width = character.valid ? wcwidth(static_cast<wchar_t>(character.code)) : 1;
  return width < 0 ? 1 : static_cast<size_t>(width);
}

}  // namespace

void use_utf8_locale() {
  if (setlocale(LC_CTYPE, "") == nullptr || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
    setlocale(LC_CTYPE, "C.UTF-8");
  }
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    Character character = first_character(text);
    width += width_of(character);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string_view fit_width(std::string_view text, size_t width) {
  size_t taken = 0;
  size_t used = 0;
  while (taken < text.size()) {
    Character character = first_character(text.substr(taken));
    used += width_of(character);
    if (used > width) {
      break;
    }
    taken += character.bytes;
  }
  return text.substr(0, taken);
}

std::string cut_width(std::string_view text, size_t width) {
  if (display_width(text) <= width) {
    return std::string(text);
  }
  constexpr std::string_view kDots = "...";
  if (width <= kDots.size()) {
    return std::string(fit_width(text, width));
  }
  return std::string(fit_width(text, width - kDots.size())) + std::string(kDots);
}

std::string pad_left(std::string_view text, size_t width) {
  size_t own = display_width(text);
  return std::string(own < width ? width - own : 0, ' ') + std::string(text);
}

std::string pad_right(std::string_view text, size_t width) {
  size_t own = display_width(text);
  return std::string(text) + std::string(own < width ? width - own : 0, ' ');
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    Character character = first_character(text);
    bool blank = character.code == '\n' || character.code == '\t' || character.code == '\r';
    bool control = character.code < 0x20 || (character.code >= 0x7F && character.code < 0xA0);
    if (!character.valid) {
      out += '?';
    } else if (control) {
      out += blank ? ' ' : '?';
    } else {
      out += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

size_t find_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Character character = first_character(text.substr(at));
    if (!character.valid) {
      return at;
    }
    at += character.bytes;
  }
  return std::string_view::npos;
}

}  // namespace tidemark
