#pragma once
// One request of HTTP/1.1 to a server on this machine, as the tests need it.

#include <cstdint>
#include <string>

namespace tidemark {

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
};

HttpAnswer http_get(uint16_t port, const std::string& path, const std::string& method = "GET");

}  // namespace tidemark
