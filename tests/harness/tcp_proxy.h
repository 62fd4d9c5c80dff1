#pragma once
// Forwards TCP connections to a port of this machine, until it is told to let them go silent: then
// both ends stay connected and hear nothing more, as behind a network that was cut.

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tidemark {

class TcpProxy {
 public:
  explicit TcpProxy(const std::string& target_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  const std::string& port() const { return port_; }
  // The connections made so far hear nothing more; new ones are forwarded.
  void silence() { ++generation_; }
  // What clients have said, in the order in which it came.
  std::string heard() const {
    std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  struct Link {
    int client;
    int server;
    int generation;
  };

  void run();
  void accept_one();
  // `heard`, if there is one, takes a copy.
  bool forward(int from, int to, std::string* heard);

  std::string target_port_;
  std::string port_;
  int listener_ = -1;
  int stop_fd_ = -1;
  std::atomic<int> generation_{0};
  std::vector<Link> links_;   // of the thread
  mutable std::mutex mutex_;  // guards heard_
  std::string heard_;
  std::thread thread_;
};

}  // namespace tidemark
