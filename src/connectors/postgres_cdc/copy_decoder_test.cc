// COPY's bytes into columns, however they are cut.

#include "connectors/postgres_cdc/copy_decoder.h"

#include <cstring>

#include <gtest/gtest.h>

#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {
namespace {

// A key, a text, an array and a time, which may all be NULL.
ReaderPlan make_plan() {
  const std::pair<uint32_t, Type> columns[] = {{kOidInt4, Type::integer()},
                                               {kOidText, Type::string()},
                                               {1007, Type::array(Type::integer())},
                                               {kOidTimestamp, Type::timestamp()}};
  TableInfo table{.oid = 1, .schema = "s", .name = "t", .identity = 'd'};
  ReaderSpec spec;
  for (const auto& [oid, type] : columns) {
    std::string name = "c" + std::to_string(spec.columns.size());
    spec.columns.push_back({name, type});
    table.columns.push_back({.name = name,
                             .type = pg_builtin(oid),
                             .declared_oid = oid,
                             .in_key = table.columns.empty(),
                             .number = static_cast<int16_t>(spec.columns.size())});
  }
  table.identity_key = {0};
  return make_reader_plan(std::move(table), spec, nullptr).value();
}

std::string number(auto value) {
  std::string bytes;
  append_big_endian(bytes, value);
  return bytes;
}

std::string field(std::string_view bytes) {
  return number(static_cast<int32_t>(bytes.size())) + std::string(bytes);
}

const std::string kNull = number(int32_t{-1});

std::string header(std::string_view extension = "") {
  return std::string("PGCOPY\n\377\r\n\0", 11) + number(int32_t{0}) +
         number(static_cast<int32_t>(extension.size())) + std::string(extension);
}

// Row i, whose values are NULL at times; the texts are short and long.
std::string row(int32_t i) {
  std::string array = number(int32_t{1}) + number(int32_t{1}) + number(uint32_t{kOidInt4}) +
                      number(int32_t{2}) + number(int32_t{1}) + kNull + field(number(i));
  return number(int16_t{4}) + (i % 11 == 5 ? kNull : field(number(i))) +
         (i % 3 == 2 ? kNull : field(std::string(static_cast<size_t>(i % 40), 'x'))) +
         (i % 7 == 1 ? kNull : field(array)) +
         (i % 5 == 4 ? kNull : field(number(int64_t{i} * 1'000'000)));
}

std::string expected(int32_t i) {
  auto or_null = [](bool is_null, const std::string& text) { return is_null ? "NULL" : text; };
  return or_null(i % 11 == 5, std::to_string(i)) + "|" +
         or_null(i % 3 == 2, std::string(static_cast<size_t>(i % 40), 'x')) + "|" +
         or_null(i % 7 == 1, "{NULL," + std::to_string(i) + "}") + "|" +
         or_null(i % 5 == 4, "2000-01-01 00:" + std::to_string(100 + i / 60).substr(1) + ":" +
                                 std::to_string(100 + i % 60).substr(1));
}

std::string text_of_row(const RowBatch& batch, size_t row) {
  std::string text;
  for (const ColumnRef& column : batch.columns) {
    text += text.empty() ? "" : "|";
    text += column->is_null(row) ? "NULL" : text_of(*column, row);
  }
  return text;
}

void put(CopyDecoder& decoder, std::string_view bytes) {
  while (!bytes.empty()) {
    std::span<char> room = decoder.room();
    size_t size = bytes.copy(room.data(), room.size());
    decoder.filled(size);
    bytes.remove_prefix(size);
  }
}

void expect_rows(const RowBatch& batch, int32_t first, size_t rows) {
  ASSERT_EQ(batch.rows, rows);
  for (size_t i = 0; i < rows; ++i) {
    ASSERT_EQ(text_of_row(batch, i), expected(first + static_cast<int32_t>(i)));
  }
}

TEST(CopyDecoder, rows_are_the_same_however_their_bytes_are_cut) {
  ReaderPlan plan = make_plan();
  std::string bytes = header("more");
  for (int32_t i = 0; i < 60; ++i) {
    bytes += row(i);
  }
  bytes += number(int16_t{-1});
  for (size_t piece = 1; piece <= bytes.size(); piece += piece < 100 ? 1 : 97) {
    CopyDecoder decoder(plan);
    for (size_t at = 0; at < bytes.size(); at += piece) {
      put(decoder, std::string_view(bytes).substr(at, piece));
      ASSERT_TRUE(decoder.decode(SIZE_MAX).ok());
    }
    expect_rows(decoder.take(), 0, 60);
  }
}

TEST(CopyDecoder, batches_have_as_many_rows_as_were_asked_for) {
  ReaderPlan plan = make_plan();
  CopyDecoder decoder(plan);
  std::string bytes = header();
  for (int32_t i = 0; i < 1000; ++i) {
    bytes += row(i);
  }
  put(decoder, bytes);
  for (int32_t first = 0; first < 900; first += 300) {
    ASSERT_TRUE(decoder.decode(300).ok());
    EXPECT_GT(decoder.bytes(), 0u);
    expect_rows(decoder.take(), first, 300);
    EXPECT_EQ(decoder.bytes(), 0u);
  }
  put(decoder, row(1000) + number(int16_t{-1}));
  ASSERT_TRUE(decoder.decode(300).ok());
  expect_rows(decoder.take(), 900, 101);
}

TEST(CopyDecoder, a_row_may_be_larger_than_the_buffer) {
  ReaderPlan plan = make_plan();
  CopyDecoder decoder(plan);
  std::string large(300'000, 'y');
  put(decoder, header() + row(0) + number(int16_t{4}) + field(number(int32_t{7})) + field(large) +
                   kNull + kNull + row(1));
  ASSERT_TRUE(decoder.decode(SIZE_MAX).ok());
  RowBatch batch = decoder.take();
  ASSERT_EQ(batch.rows, 3u);
  EXPECT_EQ(text_of_row(batch, 0), expected(0));
  EXPECT_EQ(text_of_row(batch, 1), "7|" + large + "|NULL|NULL");
  EXPECT_EQ(text_of_row(batch, 2), expected(1));
}

TEST(CopyDecoder, a_value_that_cannot_be_read_is_named_by_column_and_key) {
  ReaderPlan plan = make_plan();
  CopyDecoder decoder(plan);
  put(decoder, header() + row(1) + number(int16_t{4}) + field(number(int32_t{42})) + field("a") +
                   field("no array") + kNull);
  EXPECT_EQ(decoder.decode(SIZE_MAX).message(),
            "cannot read column c2: malformed array: integer[]: s.t, row (c0)=(42)");
}

TEST(CopyDecoder, other_bytes_are_errors) {
  ReaderPlan plan = make_plan();
  for (const std::string& bytes :
       {std::string(19, 'x'), header() + row(0) + number(int16_t{3}) + kNull + kNull + kNull}) {
    CopyDecoder decoder(plan);
    put(decoder, bytes);
    EXPECT_EQ(decoder.decode(SIZE_MAX).message(), "malformed binary COPY data");
  }
}

}  // namespace
}  // namespace tidemark
