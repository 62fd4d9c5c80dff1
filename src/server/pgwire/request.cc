#include "server/pgwire/request.h"

#include <algorithm>

#include <fmt/core.h>

#include "server/pgwire/message.h"

namespace tidemark::pgwire {

namespace {

Status malformed(std::string_view what) {
  return Status::invalid_argument(fmt::format("cannot read the {} message", what))
      .with_sqlstate("08P01");
}

// All of the body has been read, and no more than it has.
bool is_whole(const BodyReader& body) {
  return body.ok() && body.at_end();
}

size_t read_count(BodyReader& body) {
  return static_cast<uint16_t>(body.int16());
}

std::vector<int16_t> read_codes(BodyReader& body) {
  size_t count = read_count(body);
  std::vector<int16_t> codes;
  for (size_t i = 0; i < count && body.ok(); ++i) {
    codes.push_back(body.int16());
  }
  return codes;
}

// Words between blanks; a backslash takes the next character as it is.
std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
    } else if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

}  // namespace

Result<std::map<std::string, std::string>> read_startup_parameters(std::string_view bytes) {
  BodyReader body(bytes);
  std::map<std::string, std::string> parameters;
  for (std::string name(body.text()); !name.empty(); name = body.text()) {
    parameters[name] = body.text();
  }
  if (!is_whole(body)) {
    return malformed("startup");
  }
  return parameters;
}

Result<std::vector<std::pair<std::string, std::string>>> read_startup_options(
    std::string_view text) {
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::string> words = split_words(text);
  for (size_t i = 0; i < words.size(); ++i) {
    bool is_flag = words[i] == "-c" && i + 1 < words.size();
    bool is_joined = words[i].starts_with("-c") || words[i].starts_with("--");
    std::string setting = is_flag ? words[++i] : is_joined ? words[i].substr(2) : "";
    size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return Status::invalid_argument("cannot read the option of the startup message: " + words[i])
          .with_hint("options are -c key=value")
          .with_sqlstate("42601");
    }
    settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return settings;
}

Result<CancelRequest> read_cancel(std::string_view bytes) {
  BodyReader body(bytes);
  CancelRequest request{.id = body.int32(), .secret = body.rest()};
  if (!is_whole(body)) {
    return malformed("cancel");
  }
  return request;
}

Result<SaslRequest> read_sasl(std::string_view bytes) {
  BodyReader body(bytes);
  SaslRequest request{.mechanism = body.text(), .data = {}};
  int32_t size = body.int32();  // -1: no data
  request.data = body.bytes(static_cast<size_t>(std::max(size, 0)));
  if (!is_whole(body)) {
    return malformed("SASL");
  }
  return request;
}

Result<ParseRequest> read_parse(std::string_view bytes) {
  BodyReader body(bytes);
  ParseRequest request{.name = body.text(), .text = body.text(), .types = {}};
  size_t count = read_count(body);
  for (size_t i = 0; i < count && body.ok(); ++i) {
    request.types.push_back(static_cast<uint32_t>(body.int32()));
  }
  if (!is_whole(body)) {
    return malformed("Parse");
  }
  return request;
}

Result<BindRequest> read_bind(std::string_view bytes) {
  BodyReader body(bytes);
  BindRequest request{.portal = body.text(),
                      .statement = body.text(),
                      .formats = read_codes(body),
                      .values = {},
                      .result_formats = {}};
  size_t count = read_count(body);
  bool is_sound = std::ranges::all_of(request.formats, [](int16_t f) { return f == 0 || f == 1; });
  for (size_t i = 0; i < count && body.ok() && is_sound; ++i) {
    int32_t size = body.int32();
    is_sound = size >= -1;
    request.values.push_back(size < 0 ? std::nullopt
                                      : std::optional(body.bytes(static_cast<size_t>(size))));
  }
  request.result_formats = read_codes(body);
  is_sound = is_sound && (request.formats.size() <= 1 || request.formats.size() == count);
  if (!is_sound || !is_whole(body)) {
    return malformed("Bind");
  }
  return request;
}

Result<NamedRequest> read_named(std::string_view bytes) {
  BodyReader body(bytes);
  NamedRequest request{.kind = static_cast<char>(body.byte()), .name = body.text()};
  if (!is_whole(body) || (request.kind != 'S' && request.kind != 'P')) {
    return malformed("Describe or Close");
  }
  return request;
}

Result<ExecuteRequest> read_execute(std::string_view bytes) {
  BodyReader body(bytes);
  ExecuteRequest request{.portal = body.text(), .rows_max = 0};
  request.rows_max = static_cast<size_t>(std::max(body.int32(), 0));
  if (!is_whole(body)) {
    return malformed("Execute");
  }
  return request;
}

}  // namespace tidemark::pgwire
