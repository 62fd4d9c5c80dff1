#pragma once
// The messages of protocol 3.0 as bytes (PostgreSQL 15 manual, "Message Formats"). Integers are
// big-endian; a message is a kind byte, its length (which counts itself, not the kind), its body.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace tidemark::pgwire {

constexpr size_t kStartupBytesMax = 10'000;    // as PostgreSQL's MAX_STARTUP_PACKET_LENGTH
constexpr size_t kMessageBytesMax = 64 << 20;  // a statement may be long, but not endless

// Request codes in the place of a protocol version.
constexpr int32_t kProtocol30 = 196608;
constexpr int32_t kCancelRequest = 80877102;
constexpr int32_t kSslRequest = 80877103;
constexpr int32_t kGssEncRequest = 80877104;

struct Message {
  char kind = 0;  // 0: a startup message, which has none
  std::string_view body;
  size_t bytes = 0;  // of the whole message
};

// The first message in `input`; nullopt: not all of it is there yet. Fails on impossible lengths.
Result<std::optional<Message>> cut_message(std::string_view input);
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

void write_authentication_ok(std::string& out);
void write_parameter_status(std::string& out, std::string_view name, std::string_view value);
void write_backend_key(std::string& out, int32_t id, int32_t secret);
void write_ready(std::string& out);
void write_command_complete(std::string& out, std::string_view tag);
void write_notice(std::string& out, std::string_view message);
// `text` is the statement that the status's position counts in; positions go out in characters.
void write_error(std::string& out, const Status& status, std::string_view text);
void write_error(std::string& out, std::string_view severity, std::string_view sqlstate,
                 std::string_view message);
// Messages without a body: '1' parse complete, '2' bind complete, '3' close complete, 'n' no data,
// 's' portal suspended, 'I' empty query.
void write_bare(std::string& out, char kind);
void write_no_parameters(std::string& out);
void write_negotiate_protocol(std::string& out);

}  // namespace tidemark::pgwire
