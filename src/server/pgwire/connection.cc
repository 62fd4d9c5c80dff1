#include "server/pgwire/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <random>

#include "server/pgwire/rows.h"
#include "server/pgwire/stream.h"
#include "sql/parser.h"
#include "types/datetime.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kInputBytesMax = 1 << 20;  // read ahead of a running statement
constexpr size_t kOutBytes = 256 << 10;     // one write; also what a slow reader can make us hold
constexpr int64_t kProgressInterval_ms = 100;  // marks without changes

constexpr std::pair<const char*, const char*> kParameters[] = {
    {"server_version", "15.0 (tidemark " TIDEMARK_VERSION ")"},
    {"server_encoding", "UTF8"},
    {"client_encoding", "UTF8"},
    {"DateStyle", "ISO, MDY"},
    {"IntervalStyle", "postgres"},
    {"integer_datetimes", "on"},
    {"standard_conforming_strings", "on"},
    {"is_superuser", "off"},
};

}  // namespace

Connection::Connection(Socket socket, Connections& all)
    : all_(all),
      socket_(std::move(socket)),
      wake_(*all.io, asio::steady_timer::time_point::max()),
      drained_(*all.io, asio::steady_timer::time_point::max()) {
  id_ = ++all_.last_id;
  secret_ = static_cast<int32_t>(std::random_device{}());
  all_.open[id_] = this;
}

Connection::~Connection() {
  all_.open.erase(id_);
}

void Connection::start() {
  asio::co_spawn(
      *all_.io, [self = shared_from_this()] { return self->read_input(); }, asio::detached);
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
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
  wake();
  drained_.cancel();
}

void Connection::wake() {
  wake_.cancel();
}

asio::awaitable<void> Connection::wait() {
  co_await wake_.async_wait(kTuple);
}

asio::awaitable<void> Connection::read_input() {
  std::string chunk(kReadBytes, '\0');
  while (!closed_) {
    if (input_.size() > kInputBytesMax && cut_message(input_).ok() && *cut_message(input_)) {
      co_await drained_.async_wait(kTuple);
      continue;
    }
    auto [error, size] = co_await socket_.async_read_some(asio::buffer(chunk), kTuple);
    if (error) {
      close();
      co_return;
    }
    input_.append(chunk, 0, size);
    wake();
  }
}

void Connection::drop_input(size_t bytes) {
  input_.erase(0, bytes);
  drained_.cancel();
}

asio::awaitable<bool> Connection::next_message(Message& message, bool startup) {
  while (!closed_) {
    Result<std::optional<Message>> cut =
        startup ? cut_startup_message(input_) : cut_message(input_);
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
    auto [error, size] = co_await asio::async_write(socket_, asio::buffer(out_), kTuple);
    (void)size;
    if (error) {
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
}

asio::awaitable<Result<StatementResult>> Connection::run(const sql::Statement& statement,
                                                         const std::string& text) {
  std::optional<Result<StatementResult>> result;
  if (cancelled_ || closed_) {
    co_return Status::cancelled("the statement was cancelled");
  }
  co_await on_worker([&] { result = session_->execute(statement, text); });
  if (result->ok()) {
    for (const std::string& notice : (*result)->notices) {
      write_notice(out_, notice);
    }
  }
  co_return std::move(*result);
}

std::string Connection::zone() const {
  std::string name = session_->setting("table.local-time-zone");
  return is_time_zone(name) ? name : "UTC";
}

// --- the conversation --------------------------------------------------------------------------

asio::awaitable<void> Connection::serve() {
  bool going = co_await start_session();
  while (going && !closed_) {
    Message message;
    going = co_await next_message(message, false) && co_await answer(message);
    if (going) {
      drop_input(message.bytes);
    }
  }
  close();
  // A session that still has portals with live queries ends them here.
  portals_.clear();
}

asio::awaitable<bool> Connection::start_session() {
  while (true) {
    Message message;
    if (!co_await next_message(message, true)) {
      co_return false;
    }
    BodyReader body(message.body);
    int32_t code = body.int32();
    if (code == kSslRequest || code == kGssEncRequest) {
      drop_input(message.bytes);
      out_ += 'N';
      if (!co_await flush()) {
        co_return false;
      }
      continue;
    }
    if (code == kCancelRequest) {
      cancel_other(message.body.substr(4));
      co_return false;
    }
    if (code >> 16 != 3) {
      write_error(out_, "FATAL", "0A000", "only version 3 of the protocol is spoken here");
      co_await flush();
      co_return false;
    }
    drop_input(message.bytes);
    if (code != kProtocol30) {
      write_negotiate_protocol(out_);
    }
    break;
  }
  session_ = all_.engine.new_session();
  write_authentication_ok(out_);
  for (auto [name, value] : kParameters) {
    write_parameter_status(out_, name, value);
  }
  write_parameter_status(out_, "TimeZone", zone());
  write_backend_key(out_, id_, secret_);
  write_ready(out_);
  co_return co_await flush();
}

void Connection::cancel_other(std::string_view bytes) {
  BodyReader body(bytes);
  int32_t id = body.int32();
  int32_t secret = body.int32();
  auto other = all_.open.find(id);
  if (body.ok() && other != all_.open.end() && other->second->secret_ == secret) {
    other->second->cancel();
  }
}

asio::awaitable<bool> Connection::answer(Message message) {
  if (message.kind == 'Q') {
    failed_ = false;
    std::string text(BodyReader(message.body).text());
    co_await simple_query(std::move(text));
    write_ready(out_);
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
  write_error(out_, "FATAL", "08P01", "unknown kind of message");
  co_await flush();
  co_return false;
}

asio::awaitable<void> Connection::simple_query(std::string text) {
  busy_ = true;
  cancelled_ = false;
  std::optional<Result<std::vector<sql::Statement>>> statements;
  co_await on_worker([&] { statements = sql::parse_script(text); });
  if (!statements->ok()) {
    write_error(out_, statements->status(), text);
  } else if ((*statements)->empty()) {
    write_bare(out_, 'I');
  } else {
    for (const sql::Statement& statement : **statements) {
      Result<StatementResult> result = co_await run(statement, text);
      if (!result.ok()) {
        write_error(out_, result.status(), text);
        break;
      }
      if (!co_await send_result(std::move(result).value())) {
        break;
      }
    }
  }
  busy_ = false;
}

// False: an error was sent, or nobody is there.
asio::awaitable<bool> Connection::send_result(StatementResult result) {
  if (auto* done = std::get_if<CommandDone>(&result.outcome)) {
    write_command_complete(out_, done->tag);
    co_return true;
  }
  describe_result(result);
  if (auto* rows = std::get_if<RowsResult>(&result.outcome)) {
    co_return co_await send_rows(*rows);
  }
  co_return co_await send_stream(std::get<StreamResult>(result.outcome));
}

void Connection::describe_result(const StatementResult& result) {
  if (auto* rows = std::get_if<RowsResult>(&result.outcome)) {
    write_row_description(out_, rows->schema);
  } else if (auto* stream = std::get_if<StreamResult>(&result.outcome)) {
    StreamWriter writer(*stream, zone());
    writer.write_parameters(out_);
    writer.write_description(out_);
  } else {
    write_bare(out_, 'n');
  }
}

asio::awaitable<bool> Connection::send_rows(const RowsResult& rows) {
  std::string zone_name = zone();
  TextFormat format{.zone = zone_name};
  for (size_t row = 0; row < rows.rows.rows;) {
    row = write_rows(out_, rows.rows, row, kOutBytes, format);
    if (row < rows.rows.rows && !co_await flush()) {
      co_return false;
    }
    if (cancelled_) {
      write_error(out_, Status::cancelled("the statement was cancelled"), "");
      co_return false;
    }
  }
  write_command_complete(out_, rows.tag);
  co_return true;
}

asio::awaitable<bool> Connection::send_stream(StreamResult& stream) {
  StreamWriter writer(stream, zone());
  // The io_context may be gone from under the connection, not from under the function.
  stream.subscription->set_wake([io = all_.io, weak = weak_from_this()] {
    asio::post(*io, [weak] {
      if (auto self = weak.lock()) {
        self->wake();
      }
    });
  });
  Status status = co_await pump(stream, writer);
  stream.subscription->set_wake(nullptr);
  stream.subscription->cancel();
  if (status.ok()) {
    write_command_complete(out_, "SELECT " + std::to_string(writer.rows_written()));
  } else {
    write_error(out_, status, "");
  }
  write_parameter_status(out_, "tidemark.result", "rows");
  co_return status.ok();
}

asio::awaitable<Status> Connection::pump(StreamResult& stream, StreamWriter& writer) {
  int64_t progress_us = 0;         // when the last mark went out
  std::optional<ViewUpdate> held;  // the newest mark without changes, until its time comes
  while (!cancelled_ && !closed_) {
    std::optional<ViewUpdate> update = stream.subscription->next(0);
    int64_t wait_us = progress_us + kProgressInterval_ms * 1000 - now_us();
    if (update && update->kind == ViewUpdate::Kind::kProgress) {
      held = std::move(stream.progress ? update : held);
      continue;
    }
    if (!update && held && wait_us <= 0) {
      update = std::exchange(held, std::nullopt);
    }
    if (!update) {
      co_await flush();
      if (held) {
        wake_.expires_after(std::chrono::microseconds(wait_us));
      }
      co_await wait();
      wake_.expires_at(asio::steady_timer::time_point::max());
      continue;
    }
    if (update->kind == ViewUpdate::Kind::kEnd) {
      size_t row = 0;
      if (held && update->status.ok()) {
        writer.write_update(*held, row, kOutBytes, out_);
      }
      co_return update->status;
    }
    held.reset();
    progress_us = now_us();
    size_t row = 0;
    while (!cancelled_ && !writer.write_update(*update, row, kOutBytes, out_)) {
      co_await flush();
    }
    co_await flush();
  }
  co_return Status::cancelled("the query was cancelled");
}

}  // namespace tidemark::pgwire
