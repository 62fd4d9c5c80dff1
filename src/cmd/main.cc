// The tidemark program: flags, and the engine with its private server that the client speaks to.

#include <CLI/CLI.hpp>
#include <set>

#include <fmt/core.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/options.h"
#include "client/client.h"
#include "client/signals.h"
#include "cmd/serve.h"
#include "cmd/serve_config.h"
#include "connectors/postgres_cdc/doctor.h"
#include "engine/engine.h"
#include "server/server.h"

namespace {

using namespace tidemark;

constexpr int kUsageStatus = 2;

constexpr const char* kDescription =
    "SQL over Postgres whose answers stay true.\n"
    "\n"
    "  tidemark                                     a prompt\n"
    "  tidemark postgres://user:pw@host/db          a prompt with the tables of that database\n"
    "  tidemark -f q.sql --until caught-up          a correct one-shot query\n"
    "  tidemark -f q.sql --output json | ...        every change, as a line\n"
    "  tidemark serve --data-dir D                  a server for psql and any PostgreSQL client\n";

constexpr const char* kFooter =
    "Exit status: 0 all went well, 1 something failed, 2 wrong flags, 130 Ctrl-C,\n"
    "141 the output was closed.";

struct Flags {
  ClientOptions client;
  std::string url;
  std::vector<std::string> settings;
  std::string output;
  std::string until;
  std::string for_time;
};

int usage_error(const std::string& message) {
  fmt::print(stderr, "tidemark: {}\nRun 'tidemark --help' for the flags.\n", message);
  return kUsageStatus;
}

void add_flags(CLI::App& app, Flags& flags) {
  app.add_option("url", flags.url,
                 "a database whose tables are to be ready to query: "
                 "postgres://user:password@host:5432/database");
  app.add_option("-f,--file", flags.client.files, "run this script and leave; - is standard input")
      ->type_name("FILE");
  app.add_option("-c,--command", flags.client.texts, "run these statements and leave")
      ->type_name("SQL");
  app.add_option("-i,--init", flags.client.init_files, "run this script of DDL, USE and SET first")
      ->type_name("FILE");
  app.add_option("-D", flags.settings, "a setting, as SET would")->type_name("KEY=VALUE");
  app.add_option("--output", flags.output, "table, changelog, tableau, csv or json")
      ->type_name("FORM");
  app.add_option("--until", flags.until,
                 "caught-up: end when the answer includes all that was committed at the start")
      ->type_name("WHEN");
  app.add_option("--for", flags.for_time, "leave after this time, such as 30s")->type_name("TIME");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 1) {
      option->allow_extra_args(false);  // -c SQL URL: the URL is not another SQL
    }
  }
}

void add_serve_flags(CLI::App& app, ServeFlags& flags) {
  app.add_option("--data-dir", flags.data_directory,
                 "where definitions and state are kept; without it they are gone with the process")
      ->type_name("DIR");
  app.add_option("--listen", flags.listen, "address for TCP")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--socket-dir", flags.socket_directory,
                 "directory of the unix socket; empty: none")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--checkpoint-interval", flags.checkpoint_interval,
                 "how often what changed is written to the data directory")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--memory-limit", flags.memory_limit,
                 "of the process, such as 2GB; state beyond it is read from disk when needed "
                 "(70% of the machine or its control group)")
      ->type_name("SIZE");
  app.add_option("--workers", flags.workers,
                 "threads that work together on a large batch (one for each core)")
      ->type_name("N");
  app.add_option("--http", flags.http, "address for /healthz, /readyz and /metrics")
      ->type_name("HOST:PORT");
  app.add_option("--tls-cert", flags.tls_certificate, "certificate of this server, PEM")
      ->type_name("FILE");
  app.add_option("--tls-key", flags.tls_key, "its key, PEM")->type_name("FILE");
  app.add_option("--tls-ca", flags.tls_authority,
                 "certificates of clients signed by these stand in for a password of the user they "
                 "name")
      ->type_name("FILE");
  app.add_flag("--allow-insecure-listen", flags.allows_insecure,
               "let other machines in without TLS or passwords");
  app.add_option("--log-format", flags.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--max-connections", flags.connections_max, "clients at the same time")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-message", flags.message_max, "longest message of a client")
      ->type_name("SIZE")
      ->capture_default_str();
  app.add_option("--config", flags.config, "a file of these flags: name = value, a line each")
      ->type_name("FILE");
  // For tests.
  app.add_option("--crash-at", flags.crash_at, "die at a named place")->group("");
  app.add_option("--table-min", flags.table_min, "from which size on a checkpoint becomes a table")
      ->group("");
  app.add_option("-i,--init", flags.init_files, "run this script of DDL at the start")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("-D", flags.settings, "a setting of every session, as SET would")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

// What the command line has not said is taken from the file.
std::optional<std::string> read_serve_config(CLI::App& serve, const std::string& path) {
  Result<std::multimap<std::string, std::string>> values = read_config(path);
  if (!values.ok()) {
    return values.status().message();
  }
  std::set<std::string> given;
  for (const CLI::Option* option : serve.get_options()) {
    if (option->count() != 0) {
      given.insert(option->get_name());
    }
  }
  for (const auto& [name, value] : *values) {
    std::string flag = name == "D" ? "-D" : "--" + name;
    CLI::Option* option = name == "config" ? nullptr : serve.get_option_no_throw(flag);
    if (option == nullptr) {
      return fmt::format("unknown name in {}: {}", path, name);
    }
    if (given.contains(option->get_name())) {
      continue;
    }
    try {
      option->add_result(value);
      option->run_callback();
    } catch (const CLI::ParseError& error) {
      return fmt::format("{}: {}", path, error.what());
    }
  }
  return std::nullopt;
}

// The flags' texts as the client wants them; a message if one of them is wrong.
std::optional<std::string> read_flags(Flags& flags) {
  const std::pair<const char*, OutputForm> kForms[] = {{"table", OutputForm::kTable},
                                                       {"changelog", OutputForm::kChangelog},
                                                       {"tableau", OutputForm::kTableau},
                                                       {"csv", OutputForm::kCsv},
                                                       {"json", OutputForm::kJson}};
  for (auto [name, form] : kForms) {
    if (flags.output == name) {
      flags.client.form = form;
    }
  }
  if (!flags.output.empty() && !flags.client.form) {
    return fmt::format("--output is table, changelog, tableau, csv or json, not '{}'",
                       flags.output);
  }
  if (!flags.until.empty() && flags.until != "caught-up") {
    return fmt::format("--until is caught-up, not '{}'", flags.until);
  }
  flags.client.until_caught_up = !flags.until.empty();
  if (!flags.for_time.empty()) {
    bool bare = flags.for_time.find_first_not_of("0123456789") == std::string::npos;
    Result<int64_t> time = parse_duration_us(bare ? flags.for_time + "s" : flags.for_time);
    if (!time.ok()) {
      return fmt::format("--for is a time such as 30s, not '{}'", flags.for_time);
    }
    flags.client.for_us = *time;
  }
  for (const std::string& setting : flags.settings) {
    size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fmt::format("-D is KEY=VALUE, not '{}'", setting);
    }
    flags.client.settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  if (!flags.url.empty()) {
    Result<PostgresAddress> source = parse_postgres_url(flags.url);
    if (!source.ok()) {
      return source.status().to_string();
    }
    flags.client.source = std::move(source).value();
  }
  return std::nullopt;
}

int fail(const Status& status) {
  fmt::print(stderr, "tidemark: {}\n", status.to_string());
  return 1;
}

// Every finding, and the statement that mends it below; 1 if something stands in the way.
int print_doctor(const std::string& url) {
  Result<std::vector<Finding>> findings = run_doctor(url);
  if (!findings.ok()) {
    return fail(findings.status());
  }
  int errors = 0;
  for (const Finding& finding : *findings) {
    constexpr const char* kMarks[] = {"ok     ", "warning", "ERROR  "};
    fmt::print("{}  {}\n", kMarks[static_cast<int>(finding.severity)], finding.title);
    if (finding.severity != Finding::Severity::kOk && !finding.detail.empty()) {
      fmt::print("         {}\n", finding.detail);
    }
    if (!finding.fix_sql.empty()) {
      fmt::print("         run: {}\n", finding.fix_sql);
    }
    errors += finding.severity == Finding::Severity::kError ? 1 : 0;
  }
  return errors == 0 ? 0 : 1;
}

int run(ClientOptions options) {
  block_signals();  // before the first thread
  Engine engine;
  Result<PrivateDirectory> directory = PrivateDirectory::make();
  if (!directory.ok()) {
    return fail(directory.status());
  }
  Result<std::unique_ptr<Server>> server =
      Server::start(engine, {.socket_directory = directory->path()});
  if (!server.ok()) {
    return fail(server.status());
  }
  options.server = PostgresAddress{.host = directory->path(),
                                   .port = std::to_string((*server)->port()),
                                   .database = "tidemark",
                                   .user = "tidemark"};
  int status = run_client(options);
  // The sources give back their slots and publications now; one that does not let go is left after
  // this time.
  constexpr unsigned kPatienceS = 10;
  alarm(kPatienceS);
  return status;
}

struct CommandLine {
  CommandLine() {
    app.footer(kFooter);
    app.set_help_flag("-h,--help", "show this");
    app.set_version_flag("-V,--version", "tidemark " TIDEMARK_VERSION);
    app.require_subcommand(0, 1);
    add_flags(app, flags);
    version = app.add_subcommand("version", "show the version");
    doctor = app.add_subcommand(
        "doctor", "look at a source: what stands in the way there, and how to mend it");
    serve = app.add_subcommand("serve", "keep views for any PostgreSQL client, through restarts");
    add_serve_flags(*serve, serve_flags);
    doctor->add_option("url", doctor_url, "postgres://user:password@host:5432/database")
        ->required();
  }

  Flags flags;
  ServeFlags serve_flags;
  std::string doctor_url;
  CLI::App app{kDescription, "tidemark"};
  CLI::App* version;
  CLI::App* doctor;
  CLI::App* serve;
};

// The command line, and the file that it names as it is now.
Result<ServeFlags> read_serve_flags(int argc, char** argv) {
  CommandLine line;
  line.app.parse(argc, argv);  // as at the start, where it was right
  if (!line.serve_flags.config.empty()) {
    if (std::optional<std::string> wrong =
            read_serve_config(*line.serve, line.serve_flags.config)) {
      return Status::invalid_argument(*wrong);
    }
  }
  return std::move(line.serve_flags);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return line.app.exit(error);
    }
    return usage_error(error.what());
  }
  if (line.version->parsed()) {
    fmt::print("tidemark {}\n", TIDEMARK_VERSION);
    return 0;
  }
  if (line.doctor->parsed()) {
    return print_doctor(line.doctor_url);
  }
  if (line.serve->parsed()) {
    auto read = [argc, argv] { return read_serve_flags(argc, argv); };
    Result<ServeFlags> flags = read();
    return flags.ok() ? run_serve(*flags, read) : usage_error(flags.status().message());
  }
  if (std::optional<std::string> wrong = read_flags(line.flags)) {
    return usage_error(*wrong);
  }
  return run(std::move(line.flags.client));
}
