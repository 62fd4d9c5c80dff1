#include "postgres/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

namespace tidemark {

namespace {

int make_event_fd() {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(fd >= 0);
  return fd;
}

void signal_event_fd(int fd) {
  uint64_t one = 1;
  ssize_t written = write(fd, &one, sizeof one);  // EAGAIN: the counter is full, so it is readable
  (void)written;
}

}  // namespace

Interrupt::Interrupt() : fd_(make_event_fd()) {}
Interrupt::~Interrupt() {
  close(fd_);
}

void Interrupt::request() {
  requested_.store(true, std::memory_order_release);
  signal_event_fd(fd_);
}

WakeSignal::WakeSignal() : fd_(make_event_fd()) {}
WakeSignal::~WakeSignal() {
  close(fd_);
}

void WakeSignal::wake() {
  signal_event_fd(fd_);
}

void WakeSignal::reset() {
  uint64_t count = 0;
  ssize_t got = read(fd_, &count, sizeof count);
  (void)got;
}

bool sleep_unless_interrupted(const Interrupt& interrupt, int64_t time_us) {
  pollfd wait{.fd = interrupt.fd(), .events = POLLIN, .revents = 0};
  timespec time{.tv_sec = time_us / 1'000'000, .tv_nsec = time_us % 1'000'000 * 1000};
  ppoll(&wait, 1, &time, nullptr);
  return interrupt.requested();
}

}  // namespace tidemark
