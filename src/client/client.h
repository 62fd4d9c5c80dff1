#pragma once
// The terminal client: scripts and the prompt, over a connection to a server.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/printer.h"
#include "postgres/address.h"

namespace tidemark {

struct ClientOptions {
  PostgresAddress server;
  // A database whose tables are to be ready: the catalog `pg`.
  std::optional<PostgresAddress> source;
  std::vector<std::pair<std::string, std::string>> settings;  // -D
  std::vector<std::string> init_files;                        // -i
  std::vector<std::string> files;                             // -f, run first; "-": standard input
  std::vector<std::string> texts;                             // -c
  std::optional<OutputForm> form;
  bool until_caught_up = false;
  int64_t for_us = -1;  // negative: without end
};

// Exit status: 0 all went well or the time was up, 1 something failed, 128 + n ended by signal n
// (130: Ctrl-C), 141 nobody reads the output any more. Needs block_signals() before.
int run_client(const ClientOptions& options);

// The statement that makes the source's tables ready.
std::string catalog_statement(const PostgresAddress& source);

}  // namespace tidemark
