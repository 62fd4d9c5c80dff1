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

// The length of the text's part in front that is ASCII.
size_t ascii_bytes(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) {
    ++at;
  }
  return at;
}

template <bool kUpper>
void append_mapped(std::string_view text, std::string& out) {
  while (!text.empty()) {
    if (size_t ascii = ascii_bytes(text); ascii != 0) {
      size_t first = out.size();
      out.append(text.substr(0, ascii));
      constexpr char kFirst = kUpper ? 'a' : 'A';
      for (size_t i = first; i < out.size(); ++i) {  // no branch: the compiler takes 16 at a time
        bool is_letter = static_cast<uint8_t>(out[i] - kFirst) < 26;
        out[i] = static_cast<char>(out[i] ^ (is_letter ? 0x20 : 0));
      }
      text.remove_prefix(ascii);
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
