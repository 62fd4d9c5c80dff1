// Before the first statement: TLS, the startup message, authentication, the greeting (PostgreSQL 15
// manual, "Start-up"; version 18's for protocol 3.2 and TLS without a request). Bytes are read here
// and not by read_input(), which would take those of the handshake.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/core.h>

#include "auth/scram.h"
#include "base/ascii.h"
#include "server/pgwire/connection.h"
#include "server/pgwire/request.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

constexpr char kTlsHandshake = 0x16;  // RFC 8446, section 5.1: ContentType handshake
constexpr size_t kSecretBytes30 = 4;
constexpr size_t kSecretBytes32 = 32;

constexpr std::pair<const char*, const char*> kParameters[] = {
    {"server_version", "15.0 (tidemark " TIDEMARK_VERSION ")"},
    {"server_encoding", "UTF8"},
    {"client_encoding", "UTF8"},
    {"DateStyle", "ISO, MDY"},
    {"IntervalStyle", "postgres"},
    {"integer_datetimes", "on"},
    {"standard_conforming_strings", "on"},
    {"is_superuser", "off"},
    {"in_hot_standby", "off"},
    {"default_transaction_read_only", "off"},
};

// Names of startup parameters that are not settings.
bool is_setting(const std::string& name) {
  return name != "user" && name != "database" && name != "replication" && name != "options" &&
         !name.starts_with("_pq_.");
}

}  // namespace

void Connection::close_unless_started() {
  deadline_.expires_after(std::chrono::milliseconds(all_.limits.startup_ms));
  deadline_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    auto self = weak.lock();
    if (!error && self != nullptr && self->session_ == nullptr) {
      self->close();
    }
  });
}

asio::awaitable<std::optional<Message>> Connection::first_message() {
  while (!closed_) {
    if (!input_.empty() && input_[0] == kTlsHandshake && !channel_.is_tls()) {
      if (all_.tls == nullptr) {
        close();
        co_return std::nullopt;
      }
      std::string early = std::exchange(input_, {});
      std::string_view bytes = early;
      bool has_tls = co_await channel_.start_tls(*all_.tls, bytes);
      if (!has_tls || !channel_.has_protocol()) {
        close();  // TLS without a request is only for those who name the protocol
        co_return std::nullopt;
      }
    }
    Result<std::optional<Message>> cut = cut_startup_message(input_);
    if (!cut.ok()) {
      write_error(out_, "FATAL", "08P01", cut.status().message());
      co_await flush();
      close();
      co_return std::nullopt;
    }
    if (*cut) {
      co_return **cut;
    }
    if (!co_await channel_.read(all_.scratch, input_)) {
      close();
    }
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Connection::answer_tls_request() {
  bool has_tls = all_.tls != nullptr && !channel_.is_tls();
  out_ += has_tls ? 'S' : 'N';
  if (!co_await flush() || !has_tls) {
    co_return !closed_;
  }
  if (!input_.empty()) {
    // Bytes that came before the handshake could be anybody's (CVE-2021-23214).
    write_error(out_, "FATAL", "08P01", "received unencrypted data after SSL request");
    co_await flush();
    co_return false;
  }
  std::string_view nothing;
  co_return co_await channel_.start_tls(*all_.tls, nothing);
}

// Callers name the status first: GCC 12 loses temporaries of an awaited call.
asio::awaitable<bool> Connection::refuse(const Status& status) {
  write_error(out_, "FATAL", status.sqlstate(), status.message(), status.hint());
  co_await flush();
  co_return false;
}

asio::awaitable<bool> Connection::start_session() {
  close_unless_started();
  std::map<std::string, std::string> options;
  int32_t version = 0;
  while (true) {
    std::optional<Message> message = co_await first_message();
    if (!message) {
      co_return false;
    }
    BodyReader body(message->body);
    int32_t code = body.int32();
    if (code == kSslRequest || code == kGssEncRequest) {
      drop_input(message->bytes);
      if (code == kGssEncRequest) {
        out_ += 'N';
        if (!co_await flush()) {
          co_return false;
        }
      } else if (!co_await answer_tls_request()) {
        co_return false;
      }
      continue;
    }
    if (code == kCancelRequest) {
      cancel_other(message->body.substr(4));
      co_return false;
    }
    if (code >> 16 != 3) {
      Status refusal = Status::unsupported("only version 3 of the protocol is spoken here");
      co_return co_await refuse(refusal);
    }
    version = code;
    Result<std::map<std::string, std::string>> read = read_startup_parameters(body.rest());
    if (!read.ok()) {
      Status refusal = read.status();
      co_return co_await refuse(refusal);
    }
    options = std::move(read).value();
    drop_input(message->bytes);
    break;
  }
  // Not before: a client hears what it is told after its own first message, and may have to ask for
  // TLS.
  if (all_.open.size() > all_.limits.connections_max) {
    all_.metrics.count_refused();
    Status refusal = Status::unavailable("sorry, too many clients already").with_sqlstate("53300");
    co_return co_await refuse(refusal);
  }
  std::vector<std::string> unknown;
  for (const auto& [name, value] : options) {
    if (name.starts_with("_pq_.")) {
      unknown.push_back(name);
    }
  }
  if (version > kProtocol32 || version == kProtocol30 + 1 || !unknown.empty()) {
    version = version > kProtocol32        ? kProtocol32
              : version == kProtocol30 + 1 ? kProtocol30
                                           : version;
    write_negotiate_protocol(out_, version, unknown);
  }
  secret_ = random_bytes(version >= kProtocol32 ? kSecretBytes32 : kSecretBytes30);
  const std::string& user = options["user"];
  if (user.empty()) {
    Status refusal = Status::invalid_argument("no PostgreSQL user name specified in startup packet")
                         .with_sqlstate("28000");
    co_return co_await refuse(refusal);
  }
  if (options.contains("replication") && options["replication"] != "false" &&
      options["replication"] != "off") {
    Status refusal = Status::unsupported("replication connections are not served here");
    co_return co_await refuse(refusal);
  }
  if (!co_await authenticate(user)) {
    co_return false;
  }
  session_ = all_.engine.new_session();
  deadline_.cancel();
  session_->set_user(user);
  Status taken = take_startup_options(options);
  if (!taken.ok()) {
    co_return co_await refuse(taken);
  }
  write_greeting();
  co_return co_await flush();
}

Status Connection::take_startup_options(const std::map<std::string, std::string>& options) {
  auto database = options.find("database");
  std::string name = database == options.end() ? options.at("user") : database->second;
  std::vector<std::string> notices;
  TRY(session_->set("tidemark.connection_id", std::to_string(id_), notices));
  if (Status status = session_->use_database(name); !status.ok() && database != options.end()) {
    return status;
  }
  for (const auto& [key, value] : options) {
    if (is_setting(key)) {
      TRY(session_->set(key, value, notices));
    }
  }
  auto flags = options.find("options");
  if (flags == options.end()) {
    return {};
  }
  for (const auto& [key, value] : TRY(read_startup_options(flags->second))) {
    TRY(session_->set(key, value, notices));
  }
  return {};
}

void Connection::write_greeting() {
  write_authentication(out_, kAuthenticationOk);
  for (auto [name, value] : kParameters) {
    write_parameter(name, value);
  }
  report_settings();
  write_backend_key(out_, id_, secret_);
  write_ready(out_, static_cast<char>(session_->transaction()));
}

void Connection::report_settings() {
  write_parameter("TimeZone", zone());
  write_parameter("application_name", session_->setting("application_name"));
  write_parameter("session_authorization", session_->user());
}

// --- who it is -----------------------------------------------------------------------------------

asio::awaitable<bool> Connection::authenticate(const std::string& user) {
  const Users& users = all_.engine.users();
  if (!channel_.is_local() && !channel_.is_tls() && !all_.limits.allows_insecure) {
    Status refusal = Status::invalid_argument("only TLS connections are taken from other machines")
                         .with_sqlstate("28000")
                         .with_hint("connect with sslmode=require");
    co_return co_await refuse(refusal);
  }
  if (channel_.certificate_name() == user && (!users.has_passwords() || users.find(user))) {
    co_return true;
  }
  if (!users.has_passwords()) {
    if (!channel_.is_local() && !all_.limits.allows_insecure) {
      Status refusal =
          Status::invalid_argument("no user has a password yet: only this machine is let in")
              .with_sqlstate("28000")
              .with_hint("CREATE USER ... PASSWORD '...' from this machine first");
      co_return co_await refuse(refusal);
    }
    co_return true;
  }
  co_return co_await authenticate_scram(user);
}

asio::awaitable<std::optional<std::string>> Connection::password_message() {
  while (!closed_) {
    Result<std::optional<Message>> cut = cut_message(input_, kSecretBytesMax);
    if (!cut.ok() || (*cut && (*cut)->kind != 'p')) {
      write_error(out_, "FATAL", "08P01", "expected a password message");
      co_await flush();
      co_return std::nullopt;
    }
    if (*cut) {
      std::string body((*cut)->body);
      drop_input((*cut)->bytes);
      co_return body;
    }
    if (!co_await channel_.read(all_.scratch, input_)) {
      close();
    }
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Connection::authenticate_scram(const std::string& user) {
  std::optional<User> known = all_.engine.users().find(user);
  std::string binding = channel_.binding();
  ScramExchange scram(user, known ? ScramVerifier::parse(known->verifier) : std::nullopt,
                      all_.mock_secret, binding);
  std::string mechanisms = binding.empty() ? "" : std::string("SCRAM-SHA-256-PLUS") + '\0';
  mechanisms += std::string("SCRAM-SHA-256") + '\0' + '\0';
  write_authentication(out_, kAuthenticationSasl, mechanisms);
  if (!co_await flush()) {
    co_return false;
  }
  std::optional<std::string> initial = co_await password_message();
  if (!initial) {
    co_return false;
  }
  Result<SaslRequest> request = read_sasl(*initial);
  Result<std::string> first =
      request.ok() ? scram.first(request->mechanism, request->data) : request.status();
  if (!first.ok()) {
    Status refusal = first.status();
    co_return co_await refuse(refusal);
  }
  write_authentication(out_, kAuthenticationSaslContinue, *first);
  if (!co_await flush()) {
    co_return false;
  }
  std::optional<std::string> answer = co_await password_message();
  if (!answer) {
    co_return false;
  }
  Result<std::string> final = scram.final(*answer);
  if (!final.ok()) {
    bool is_wrong = final.status().sqlstate() == "28P01";
    Status refusal = is_wrong
                         ? Status::invalid_argument(
                               fmt::format("password authentication failed for user \"{}\"", user))
                               .with_sqlstate("28P01")
                         : final.status();
    co_return co_await refuse(refusal);
  }
  write_authentication(out_, kAuthenticationSaslFinal, *final);
  co_return true;
}

void Connection::cancel_other(std::string_view bytes) {
  Result<CancelRequest> request = read_cancel(bytes);
  auto other = request.ok() ? all_.open.find(request->id) : all_.open.end();
  if (other != all_.open.end() && !other->second->secret_.empty() &&
      same_secret(other->second->secret_, request->secret)) {
    other->second->cancel();
  }
}

}  // namespace tidemark::pgwire
