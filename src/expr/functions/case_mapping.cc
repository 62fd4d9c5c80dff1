#include "expr/functions/case_mapping.h"

#include <clocale>
#include <cwctype>

#include "expr/functions/utf8.h"

namespace tidemark {

namespace {

locale_t unicode_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

template <bool kUpper>
void append_mapped(std::string_view text, std::string& out) {
  while (!text.empty()) {
    if (static_cast<uint8_t>(text[0]) < 0x80) {
      char c = text[0];
      bool letter = kUpper ? (c >= 'a' && c <= 'z') : (c >= 'A' && c <= 'Z');
      out += letter ? static_cast<char>(c ^ 0x20) : c;
      text.remove_prefix(1);
      continue;
    }
    wint_t point = take_point(text);
    append_point(kUpper ? towupper_l(point, unicode_locale()) : towlower_l(point, unicode_locale()),
                 out);
  }
}

}  // namespace

void append_upper(std::string_view text, std::string& out) {
  append_mapped<true>(text, out);
}

void append_lower(std::string_view text, std::string& out) {
  append_mapped<false>(text, out);
}

bool is_alphanumeric(uint32_t point) {
  return iswalnum_l(point, unicode_locale()) != 0;
}

}  // namespace tidemark
