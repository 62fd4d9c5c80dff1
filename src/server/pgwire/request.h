#pragma once
// What a client asks for, read from the bodies of its messages (PostgreSQL 15 manual, "Message
// Formats") without a session or a socket. Texts and values point into the body.
//
// A body that is cut short, goes on behind its end or has an impossible count is an error with
// SQLSTATE 08P01, and nothing else is.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace tidemark::pgwire {

// Behind the version: names and values.
Result<std::map<std::string, std::string>> read_startup_parameters(std::string_view body);
// The parameter `options`: "-c key=value --key=value", blanks inside values escaped with a
// backslash. An error that names the word which is none of these.
Result<std::vector<std::pair<std::string, std::string>>> read_startup_options(
    std::string_view text);

struct CancelRequest {
  int32_t id = 0;
  std::string_view secret;
};
Result<CancelRequest> read_cancel(std::string_view body);

// SASLInitialResponse.
struct SaslRequest {
  std::string_view mechanism;
  std::string_view data;
};
Result<SaslRequest> read_sasl(std::string_view body);

struct ParseRequest {
  std::string_view name;
  std::string_view text;
  std::vector<uint32_t> types;  // of $1, ...; 0: left open
};
Result<ParseRequest> read_parse(std::string_view body);

struct BindRequest {
  std::string_view portal;
  std::string_view statement;
  std::vector<int16_t> formats;                         // of the values: none, one for all, or each
  std::vector<std::optional<std::string_view>> values;  // nullopt: NULL
  std::vector<int16_t> result_formats;

  int16_t format_of(size_t value) const {
    return formats.empty() ? 0 : formats[formats.size() == 1 ? 0 : value];
  }
};
// The formats fit the values, and are 0 (text) or 1 (binary).
Result<BindRequest> read_bind(std::string_view body);

// Describe and Close: 'S' a statement, 'P' a portal.
struct NamedRequest {
  char kind = 0;
  std::string_view name;
};
Result<NamedRequest> read_named(std::string_view body);

struct ExecuteRequest {
  std::string_view portal;
  size_t rows_max = 0;  // 0: all
};
Result<ExecuteRequest> read_execute(std::string_view body);

}  // namespace tidemark::pgwire
