#include <fmt/core.h>
#include <gtest/gtest.h>

#include "types/column.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/lsn.h"
#include "types/nested.h"
#include "types/text.h"

namespace tidemark {
namespace {

std::string round_trip(const Type& type, std::string_view text) {
  Column column(type);
  Status status = append_parsed(text, column);
  return status.ok() ? text_of(column, 0) : "error: " + status.message();
}

TEST(Text, floats_print_as_postgres_prints_them) {
  Type d = Type::float64();
  EXPECT_EQ(round_trip(d, "1173259.34"), "1173259.34");
  EXPECT_EQ(round_trip(d, "100000"), "100000");
  EXPECT_EQ(round_trip(d, "1e15"), "1e+15");
  EXPECT_EQ(round_trip(d, "123456789012345"), "123456789012345");
  EXPECT_EQ(round_trip(d, "0.0001"), "0.0001");
  EXPECT_EQ(round_trip(d, "0.00001"), "1e-05");
  EXPECT_EQ(round_trip(d, "-0"), "-0");
  EXPECT_EQ(round_trip(d, "nan"), "NaN");
  EXPECT_EQ(round_trip(d, "-infinity"), "-Infinity");
  EXPECT_EQ(round_trip(Type::float32(), "1234567"), "1.234567e+06");
  EXPECT_EQ(round_trip(d, "12x"), "error: not a value of DOUBLE: '12x'");
}

TEST(Text, dates_and_timestamps_with_infinity_and_bc) {
  EXPECT_EQ(round_trip(Type::date(), "2020-02-29"), "2020-02-29");
  EXPECT_EQ(round_trip(Type::date(), "0044-03-15 BC"), "0044-03-15 BC");
  EXPECT_EQ(round_trip(Type::date(), "infinity"), "infinity");
  EXPECT_EQ(round_trip(Type::date(), "2021-02-29"), "error: not a date: '2021-02-29'");
  EXPECT_EQ(round_trip(Type::timestamp(), "2020-01-31 10:00:00.5"), "2020-01-31 10:00:00.5");
  EXPECT_EQ(round_trip(Type::timestamp(), "2020-01-31T10:00:00"), "2020-01-31 10:00:00");
  EXPECT_EQ(round_trip(Type::timestamp(), "4713-01-01 00:00:00 BC"), "4713-01-01 00:00:00 BC");
  EXPECT_EQ(round_trip(Type::timestamp(), "-infinity"), "-infinity");
  EXPECT_EQ(round_trip(Type::date(), "5874897-12-31"), "5874897-12-31");
  EXPECT_EQ(round_trip(Type::date(), "4714-11-24 BC"), "4714-11-24 BC");
  for (const char* text : {"5874898-01-01", "9999999-01-01", "4714-11-23 BC", "9999999-01-01 BC"}) {
    EXPECT_EQ(round_trip(Type::date(), text), fmt::format("error: not a date: '{}'", text));
  }
  EXPECT_EQ(round_trip(Type::timestamp(), "294277-01-01 00:00:00"),
            "error: not a timestamp: '294277-01-01 00:00:00'");
  EXPECT_EQ(round_trip(Type::timestamp_ltz(), "294276-12-31 23:59:59-01"),
            "error: not a timestamp: '294276-12-31 23:59:59-01'");
  EXPECT_EQ(round_trip(Type::timestamp_ltz(), "2020-01-31 10:00:00+02"), "2020-01-31 08:00:00+00");
  EXPECT_EQ(round_trip(Type::time(), "23:59:59.000001"), "23:59:59.000001");
  EXPECT_EQ(round_trip(Type::time(), "23:59:60"), "24:00:00");
  EXPECT_EQ(round_trip(Type::time(), "23:59:60.5"), "error: not a time: '23:59:60.5'");
  std::string berlin;
  append_timestamp_ltz(0, "Europe/Berlin", berlin);
  EXPECT_EQ(berlin, "2000-01-01 01:00:00+01");
  for (int32_t day = -2000000; day < 2000000; day += 997) {
    EXPECT_EQ(days_from_civil(civil_from_days(day)), day);
  }
}

TEST(Decimal, arithmetic_is_exact) {
  auto parse = [](std::string_view text, int scale) { return *decimal_parse(text, 38, scale); };
  auto show = [](Result<Int128> value, int scale) {
    if (!value.ok()) {
      return value.status().message();
    }
    std::string out;
    decimal_append(*value, scale, out);
    return out;
  };
  EXPECT_EQ(round_trip(Type::decimal(10, 2), "-0.005"), "-0.01");
  EXPECT_EQ(round_trip(Type::decimal(5, 2), "1000"), "error: value does not fit DECIMAL(5, 2)");
  EXPECT_EQ(round_trip(Type::decimal(38, 0), "99999999999999999999999999999999999999"),
            "99999999999999999999999999999999999999");
  EXPECT_EQ(round_trip(Type::decimal(38, 2), "NaN"), "NaN");
  EXPECT_EQ(round_trip(Type::decimal(20, 3), "1.5e3"), "1500.000");
  EXPECT_EQ(show(decimal_add(parse("1.5", 1), 1, parse("2.25", 2), 2, 38, 2), 2), "3.75");
  EXPECT_EQ(show(decimal_subtract(parse("1.5", 1), 1, parse("2.25", 2), 2, 38, 2), 2), "-0.75");
  EXPECT_EQ(show(decimal_multiply(parse("99999999999999999999", 0), 0,
                                  parse("99999999999999999", 0), 0, 38, 0),
                 0),
            "9999999999999999899900000000000000001");
  EXPECT_EQ(show(decimal_divide(parse("1", 0), 0, parse("3", 0), 0, 38, 6), 6), "0.333333");
  EXPECT_EQ(show(decimal_divide(parse("2", 0), 0, parse("3", 0), 0, 38, 6), 6), "0.666667");
  EXPECT_EQ(show(decimal_divide(parse("2", 0), 0, 0, 0, 38, 6), 6), "division by zero");
  EXPECT_EQ(show(decimal_modulo(parse("-7.5", 1), 1, parse("2", 0), 0, 38, 1), 1), "-1.5");
  EXPECT_EQ(show(decimal_add(kDecimalInfinity, 0, kDecimalNegativeInfinity, 0, 38, 0), 0), "NaN");
  EXPECT_DOUBLE_EQ(decimal_to_double(parse("1173259.34", 2), 2), 1173259.34);
}

TEST(Nested, arrays_pack_and_print) {
  Type matrix = Type::array(Type::array(Type::integer()));
  EXPECT_EQ(round_trip(matrix, "{{1,2},{3,NULL}}"), "{{1,2},{3,NULL}}");
  EXPECT_EQ(round_trip(Type::array(Type::string()), "{a,\"b c\",\"\",\"q\\\"q\"}"),
            "{a,\"b c\",\"\",\"q\\\"q\"}");
  EXPECT_EQ(round_trip(Type::array(Type::integer()), "{{1}}"),
            "error: array has more dimensions than ARRAY<INT>");
}

TEST(Column, keeps_long_strings_alive_when_rows_are_shared) {
  Column copy(Type::string());
  {
    Column source(Type::string());
    source.append_string("short");
    source.append_string("a string that is longer than twelve bytes");
    source.append_null();
    uint32_t rows[] = {2, 1, 0};
    copy.append_rows(source, rows);
  }
  EXPECT_TRUE(copy.is_null(0));
  EXPECT_EQ(copy.string_at(1), "a string that is longer than twelve bytes");
  EXPECT_EQ(copy.string_at(2), "short");
}

TEST(Lsn, prints_and_parses_as_postgres_does) {
  EXPECT_EQ(Lsn{0x16B374D848}.to_string(), "16/B374D848");
  EXPECT_EQ(Lsn::parse("16/B374D848")->value, 0x16B374D848u);
  EXPECT_FALSE(Lsn::parse("16-B374D848").has_value());
}

}  // namespace
}  // namespace tidemark
