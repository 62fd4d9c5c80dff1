// Known bytes of PostgreSQL's binary formats, and that what we encode we decode again.

#include "types/pg_codec.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/nested.h"
#include "types/pg_numeric.h"
#include "types/pg_wire.h"
#include "types/text.h"

namespace tidemark {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// The value as text, or the error.
std::string decode(uint32_t oid, const Type& type, std::string_view hex, int32_t modifier = -1) {
  Result<PgDecoder> decoder = PgDecoder::make(pg_builtin(oid, modifier), type);
  if (!decoder.ok()) {
    return decoder.status().message();
  }
  Column column(type);
  Status status = decoder->decode_binary(bytes_of(hex), column);
  return status.ok() ? text_of(column, 0) : status.message();
}

TEST(PgCodec, binary_values_of_known_bytes) {
  EXPECT_EQ(decode(kOidInt4, Type::integer(), "ffffffff"), "-1");
  EXPECT_EQ(decode(kOidInt2, Type::bigint(), "8000"), "-32768");
  EXPECT_EQ(decode(kOidInt4, Type::decimal(12, 2), "00000005"), "5.00");
  EXPECT_EQ(decode(26, Type::bigint(), "ffffffff"), "4294967295");
  EXPECT_EQ(decode(kOidFloat8, Type::float64(), "3fb999999999999a"), "0.1");
  EXPECT_EQ(decode(kOidFloat8, Type::float32(), "3fb999999999999a"), "0.1");
  EXPECT_EQ(decode(kOidBool, Type::boolean(), "01"), "true");
  EXPECT_EQ(decode(kOidBytea, Type::bytes(), "00ff"), "\\x00ff");
  EXPECT_EQ(decode(kOidDate, Type::date(), "00000000"), "2000-01-01");
  EXPECT_EQ(decode(kOidDate, Type::date(), "7fffffff"), "infinity");
  EXPECT_EQ(decode(kOidTimestamp, Type::timestamp(), "8000000000000000"), "-infinity");
  EXPECT_EQ(decode(kOidTimestamp, Type::timestamp(), "ffffffffffffffff"),
            "1999-12-31 23:59:59.999999");
  EXPECT_EQ(decode(2950, Type::string(), "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  EXPECT_EQ(decode(3802, Type::string(), "017b7d"), "{}");
  EXPECT_EQ(decode(3802, Type::string(), "027b7d"), "jsonb of an unknown version");
  EXPECT_EQ(decode(kOidInterval, Type::string(), "00000000000f4240000000010000000e"),
            "1 year 2 mons 1 day 00:00:01");
  EXPECT_EQ(decode(1007, Type::array(Type::integer()),
                   "000000010000000100000017000000030000000100000004000000"
                   "01ffffffff0000000400000002"),
            "{1,NULL,2}");
}

TEST(PgCodec, malformed_values_are_errors_and_append_nothing) {
  for (const auto& [oid, type] : {std::pair{kOidInt4, Type::integer()},
                                  {kOidNumeric, Type::decimal(10, 2)},
                                  {2950u, Type::string()},
                                  {kOidBool, Type::boolean()},
                                  {1007u, Type::array(Type::integer())},
                                  {869u, Type::string()}}) {
    PgDecoder decoder = PgDecoder::make(pg_builtin(oid), type).value();
    Column column(type);
    EXPECT_FALSE(decoder.decode_binary("\x01\x02\x03", column).ok()) << oid;
    EXPECT_FALSE(decoder.decode_binary("", column).ok()) << oid;
    EXPECT_EQ(column.size(), 0u);
  }
}

// Two thousand million rows of nothing would be made one by one.
TEST(PgCodec, arrays_have_no_more_elements_than_bytes) {
  Type rows = Type::array(Type::array(Type::integer()));
  std::string header = "000000020000000000000017";
  EXPECT_EQ(decode(1007, rows, header + "7fffffff000000010000000000000001").substr(0, 15),
            "malformed array");
  EXPECT_EQ(decode(1007, rows, header + "00000000000000017fffffff00000001"), "{}");
  EXPECT_EQ(decode(1007, rows, header + "00010000000000010001000000000001").substr(0, 15),
            "malformed array");
}

TEST(PgCodec, moments_beyond_their_types_are_errors) {
  Type text = Type::string();
  for (const auto& [oid, type, hex] : {std::tuple{uint32_t{kOidDate}, Type::date(), "ffda97a6"},
                                       {kOidDate, Type::date(), "7fda970d"},
                                       {kOidTime, Type::time(), "ffffffffffffffff"},
                                       {kOidTime, Type::time(), "000000141dd76001"},
                                       {kOidTimestamp, Type::timestamp(), "7ffffffffffffffe"},
                                       {kOidTimestampTz, Type::timestamp_ltz(), "8000000000000001"},
                                       {kOidDate, text, "7fda970d"},
                                       {kOidTimestamp, text, "7ffffffffffffffe"},
                                       {1266u, text, "000000000000000080000000"}}) {
    EXPECT_TRUE(decode(oid, type, hex).starts_with("malformed")) << hex;
  }
  EXPECT_EQ(decode(kOidDate, Type::date(), "7fda970c"), "5874897-12-31");
  EXPECT_EQ(decode(kOidDate, Type::date(), "ffda97a7"), "4714-11-24 BC");
  EXPECT_EQ(decode(kOidTime, Type::time(), "000000141dd76000"), "24:00:00");
}

TEST(PgCodec, numerics_of_every_shape_make_the_round_trip) {
  for (int scale : {0, 1, 2, 3, 4, 5, 18, 37, 38}) {
    for (const char* digits :
         {"0", "1", "9", "10", "9999", "10000", "10001", "123456789", "100000000000000000000",
          "99999999999999999999999999999999999999", "12345678901234567890123456789012345678"}) {
      for (int sign : {1, -1}) {
        Int128 value = *decimal_parse(digits, 38, 0) * sign;
        std::string wire;
        append_pg_numeric(value, scale, wire);
        Result<Int128> back = decode_pg_numeric(wire, 38, scale);
        ASSERT_TRUE(back.ok()) << digits << " scale " << scale << ": " << back.status().message();
        EXPECT_TRUE(*back == value) << digits << " scale " << scale;
        std::string ours, theirs;
        decimal_append(value, scale, ours);
        ASSERT_TRUE(append_pg_numeric_text(wire, theirs).ok());
        EXPECT_EQ(ours, theirs);
      }
    }
  }
  for (Int128 special : {kDecimalNan, kDecimalInfinity, kDecimalNegativeInfinity}) {
    std::string wire;
    append_pg_numeric(special, 3, wire);
    EXPECT_TRUE(*decode_pg_numeric(wire, 5, 3) == special);
  }
}

TEST(PgCodec, a_numeric_that_loses_digits_or_is_too_large_is_an_error) {
  std::string wire;
  append_pg_numeric(*decimal_parse("123.456", 10, 3), 3, wire);
  EXPECT_EQ(decode_pg_numeric(wire, 10, 2).status().message(),
            "value does not fit DECIMAL(10, 2): 123.456");
  EXPECT_EQ(decode_pg_numeric(wire, 5, 3).status().message(),
            "value does not fit DECIMAL(5, 3): 123.456");
  EXPECT_TRUE(decode_pg_numeric(wire, 6, 3).ok());
}

TEST(PgCodec, what_is_encoded_decodes_to_the_same) {
  struct Case {
    Type type;
    const char* text;
  };
  Type nested = Type::array(Type::array(Type::string()));
  for (const Case& c :
       {Case{Type::boolean(), "true"}, Case{Type::of(TypeKind::kSmallint), "-5"},
        Case{Type::integer(), "7"}, Case{Type::bigint(), "-9223372036854775808"},
        Case{Type::float32(), "1.5"}, Case{Type::float64(), "NaN"},
        Case{Type::decimal(20, 5), "-123.45000"},
        Case{Type::string(), "a string beyond twelve bytes"}, Case{Type::bytes(), "\\x0001"},
        Case{Type::date(), "0044-03-15 BC"}, Case{Type::time(6), "23:59:59.5"},
        Case{Type::timestamp(), "infinity"}, Case{Type::timestamp_ltz(), "2020-01-01 10:00:00+00"},
        Case{Type::array(Type::integer()), "{1,NULL,3}"}, Case{nested, "{{a,b},{\"c d\",NULL}}"},
        Case{Type::array(Type::integer()), "{}"}}) {
    Column column(c.type);
    PgType wire_type = pg_builtin(oid_of(c.type));
    wire_type.dimensions =
        c.type.kind == TypeKind::kArray && c.type.children[0].kind == TypeKind::kArray ? 2 : 1;
    PgDecoder decoder = PgDecoder::make(wire_type, c.type).value();
    std::string text = c.type.kind == TypeKind::kBoolean ? "t" : c.text;
    ASSERT_TRUE(decoder.decode_text(text, column).ok()) << c.text;
    EXPECT_EQ(text_of(column, 0), c.text);
    std::string wire;
    append_pg_binary(column, 0, wire);
    ASSERT_TRUE(decoder.decode_binary(wire, column).ok()) << c.text;
    EXPECT_TRUE(same_value(column, 0, column, 1)) << c.text;
    Column run(c.type);
    const std::string_view values[] = {wire, {}, wire, wire, {}};
    ASSERT_TRUE(decoder.decode_all(values, run).ok()) << c.text;
    ASSERT_EQ(run.size(), std::size(values));
    for (size_t row = 0; row < run.size(); ++row) {
      EXPECT_EQ(run.is_null(row), values[row].data() == nullptr) << c.text;
      EXPECT_TRUE(run.is_null(row) || same_value(column, 0, run, row)) << c.text;
    }
  }
}

TEST(PgCodec, a_run_ends_at_the_value_that_cannot_be_read) {
  PgDecoder decoder = PgDecoder::make(pg_builtin(kOidInt4), Type::bigint()).value();
  Column column(Type::bigint());
  const std::string_view values[] = {"\1\1\1\1", {}, "\1\1\1", "\1\1\1\1"};
  EXPECT_FALSE(decoder.decode_all(values, column).ok());
  EXPECT_EQ(column.size(), 2u);
}

TEST(PgCodec, types_without_a_binary_form_come_in_runs_of_text) {
  PgType type{.oid = 99999, .kind = PgKind::kText, .has_binary = false, .name = "mood"};
  PgDecoder decoder = PgDecoder::make(type, Type::string()).value();
  ASSERT_FALSE(decoder.has_binary());
  Column column(Type::string());
  const std::string_view values[] = {"glad", {}, "happier than ever"};
  ASSERT_TRUE(decoder.decode_all(values, column).ok());
  EXPECT_EQ(text_of(column, 0), "glad");
  EXPECT_TRUE(column.is_null(1));
  EXPECT_EQ(text_of(column, 2), "happier than ever");
}

TEST(PgCodec, arrays_of_other_dimensions_than_declared_are_errors) {
  PgDecoder decoder =
      PgDecoder::make(pg_builtin(1007), Type::array(Type::array(Type::integer()))).value();
  Column column(decoder.target());
  EXPECT_FALSE(decoder.decode_text("{1,2}", column).ok());
  EXPECT_TRUE(decoder.decode_text("{{1,2},{3,4}}", column).ok());
  EXPECT_TRUE(decoder.decode_text("[0:0][2:3]={{1,2}}", column).ok());
  EXPECT_TRUE(decoder.decode_text("{}", column).ok());
  EXPECT_FALSE(decoder.decode_text("{{1,2}", column).ok());
  EXPECT_FALSE(decoder.decode_text("{{1,2}}x", column).ok());
}

TEST(PgCodec, types_follow_the_mapping) {
  EXPECT_EQ(type_of_pg(pg_builtin(kOidNumeric)).to_string(), "DECIMAL(38, 18)");
  EXPECT_EQ(type_of_pg(pg_builtin(kOidNumeric, ((10 << 16) | 2) + 4)).to_string(),
            "DECIMAL(10, 2)");
  EXPECT_EQ(type_of_pg(pg_builtin(kOidVarchar, 54)).to_string(), "VARCHAR(50)");
  EXPECT_EQ(type_of_pg(pg_builtin(kOidTimestampTz, 3)).to_string(), "TIMESTAMP_LTZ(3)");
  EXPECT_EQ(pg_modifier_of(Type::decimal(10, 2)), ((10 << 16) | 2) + 4);
  EXPECT_EQ(oid_of(Type::array(Type::string())), 1009u);
}

}  // namespace
}  // namespace tidemark
