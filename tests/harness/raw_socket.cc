#include "tests/harness/raw_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/check.h"

namespace tidemark {

int connect_unix(const std::string& path) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  CHECK(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

std::string speak(int fd, std::string_view bytes) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  std::string answer;
  char buffer[4096];
  bool is_sent = false;
  while (true) {
    pollfd ready{
        .fd = fd, .events = static_cast<short>(POLLIN | (is_sent ? 0 : POLLOUT)), .revents = 0};
    poll(&ready, 1, -1);
    if ((ready.revents & POLLOUT) != 0 && !is_sent) {
      ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size < 0) {
        return answer;
      }
      bytes.remove_prefix(static_cast<size_t>(size));
      if (bytes.empty()) {
        is_sent = true;
        shutdown(fd, SHUT_WR);
      }
    }
    if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      ssize_t size = recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) {
        return answer;
      }
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
}

}  // namespace tidemark
