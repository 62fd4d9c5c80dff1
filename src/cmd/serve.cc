#include "cmd/serve.h"

#include <fstream>
#include <sstream>

#include <fmt/core.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/ascii.h"
#include "client/signals.h"
#include "engine/engine.h"
#include "server/server.h"

namespace tidemark {

namespace {

// One line an event: time, then what happened. Errors of statements go to their clients, not here.
void log_line(std::string_view text) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  fmt::print(stderr, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {}\n", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
             now.tv_nsec / 1'000'000, text);
}

int fail(const Status& status) {
  log_line("error: " + status.to_string());
  return 1;
}

Result<std::pair<std::string, uint16_t>> parse_listen(const std::string& text) {
  size_t colon = text.rfind(':');
  std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  std::string host = colon == std::string::npos ? "127.0.0.1" : text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  Result<int64_t> number = parse_int(port);
  if (!number.ok() || *number < 0 || *number > 65535) {
    return Status::invalid_argument(fmt::format("--listen is HOST:PORT, not '{}'", text));
  }
  return std::pair(host == "localhost" ? "127.0.0.1" : host, static_cast<uint16_t>(*number));
}

// What this process may use: the machine's memory, or its control group's limit (cgroup v2, then
// v1).
uint64_t available_memory() {
  uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                   static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t limit = 0;
    if (file >> limit && limit != 0) {
      bytes = std::min(bytes, limit);
    }
  }
  return bytes;
}

Result<uint64_t> memory_limit(const std::string& text) {
  if (text.empty()) {
    return available_memory() / 10 * 7;
  }
  size_t digits = text.find_first_not_of("0123456789");
  std::string unit = ascii_upper(digits == std::string::npos ? "" : text.substr(digits));
  Result<int64_t> number = parse_int(text.substr(0, digits));
  const std::pair<const char*, int> kUnits[] = {{"", 0},    {"B", 0},    {"KB", 10}, {"K", 10},
                                                {"MB", 20}, {"M", 20},   {"GB", 30}, {"G", 30},
                                                {"TB", 40}, {"MIB", 20}, {"GIB", 30}};
  for (auto [name, shift] : kUnits) {
    if (number.ok() && unit == name) {
      return static_cast<uint64_t>(*number) << shift;
    }
  }
  return Status::invalid_argument(
      fmt::format("--memory-limit is a size such as 2GB, not '{}'", text));
}

// Statements without results; a definition that is there already is what a second start finds.
Status run_init(Engine& engine, const std::vector<std::string>& files) {
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
                             [](const StatementResult& result) {
                               for (const std::string& notice : result.notices) {
                                 log_line("notice: " + notice);
                               }
                               return true;
                             })
            .with_context(file));
  }
  return {};
}

}  // namespace

int run_serve(const ServeFlags& flags) {
  block_signals();  // before the first thread
  Result<std::pair<std::string, uint16_t>> listen = parse_listen(flags.listen);
  if (!listen.ok()) {
    return fail(listen.status());
  }
  EngineOptions options;
  options.data_directory = flags.data_directory;
  Result<int64_t> interval = parse_duration_us(flags.checkpoint_interval);
  if (!interval.ok()) {
    return fail(Status::invalid_argument(fmt::format(
        "--checkpoint-interval is a time such as 1s, not '{}'", flags.checkpoint_interval)));
  }
  options.checkpoint_interval_us = *interval;
  Result<uint64_t> limit = memory_limit(flags.memory_limit);
  if (!limit.ok()) {
    return fail(limit.status());
  }
  options.memory_limit_bytes = *limit;
  options.crash_at = flags.crash_at;
  options.session_settings["execution.runtime-mode"] = "batch";
  for (const std::string& setting : flags.settings) {
    size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Status::invalid_argument(fmt::format("-D is KEY=VALUE, not '{}'", setting)));
    }
    options.session_settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  Result<std::unique_ptr<Engine>> engine = Engine::open(std::move(options));
  if (!engine.ok()) {
    return fail(engine.status());
  }
  for (const std::string& notice : (*engine)->start_notices()) {
    log_line("notice: " + notice);
  }
  Result<std::unique_ptr<Server>> server = Server::start(
      **engine,
      {.socket_directory = flags.socket_directory, .host = listen->first, .port = listen->second});
  if (!server.ok()) {
    return fail(server.status());
  }
  // Scripts may wait for sources; who reads what is there already need not.
  log_line(fmt::format("ready: {}:{} and {}/.s.PGSQL.{}", listen->first, (*server)->port(),
                       flags.socket_directory, (*server)->port()));
  if (Status status = run_init(**engine, flags.init_files); !status.ok()) {
    return fail(status);
  }
  Signals signals;
  while (true) {
    wait_for({.signals = signals.fd()}, -1);
    std::optional<int> signal = signals.take();
    if (signal == SIGTERM || signal == SIGINT) {
      break;
    }
  }
  log_line("ending: the last checkpoint");
  server->reset();
  engine->reset();
  log_line("ended");
  return 0;
}

}  // namespace tidemark
