#include "server/pgwire/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/core.h>

#include "base/clock.h"
#include "base/options.h"
#include "types/datetime.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kInputBytesMax = 1 << 20;  // read ahead of a running statement

}  // namespace

Connection::Connection(Socket socket, bool is_local, Connections& all)
    : all_(all),
      channel_(std::move(socket), is_local),
      wake_(*all.io, asio::steady_timer::time_point::max()),
      drained_(*all.io, asio::steady_timer::time_point::max()),
      deadline_(*all.io) {
  id_ = ++all_.last_id;
  all_.open[id_] = this;
}

Connection::~Connection() {
  all_.open.erase(id_);
}

void Connection::start() {
  asio::co_spawn(
      *all_.io, [self = shared_from_this()] { return self->serve(); }, asio::detached);
}

void Connection::cancel() {
  if (!busy_) {
    return;
  }
  cancelled_ = true;
  if (working_) {
    session_->cancel();
  }
  wake();
}

void Connection::close() {
  closed_ = true;
  cancel();
  channel_.close();
  wake();
  drained_.cancel();
  deadline_.cancel();
}

void Connection::wake() {
  is_woken_ = true;
  wake_.cancel();
}

// A wake that came while nobody waited, as during a write, is not lost: what it tells may be told
// only once.
asio::awaitable<void> Connection::wait() {
  if (!is_woken_) {
    co_await wake_.async_wait(kTuple);
  }
  is_woken_ = false;
}

asio::awaitable<void> Connection::read_input() {
  while (!closed_) {
    size_t bytes_max = all_.limits.message_bytes_max;
    if (input_.size() > kInputBytesMax && cut_message(input_, bytes_max).ok() &&
        *cut_message(input_, bytes_max)) {
      co_await drained_.async_wait(kTuple);
      continue;
    }
    if (!co_await channel_.read(all_.scratch, input_)) {
      close();
      co_return;
    }
    wake();
  }
}

void Connection::drop_input(size_t bytes) {
  input_.erase(0, bytes);
  if (input_.empty() && input_.capacity() > kInputBytesMax) {
    input_.shrink_to_fit();
  }
  drained_.cancel();
}

asio::awaitable<bool> Connection::next_message(Message& message) {
  while (!closed_) {
    Result<std::optional<Message>> cut = cut_message(input_, all_.limits.message_bytes_max);
    if (!cut.ok()) {
      write_error(out_, "FATAL", "08P01", cut.status().message());
      co_await flush();
      close();
      co_return false;
    }
    if (*cut) {
      message = **cut;
      co_return true;
    }
    co_await wait();
  }
  co_return false;
}

asio::awaitable<bool> Connection::flush() {
  if (!closed_ && !out_.empty()) {
    // Not inside the condition: GCC 12 loses the frame where an argument is converted there.
    bool is_written = co_await channel_.write(out_);
    if (!is_written) {
      close();
    }
  }
  out_.clear();
  if (out_.capacity() > 2 * kOutBytes) {
    out_.shrink_to_fit();
  }
  co_return !closed_;
}

asio::awaitable<void> Connection::on_worker(std::function<void()> work) {
  bool done = false;
  working_ = true;
  // The worker borrows the connection, which waits for it here: were it to share it, the last hold
  // could be let go on the worker's thread.
  all_.workers.run([this, &done, io = all_.io, work = std::move(work)] {
    work();
    asio::post(*io, [this, &done] {
      done = true;
      wake();
    });
  });
  while (!done) {
    co_await wait();
  }
  working_ = false;
  if (session_ != nullptr) {
    session_->forget_cancel();
  }
}

void Connection::begin_statement() {
  busy_ = true;
  cancelled_ = false;
  timed_out_ = false;
  began_us_ = steady_us();
  uint64_t statement = ++statements_;
  Result<int64_t> limit_us = parse_duration_us(session_->setting("statement_timeout"));
  if (!limit_us.ok() || *limit_us == 0) {
    return;
  }
  deadline_.expires_after(std::chrono::microseconds(*limit_us));
  deadline_.async_wait([weak = weak_from_this(), statement](boost::system::error_code error) {
    auto self = weak.lock();
    if (!error && self != nullptr && self->busy_ && self->statements_ == statement) {
      self->timed_out_ = true;
      self->cancel();
    }
  });
}

void Connection::end_statement() {
  busy_ = false;
  deadline_.cancel();
  all_.metrics.count_statement(steady_us() - began_us_);
}

Status Connection::cancelled_status() const {
  return Status::cancelled(timed_out_ ? "canceling statement due to statement timeout"
                                      : "canceling statement due to user request");
}

void Connection::fail(const Status& status, std::string_view text) {
  session_->fail_transaction();
  all_.metrics.count_error();
  bool is_cancelled = status.code() == StatusCode::kCancelled && cancelled_;
  write_error(out_, is_cancelled ? cancelled_status() : status, text);
}

asio::awaitable<Result<StatementResult>> Connection::run(const sql::Statement& statement,
                                                         const std::string& text,
                                                         Parameters* parameters) {
  if (cancelled_ || closed_) {
    co_return cancelled_status();
  }
  if (session_->transaction() != TransactionState::kFailed) {
    if (const auto* cursor = std::get_if<sql::DeclareCursor>(&statement.node)) {
      co_return co_await declare(*cursor, text, parameters);
    }
    if (const auto* rows = std::get_if<sql::Fetch>(&statement.node)) {
      co_return co_await fetch(*rows);
    }
    if (const auto* cursor = std::get_if<sql::CloseCursor>(&statement.node)) {
      co_return close_cursor(*cursor);
    }
    if (const auto* prepared = std::get_if<sql::Deallocate>(&statement.node)) {
      co_return deallocate(*prepared);
    }
    if (const auto* everything = std::get_if<sql::DiscardAll>(&statement.node)) {
      co_return discard(*everything);
    }
    if (const auto* other = std::get_if<sql::Kill>(&statement.node)) {
      co_return kill(*other);
    }
  }
  bool was_in_block = session_->transaction() != TransactionState::kIdle;
  std::optional<Result<StatementResult>> result;
  co_await on_worker([&] { result = session_->execute(statement, text, parameters); });
  const auto* savepoint = std::get_if<sql::Savepoint>(&statement.node);
  if (result->ok() && savepoint != nullptr &&
      savepoint->action == sql::SavepointAction::kRollbackTo) {
    std::erase_if(portals_, [&](const auto& entry) {
      return entry.second.savepoints >= session_->rolled_back_to();
    });
  }
  if (result->ok()) {
    for (const std::string& notice : (*result)->notices) {
      write_notice(out_, notice);
    }
    report_settings();
  }
  if (was_in_block && session_->transaction() == TransactionState::kIdle) {
    end_portals();
  }
  co_return std::move(*result);
}

Result<StatementResult> Connection::deallocate(const sql::Deallocate& statement) {
  if (!statement.name) {
    prepared_.clear();
    return StatementResult{CommandDone{"DEALLOCATE ALL"}, {}};
  }
  if (prepared_.erase(statement.name->text) == 0) {
    return Status::not_found(
               fmt::format("prepared statement \"{}\" does not exist", statement.name->text))
        .with_sqlstate("26000")
        .with_position(statement.name->position);
  }
  return StatementResult{CommandDone{"DEALLOCATE"}, {}};
}

// As a pool of connections asks before it lends one to somebody else.
Result<StatementResult> Connection::discard(const sql::DiscardAll&) {
  if (session_->transaction() != TransactionState::kIdle) {
    return Status::invalid_argument("DISCARD ALL cannot run inside a transaction block")
        .with_sqlstate("25001");
  }
  portals_.clear();
  prepared_.clear();
  std::string id = session_->setting("tidemark.connection_id");
  std::unique_ptr<Session> fresh = all_.engine.new_session();
  fresh->set_user(session_->user());
  session_ = std::move(fresh);
  std::vector<std::string> notices;
  TRY(session_->set("tidemark.connection_id", id, notices));
  report_settings();
  return StatementResult{CommandDone{"DISCARD ALL"}, {}};
}

Result<StatementResult> Connection::kill(const sql::Kill& statement) {
  Result<int64_t> id = parse_int(statement.id);
  auto other = id.ok() ? all_.open.find(static_cast<int32_t>(*id)) : all_.open.end();
  if (other == all_.open.end() || other->second == this) {
    return Status::not_found(fmt::format("no other connection has the number {}", statement.id))
        .with_hint("SELECT pg_backend_pid() gives a connection's own; STOP JOB ends a query");
  }
  other->second->close();
  return StatementResult{CommandDone{"KILL"}, {}};
}

std::string Connection::zone() const {
  std::string name = session_->setting("table.local-time-zone");
  return is_time_zone(name) ? name : "UTC";
}

void Connection::write_parameter(const std::string& name, std::string value) {
  auto reported = reported_.find(name);
  if (reported != reported_.end() && reported->second == value) {
    return;
  }
  write_parameter_status(out_, name, value);
  reported_[name] = std::move(value);
}

// --- the conversation --------------------------------------------------------------------------

asio::awaitable<void> Connection::serve() {
  bool going = co_await start_session();
  if (going && !closed_) {
    asio::co_spawn(
        *all_.io, [self = shared_from_this()] { return self->read_input(); }, asio::detached);
  }
  while (going && !closed_) {
    Message message;
    going = co_await next_message(message) && co_await answer(message);
    if (going) {
      drop_input(message.bytes);
    }
  }
  close();
  // A session that still has portals with live queries ends them here.
  portals_.clear();
}

asio::awaitable<bool> Connection::answer(Message message) {
  if (message.kind == 'Q') {
    failed_ = false;
    std::string text(BodyReader(message.body).text());
    co_await simple_query(std::move(text));
    write_ready(out_, static_cast<char>(session_->transaction()));
    co_return co_await flush();
  }
  if (message.kind == 'X') {
    co_return false;
  }
  if (std::string_view("PBDECHS").find(message.kind) != std::string_view::npos) {
    co_return co_await extended(message);
  }
  if (message.kind == 'd' || message.kind == 'c' || message.kind == 'f') {
    co_return true;  // what is left of a COPY that we ended
  }
  if (message.kind == 'F') {
    fail(Status::unsupported("the function call protocol is not supported"), "");
    write_ready(out_, static_cast<char>(session_->transaction()));
    co_return co_await flush();
  }
  write_error(out_, "FATAL", "08P01", "unknown kind of message");
  co_await flush();
  co_return false;
}

}  // namespace tidemark::pgwire
