#include "cmd/serve.h"

#include <fstream>
#include <sstream>
#include <tuple>

#include <fmt/core.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/available_memory.h"
#include "client/signals.h"
#include "cmd/log.h"
#include "engine/engine.h"
#include "server/server.h"

namespace tidemark {

namespace {

int fail(const Log& log, const Status& status) {
  log.error(status.to_string());
  return 1;
}

Result<std::pair<std::string, uint16_t>> parse_address(const std::string& text,
                                                       std::string_view flag) {
  size_t colon = text.rfind(':');
  std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  std::string host = colon == std::string::npos ? "127.0.0.1" : text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  Result<int64_t> number = parse_int(port);
  if (!number.ok() || *number < 0 || *number > 65535) {
    return Status::invalid_argument(fmt::format("{} is HOST:PORT, not '{}'", flag, text));
  }
  return std::pair(host == "localhost" ? "127.0.0.1" : host, static_cast<uint16_t>(*number));
}

Result<uint64_t> parse_size(const std::string& text, std::string_view flag) {
  Result<uint64_t> bytes = parse_size_bytes(text);
  if (!bytes.ok()) {
    return Status::invalid_argument(fmt::format("{} is a size such as 2GB, not '{}'", flag, text));
  }
  return bytes;
}

// Tells the service manager, if there is one, that clients can come (sd_notify(3)).
void tell_ready() {
  const char* path = getenv("NOTIFY_SOCKET");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path == nullptr || strlen(path) >= sizeof address.sun_path) {
    return;
  }
  strcpy(address.sun_path, path);
  if (path[0] == '@') {
    address.sun_path[0] = '\0';  // an abstract name
  }
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  constexpr std::string_view kReady = "READY=1";
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + strlen(path));
  sendto(fd, kReady.data(), kReady.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
         size);
  close(fd);
}

// Statements without results; a definition that is there already is what a second start finds.
Status run_init(Engine& engine, const std::vector<std::string>& files, const Log& log) {
  for (const std::string& file : files) {
    std::ifstream in(file);
    if (!in) {
      return Status::not_found("cannot read the script: " + file);
    }
    std::ostringstream text;
    text << in.rdbuf();
    std::unique_ptr<Session> session = engine.new_session();
    TRY(session
            ->execute_script(text.str(),
                             [&](const StatementResult& result) {
                               for (const std::string& notice : result.notices) {
                                 log.info("notice: " + notice);
                               }
                               return true;
                             })
            .with_context(file));
  }
  return {};
}

Result<EngineOptions> engine_options(const ServeFlags& flags) {
  EngineOptions options;
  options.data_directory = flags.data_directory;
  Result<int64_t> interval = parse_duration_us(flags.checkpoint_interval);
  if (!interval.ok()) {
    return Status::invalid_argument(fmt::format(
        "--checkpoint-interval is a time such as 1s, not '{}'", flags.checkpoint_interval));
  }
  options.checkpoint_interval_us = *interval;
  options.memory_limit_bytes = flags.memory_limit.empty()
                                   ? available_memory() / 10 * 7
                                   : TRY(parse_size(flags.memory_limit, "--memory-limit"));
  if (!flags.workers.empty()) {
    Result<int64_t> workers = parse_int(flags.workers);
    if (!workers.ok() || *workers < 1 || *workers > 64) {
      return Status::invalid_argument(
          fmt::format("--workers is a number from 1 to 64, not '{}'", flags.workers));
    }
    options.workers = static_cast<size_t>(*workers);
  }
  options.crash_at = flags.crash_at;
  if (!flags.table_min.empty()) {
    options.table_bytes_min = TRY(parse_size(flags.table_min, "--table-min"));
  }
  options.session_settings["execution.runtime-mode"] = "batch";
  for (const std::string& setting : flags.settings) {
    size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Status::invalid_argument(fmt::format("-D is KEY=VALUE, not '{}'", setting));
    }
    options.session_settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return options;
}

Result<ListenOptions> listen_options(const ServeFlags& flags) {
  ListenOptions options;
  options.socket_directory = flags.socket_directory;
  std::tie(options.host, options.port) = TRY(parse_address(flags.listen, "--listen"));
  if (!flags.http.empty()) {
    std::tie(options.http_host, options.http_port) = TRY(parse_address(flags.http, "--http"));
  }
  options.tls = {flags.tls_certificate, flags.tls_key, flags.tls_authority};
  if (options.tls.certificate_file.empty() != options.tls.key_file.empty()) {
    return Status::invalid_argument("--tls-cert and --tls-key go together");
  }
  Result<int64_t> connections = parse_int(flags.connections_max);
  if (!connections.ok() || *connections < 1) {
    return Status::invalid_argument(
        fmt::format("--max-connections is a number from 1 on, not '{}'", flags.connections_max));
  }
  options.limits.connections_max = static_cast<size_t>(*connections);
  options.limits.message_bytes_max = TRY(parse_size(flags.message_max, "--max-message"));
  options.limits.allows_insecure = flags.allows_insecure;
  return options;
}

std::string ready_text(const ListenOptions& options, const Server& server) {
  std::string text = fmt::format("ready: {}:{}", options.host, server.port());
  if (!options.socket_directory.empty()) {
    text += fmt::format(" and {}/.s.PGSQL.{}", options.socket_directory, server.port());
  }
  if (!options.http_host.empty()) {
    text += fmt::format(", http {}:{}", options.http_host, server.http_port());
  }
  return text;
}

// What SHOW SOURCES says, when it changes.
void note_source(const Log& log, const std::string& source, const SourceStatus& status) {
  std::string text = fmt::format("source {}: {}", source, name_of(status.state));
  if (status.message.empty()) {
    log.info(text);
  } else {
    log.warning(fmt::format("{}: {}", text, status.message));
  }
}

// As many descriptors as the system gives: each connection takes one.
void raise_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// What SIGHUP asks for; what was done.
Result<std::string> reload(Server& server, const ServeFlags& flags,
                           const std::function<Result<ServeFlags>()>& read_again) {
  ServeFlags now = TRY(read_again());
  ListenOptions options = TRY(listen_options(now));
  TRY(server.reload(options.tls, options.limits));
  std::string told =
      "reloaded: new connections have the files of TLS and the limits as they are now";
  // The rest is as it was at the start.
  now.tls_certificate = flags.tls_certificate;
  now.tls_key = flags.tls_key;
  now.tls_authority = flags.tls_authority;
  now.connections_max = flags.connections_max;
  now.message_max = flags.message_max;
  if (now != flags) {
    told += "; other flags have changed too, and wait for the next start";
  }
  return told;
}

}  // namespace

int run_serve(const ServeFlags& flags, const std::function<Result<ServeFlags>()>& read_again) {
  block_signals();  // before the first thread
  Log log(flags.log_format == "json" ? LogFormat::kJson : LogFormat::kText);
  raise_descriptors();
  Result<ListenOptions> listen = listen_options(flags);
  if (!listen.ok()) {
    return fail(log, listen.status());
  }
  Result<EngineOptions> options = engine_options(flags);
  if (!options.ok()) {
    return fail(log, options.status());
  }
  options->note_source = [&log](const std::string& source, const SourceStatus& status) {
    note_source(log, source, status);
  };
  Result<std::unique_ptr<Engine>> engine = Engine::open(std::move(options).value());
  if (!engine.ok()) {
    return fail(log, engine.status());
  }
  for (const std::string& notice : (*engine)->start_notices()) {
    log.info("notice: " + notice);
  }
  Result<std::unique_ptr<Server>> server = Server::start(**engine, *listen);
  if (!server.ok()) {
    return fail(log, server.status());
  }
  // Scripts may wait for sources; who reads what is there already need not.
  log.info(ready_text(*listen, **server));
  tell_ready();
  if (Status status = run_init(**engine, flags.init_files, log); !status.ok()) {
    return fail(log, status);
  }
  Signals signals;
  while (true) {
    wait_for({.signals = signals.fd()}, -1);
    std::optional<int> signal = signals.take();
    if (signal == SIGTERM || signal == SIGINT) {
      break;
    }
    if (signal == SIGHUP) {
      Result<std::string> reloaded = reload(**server, flags, read_again);
      if (reloaded.ok()) {
        log.info(*reloaded);
      } else {
        log.error("not reloaded: " + reloaded.status().to_string());
      }
    }
  }
  log.info("ending: the last checkpoint");
  server->reset();
  engine->reset();
  log.info("ended");
  return 0;
}

}  // namespace tidemark
