// Where JSON paths lead.

#include "expr/json_path.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr std::string_view kStore = R"({
  "book": [
    {"title": "Sayings", "price": 8.95, "isbn": "1", "by": {"name": "Rees"}},
    {"title": "Sword", "price": 12.99, "tags": ["war", "old"]},
    {"title": "Moby Dick", "price": 8.990, "isbn": null},
    {"title": "Lord", "price": "22.99", "tags": []}
  ],
  "bike": {"price": 19, "name": "red"},
  "limit": 9,
  "cheap": [8.95, 19],
  "n": [[1, 2], [3, [4, 50]], 600]
})";

// The values that the path leads to, as an array; or the error.
std::string found(std::string_view path) {
  Result<JsonValue> document = JsonParser().parse(kStore);
  Result<JsonPath> parsed = parse_json_path(path);
  if (!parsed.ok()) {
    return std::string(parsed.status().message());
  }
  Result<std::vector<const JsonValue*>> values = parsed->find(*document);
  if (!values.ok()) {
    return std::string(values.status().message());
  }
  JsonValue all;
  all.kind = JsonKind::kArray;
  for (const JsonValue* value : *values) {
    all.elements.push_back(*value);
  }
  std::string text;
  append_json(all, JsonLayout::kCompact, text);
  return text;
}

TEST(JsonPath, names_places_and_stars) {
  EXPECT_EQ(found("$.book[0].title"), R"(["Sayings"])");
  EXPECT_EQ(found("lax $['book'][-1].\"price\""), R"(["22.99"])");
  EXPECT_EQ(found("$.book[*].isbn"), R"(["1",null])");
  EXPECT_EQ(found("$.bike.*"), R"([19,"red"])");
  EXPECT_EQ(found("$.cheap.*"), "[8.95,19]");
  EXPECT_EQ(found("$.book.title"), "[]");
}

TEST(JsonPath, descends) {
  EXPECT_EQ(found("$..name"), R"(["Rees","red"])");
  EXPECT_EQ(found("$.book..name"), R"(["Rees"])");
  EXPECT_EQ(found("$..tags[0]"), R"(["war"])");
  EXPECT_EQ(found("$.n..[0]"), "[[1,2],1,3,4]");
  EXPECT_EQ(found("$.n..*"), "[[1,2],[3,[4,50]],600,1,2,3,[4,50],4,50]");
  EXPECT_EQ(found("$.bike.**"), R"([{"price":19,"name":"red"},19,"red"])");
  EXPECT_EQ(found("$.**.name"), R"(["Rees","red"])");
}

TEST(JsonPath, filters_compare) {
  EXPECT_EQ(found("$.book[?(@.price < 9)].title"), R"(["Sayings","Moby Dick"])");
  EXPECT_EQ(found("$.book[?(@.price <= 8.99)].title"), R"(["Sayings","Moby Dick"])");
  EXPECT_EQ(found("$.book[?(@['price'] == 8.99)].title"), R"(["Moby Dick"])");
  EXPECT_EQ(found("$.book[?(@.price > $.limit)].title"), R"(["Sword"])");
  EXPECT_EQ(found("$.book[?(9 > @.price && @.isbn)].title"), R"(["Sayings","Moby Dick"])");
  EXPECT_EQ(found("$.book[?(@.isbn == null || @.title == 'Lord')].price"), R"([8.990,"22.99"])");
  EXPECT_EQ(found("$.book[?(!(@.isbn) && @.title != \"Lord\")].title"), R"(["Sword"])");
  EXPECT_EQ(found("$.book[?(!@.isbn)].title"), R"(["Sword","Lord"])");
  EXPECT_EQ(found("$.book[?(@.price == 22.99)].title"), R"(["Lord"])");
  EXPECT_EQ(found("$.book[?(@.title >= 'S')].title"), R"(["Sayings","Sword"])");
  EXPECT_EQ(found("$.book[?(@.by.name == 'Rees')].title"), R"(["Sayings"])");
  EXPECT_EQ(found("$.book[?(@.by == $.book[0].by)].title"), R"(["Sayings"])");
  EXPECT_EQ(found("$.n[2][?(@ > 1)]"), "[]");
  EXPECT_EQ(found("$.n[0][?(@ > 1)]"), "[2]");
  EXPECT_EQ(found("$.n[*] ? (@ > 1)"), "[2,3,600]");
  EXPECT_EQ(found("strict $.n[*] ? (@ > 1)"), "[600]");
  EXPECT_EQ(found("$.bike[?(@.price > 10)].name"), R"(["red"])");
}

TEST(JsonPath, filters_look_into_lists_and_texts) {
  EXPECT_EQ(found("$.book[?(@.title in ['Lord', 'Sword', 3])].title"), R"(["Sword","Lord"])");
  EXPECT_EQ(found("$.book[?(@.price in $.cheap)].title"), R"(["Sayings"])");
  EXPECT_EQ(found("$.book[?(@.title nin ['Lord', 'Sword'])].title"), R"(["Sayings","Moby Dick"])");
  EXPECT_EQ(found("$.book[?(@.tags[*] == 'old')].title"), R"(["Sword"])");
  EXPECT_EQ(found("$.book[?(@.title =~ /s.*/i)].title"), R"(["Sayings","Sword"])");
  EXPECT_EQ(found("$.book[?(@.title =~ /or/)].title"), "[]");
  EXPECT_EQ(found("$.book ? (@.title like_regex \"^m\" flag \"i\").title"), R"(["Moby Dick"])");
  EXPECT_EQ(found("$.book ? (@.title like_regex \"or\").title"), R"(["Sword","Lord"])");
  EXPECT_EQ(found("$.book ? (@.title starts with \"S\" && exists(@.tags)).title"), R"(["Sword"])");
}

TEST(JsonPath, filters_after_a_descent_test_each_value_once) {
  EXPECT_EQ(found("$..[?(@.price < 9)].title"), R"(["Sayings","Moby Dick"])");
  EXPECT_EQ(found("$..[?(@.name)].name"), R"(["Rees","red"])");
  EXPECT_EQ(found("$.n.** ? (@ > 40)"), "[50,600]");
  EXPECT_EQ(found("$.book[?(@..name)].title"), R"(["Sayings"])");
}

TEST(JsonPath, what_is_no_path_says_where) {
  EXPECT_EQ(found("$.a[?(@.b >)]"),
            "not a JSON path: '$.a[?(@.b >)]': expected a value or a path at character 12");
  EXPECT_EQ(found("$.."), "not a JSON path: '$..': expected a name at character 4");
  EXPECT_EQ(found("$.a[?(@.b > 1]"),
            "not a JSON path: '$.a[?(@.b > 1]': expected ) at character 14");
  EXPECT_EQ(found("$.a[?(@.b > 1)"),
            "not a JSON path: '$.a[?(@.b > 1)': expected ] at character 15");
  EXPECT_EQ(found("$.a ? @.b"), "not a JSON path: '$.a ? @.b': expected ( at character 7");
  EXPECT_EQ(found("$.a[?(1)]"),
            "not a JSON path: '$.a[?(1)]': expected an operator at character 8");
  EXPECT_TRUE(found("$.a[?(@ =~ /(/)]").starts_with("not a JSON path: "));
  EXPECT_TRUE(found("$[?" + std::string(100'000, '(')).find("nested too deeply") !=
              std::string::npos);
  EXPECT_TRUE(found("$[?(@ in " + std::string(100'000, '[')).find("nested too deeply") !=
              std::string::npos);
}

// Ten steps of `..` lead through each value of a chain in very many ways.
TEST(JsonPath, a_path_with_too_many_ways_ends) {
  std::string chain = std::string(200, '[') + std::string(200, ']'), path = "$";
  Result<JsonValue> document = JsonParser().parse(chain);
  for (int i = 0; i < 10; ++i) {
    path += "..*";
  }
  Result<std::vector<const JsonValue*>> values = parse_json_path(path)->find(*document);
  EXPECT_EQ(values.status().message(), "a JSON path leads through too many values");
  EXPECT_EQ(parse_json_path("$[?(@" + path.substr(1) + ")]")->find(*document).status().message(),
            "a JSON path leads through too many values");
}

}  // namespace
}  // namespace tidemark
