#include "client/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

namespace tidemark {

namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void block_signals() {
  sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Signals::Signals() {
  sigset_t set = watched();
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK(fd_ >= 0);
}

Signals::~Signals() {
  close(fd_);
}

std::optional<int> Signals::take() {
  signalfd_siginfo info;
  if (read(fd_, &info, sizeof info) != sizeof info) {
    return std::nullopt;
  }
  return static_cast<int>(info.ssi_signo);
}

bool wait_for(const WaitFor& what, int64_t time_us) {
  pollfd waits[4] = {{.fd = what.socket, .events = POLLIN, .revents = 0},
                     {.fd = what.signals, .events = POLLIN, .revents = 0},
                     {.fd = what.keys, .events = POLLIN, .revents = 0},
                     {.fd = what.output, .events = 0, .revents = 0}};
  timespec time{.tv_sec = time_us / 1'000'000, .tv_nsec = time_us % 1'000'000 * 1000};
  int ready = ppoll(waits, 4, time_us < 0 ? nullptr : &time, nullptr);
  return ready > 0 && (waits[3].revents & POLLERR) != 0;
}

}  // namespace tidemark
