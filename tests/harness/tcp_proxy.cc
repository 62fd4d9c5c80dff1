#include "tests/harness/tcp_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace tidemark {

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

TcpProxy::TcpProxy(const std::string& target_port) : target_port_(target_port) {
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(listen(listener_, 16) == 0);
  socklen_t size = sizeof address;
  CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = std::to_string(ntohs(address.sin_port));
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  uint64_t one = 1;
  CHECK(write(stop_fd_, &one, sizeof one) == sizeof one);
  thread_.join();
  for (const Link& link : links_) {
    close(link.client);
    close(link.server);
  }
  close(listener_);
  close(stop_fd_);
}

void TcpProxy::accept_one() {
  int client = accept(listener_, nullptr, nullptr);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(std::stoi(target_port_));
  if (client < 0 || connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(client);
    close(server);
    return;
  }
  links_.push_back({.client = client, .server = server, .generation = generation_});
}

bool TcpProxy::forward(int from, int to, std::string* heard) {
  char bytes[65536];
  ssize_t size = read(from, bytes, sizeof bytes);
  if (size <= 0) {
    return false;
  }
  if (heard != nullptr) {
    std::lock_guard lock(mutex_);
    heard->append(bytes, static_cast<size_t>(size));
  }
  for (ssize_t sent = 0; sent < size;) {
    ssize_t n = send(to, bytes + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    sent += n;
  }
  return true;
}

void TcpProxy::run() {
  for (;;) {
    std::vector<pollfd> waits = {{.fd = stop_fd_, .events = POLLIN, .revents = 0},
                                 {.fd = listener_, .events = POLLIN, .revents = 0}};
    size_t links = links_.size();
    for (const Link& link : links_) {
      bool is_silent = link.generation != generation_;
      waits.push_back({.fd = is_silent ? -1 : link.client, .events = POLLIN, .revents = 0});
      waits.push_back({.fd = is_silent ? -1 : link.server, .events = POLLIN, .revents = 0});
    }
    poll(waits.data(), waits.size(), 50);  // bounded: silence() does not wake it
    if (waits[0].revents != 0) {
      return;
    }
    if (waits[1].revents != 0) {
      accept_one();
    }
    for (size_t i = links; i-- > 0;) {
      Link link = links_[i];
      if (link.generation != generation_) {
        continue;
      }
      bool is_open =
          (waits[2 + 2 * i].revents == 0 || forward(link.client, link.server, &heard_)) &&
          (waits[3 + 2 * i].revents == 0 || forward(link.server, link.client, nullptr));
      if (!is_open) {
        close(link.client);
        close(link.server);
        links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }
}

}  // namespace tidemark
