#include "tests/harness/http_get.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemark {

HttpAnswer http_get(uint16_t port, const std::string& path, const std::string& method) {
  HttpAnswer answer;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::string text;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    ssize_t size = 0;
    while ((size = read(fd, buffer, sizeof buffer)) > 0) {
      text.append(buffer, static_cast<size_t>(size));
    }
  }
  close(fd);
  size_t end = text.find("\r\n\r\n");
  if (text.starts_with("HTTP/1.1 ") && end != std::string::npos) {
    answer.status = atoi(text.c_str() + 9);
    answer.head = text.substr(0, end);
    answer.body = text.substr(end + 4);
  }
  return answer;
}

}  // namespace tidemark
