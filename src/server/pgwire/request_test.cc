#include "server/pgwire/request.h"

#include <gtest/gtest.h>

#include "server/pgwire/parameter.h"
#include "server/pgwire/rows.h"

namespace tidemark::pgwire {
namespace {

using namespace std::string_view_literals;

TEST(PgwireRequest, bind_has_its_values_and_formats) {
  BindRequest request =
      read_bind("p\0s\0\0\2\0\1\0\0\0\2\0\0\0\4\0\0\0\5\xff\xff\xff\xff\0\1\0\1"sv).value();
  EXPECT_EQ(request.portal, "p");
  EXPECT_EQ(request.statement, "s");
  ASSERT_EQ(request.values.size(), 2u);
  EXPECT_EQ(request.values[0], "\0\0\0\5"sv);
  EXPECT_FALSE(request.values[1].has_value());
  EXPECT_EQ(request.format_of(0), 1);
  EXPECT_EQ(request.format_of(1), 0);
  EXPECT_EQ(request.result_formats, std::vector<int16_t>{1});
  BindRequest one_for_all = read_bind("\0\0\0\1\0\1\0\2\0\0\0\0\0\0\0\0\0\0"sv).value();
  EXPECT_EQ(one_for_all.format_of(1), 1);
}

TEST(PgwireRequest, parse_describe_and_execute) {
  ParseRequest parse = read_parse("s\0SELECT $1\0\0\1\0\0\0\x17"sv).value();
  EXPECT_EQ(parse.text, "SELECT $1");
  EXPECT_EQ(parse.types, std::vector<uint32_t>{23});
  EXPECT_EQ(read_named("Sname\0"sv).value().name, "name");
  EXPECT_EQ(read_execute("p\0\0\0\0\2"sv).value().rows_max, 2u);
  EXPECT_EQ(read_execute("\0\xff\xff\xff\xff"sv).value().rows_max, 0u);
}

TEST(PgwireRequest, cut_long_and_impossible_bodies_are_errors) {
  std::string_view bind = "p\0s\0\0\1\0\1\0\1\0\0\0\4\0\0\0\5\0\1\0\1"sv;
  ASSERT_TRUE(read_bind(bind).ok());
  for (size_t size = 0; size < bind.size(); ++size) {
    EXPECT_EQ(read_bind(bind.substr(0, size)).status().sqlstate(), "08P01") << size;
  }
  EXPECT_FALSE(read_bind(std::string(bind) + "x").ok());
  EXPECT_FALSE(read_bind("\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"sv).ok()) << "a length of -2";
  EXPECT_FALSE(read_bind("\0\0\0\1\0\2\0\0\0\0"sv).ok()) << "a format of 2";
  EXPECT_FALSE(read_bind("\0\0\0\2\0\0\0\1\0\1\0\0\0\1x\0\0"sv).ok()) << "formats without values";
  EXPECT_FALSE(read_parse("\0SELECT 1\0\xff\xff"sv).ok());
  EXPECT_FALSE(read_named("Xname\0"sv).ok());
  EXPECT_FALSE(read_named("Sname"sv).ok());
  EXPECT_FALSE(read_execute("\0\0\0"sv).ok());
  EXPECT_FALSE(read_sasl("SCRAM-SHA-256\0\0\0\0\5n,,"sv).ok());
  EXPECT_FALSE(read_cancel("\0\0\1"sv).ok());
}

TEST(PgwireRequest, startup_parameters_end_with_an_empty_name) {
  auto parameters = read_startup_parameters("user\0ada\0database\0d\0\0"sv).value();
  EXPECT_EQ(parameters.at("user"), "ada");
  EXPECT_EQ(parameters.at("database"), "d");
  EXPECT_FALSE(read_startup_parameters("user\0ada\0"sv).ok());
  EXPECT_FALSE(read_startup_parameters("user\0\0\0x"sv).ok());
  auto settings = read_startup_options("-c a=b\\ c --d=e=f -cg=").value();
  ASSERT_EQ(settings.size(), 3u);
  EXPECT_EQ(settings[0], std::pair(std::string("a"), std::string("b c")));
  EXPECT_EQ(settings[1], std::pair(std::string("d"), std::string("e=f")));
  EXPECT_EQ(settings[2].first, "g");
  EXPECT_EQ(read_startup_options("-c a").status().sqlstate(), "42601");
  EXPECT_FALSE(read_startup_options("-c").ok());
}

TEST(PgwireParameter, text_is_utf8_without_zero_bytes) {
  Type text = parameter_type(25).value(), texts = parameter_type(1009).value();
  EXPECT_TRUE(decode_parameter(text, "\u00e9", false, "UTC").ok());
  for (bool is_binary : {false, true}) {
    EXPECT_EQ(decode_parameter(text, "caf\xe9", is_binary, "UTC").status().sqlstate(), "22021");
    EXPECT_EQ(decode_parameter(text, "a\0b"sv, is_binary, "UTC").status().sqlstate(), "22021");
  }
  EXPECT_EQ(decode_parameter(texts, "{a,\"\xff\"}", false, "UTC").status().sqlstate(), "22021");
  std::string_view array = "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\1\xff"sv;
  EXPECT_EQ(decode_parameter(texts, array, true, "UTC").status().sqlstate(), "22021");
  EXPECT_TRUE(decode_parameter(parameter_type(17).value(), "\xff"sv, true, "UTC").ok());
}

// A UUID is the same text whatever form of it was sent.
TEST(PgwireParameter, uuids_are_written_as_postgres_writes_them) {
  auto text = [](uint32_t oid, std::string_view sent) {
    Type type = parameter_type(oid).value();
    Result<Value> value = decode_parameter(type, sent, false, "UTC");
    if (!value.ok()) {
      return std::string(value.status().sqlstate());
    }
    Column column(type);
    column.append_value(*value);
    return text_of(column, 0);
  };
  const std::string uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  for (const char* sent :
       {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}"}) {
    EXPECT_EQ(text(2950, sent), uuid) << sent;
  }
  for (const char* sent :
       {"", "{", "{}", "a0eebc99", "a0eebc999c0b4ef8bb6d6bb9bd380a1g",
        "a0eebc999c0b4ef8bb6d6bb9bd380a1122", "-a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11-", "a0eebc99--9c0b4ef8bb6d6bb9bd380a11",
        "a0-eebc999c0b4ef8bb6d6bb9bd380a11", "{a0eebc999c0b4ef8bb6d6bb9bd380a11"}) {
    EXPECT_EQ(text(2950, sent), "22P02") << sent;
  }
  EXPECT_EQ(text(2951, "{A0EEBC999C0B4EF8BB6D6BB9BD380A11,NULL}"), "{" + uuid + ",NULL}");
  EXPECT_EQ(text(2951, "{}"), "{}");
  EXPECT_EQ(text(2951, "{x}"), "22P02");
}

// An array's elements are in the binary form of its declared type.
TEST(PgwireParameter, arrays_in_binary_have_elements_of_their_declared_type) {
  auto array = [](std::string_view element_type, std::string_view size, std::string_view element) {
    return std::string("\0\0\0\1\0\0\0\0"sv)
        .append(element_type)
        .append("\0\0\0\1\0\0\0\1"sv)
        .append(size)
        .append(element);
  };
  auto text = [](uint32_t oid, const std::string& bytes) {
    Type type = parameter_type(oid).value();
    Result<Value> value = decode_parameter(type, bytes, true, "UTC");
    EXPECT_TRUE(value.ok()) << value.status().to_string();
    Column column(type);
    column.append_value(*value);
    return text_of(column, 0);
  };
  EXPECT_EQ(text(2951, array("\0\0\x0b\x86"sv, "\0\0\0\x10"sv, "0123456789abcdef")),
            "{30313233-3435-3637-3839-616263646566}");
  EXPECT_EQ(text(3807, array("\0\0\x0e\xda"sv, "\0\0\0\3"sv, "\1{}")), "{\"{}\"}");
  EXPECT_EQ(text(1028, array("\0\0\0\x1a"sv, "\0\0\0\4"sv, "\xff\xff\xff\xff")), "{4294967295}");
}

// Their binary forms are not made: a client must not read our text as one.
TEST(PgwireParameter, of_types_that_are_text_here_are_answered_as_text) {
  EXPECT_EQ(parameter_oid(parameter_type(2950).value()), 2950u);
  for (uint32_t oid : {2950u, 3802u, 1186u, 869u}) {
    EXPECT_EQ(result_type(parameter_type(oid).value()).oid, 25u) << oid;
  }
  EXPECT_EQ(result_type(parameter_type(114).value()).oid, 114u) << "json is its text";
  EXPECT_EQ(result_type(parameter_type(114).value()).size, -1);
  for (uint32_t oid : {2951u, 3807u, 1187u, 199u}) {
    EXPECT_EQ(parameter_oid(parameter_type(oid).value()), oid);
    EXPECT_EQ(result_type(parameter_type(oid).value()).oid, 1009u) << oid;
  }
  EXPECT_EQ(result_type(parameter_type(1007).value()).oid, 1007u);
  EXPECT_EQ(result_type(parameter_type(23).value()).oid, 23u);
  EXPECT_EQ(result_type(parameter_type(2205).value()).oid, 2205u);
}

}  // namespace
}  // namespace tidemark::pgwire
