#include "server/pgwire/message.h"

#include <gtest/gtest.h>

#include "server/pgwire/rows.h"
#include "server/pgwire/stream.h"

namespace tidemark::pgwire {
namespace {

using namespace std::string_view_literals;

TEST(PgwireMessage, cut_needs_the_whole_message) {
  std::string_view query = "Q\0\0\0\x0DSELECT 1\0rest"sv;
  for (size_t size = 0; size < 14; ++size) {
    Result<std::optional<Message>> cut = cut_message(query.substr(0, size));
    ASSERT_TRUE(cut.ok());
    ASSERT_FALSE(cut->has_value());
  }
  Result<std::optional<Message>> cut = cut_message(query);
  ASSERT_TRUE(cut.ok() && cut->has_value());
  EXPECT_EQ((*cut)->kind, 'Q');
  EXPECT_EQ((*cut)->bytes, 14u);
  EXPECT_EQ(BodyReader((*cut)->body).text(), "SELECT 1");
}

TEST(PgwireMessage, impossible_lengths_are_errors) {
  EXPECT_FALSE(cut_message("Q\0\0\0\3"sv).ok());
  EXPECT_FALSE(cut_message("Q\xFF\xFF\xFF\xFF"sv).ok());
  EXPECT_FALSE(cut_startup_message("\0\0\0\7"sv).ok());
  EXPECT_FALSE(cut_startup_message("GET / HTTP/1.1\r\n"sv).ok());
}

TEST(PgwireMessage, reading_past_the_end_is_noticed) {
  BodyReader body("\0\1abc"sv);
  EXPECT_EQ(body.int16(), 1);
  EXPECT_EQ(body.text(), "");
  EXPECT_FALSE(body.ok());
  EXPECT_EQ(body.int32(), 0);
}

TEST(PgwireMessage, error_position_counts_characters_from_one) {
  std::string out;
  write_error(out,
              Status::invalid_argument("no such column: x").with_position(12).with_hint("try y"),
              "SELECT 'é', x");
  EXPECT_NE(out.find("SERROR\0VERROR\0C42601\0Mno such column: x\0Htry y\0P12\0\0"sv),
            std::string::npos);
}

TEST(PgwireRows, values_in_text_format) {
  Schema schema{{{"b", Type::boolean()}, {"n", Type::integer()}}};
  std::vector<Column> columns = make_columns(schema);
  columns[0].append<uint8_t>(1);
  columns[1].append_null();
  std::string out;
  EXPECT_EQ(write_rows(out, to_batch(std::move(columns)), 0, 1, 1000, {}, {}), 1u);
  EXPECT_EQ(out, "D\0\0\0\x0F\0\2\0\0\0\1t\xFF\xFF\xFF\xFF"sv);
}

TEST(PgwireRows, types_have_the_oids_of_postgres) {
  EXPECT_EQ(wire_type(Type::decimal(10, 2)).oid, 1700U);
  EXPECT_EQ(wire_type(Type::decimal(10, 2)).modifier, ((10 << 16) | 2) + 4);
  EXPECT_EQ(wire_type(Type::string()).oid, 25U);
  EXPECT_EQ(wire_type(Type::varchar(50)).oid, 1043U);
  EXPECT_EQ(wire_type(Type::array(Type::array(Type::integer()))).oid, 1007U);
}

// --- streams -----------------------------------------------------------------------------------

ViewUpdate update_of(ViewUpdate::Kind kind, std::vector<int32_t> values) {
  ViewUpdate update{
      .kind = kind, .mark = Lsn{16}, .commit_time_us = 1'000'000, .published_us = 1'003'500};
  std::vector<Column> columns = make_columns(Schema{{{"n", Type::integer()}}});
  for (int32_t value : values) {
    columns[0].append(value);
    update.changes.kinds.push_back(RowKind::kInsert);
  }
  update.changes.rows = to_batch(std::move(columns));
  return update;
}

// Messages as "S name=value", "D mark op value".
std::string told(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    Message message = **cut_message(bytes);
    BodyReader body(message.body);
    text += message.kind;
    if (message.kind == 'S') {
      std::string name(body.text());
      text += " " + name + "=" + std::string(body.text());
    } else {
      int16_t columns = body.int16();
      for (int16_t i = 0; i < columns && message.kind == 'D'; ++i) {
        int32_t size = body.int32();
        text += " " + (size < 0 ? "NULL" : std::string(body.bytes(static_cast<size_t>(size))));
      }
    }
    text += "\n";
    bytes.remove_prefix(message.bytes);
  }
  return text;
}

// The update as a connection sends it.
std::string told_update(StreamRows& stream, const ViewUpdate& update, size_t bytes_max = 1 << 20) {
  std::string out;
  stream.take(update, out);
  stream.read_up_to(
      write_rows(out, stream.rows(), 0, stream.rows().rows, bytes_max, {}, ResultFormats()));
  return told(out);
}

StreamResult stream_of() {
  StreamResult result;
  result.schema = Schema{{{"n", Type::integer()}}};
  result.key = std::vector<size_t>{};
  result.order = {{.column = 0, .descending = true, .nulls_first = true}};
  return result;
}

TEST(PgwireStream, facts_come_before_rows_and_a_mark_ends_the_update) {
  StreamRows stream(stream_of());
  std::string out;
  stream.write_parameters(out);
  EXPECT_EQ(
      told(out),
      "S tidemark.result=stream\nS tidemark.key=\nS tidemark.order=0 desc nulls_first\nS "
      "tidemark.hidden=0\n"
      "S tidemark.commit_time=\nS tidemark.lag_ms=\nS tidemark.snapshot=\nS tidemark.stale=\n");
  EXPECT_EQ(told_update(stream, update_of(ViewUpdate::Kind::kChanges, {7, 8})),
            "S tidemark.commit_time=2000-01-01 00:00:01+00\nS tidemark.lag_ms=3\n"
            "D 0/10 +I 7\nD 0/10 +I 8\nD 0/10 mark NULL\n");
  EXPECT_TRUE(stream.is_read());
  EXPECT_EQ(told_update(stream, update_of(ViewUpdate::Kind::kProgress, {})), "D 0/10 mark NULL\n");
  EXPECT_EQ(stream.changes(), 2u);
}

TEST(PgwireStream, a_large_update_is_written_in_parts) {
  StreamRows stream(stream_of());
  std::string out;
  stream.take(update_of(ViewUpdate::Kind::kChanges, std::vector<int32_t>(1000, 1)), out);
  size_t parts = 0;
  for (; !stream.is_read(); out.clear()) {
    stream.read_up_to(write_rows(out, stream.rows(), stream.next_row(), stream.rows().rows, 4096,
                                 {}, ResultFormats()));
    EXPECT_LT(out.size(), 5000u);
    ++parts;
  }
  EXPECT_GT(parts, 5u);
  EXPECT_EQ(stream.changes(), 1000u);
}

TEST(PgwireStream, snapshot_and_staleness) {
  StreamRows stream(stream_of());
  EXPECT_EQ(told_update(
                stream,
                ViewUpdate{.kind = ViewUpdate::Kind::kSnapshot, .rows_done = 5, .rows_total = 10}),
            "S tidemark.snapshot=5/10\n");
  EXPECT_EQ(told_update(stream, ViewUpdate{.kind = ViewUpdate::Kind::kStale,
                                           .message = "stale since 12:00"}),
            "S tidemark.stale=stale since 12:00\n");
  EXPECT_NE(
      told_update(stream, update_of(ViewUpdate::Kind::kProgress, {})).find("S tidemark.stale=\n"),
      std::string::npos);
}

TEST(PgwireMessage, negotiation_names_the_version_and_what_is_unknown) {
  std::string out;
  write_negotiate_protocol(out, kProtocol32, {"_pq_.x"});
  EXPECT_EQ(out, "v\0\0\0\x13\0\3\0\2\0\0\0\1_pq_.x\0"sv);
}

TEST(PgwireRows, formats_are_none_one_or_one_a_column) {
  EXPECT_FALSE(ResultFormats().is_binary(3));
  EXPECT_TRUE(ResultFormats({1}).is_binary(3));
  EXPECT_TRUE(ResultFormats({0, 1}).is_binary(1));
  EXPECT_FALSE(ResultFormats({0, 1}).is_binary(0));
  EXPECT_TRUE(ResultFormats({0, 1}).check(2).ok());
  EXPECT_FALSE(ResultFormats({0, 1}).check(3).ok());
  EXPECT_FALSE(ResultFormats({2}).check(1).ok());
}

}  // namespace
}  // namespace tidemark::pgwire
