#pragma once
// How wide text is on a terminal: one cell for most characters, two for wide ones, none for
// combining marks. Text is UTF-8; a byte that is not counts one cell and is shown as '?'. Needs a
// UTF-8 locale (use_utf8_locale) to know the wide characters.

#include <cstddef>
#include <string>
#include <string_view>

namespace tidemark {

// The user's locale if it is UTF-8, else C.UTF-8.
void use_utf8_locale();

size_t display_width(std::string_view text);
// The longest start of the text that is not wider than `width`.
std::string_view fit_width(std::string_view text, size_t width);
// Cut to `width` with "..." at the end when it is wider.
std::string cut_width(std::string_view text, size_t width);
// Filled with spaces up to `width`; text that is wider stays as it is.
std::string pad_left(std::string_view text, size_t width);
std::string pad_right(std::string_view text, size_t width);

// Control characters as a terminal may show them safely: "\n" and the like as one blank, escapes
// and broken UTF-8 as '?'.
std::string printable(std::string_view text);

// The offset of the first byte that is not UTF-8; npos if all is.
size_t find_invalid_utf8(std::string_view text);

}  // namespace tidemark
