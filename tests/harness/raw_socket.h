#pragma once
// A client that speaks bytes rather than a protocol.

#include <string>
#include <string_view>

namespace tidemark {

// Connected; the caller closes it.
int connect_unix(const std::string& path);
// Sends all, ends its side, and reads until the server has ended its own: what it said.
std::string speak(int fd, std::string_view bytes);

}  // namespace tidemark
