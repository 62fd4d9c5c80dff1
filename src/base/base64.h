#pragma once
// Base64 (RFC 4648, section 4): the usual alphabet, padded.

#include <string>
#include <string_view>

namespace tidemark {

void append_base64(std::string_view bytes, std::string& out);
// Line ends are passed over. false: it is not base64; `out` has the bytes before that.
bool append_from_base64(std::string_view text, std::string& out);

}  // namespace tidemark
