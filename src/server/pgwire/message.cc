#include "server/pgwire/message.h"

#include <algorithm>

#include <fmt/core.h>

namespace tidemark::pgwire {

namespace {

size_t length_at(std::string_view input, size_t at) {
  return static_cast<uint32_t>(BodyReader(input.substr(at, 4)).int32());
}

void write_field(MessageWriter& message, char code, std::string_view text) {
  message.byte(static_cast<uint8_t>(code));
  message.text(text);
}

void write_fields(MessageWriter& message, std::string_view severity, std::string_view sqlstate,
                  std::string_view text) {
  write_field(message, 'S', severity);
  write_field(message, 'V', severity);
  write_field(message, 'C', sqlstate);
  write_field(message, 'M', text);
}

// 1-based, in code points.
size_t character_position(std::string_view text, size_t byte) {
  std::string_view before = text.substr(0, std::min(byte, text.size()));
  auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return 1 + static_cast<size_t>(std::count_if(before.begin(), before.end(), is_start));
}

}  // namespace

Result<std::optional<Message>> cut_message(std::string_view input, size_t bytes_max) {
  if (input.size() < 5) {
    return std::optional<Message>();
  }
  size_t length = length_at(input, 1);
  if (length < 4 || length > bytes_max) {
    return Status::invalid_argument(
        fmt::format("cannot read a message: its length is not possible: {}", length));
  }
  if (input.size() < length + 1) {
    return std::optional<Message>();
  }
  return std::optional(Message{input[0], input.substr(5, length - 4), length + 1});
}

Result<std::optional<Message>> cut_startup_message(std::string_view input) {
  if (input.size() < 4) {
    return std::optional<Message>();
  }
  size_t length = length_at(input, 0);
  if (length < 8 || length > kStartupBytesMax) {
    return Status::invalid_argument(
        fmt::format("cannot read the startup message: its length is not possible: {}", length));
  }
  if (input.size() < length) {
    return std::optional<Message>();
  }
  return std::optional(Message{0, input.substr(4, length - 4), length});
}

uint32_t BodyReader::big_endian(size_t size) {
  std::string_view digits = bytes(size);
  uint32_t value = 0;
  for (char digit : digits) {
    value = value << 8 | static_cast<unsigned char>(digit);
  }
  return value;
}

uint8_t BodyReader::byte() {
  return static_cast<uint8_t>(big_endian(1));
}
int16_t BodyReader::int16() {
  return static_cast<int16_t>(big_endian(2));
}
int32_t BodyReader::int32() {
  return static_cast<int32_t>(big_endian(4));
}

std::string_view BodyReader::text() {
  size_t end = rest_.find('\0');
  if (end == std::string_view::npos) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  std::string_view value = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return value;
}

std::string_view BodyReader::bytes(size_t size) {
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  std::string_view value = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return value;
}

MessageWriter::MessageWriter(std::string& out, char kind) : out_(out), start_(out.size() + 1) {
  out_ += kind;
  int32(0);
}

MessageWriter::~MessageWriter() {
  patch(start_, out_.size() - start_);
}

void MessageWriter::int16(int16_t value) {
  auto bits = static_cast<uint16_t>(value);
  out_ += static_cast<char>(bits >> 8);
  out_ += static_cast<char>(bits);
}

void MessageWriter::int32(int32_t value) {
  auto bits = static_cast<uint32_t>(value);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out_ += static_cast<char>(bits >> shift);
  }
}

void MessageWriter::text(std::string_view value) {
  out_.append(value.substr(0, value.find('\0')));
  out_ += '\0';
}

void MessageWriter::patch(size_t at, size_t value) {
  for (size_t i = 0; i < 4; ++i) {
    out_[at + i] = static_cast<char>(value >> (24 - 8 * i));
  }
}

void write_authentication(std::string& out, int32_t code, std::string_view data) {
  MessageWriter message(out, 'R');
  message.int32(code);
  message.bytes(data);
}

void write_parameter_status(std::string& out, std::string_view name, std::string_view value) {
  MessageWriter message(out, 'S');
  message.text(name);
  message.text(value);
}

void write_backend_key(std::string& out, int32_t id, std::string_view secret) {
  MessageWriter message(out, 'K');
  message.int32(id);
  message.bytes(secret);
}

void write_ready(std::string& out, char transaction) {
  MessageWriter(out, 'Z').byte(static_cast<uint8_t>(transaction));
}

void write_command_complete(std::string& out, std::string_view tag) {
  MessageWriter(out, 'C').text(tag);
}

void write_notice(std::string& out, std::string_view text) {
  MessageWriter message(out, 'N');
  write_fields(message, "NOTICE", "00000", text);
  message.byte(0);
}

void write_error(std::string& out, const Status& status, std::string_view text) {
  MessageWriter message(out, 'E');
  write_fields(message, "ERROR", status.sqlstate(), status.message());
  if (!status.detail().empty()) {
    write_field(message, 'D', status.detail());
  }
  if (!status.hint().empty()) {
    write_field(message, 'H', status.hint());
  }
  if (status.position()) {
    write_field(message, 'P', std::to_string(character_position(text, *status.position())));
  }
  message.byte(0);
}

void write_error(std::string& out, std::string_view severity, std::string_view sqlstate,
                 std::string_view text, std::string_view hint) {
  MessageWriter message(out, 'E');
  write_fields(message, severity, sqlstate, text);
  if (!hint.empty()) {
    write_field(message, 'H', hint);
  }
  message.byte(0);
}

void write_bare(std::string& out, char kind) {
  MessageWriter(out, kind);
}

void write_negotiate_protocol(std::string& out, int32_t version,
                              const std::vector<std::string>& unknown_options) {
  MessageWriter message(out, 'v');
  message.int32(version);
  message.int32(static_cast<int32_t>(unknown_options.size()));
  for (const std::string& option : unknown_options) {
    message.text(option);
  }
}

}  // namespace tidemark::pgwire
