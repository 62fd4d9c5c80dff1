#pragma once
// The messages of protocols 3.0 and 3.2 as bytes (PostgreSQL 15 manual, "Message Formats").
// Integers are big-endian; a message is a kind byte, its length (which counts itself, not the
// kind), its body.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tidemark::pgwire {

constexpr size_t kStartupBytesMax = 10'000;    // as PostgreSQL's MAX_STARTUP_PACKET_LENGTH
constexpr size_t kMessageBytesMax = 64 << 20;  // a statement may be long, but not endless
constexpr size_t kSecretBytesMax = 1 << 16;    // before a client is known: passwords, SCRAM

// Request codes in the place of a protocol version.
constexpr int32_t kProtocol30 = 196608;
constexpr int32_t kProtocol32 = 196610;  // PostgreSQL 18 manual: longer keys of cancel requests
constexpr int32_t kCancelRequest = 80877102;
constexpr int32_t kSslRequest = 80877103;
constexpr int32_t kGssEncRequest = 80877104;

struct Message {
  char kind = 0;  // 0: a startup message, which has none
  std::string_view body;
  size_t bytes = 0;  // of the whole message
};

// The first message in `input`; nullopt: not all of it is there yet. Fails on impossible lengths,
// and on those above bytes_max.
Result<std::optional<Message>> cut_message(std::string_view input,
                                           size_t bytes_max = kMessageBytesMax);
Result<std::optional<Message>> cut_startup_message(std::string_view input);

// Reads the fields of a body. After reading past the end, ok() is false and all fields are empty.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : rest_(body) {}
  uint8_t byte();
  int16_t int16();
  int32_t int32();
  std::string_view text();  // up to a zero byte
  std::string_view bytes(size_t size);
  std::string_view rest() { return bytes(rest_.size()); }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  uint32_t big_endian(size_t size);
  std::string_view rest_;
  bool ok_ = true;
};

// Appends one message: made, filled, ended by its destructor.
class MessageWriter {
 public:
  MessageWriter(std::string& out, char kind);
  ~MessageWriter();
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  void byte(uint8_t value) { out_ += static_cast<char>(value); }
  void int16(int16_t value);
  void int32(int32_t value);
  void bytes(std::string_view value) { out_ += value; }
  void text(std::string_view value);  // and its zero byte; the text ends at a zero byte of its own
  // A length-prefixed value whose size is known only once `append` has appended it.
  template <typename Append>
  void value(Append append) {
    size_t at = out_.size();
    int32(0);
    append(out_);
    patch(at, out_.size() - at - 4);
  }
  void null_value() { int32(-1); }

 private:
  void patch(size_t at, size_t value);
  std::string& out_;
  size_t start_;
};

// Codes of Authentication messages (PostgreSQL 15 manual, "Message Formats").
constexpr int32_t kAuthenticationOk = 0;
constexpr int32_t kAuthenticationSasl = 10;
constexpr int32_t kAuthenticationSaslContinue = 11;
constexpr int32_t kAuthenticationSaslFinal = 12;
void write_authentication(std::string& out, int32_t code, std::string_view data = {});
void write_parameter_status(std::string& out, std::string_view name, std::string_view value);
void write_backend_key(std::string& out, int32_t id, std::string_view secret);
// `transaction`: I, T or E (PostgreSQL 15 manual, ReadyForQuery).
void write_ready(std::string& out, char transaction);
void write_command_complete(std::string& out, std::string_view tag);
void write_notice(std::string& out, std::string_view message);
// `text` is the statement that the status's position counts in; positions go out in characters.
void write_error(std::string& out, const Status& status, std::string_view text);
void write_error(std::string& out, std::string_view severity, std::string_view sqlstate,
                 std::string_view message, std::string_view hint = {});
// Messages without a body: '1' parse complete, '2' bind complete, '3' close complete, 'n' no data,
// 's' portal suspended, 'I' empty query.
void write_bare(std::string& out, char kind);
// `version` is the newest that is spoken here of those the client may want; then the options that
// it asked for and that mean nothing here.
void write_negotiate_protocol(std::string& out, int32_t version,
                              const std::vector<std::string>& unknown_options);

}  // namespace tidemark::pgwire
