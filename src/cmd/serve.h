#pragma once
// `tidemark serve`: the engine as a server, with a data directory that outlives it.

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace tidemark {

struct ServeFlags {
  std::string data_directory;
  std::string listen = "127.0.0.1:7432";
  std::string socket_directory = "/tmp";
  std::string checkpoint_interval = "1s";
  std::string memory_limit;  // "2GB"; empty: 70 % of what the machine, or the control group, has
  std::string workers;       // threads for a large batch; empty: one for each core
  std::string crash_at;      // for tests: base/crash_point.h
  std::string table_min;     // for tests, a size: EngineOptions::table_bytes_min
  std::string http;          // "HOST:PORT"; empty: no HTTP
  std::string tls_certificate, tls_key, tls_authority;
  bool allows_insecure = false;
  std::string config;  // a file of flags
  std::string log_format = "text";
  std::string connections_max = "5000";
  std::string message_max = "64MB";
  std::vector<std::string> init_files;
  std::vector<std::string> settings;  // KEY=VALUE, of every session

  bool operator==(const ServeFlags&) const = default;
};

// Until SIGTERM or SIGINT: then the last checkpoint is taken. SIGHUP reads the flags again (the
// file of --config may say other things) and the files of TLS: names of the files and limits hold
// for connections from then on; for other flags that have changed the log says that they wait for a
// start. The exit status.
int run_serve(const ServeFlags& flags, const std::function<Result<ServeFlags>()>& read_again);

}  // namespace tidemark
