#include "tests/fuzz/source_fuzz.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "connectors/postgres_cdc/copy_decoder.h"
#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {

namespace {

using namespace std::string_view_literals;

enum SourceKind : uint8_t { kStream, kCopyRows, kSnapshot, kShapes, kSourceKinds };

constexpr uint32_t kFullTable = 1, kKeyedTable = 2;

// One column of each kind: bool, bytea, "char", int8, int2, int4, text, xid, float4, float8,
// inet, bpchar, date, time, timestamp, timestamptz, interval, timetz, bit, numeric, uuid, pg_lsn,
// jsonb, macaddr, int4[], text[], numeric[].
constexpr uint32_t kSourceTypes[] = {23,   16,   17,   18,   20,   21,   25,   28,   700,
                                     701,  869,  1042, 1082, 1083, 1114, 1184, 1186, 1266,
                                     1560, 1700, 2950, 3220, 3802, 829,  1007, 1009, 1231};
constexpr size_t kColumns = std::size(kSourceTypes);

// Their values in binary form, in that order.
constexpr std::string_view kValues[kColumns] = {
    "\0\0\0\5"sv,
    "\1"sv,
    "\0\xff"sv,
    "c"sv,
    "\0\0\0\0\0\0\0\7"sv,
    "\0\7"sv,
    "some text that is long"sv,
    "\0\0\0\x9"sv,
    "\x3f\x80\0\0"sv,
    "\x3f\xf0\0\0\0\0\0\0"sv,
    "\2\x20\0\4\x7f\0\0\1"sv,
    "ab  "sv,
    "\0\0\x10\0"sv,
    "\0\0\0\x10\0\0\0\0"sv,
    "\0\1\0\0\0\0\0\0"sv,
    "\0\1\0\0\0\0\0\0"sv,
    "\0\0\0\0\0\0\0\5\0\0\0\1\0\0\0\2"sv,
    "\0\0\0\x10\0\0\0\0\xff\xff\xff\0"sv,
    "\0\0\0\5\xa8"sv,
    "\0\2\0\1\0\0\0\3\0\5\x1f\x40"sv,
    "0123456789abcdef"sv,
    "\0\0\0\1\0\0\0\2"sv,
    "\1{\"a\": 1}"sv,
    "\1\2\3\4\5\6"sv,
    "\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\5\xff\xff\xff\xff"sv,
    "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\1x"sv,
    "\0\0\0\0\0\0\0\0\0\0\x06\xa4"sv};

std::shared_ptr<const ReaderPlan> plan_of(uint32_t oid, char identity) {
  TableInfo table{.oid = oid, .schema = "s", .name = "t", .identity = identity};
  ReaderSpec spec;
  for (size_t i = 0; i < kColumns; ++i) {
    PgType type = pg_builtin(kSourceTypes[i]);
    std::string name = "c" + std::to_string(i);
    Type target = type_of_pg(type);
    if (PgDecoder::make(type, target).ok()) {
      spec.columns.push_back({name, target});
    } else {
      spec.columns.push_back({name, Type::string()});
    }
    table.columns.push_back({.name = name,
                             .type = std::move(type),
                             .declared_oid = kSourceTypes[i],
                             .in_key = i == 0,
                             .number = static_cast<int16_t>(i + 1)});
  }
  table.identity_key = {0};
  return std::make_shared<const ReaderPlan>(
      make_reader_plan(std::move(table), spec, nullptr).value());
}

// --- messages ------------------------------------------------------------------------------------

std::string number(auto value) {
  std::string out;
  append_big_endian(out, value);
  return out;
}

std::string relation(uint32_t oid, char identity) {
  std::string out = "R" + number(oid) + "s" + '\0' + "t" + '\0' + identity +
                    number(static_cast<uint16_t>(kColumns));
  for (size_t i = 0; i < kColumns; ++i) {
    out += i == 0 ? '\1' : '\0';
    out += "c" + std::to_string(i) + '\0' + number(kSourceTypes[i]) + number(int32_t{-1});
  }
  return out;
}

std::string row(char kind) {
  std::string out = kind + number(static_cast<uint16_t>(kColumns));
  for (size_t i = 0; i < kColumns; ++i) {
    if (kind == 'K' && i != 0) {
      out += 'n';
    } else if (i == 6 && kind == 'N') {
      out += 'u';
    } else {
      out += 'b' + number(static_cast<uint32_t>(kValues[i].size())) + std::string(kValues[i]);
    }
  }
  return out;
}

std::string begin(uint32_t xid) {
  return "B" + number(uint64_t{100} * xid) + number(int64_t{0}) + number(xid);
}

std::string commit(uint32_t xid) {
  return "C" + std::string(1, '\0') + number(uint64_t{100} * xid) +
         number(uint64_t{100} * xid + 8) + number(int64_t{0});
}

// As run_stream reads it.
std::string stream(const std::vector<std::string>& messages) {
  std::string out(1, static_cast<char>(kStream));
  for (const std::string& message : messages) {
    out += number(static_cast<uint16_t>(message.size())) + message;
  }
  return out;
}

}  // namespace

SourceFuzz::SourceFuzz() : full_(plan_of(kFullTable, 'f')), keyed_(plan_of(kKeyedTable, 'd')) {}

void SourceFuzz::run(std::string_view input) {
  if (input.empty()) {
    return;
  }
  auto kind = static_cast<uint8_t>(input[0]) % kSourceKinds;
  std::string_view rest = input.substr(1);
  if (kind == kStream) {
    run_stream(rest);
  } else if (kind == kCopyRows) {
    run_copy(rest);
  } else if (kind == kSnapshot) {
    if (std::optional<XidSnapshot> snapshot = XidSnapshot::parse(rest)) {
      (void)snapshot->sees(7);
    }
  } else {
    ByteReader bytes(rest);
    if (auto known = read_known_tables(bytes)) {
      std::string written;
      append_known_tables(*known, written);
      ByteReader again(written);
      CHECK(read_known_tables(again) == known);
    }
  }
}

// Messages, each behind its length in 16 bits. A length above 0xFF00 is what the receiver does
// besides.
void SourceFuzz::run_stream(std::string_view input) {
  DeliveredXids delivered;
  ChangeDecoder* lapsing = nullptr;
  position_ = {};
  ChangeDecoder decoder({.emit =
                             [this](SourceEvent event) {
                               take(event);
                               return true;
                             },
                         .described = [](uint32_t) { return Status(); },
                         .unreadable =
                             [&](ReaderId reader, const Status& why) {
                               return lapsing->lapse_reader(reader, ReaderStoppedEvent{why});
                             }},
                        delivered);
  lapsing = &decoder;
  decoder.add_resumed_reader(1, full_, Lsn{1});
  decoder.add_resumed_reader(2, keyed_, Lsn{1});
  decoder.add_reader(3, full_);
  decoder.add_reader(4, keyed_);
  std::set<ReaderId> joined;
  Status status = decoder.start_at(Lsn{1});
  while (status.ok() && input.size() >= 2) {
    auto size = read_big_endian<uint16_t>(input.data());
    input.remove_prefix(2);
    if (size <= 0xFF00) {
      std::string_view message = input.substr(0, size);
      input.remove_prefix(message.size());
      status = decoder.on_message(message, size % 2 == 0);
      continue;
    }
    switch (size % 6) {
      case 0:
        status = decoder.on_drained();
        break;
      case 1:
        status = decoder.on_keepalive(Lsn{size}, 0);
        break;
      case 2:
        status = decoder.cut_off();
        status = status.ok() ? decoder.start_at(decoder.position()) : status;
        break;
      case 3:
        status = decoder.rewind();
        break;
      default:
        ReaderId reader = 3 + size % 2;
        if (!decoder.in_transaction() && joined.insert(reader).second) {
          status = decoder.finish_snapshot(reader, XidSnapshot{.xmin = 3, .xmax = 5}, Lsn{300});
        }
    }
  }
  if (status.ok()) {
    status = decoder.on_drained();
  }
  CHECK(status.ok() || !status.message().empty());
}

void SourceFuzz::take(const SourceEvent& event) {
  if (const auto* changes = std::get_if<ChangesEvent>(&event.body)) {
    const ChangeBatch& batch = changes->batch;
    CHECK(batch.kinds.size() == batch.rows.rows);
    for (const std::vector<uint8_t>& marks : batch.unchanged) {
      CHECK(marks.empty() || marks.size() == batch.rows.rows);
    }
    take_rows(batch.rows);
  } else if (const auto* commit = std::get_if<CommitEvent>(&event.body)) {
    CHECK(commit->commit.position >= position_);
    position_ = commit->commit.position;
    ++commits_;
  } else if (const auto* failed = std::get_if<ReaderFailedEvent>(&event.body)) {
    CHECK(!failed->status.ok() && !failed->status.message().empty());
  }
}

void SourceFuzz::take_rows(const RowBatch& rows) {
  rows_ += rows.rows;
  std::string text;
  for (const ColumnRef& column : rows.columns) {
    CHECK(column->size() == rows.rows);
    for (size_t row = 0; row < rows.rows; ++row) {
      if (!column->is_null(row)) {
        append_text(*column, row, text);
      }
    }
  }
}

// The first byte: how many bytes come at once.
void SourceFuzz::run_copy(std::string_view input) {
  if (input.empty()) {
    return;
  }
  size_t piece = 1 + static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  CopyDecoder decoder(*full_);
  Status status;
  while (status.ok() && !input.empty()) {
    std::span<char> room = decoder.room();
    size_t size = input.copy(room.data(), std::min(piece, room.size()));
    input.remove_prefix(size);
    decoder.filled(size);
    status = decoder.decode(SIZE_MAX);
  }
  if (status.ok()) {
    take_rows(decoder.take());
  } else {
    CHECK(!status.message().empty());
  }
}

std::vector<std::string> SourceFuzz::seeds() {
  std::string full = number(kFullTable), keyed = number(kKeyedTable);
  std::string xid = number(uint32_t{9}), subxid = number(uint32_t{10});
  std::vector<std::string> described{begin(4), relation(kFullTable, 'f'),
                                     relation(kKeyedTable, 'd')};
  auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = described;
    all.insert(all.end(), more.begin(), more.end());
    return stream(all);
  };
  auto in_part = [&](const std::string& of, const std::string& message) {
    return message.substr(0, 1) + of + message.substr(1);
  };
  std::string copied = "PGCOPY\n\377\r\n" + std::string(9, '\0');
  for (int rows = 0; rows < 2; ++rows) {
    copied += number(static_cast<uint16_t>(kColumns));
    for (std::string_view value : kValues) {
      copied += number(static_cast<uint32_t>(value.size())) + std::string(value);
    }
  }
  copied += number(int16_t{-1});
  return {with({"I" + full + row('N'), "U" + full + row('O') + row('N'), "D" + full + row('O'),
                "I" + keyed + row('N'), "U" + keyed + row('N'), "U" + keyed + row('K') + row('N'),
                "D" + keyed + row('K'), commit(4)}),
          with({"T" + number(uint32_t{2}) + std::string(1, '\0') + full + keyed, commit(4),
                begin(5), "I" + full + row('N'), commit(5)}),
          with({commit(4), "S" + xid + "\1", in_part(xid, relation(kFullTable, 'f')),
                in_part(xid, "I" + full + row('N')), in_part(subxid, "I" + full + row('N')), "E",
                "A" + xid + subxid, "c" + xid + commit(9).substr(1)}),
          std::string(1, static_cast<char>(kCopyRows)) + '\xff' + copied,
          std::string(1, static_cast<char>(kCopyRows)) + '\x06' + copied,
          std::string(1, static_cast<char>(kSnapshot)) + "100:110:100,105"};
}

}  // namespace tidemark
