#include "client/output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

namespace tidemark {

namespace {
constexpr size_t kLarge = 64 << 10;
}

void Output::flush_if_large() {
  if (buffer_.size() >= kLarge) {
    flush();
  }
}

void Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && error_ == 0) {
    ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  buffer_.clear();
}

bool Output::reader_gone() const {
  return error_ == EPIPE;
}

}  // namespace tidemark
