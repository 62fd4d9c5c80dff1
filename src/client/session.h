#pragma once
// One conversation with the server: sends statements and shows their answers, on the output or full
// screen. Used by scripts and by the prompt alike.
//
// Thread rule: one thread.

#include <memory>
#include <optional>
#include <string>

#include "client/output.h"
#include "client/printer.h"
#include "client/run_end.h"
#include "client/script.h"
#include "client/settings.h"
#include "client/signals.h"
#include "postgres/connection.h"

namespace tidemark {

struct SessionOptions {
  std::optional<OutputForm> form;  // --output; none: what the settings say
  bool full_screen = false;        // both ends are a terminal
  int64_t deadline_us = -1;        // of steady_us(); negative: none
};

class ClientSession {
 public:
  ClientSession(PostgresConnection connection, SessionOptions options, Output& output,
                Signals& signals);

  // Runs one statement of a script and shows what it answers.
  RunEnd run(const sql::Piece& piece);
  // Runs a statement of the client's own; no rows are shown.
  RunEnd run_quietly(const std::string& sql);
  // The first column of what a statement answers; empty if it fails.
  std::vector<std::string> ask(const std::string& sql);

  ClientSettings& settings() { return settings_; }
  Output& output() { return output_; }
  Signals& signals() { return signals_; }
  PostgresConnection& connection() { return connection_; }

 private:
  OutputForm form() const;
  bool shows_messages() const;  // as opposed to csv and json, which programs read
  Printer printer_for(const sql::Statement* statement, bool is_stream) const;
  // Waits until it is known what kind of answer comes; the event that told it.
  std::optional<RunEnd> wait_for_answer(Answer& answer, AnswerEvent& first);
  RunEnd print(Answer& answer, AnswerEvent event, Printer printer);
  RunEnd show(Answer& answer, AnswerEvent first, const sql::Piece& piece,
              const sql::Statement* statement);
  RunEnd stop(Answer& answer, RunEnd end);
  std::optional<RunEnd> wait_more(const Answer& answer);

  PostgresConnection connection_;
  SessionOptions options_;
  Output& output_;
  Signals& signals_;
  ClientSettings settings_;
};

}  // namespace tidemark
