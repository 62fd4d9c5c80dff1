#include "postgres/connection.h"

#include <charconv>
#include <chrono>

#include <fmt/core.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "postgres/interrupt.h"

namespace tidemark {

namespace {

// The session settings under which texts mean the same on every server, and no limit of the
// server's defaults ends a long snapshot.
constexpr const char* kSessionSettings =
    "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; "
    "SET extra_float_digits = 3; SET bytea_output = 'hex'; SET statement_timeout = 0; "
    "SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET row_security = off; "
    "SET search_path = ''";

// A walsender of PostgreSQL 14 and older takes no SET; logical replication workers use this way,
// too.
constexpr const char* kReplicationOptions =
    "-c DateStyle=ISO,YMD -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=3 -c "
    "bytea_output=hex";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return text;
}

struct ServerMessage {
  std::string sqlstate;
  std::string message;
};

// libpq has no accessor for the SQLSTATE of a failed connection attempt, but in verbose mode its
// text holds it: "... FATAL:  28P01: password authentication failed ...\nLOCATION: ...".
ServerMessage split_verbose_message(std::string_view text) {
  ServerMessage parts;
  text = trimmed(text);
  for (size_t i = 0; i + 9 < text.size(); ++i) {
    if (text.substr(i, 3) != ":  " || text[i + 8] != ':') {
      continue;
    }
    std::string_view code = text.substr(i + 3, 5);
    bool is_code =
        code.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
    if (is_code) {
      parts.sqlstate = code;
      std::string_view rest = text.substr(i + 10);
      parts.message = trimmed(rest.substr(0, rest.find('\n')));
      return parts;
    }
  }
  parts.message = trimmed(text);
  for (char& c : parts.message) {
    c = c == '\n' || c == '\t' ? ' ' : c;
  }
  return parts;
}

std::string field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string() : std::string(text);
}

void receive_notice(void* handler, const PGresult* result) {
  auto& call = *static_cast<std::function<void(const PostgresNotice&)>*>(handler);
  if (call) {
    call(PostgresNotice{.severity = field_of(result, PG_DIAG_SEVERITY_NONLOCALIZED),
                        .sqlstate = field_of(result, PG_DIAG_SQLSTATE),
                        .message = field_of(result, PG_DIAG_MESSAGE_PRIMARY),
                        .hint = field_of(result, PG_DIAG_MESSAGE_HINT)});
  }
}

// Waits for the socket and the interrupt; false if the time was up, kCancelled if interrupted.
Result<bool> wait_for_socket(int socket, short events, int64_t time_us, const Interrupt* interrupt,
                             int also_fd) {
  pollfd waits[3] = {
      {.fd = socket, .events = events, .revents = 0},
      {.fd = interrupt == nullptr ? -1 : interrupt->fd(), .events = POLLIN, .revents = 0},
      {.fd = also_fd, .events = POLLIN, .revents = 0}};
  timespec time{.tv_sec = time_us / 1'000'000, .tv_nsec = time_us % 1'000'000 * 1000};
  int ready = ppoll(waits, 3, time_us < 0 ? nullptr : &time, nullptr);
  if (interrupt != nullptr && interrupt->requested()) {
    return Status::cancelled("interrupted while waiting for the server");
  }
  return ready > 0 && waits[0].revents != 0;
}

struct ConnectParameters {
  std::vector<std::string> keywords;
  std::vector<std::string> values;

  void add(std::string_view keyword, std::string_view value) {
    keywords.emplace_back(keyword);
    values.emplace_back(value);
  }
};

ConnectParameters connect_parameters(const PostgresAddress& address, ConnectionMode mode) {
  ConnectParameters p;
  p.add("host", address.host);
  p.add("port", address.port);
  p.add("dbname", address.database);
  p.add("user", address.user);
  if (!address.password.empty()) {
    p.add("password", address.password);
  }
  p.add("application_name", address.application_name);
  p.add("client_encoding", "UTF8");
  // A connection cut silently (a firewall, a pulled cable) is noticed within about half a minute.
  p.add("keepalives_idle", "10");
  p.add("keepalives_interval", "5");
  p.add("keepalives_count", "3");
  p.add("tcp_user_timeout", "30000");
  if (mode == ConnectionMode::kReplication) {
    p.add("replication", "database");
    p.add("options", kReplicationOptions);
  }
  for (const auto& [keyword, value] : address.parameters) {
    p.add(keyword, value);
  }
  return p;
}

}  // namespace

QueryResult::QueryResult(pg_result* result) : result_(result) {}
QueryResult::~QueryResult() {
  PQclear(result_);
}
QueryResult::QueryResult(QueryResult&& other) noexcept
    : result_(std::exchange(other.result_, nullptr)) {}
QueryResult& QueryResult::operator=(QueryResult&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}
size_t QueryResult::rows() const {
  return static_cast<size_t>(PQntuples(result_));
}
size_t QueryResult::columns() const {
  return static_cast<size_t>(PQnfields(result_));
}
bool QueryResult::is_null(size_t row, size_t column) const {
  return PQgetisnull(result_, static_cast<int>(row), static_cast<int>(column)) != 0;
}
std::string_view QueryResult::text(size_t row, size_t column) const {
  int r = static_cast<int>(row), c = static_cast<int>(column);
  return {PQgetvalue(result_, r, c), static_cast<size_t>(PQgetlength(result_, r, c))};
}
int64_t QueryResult::integer(size_t row, size_t column) const {
  std::string_view digits = text(row, column);
  int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
std::string_view QueryResult::column_name(size_t column) const {
  return PQfname(result_, static_cast<int>(column));
}
uint32_t QueryResult::column_oid(size_t column) const {
  return PQftype(result_, static_cast<int>(column));
}
int32_t QueryResult::column_modifier(size_t column) const {
  return PQfmod(result_, static_cast<int>(column));
}
std::string_view QueryResult::command_tag() const {
  return PQcmdStatus(result_);
}

void PostgresConnection::CopyBuffer::operator()(char* bytes) const {
  PQfreemem(bytes);
}

PostgresConnection::PostgresConnection(pg_conn* connection, const Interrupt* interrupt)
    : connection_(connection),
      interrupt_(interrupt),
      notice_handler_(std::make_unique<std::function<void(const PostgresNotice&)>>()) {
  PQsetNoticeReceiver(connection_, receive_notice, notice_handler_.get());
}
PostgresConnection::~PostgresConnection() {
  copy_message_.reset();
  PQfinish(connection_);
}
PostgresConnection::PostgresConnection(PostgresConnection&& other) noexcept {
  *this = std::move(other);
}
PostgresConnection& PostgresConnection::operator=(PostgresConnection&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(interrupt_, other.interrupt_);
  std::swap(sqlstate_, other.sqlstate_);
  std::swap(error_position_, other.error_position_);
  std::swap(copy_message_, other.copy_message_);
  std::swap(has_read_, other.has_read_);
  std::swap(is_flowing_, other.is_flowing_);
  std::swap(notice_handler_, other.notice_handler_);
  return *this;
}

Result<PostgresConnection> PostgresConnection::open(const PostgresAddress& address,
                                                    ConnectionMode mode,
                                                    const Interrupt* interrupt) {
  ConnectParameters parameters = connect_parameters(address, mode);
  std::vector<const char*> keywords, values;
  for (size_t i = 0; i < parameters.keywords.size(); ++i) {
    keywords.push_back(parameters.keywords[i].c_str());
    values.push_back(parameters.values[i].c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  pg_conn* raw = PQconnectStartParams(keywords.data(), values.data(), 0);
  CHECK(raw != nullptr);  // libpq: out of memory
  PostgresConnection connection(raw, interrupt);
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);
  std::string attempt = "cannot connect to " + address.display();
  int64_t deadline = steady_us() + int64_t{address.connect_timeout_ms} * 1000;
  // PostgreSQL manual, PQconnectPoll: begin as if it had returned PGRES_POLLING_WRITING.
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (PQstatus(raw) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
         state != PGRES_POLLING_FAILED) {
    int64_t left = deadline - steady_us();
    if (left <= 0) {
      return Status::unavailable(
          fmt::format("{}: no answer within {} ms", attempt, address.connect_timeout_ms));
    }
    short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (TRY(wait_for_socket(PQsocket(raw), events, left, interrupt, -1))) {
      state = PQconnectPoll(raw);
    }
  }
  if (PQstatus(raw) != CONNECTION_OK) {
    Status failed = connection.connection_error(attempt);
    if (mode == ConnectionMode::kPlain || connection.sqlstate() != "28P01") {
      return failed;
    }
    // Also a password that was changed there while we were connected.
    return std::move(failed).with_hint(fmt::format(
        "ALTER TABLE ... SET ('password' = '...'); here, or ALTER CATALOG, declares another one; "
        "ALTER ROLE {} PASSWORD '...'; gives the role there the one that is declared; where none "
        "is, ~/.pgpass is read at every attempt",
        quote_identifier(address.user)));
  }
  PQsetErrorVerbosity(raw, PQERRORS_DEFAULT);
  CHECK(PQsetnonblocking(raw, 1) == 0);
  if (mode == ConnectionMode::kSource) {
    TRY(connection.execute(kSessionSettings).with_context(attempt));
  }
  return connection;
}

Status PostgresConnection::connection_error(std::string_view attempt) {
  ServerMessage parts = split_verbose_message(PQerrorMessage(connection_));
  sqlstate_ = parts.sqlstate;
  StatusCode code =
      sqlstate_.empty() ? StatusCode::kUnavailable : status_code_of_sqlstate(sqlstate_);
  if (sqlstate_.empty() && (parts.message.find("no password supplied") != std::string::npos ||
                            parts.message.find("invalid") == 0)) {
    code = StatusCode::kInvalidArgument;  // libpq's own refusals come without an SQLSTATE
  }
  return Status(code, fmt::format("{}: {}", attempt, parts.message));
}

Status PostgresConnection::result_error(const pg_result* result) {
  sqlstate_ = field_of(result, PG_DIAG_SQLSTATE);
  std::string position = field_of(result, PG_DIAG_STATEMENT_POSITION);
  error_position_ = 0;
  std::from_chars(position.data(), position.data() + position.size(), error_position_);
  if (sqlstate_.empty()) {
    std::string message(trimmed(PQerrorMessage(connection_)));
    return Status::unavailable(message.empty() ? "the connection to the server was lost" : message);
  }
  std::string message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  std::string detail = field_of(result, PG_DIAG_MESSAGE_DETAIL);
  std::string hint = field_of(result, PG_DIAG_MESSAGE_HINT);
  Status status(status_code_of_sqlstate(sqlstate_),
                detail.empty() ? message : message + ": " + detail);
  return hint.empty() ? std::move(status) : std::move(status).with_hint(hint);
}

int PostgresConnection::server_version() const {
  return PQserverVersion(connection_);
}
bool PostgresConnection::is_broken() const {
  return PQstatus(connection_) != CONNECTION_OK;
}
int PostgresConnection::backend_pid() const {
  return PQbackendPID(connection_);
}
int PostgresConnection::socket() const {
  return PQsocket(connection_);
}
bool PostgresConnection::is_unix_socket() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return getsockname(socket(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.ss_family == AF_UNIX;
}
std::string PostgresConnection::parameter(std::string_view name) const {
  const char* value = PQparameterStatus(connection_, std::string(name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

Status PostgresConnection::flush() {
  for (;;) {
    int left = PQflush(connection_);
    if (left == 0) {
      return {};
    }
    if (left < 0) {
      return connection_error("cannot send to the server");
    }
    // The server may need us to read before it can read on.
    TRY(wait_for_socket(socket(), POLLIN | POLLOUT, 1'000'000, interrupt_, -1));
    TRY(consume_input());
  }
}

Result<pg_result*> PostgresConnection::wait_for_result() {
  while (PQisBusy(connection_) != 0) {
    Result<bool> readable = wait_for_socket(socket(), POLLIN, -1, interrupt_, -1);
    if (!readable.ok()) {
      cancel();
      return std::move(readable).status();
    }
    TRY(consume_input());
  }
  return PQgetResult(connection_);
}

Status PostgresConnection::send(const std::string& sql) {
  sqlstate_.clear();
  if (PQsendQuery(connection_, sql.c_str()) == 0) {
    return connection_error("cannot send to the server");
  }
  return flush();
}

Status PostgresConnection::row_by_row() {
  CHECK(PQsetSingleRowMode(connection_) == 1);
  return {};
}

Result<PostgresConnection::Polled> PostgresConnection::poll_result() {
  if (PQisBusy(connection_) != 0) {
    TRY(consume_input());
    if (PQisBusy(connection_) != 0) {
      return Polled{};
    }
  }
  return Polled{.ready = true, .result = TRY(next_result())};
}

Result<std::optional<QueryResult>> PostgresConnection::next_result() {
  pg_result* raw = TRY(wait_for_result());
  if (raw == nullptr) {
    return std::optional<QueryResult>();
  }
  QueryResult result(raw);
  switch (PQresultStatus(raw)) {
    case PGRES_BAD_RESPONSE:
    case PGRES_FATAL_ERROR:
    case PGRES_NONFATAL_ERROR:
      return result_error(raw);
    default:
      return std::optional<QueryResult>(std::move(result));
  }
}

Result<QueryResult> PostgresConnection::collect_results() {
  std::optional<QueryResult> last;
  Status failed;
  for (;;) {
    Result<std::optional<QueryResult>> next = next_result();
    if (!next.ok()) {
      if (is_broken() || (interrupt_ != nullptr && interrupt_->requested())) {
        return std::move(next).status();
      }
      failed = failed.ok() ? std::move(next).status() : std::move(failed);
      continue;
    }
    if (!next->has_value()) {
      break;
    }
    last = std::move(*next);
  }
  if (!failed.ok()) {
    return failed;
  }
  if (!last) {
    return Status::unavailable("the connection to the server was lost");
  }
  return std::move(*last);
}

Result<QueryResult> PostgresConnection::query(const std::string& sql) {
  TRY(send(sql));
  return collect_results();
}

Result<QueryResult> PostgresConnection::query(const std::string& sql,
                                              std::span<const std::string> parameters) {
  sqlstate_.clear();
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) {
    values.push_back(parameter.c_str());
  }
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0) {
    return connection_error("cannot send to the server");
  }
  TRY(flush());
  return collect_results();
}

Status PostgresConnection::execute(const std::string& sql) {
  return query(sql).status();
}

void PostgresConnection::on_notice(std::function<void(const PostgresNotice&)> handler) {
  *notice_handler_ = std::move(handler);
}

void PostgresConnection::cancel() {
  PGcancel* request = PQgetCancel(connection_);
  if (request != nullptr) {
    char error[256];
    PQcancel(request, error, sizeof error);
    PQfreeCancel(request);
  }
}

void PostgresConnection::set_receive_buffer(int bytes) {
  setsockopt(socket(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

StatusCode status_code_of_sqlstate(std::string_view sqlstate) {
  std::string_view group = sqlstate.substr(0, 2);
  if (group == "08" || group == "53" || group == "58" || sqlstate == "55006" ||
      sqlstate == "55P03" || sqlstate.starts_with("57P") || group == "40" || group == "XX") {
    return StatusCode::kUnavailable;
  }
  if (sqlstate == "42P01" || sqlstate == "42704" || sqlstate == "3F000" || sqlstate == "42703") {
    return StatusCode::kNotFound;
  }
  if (sqlstate == "42710" || sqlstate == "42P07" || sqlstate == "23505") {
    return StatusCode::kAlreadyExists;
  }
  if (sqlstate == "57014") {
    return StatusCode::kCancelled;
  }
  if (group == "22") {
    return StatusCode::kDataError;
  }
  return group == "0A" ? StatusCode::kUnsupported : StatusCode::kInvalidArgument;
}

}  // namespace tidemark
