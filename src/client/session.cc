#include "client/session.h"

#include <fmt/core.h>
#include <signal.h>
#include <stdio.h>

#include "client/full_screen.h"
#include "sql/parser.h"

namespace tidemark {

namespace {

constexpr int64_t kCancelWait_us = 5'000'000;  // for the server to end what was cancelled

// EXPLAIN and SHOW CREATE answer with text for people.
bool answers_text(const sql::Statement* statement) {
  return statement != nullptr && (std::holds_alternative<sql::Explain>(statement->node) ||
                                  std::holds_alternative<sql::ShowCreate>(statement->node));
}

}  // namespace

ClientSession::ClientSession(PostgresConnection connection, SessionOptions options, Output& output,
                             Signals& signals)
    : connection_(std::move(connection)), options_(options), output_(output), signals_(signals) {
  connection_.on_notice([this](const PostgresNotice& notice) {
    output_.flush();
    fmt::print(stderr, "{}: {}\n", notice.severity == "WARNING" ? "[WARNING]" : "[NOTICE]",
               notice.message);
  });
}

OutputForm ClientSession::form() const {
  if (options_.form) {
    return *options_.form;
  }
  if (!options_.full_screen) {
    return OutputForm::kTableau;
  }
  switch (settings_.result_mode()) {
    case ResultMode::kTable:
      return OutputForm::kTable;
    case ResultMode::kChangelog:
      return OutputForm::kChangelog;
    case ResultMode::kTableau:
      return OutputForm::kTableau;
  }
  return OutputForm::kTableau;
}

bool ClientSession::shows_messages() const {
  return form() != OutputForm::kCsv && form() != OutputForm::kJson;
}

Printer ClientSession::printer_for(const sql::Statement* statement, bool is_stream) const {
  if (form() == OutputForm::kJson) {
    return JsonLines{};
  }
  if (form() == OutputForm::kCsv) {
    return CsvLines{};
  }
  if (answers_text(statement)) {
    return RawText{};
  }
  if (!is_stream || (settings_.until_caught_up() && form() != OutputForm::kChangelog)) {
    // A terminal has room for what a script's reader would rather have whole.
    return FinalRows(options_.full_screen ? settings_.column_width_max()
                                          : std::max<size_t>(settings_.column_width_max(), 1000));
  }
  return StreamingTableau(settings_.column_width_max());
}

// Anything else to attend to than the answer.
std::optional<RunEnd> ClientSession::wait_more(const Answer& answer) {
  int64_t left = options_.deadline_us < 0 ? -1 : options_.deadline_us - steady_us();
  if (options_.deadline_us >= 0 && left <= 0) {
    return RunEnd{.kind = RunEnd::Kind::kTimeUp};
  }
  bool output_closed =
      wait_for({.socket = answer.socket(), .signals = signals_.fd(), .output = output_.fd()}, left);
  while (std::optional<int> signal = signals_.take()) {
    if (*signal != SIGWINCH) {
      return RunEnd{.kind = RunEnd::Kind::kInterrupted, .signal = *signal};
    }
  }
  if (output_closed || output_.closed()) {
    return RunEnd{.kind = RunEnd::Kind::kOutputClosed};
  }
  return std::nullopt;
}

// Cancels the statement and reads its answer away, so that another one can follow.
RunEnd ClientSession::stop(Answer& answer, RunEnd end) {
  answer.cancel();
  int64_t deadline = steady_us() + kCancelWait_us;
  while (steady_us() < deadline) {
    AnswerEvent event = answer.poll();
    if (event.kind == AnswerEvent::Kind::kDone || event.kind == AnswerEvent::Kind::kFailed) {
      break;
    }
    if (event.kind == AnswerEvent::Kind::kNothing) {
      wait_for({.socket = answer.socket()}, deadline - steady_us());
    }
  }
  return end;
}

std::optional<RunEnd> ClientSession::wait_for_answer(Answer& answer, AnswerEvent& first) {
  while (true) {
    first = answer.poll();
    if (first.kind != AnswerEvent::Kind::kNothing || answer.is_stream()) {
      return std::nullopt;
    }
    if (std::optional<RunEnd> end = wait_more(answer)) {
      return stop(answer, std::move(*end));
    }
  }
}

RunEnd ClientSession::print(Answer& answer, AnswerEvent event, Printer printer) {
  constexpr uint64_t kLookAroundEvery = 4096;  // events, while they come without a pause
  std::string& out = output_.buffer();
  RunEnd end;
  for (uint64_t events = 1;; event = answer.poll(), ++events) {
    if (event.kind == AnswerEvent::Kind::kDone || event.kind == AnswerEvent::Kind::kFailed) {
      end = RunEnd{.kind = event.status.ok() ? RunEnd::Kind::kDone : RunEnd::Kind::kFailed,
                   .status = event.status};
      break;
    }
    std::visit(
        [&]<typename P>(P& p) {
          if (event.kind == AnswerEvent::Kind::kHead) {
            p.head(answer.head(), out);
          } else if (event.kind == AnswerEvent::Kind::kRow) {
            p.row(event.op, answer.mark(), std::move(event.row), out);
          } else if (event.kind == AnswerEvent::Kind::kMark) {
            if constexpr (std::is_same_v<P, FinalRows>) {
              p.mark();
            }
          }
        },
        printer);
    bool idle = event.kind == AnswerEvent::Kind::kNothing;
    if (event.kind == AnswerEvent::Kind::kMark || idle) {
      output_.flush();
    }
    output_.flush_if_large();
    if (idle || output_.closed() || events % kLookAroundEvery == 0) {
      if (std::optional<RunEnd> stopped = wait_more(answer)) {
        end = stop(answer, std::move(*stopped));
        break;
      }
    }
  }
  if (answer.has_rows() && end.kind != RunEnd::Kind::kFailed &&
      end.kind != RunEnd::Kind::kOutputClosed) {
    std::visit([&](auto& p) { p.end(out); }, printer);
  }
  output_.flush();
  if (output_.closed() && end.kind == RunEnd::Kind::kDone) {
    end.kind = RunEnd::Kind::kOutputClosed;
  }
  return end;
}

RunEnd ClientSession::show(Answer& answer, AnswerEvent first, const sql::Piece& piece,
                           const sql::Statement* statement) {
  bool is_stream = answer.is_stream() && first.kind != AnswerEvent::Kind::kFailed;
  bool on_screen = is_stream && options_.full_screen && !settings_.until_caught_up() &&
                   (form() == OutputForm::kTable || form() == OutputForm::kChangelog);
  if (!on_screen) {
    return print(answer, std::move(first), printer_for(statement, is_stream));
  }
  FullScreen screen(
      form() == OutputForm::kTable ? FullScreen::Mode::kTable : FullScreen::Mode::kChangelog,
      std::string(piece.text), settings_.rows_max(), settings_.column_width_max());
  RunEnd end = screen.show(answer, std::move(first), signals_, options_.deadline_us);
  if (!answer.ended()) {
    end = stop(answer, std::move(end));
  }
  if (end.kind == RunEnd::Kind::kLeft) {
    output_.write("[INFO] Result retrieval cancelled.\n");
    output_.flush();
  }
  return end;
}

RunEnd ClientSession::run(const sql::Piece& piece) {
  Result<sql::Statement> parsed = sql::parse_statement(piece.text);
  const sql::Statement* statement = parsed.ok() ? &*parsed : nullptr;
  if (statement != nullptr && std::holds_alternative<sql::Quit>(statement->node)) {
    return {.kind = RunEnd::Kind::kQuit};
  }
  Result<Answer> answer = Answer::start(connection_, std::string(piece.text));
  if (!answer.ok()) {
    return {.kind = RunEnd::Kind::kFailed, .status = answer.status()};
  }
  AnswerEvent first;
  if (std::optional<RunEnd> end = wait_for_answer(*answer, first)) {
    return std::move(*end);
  }
  bool is_stream = answer->is_stream();
  RunEnd end = show(*answer, std::move(first), piece, statement);
  if (end.kind == RunEnd::Kind::kFailed) {
    end.status =
        std::move(end.status).with_position(script_position(piece, answer->error_position()));
  } else if (end.kind == RunEnd::Kind::kDone) {
    if (statement != nullptr) {
      settings_.follow(*statement);
    }
    if (!answer->has_rows() && !is_stream && shows_messages()) {
      output_.write("[INFO] Execute statement succeeded.\n");
    }
    output_.flush();
  }
  return end;
}

RunEnd ClientSession::run_quietly(const std::string& sql) {
  Result<Answer> answer = Answer::start(connection_, sql);
  if (!answer.ok()) {
    return {.kind = RunEnd::Kind::kFailed, .status = answer.status()};
  }
  AnswerEvent event;
  while (event.kind != AnswerEvent::Kind::kDone) {
    if (std::optional<RunEnd> end = wait_for_answer(*answer, event)) {
      return std::move(*end);
    }
    if (event.kind == AnswerEvent::Kind::kFailed) {
      return {.kind = RunEnd::Kind::kFailed, .status = event.status};
    }
  }
  if (Result<sql::Statement> parsed = sql::parse_statement(sql); parsed.ok()) {
    settings_.follow(*parsed);
  }
  return {};
}

std::vector<std::string> ClientSession::ask(const std::string& sql) {
  std::vector<std::string> names;
  Result<QueryResult> result = connection_.query(sql);
  for (size_t row = 0; result.ok() && row < result->rows() && result->columns() > 0; ++row) {
    names.emplace_back(result->text(row, 0));
  }
  return names;
}

}  // namespace tidemark
