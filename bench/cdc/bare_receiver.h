#pragma once
// The fastest way to read a replication stream that throws it away: a unix or TCP socket without
// libpq, read whole with a pause between reads, as limits of the source are measured. It knows of
// the stream only where commits end.
//
// Messages: PostgreSQL documentation, "Message Formats", "Streaming Replication Protocol" and
// "Logical Replication Message Formats".

#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "postgres/address.h"
#include "types/lsn.h"
#include "types/pg_wire.h"

namespace tidemark {

class BareReceiver {
 public:
  struct Pattern {
    const char* name;
    bool is_tcp;
    int64_t pause_us;
  };

  // The server must trust: no password is sent.
  BareReceiver(const PostgresAddress& address, const Pattern& pattern) : pattern_(pattern) {
    connect(address);
    std::string startup(4, '\0');
    startup += std::string("\0\3\0\0", 4);
    for (const std::string& text :
         {std::string("user"), address.user, std::string("database"), address.database,
          std::string("replication"), std::string("database")}) {
      startup += text + '\0';
    }
    startup += '\0';
    put_length(startup, 0);
    send_all(startup);
    wait_for('Z');
  }
  ~BareReceiver() { close(fd_); }
  BareReceiver(const BareReceiver&) = delete;
  BareReceiver& operator=(const BareReceiver&) = delete;

  // Reads until a commit that ends at `end` or after it.
  void drain(const std::string& slot, const std::string& publication, int protocol, Lsn end) {
    std::string query = "Q" + std::string(4, '\0') +
                        fmt::format(
                            "START_REPLICATION SLOT {} LOGICAL 0/0 (proto_version '{}', "
                            "publication_names '{}', binary 'true'{})",
                            slot, protocol, publication, protocol >= 2 ? ", streaming 'on'" : "") +
                        '\0';
    put_length(query, 1);
    send_all(query);
    wait_for('W');
    while (!take_frames(end)) {
      read_whole();
    }
  }

 private:
  static constexpr size_t kBufferBytes = 8 << 20;

  void connect(const PostgresAddress& address) {
    if (pattern_.is_tcp) {
      fd_ = socket(AF_INET, SOCK_STREAM, 0);
      int bytes = 4 << 20;
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.port)));
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    } else {
      fd_ = socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      std::string path = address.host + "/.s.PGSQL." + address.port;
      std::memcpy(to.sun_path, path.c_str(), path.size() + 1);
      CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    }
  }
  static void put_length(std::string& message, size_t at) {
    uint32_t size = htonl(static_cast<uint32_t>(message.size() - at));
    std::memcpy(message.data() + at, &size, 4);
  }
  void send_all(const std::string& bytes) {
    CHECK(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  }
  // The type of the next whole message, 0 if it is not there yet.
  char next_type(size_t& size) const {
    if (filled_ - taken_ < 5) {
      return 0;
    }
    size = 1 + read_big_endian<uint32_t>(buffer_.data() + taken_ + 1);
    return filled_ - taken_ < size ? '\0' : buffer_[taken_];
  }
  void wait_for(char type) {
    for (;;) {
      size_t size = 0;
      char found = next_type(size);
      if (found == 0) {
        read_once(0);
        continue;
      }
      CHECK(found != 'E');
      taken_ += size;
      if (found == type) {
        return;
      }
    }
  }
  bool take_frames(Lsn end) {
    size_t size = 0;
    for (char type = next_type(size); type != 0; type = next_type(size)) {
      const char* body = buffer_.data() + taken_ + 5;
      taken_ += size;
      CHECK(type == 'd');
      constexpr size_t kWalHeader = 25;
      if (body[0] == 'w' && size > 5 + kWalHeader) {
        const char* message = body + kWalHeader;
        // Commit: flags, LSN, end LSN. Stream Commit: transaction id before them.
        size_t at = message[0] == 'C' ? 10 : message[0] == 'c' ? 14 : 0;
        if (at != 0 && read_big_endian<uint64_t>(message + at) >= end.value) {
          return true;
        }
      }
    }
    return false;
  }
  bool read_once(int flags) {
    if (taken_ != 0) {
      std::memmove(buffer_.data(), buffer_.data() + taken_, filled_ - taken_);
      filled_ -= taken_;
      taken_ = 0;
    }
    ssize_t n = recv(fd_, buffer_.data() + filled_, buffer_.size() - filled_, flags);
    if (n < 0 && errno == EAGAIN) {
      return false;
    }
    CHECK(n > 0);
    filled_ += static_cast<size_t>(n);
    return true;
  }
  void read_whole() {
    if (pattern_.pause_us != 0) {
      timespec time{.tv_sec = 0, .tv_nsec = pattern_.pause_us * 1000};
      nanosleep(&time, nullptr);
    }
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    poll(&wait, 1, -1);
    while (filled_ - taken_ < kBufferBytes / 2 && read_once(MSG_DONTWAIT)) {
    }
  }

  Pattern pattern_;
  int fd_ = -1;
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  size_t taken_ = 0;
  size_t filled_ = 0;
};

}  // namespace tidemark
