#include "tests/fuzz/message_fuzz.h"

#include <algorithm>

#include "auth/saslprep.h"
#include "auth/scram.h"
#include "server/pgwire/copy_format.h"
#include "server/pgwire/parameter.h"
#include "server/pgwire/request.h"
#include "server/pgwire/rows.h"
#include "types/pg_codec.h"

namespace tidemark {

namespace {

using namespace pgwire;
using namespace std::string_view_literals;

enum Kind : uint8_t { kConnection, kText, kBinary, kScram, kCopy, kKinds };

// Types that a client may declare: bool, bytea, "char", name, int8, int2, int4, regproc, text, oid,
// json, float4, float8, varchar, bpchar, date, time, timestamp, timestamptz, interval, timetz,
// numeric, uuid, jsonb, regclass, and arrays.
constexpr uint32_t kTypes[] = {16,   17,   18,   19,   20,   21,   23,   24,   25,   26,   114,
                               700,  701,  1043, 1042, 1082, 1083, 1114, 1184, 1186, 1266, 1700,
                               2950, 3802, 2205, 1000, 1001, 1005, 1007, 1009, 1015, 1016, 1021,
                               1022, 1028, 1115, 1182, 1183, 1185, 1231, 1187, 2951, 3807};
constexpr std::string_view kZones[] = {"UTC", "Europe/Berlin", "America/St_Johns"};

std::string message(char kind, std::string_view body) {
  std::string bytes;
  { MessageWriter(bytes, kind).bytes(body); }
  return bytes;
}

std::string startup(std::string_view body) {
  return message('\0', body).substr(1);
}

void check_refusal(const Status& status) {
  CHECK(!status.ok() && !status.message().empty() && status.sqlstate().size() == 5);
}

}  // namespace

void MessageFuzz::run(std::string_view input) {
  if (input.size() < 2) {
    return;
  }
  auto kind = static_cast<uint8_t>(input[0]) % kKinds;
  std::string_view rest = input.substr(1);
  if (kind == kConnection) {
    run_connection(rest);
  } else if (kind == kScram) {
    run_scram(rest);
  } else if (kind == kCopy) {
    run_copy(rest);
  } else {
    uint32_t oid = kTypes[static_cast<uint8_t>(rest[0]) % std::size(kTypes)];
    Result<Type> type = parameter_type(oid);
    if (type.ok()) {
      run_value(*type, rest.substr(1), kind == kBinary);
    }
  }
}

// Startup messages, then messages, as far as they can be cut.
void MessageFuzz::run_connection(std::string_view input) {
  while (true) {
    Result<std::optional<Message>> cut = cut_startup_message(input);
    if (!cut.ok() || !*cut) {
      return;
    }
    CHECK((*cut)->bytes <= input.size());
    input.remove_prefix((*cut)->bytes);
    BodyReader body((*cut)->body);
    int32_t code = body.int32();
    if (code == kCancelRequest) {
      (void)read_cancel(body.rest()).ok();
      return;
    }
    if (code == kSslRequest || code == kGssEncRequest) {
      continue;
    }
    auto parameters = read_startup_parameters(body.rest());
    if (!parameters.ok()) {
      check_refusal(parameters.status());
      return;
    }
    auto settings = read_startup_options((*parameters)["options"]);
    if (!settings.ok()) {
      check_refusal(settings.status());
    }
    break;
  }
  std::vector<Type> types;
  while (true) {
    Result<std::optional<Message>> cut = cut_message(input);
    if (!cut.ok() || !*cut) {
      return;
    }
    CHECK((*cut)->bytes <= input.size() && (*cut)->body.size() + 5 == (*cut)->bytes);
    CHECK(!cut_message(input.substr(0, (*cut)->bytes - 1)).value());
    run_request(**cut, types);
    input.remove_prefix((*cut)->bytes);
  }
}

// `types`: of the last Parse, for the values of a Bind.
void MessageFuzz::run_request(const Message& message, std::vector<Type>& types) {
  auto take = [&](const auto& request) {
    if (!request.ok()) {
      CHECK(request.status().sqlstate() == "08P01");
    }
    requests_ += request.ok() ? 1 : 0;
    return request.ok();
  };
  if (message.kind == 'P') {
    Result<ParseRequest> request = read_parse(message.body);
    types.clear();
    bool is_read = take(request);
    for (size_t i = 0; is_read && i < request->types.size(); ++i) {
      Result<Type> type = parameter_type(request->types[i]);
      types.push_back(type.ok() ? *type : Type::string());
    }
  } else if (message.kind == 'B') {
    Result<BindRequest> request = read_bind(message.body);
    if (take(request)) {
      for (size_t i = 0; i < std::min(types.size(), request->values.size()); ++i) {
        if (request->values[i]) {
          run_value(types[i], *request->values[i], request->format_of(i) == 1);
        }
      }
      (void)ResultFormats(request->result_formats).check(3).ok();
    }
  } else if (message.kind == 'D' || message.kind == 'C') {
    take(read_named(message.body));
  } else if (message.kind == 'E') {
    take(read_execute(message.body));
  } else if (message.kind == 'p') {
    take(read_sasl(message.body));
  }
}

// What is read can be written, and what is written is read as the same.
void MessageFuzz::run_value(const Type& type, std::string_view bytes, bool is_binary) {
  std::string_view zone = kZones[bytes.size() % std::size(kZones)];
  Result<Value> value = decode_parameter(type, bytes, is_binary, zone);
  if (!value.ok()) {
    check_refusal(value.status());
    return;
  }
  if (type.kind == TypeKind::kNull) {
    return;
  }
  ++values_;
  Column column(type);
  column.append_value(*value);
  std::string text, binary;
  append_wire_text(column, 0, text, TextFormat{.zone = zone});
  append_wire_binary(column, 0, binary, TextFormat{.zone = zone});
  // As a client gets it, and gives it back.
  Type sent = parameter_type(result_type(type).oid).value();
  for (bool as_binary : {false, true}) {
    std::string_view written = as_binary ? binary : text;
    Result<Value> read = decode_parameter(sent, written, as_binary, zone);
    CHECK(read.ok() || read.status().code() == StatusCode::kUnsupported);
    if (read.ok()) {
      Column again(sent);
      again.append_value(*read);
      std::string written_again;
      auto append = as_binary ? append_wire_binary : append_wire_text;
      append(again, 0, written_again, TextFormat{.zone = zone});
      CHECK(written_again == written);
    }
  }
}

// Lines: mechanism, client-first, client-final, a stored verifier, a password.
void MessageFuzz::run_scram(std::string_view input) {
  static const ScramVerifier known = ScramVerifier::make("secret").value();
  std::vector<std::string_view> lines;
  while (lines.size() < 5) {
    size_t end = std::min(input.find('\n'), input.size());
    lines.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  for (const char* binding : {"", "of the channel"}) {
    ScramExchange exchange("u", known, "mock", binding);
    Result<std::string> first = exchange.first(lines[0], lines[1]);
    if (!first.ok()) {
      check_refusal(first.status());
      continue;
    }
    Result<std::string> final = exchange.final(lines[2]);
    CHECK(!final.ok());  // nobody guesses the nonce
    check_refusal(final.status());
  }
  if (std::optional<ScramVerifier> verifier = ScramVerifier::parse(lines[3])) {
    std::optional<ScramVerifier> again = ScramVerifier::parse(verifier->to_text());
    CHECK(again && again->salt == verifier->salt && again->stored_key == verifier->stored_key);
  }
  std::string prepared = saslprep(lines[4]);
  CHECK(prepared.empty() == lines[4].empty());
}

// Lines: options as key=value.
void MessageFuzz::run_copy(std::string_view input) {
  static const Schema schema{{{"a", Type::integer()}, {"b", Type::string()}}};
  sql::Options options;
  while (!input.empty()) {
    size_t end = std::min(input.find('\n'), input.size());
    std::string_view line = input.substr(0, end);
    size_t equals = std::min(line.find('='), line.size());
    options.push_back({.key = std::string(line.substr(0, equals)),
                       .value = std::string(line.substr(std::min(equals + 1, line.size())))});
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  Result<CopyFormat> format = CopyFormat::make(options, schema);
  if (!format.ok()) {
    check_refusal(format.status());
    return;
  }
  std::vector<Column> columns = make_columns(schema);
  columns[0].append<int32_t>(5);
  columns[0].append_null();
  columns[1].append_string("a \"b\",\t\\\n\r'c'");
  columns[1].append_null();
  RowBatch rows = to_batch(std::move(columns));
  rows.rows = 2;
  std::string out = format->header(schema);
  format->append_row(rows, 0, out, {});
  format->append_row(rows, 1, out, {});
  out += format->trailer();
  CHECK(!out.empty());
}

std::vector<std::string> MessageFuzz::seeds() {
  auto of = [](Kind kind, std::string_view rest) {
    return static_cast<char>(kind) + std::string(rest);
  };
  std::string begin = startup("\0\3\0\0user\0u\0database\0d\0options\0-c a=b\\ c --d=e\0\0"sv);
  std::string session = begin + message('P', "s\0SELECT $1, $2\0\0\2\0\0\0\x17\0\0\0\x19"sv) +
                        message('B', "p\0s\0\0\2\0\1\0\0\0\2\0\0\0\4\0\0\0\5\0\0\0\1x\0\1\0\1"sv) +
                        message('D', "Pp\0"sv) + message('E', "p\0\0\0\0\2"sv) +
                        message('C', "Ss\0"sv) + message('S', "") +
                        message('p', "SCRAM-SHA-256\0\0\0\0\3n,,"sv) + message('Q', "SELECT 1\0"sv);
  std::vector<std::string> seeds{
      of(kConnection, session),
      of(kConnection, startup("\x04\xd2\x16\x2f"sv) + startup("\x04\xd2\x16\x2e\0\0\0\1secret"sv)),
      of(kConnection, startup("\x04\xd2\x16\x2f"sv) + begin),
      of(kScram, "SCRAM-SHA-256\nn,,n=,r=abcdef\nc=biws,r=abcdef,p=" + std::string(43, 'A') +
                     "=\nSCRAM-SHA-256$4096:AAAA$" + std::string(43, 'A') +
                     "=:" + std::string(43, 'B') + "=\nI\u00ADX \u2168 \u0627\u0628"),
      of(kScram, "SCRAM-SHA-256-PLUS\np=tls-server-end-point,,n=u,r=x\nc=x,r=y,p=z\n\n\u00AA"),
      of(kCopy,
         "FORMAT=csv\nDELIMITER=;\nNULL=nil\nHEADER=true\nQUOTE='\nESCAPE=\\\nFORCE_QUOTE=*"),
      of(kCopy, "FORMAT=binary"),
      of(kCopy, "FORMAT=text\nDELIMITER=|\nNULL=\nENCODING=utf8")};
  constexpr std::string_view kTexts[] = {"true",
                                         "\\x00ff",
                                         "-12",
                                         "32767",
                                         "1e300",
                                         "NaN",
                                         "-Infinity",
                                         "12345.678",
                                         "2020-02-29",
                                         "23:59:60.123456",
                                         "0044-03-15 10:00:00.5 BC",
                                         "2020-02-29T10:00:00+05:30",
                                         "1 day 02:03:04",
                                         "{1,NULL,\"2\"}",
                                         "{{1,2},{3,4}}",
                                         "[0:1]={1,2}",
                                         "infinity",
                                         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                         "{\"a\": [1]}"};
  for (uint8_t type = 0; type < std::size(kTypes); ++type) {
    std::string prefix(1, static_cast<char>(type));
    for (std::string_view text : kTexts) {
      seeds.push_back(of(kText, prefix + std::string(text)));
    }
    for (std::string_view bytes :
         {"\1"sv, "\0\5"sv, "\0\0\0\5"sv, "\0\0\0\0\0\0\0\5"sv, "\0\2\0\1\0\0\0\3\0\5\x1f\x40"sv,
          "\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\5\xff\xff\xff\xff"sv}) {
      seeds.push_back(of(kBinary, prefix + std::string(bytes)));
    }
  }
  return seeds;
}

}  // namespace tidemark
