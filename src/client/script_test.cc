#include "client/script.h"

#include <gtest/gtest.h>

#include "client/answer.h"
#include "client/completion.h"
#include "client/line_editor.h"
#include "client/settings.h"
#include "sql/parser.h"

namespace tidemark {
namespace {

std::string complaint(const std::string& text) {
  Status status = check_script({.name = "q.sql", .text = text});
  return status.ok() ? "" : error_text(status, {.name = "q.sql", .text = text});
}

TEST(Script, whole_scripts_pass) {
  EXPECT_EQ(complaint(""), "");
  EXPECT_EQ(complaint("SELECT 'é;' ; -- it's\nSELECT 2"), "");
}

TEST(Script, invalid_utf8_is_an_error_with_its_place) {
  EXPECT_EQ(complaint("SELECT 1;\nSELECT '\xFF';")
                .find("[ERROR] Could not execute SQL statement. Reason:\n"
                      "q.sql, line 2: the script is not valid UTF-8: byte 0xff\n"),
            0u);
}

TEST(Script, end_inside_a_quote_points_to_its_start) {
  EXPECT_EQ(complaint("SELECT 1;\nSELECT 'abc;\n"),
            "[ERROR] Could not execute SQL statement. Reason:\n"
            "q.sql, line 2: the script ends inside a quote\n"
            "  SELECT 'abc;\n"
            "         ^\n");
  EXPECT_NE(complaint("SELECT 1; /* never closed").find("ends inside a comment"),
            std::string::npos);
}

TEST(Script, places_are_counted_in_characters) {
  std::string text = "SELECT 1; SELECT 'é', x FROM t";
  sql::Piece piece = sql::split_script(text).pieces[1];
  EXPECT_EQ(piece.offset, 10u);
  EXPECT_EQ(text.substr(script_position(piece, 13), 1), "x");
  EXPECT_EQ(script_position(piece, 0), 10u);
  EXPECT_LE(script_position(piece, 1000), text.size());
}

TEST(Settings, follow_set_and_reset) {
  ClientSettings settings;
  EXPECT_EQ(settings.result_mode(), ResultMode::kTable);
  settings.follow(*sql::parse_statement("SET 'sql-client.execution.result-mode' = 'TABLEAU'"));
  settings.follow(*sql::parse_statement("SET 'tidemark.until' = 'caught-up'"));
  settings.follow(*sql::parse_statement("SET 'table.display.max-column-width' = '12'"));
  EXPECT_EQ(settings.result_mode(), ResultMode::kTableau);
  EXPECT_TRUE(settings.until_caught_up());
  EXPECT_EQ(settings.column_width_max(), 12u);
  settings.follow(*sql::parse_statement("RESET 'tidemark.until'"));
  EXPECT_FALSE(settings.until_caught_up());
  settings.follow(*sql::parse_statement("RESET"));
  EXPECT_EQ(settings.result_mode(), ResultMode::kTable);
  EXPECT_EQ(settings.column_width_max(), 30u);
}

TEST(Completion, offers_names_and_keywords_in_the_case_of_the_word) {
  std::vector<std::string> names = {"accident_claims", "Accounts", "members"};
  EXPECT_EQ(matching_words(names, "acc"),
            (std::vector<std::string>{"Accounts", "accident_claims"}));
  EXPECT_EQ(matching_words(names, "selec"), std::vector<std::string>{"select"});
  EXPECT_EQ(matching_words(names, "SELEC"), std::vector<std::string>{"SELECT"});
  EXPECT_EQ(matching_words(names, ""),
            (std::vector<std::string>{"Accounts", "accident_claims", "members"}));
  EXPECT_EQ(common_start({"accident_claims", "ACCOUNTS"}), "acc");
}

TEST(Answer, reads_keys_and_orders) {
  EXPECT_EQ(parse_key("-"), std::nullopt);
  EXPECT_EQ(parse_key(""), std::vector<size_t>{});
  EXPECT_EQ(parse_key("0,12"), (std::vector<size_t>{0, 12}));
  EXPECT_EQ(parse_order(""), std::vector<SortKey>{});
  EXPECT_EQ(parse_order("1 desc nulls_first, 0 asc nulls_last"),
            (std::vector<SortKey>{{.column = 1, .descending = true, .nulls_first = true},
                                  {.column = 0}}));
  EXPECT_EQ(type_of_wire(1700, ((10 << 16) | 2) + 4), Type::decimal(10, 2));
  EXPECT_EQ(type_of_wire(21, 1), Type::of(TypeKind::kTinyint));
}

}  // namespace
}  // namespace tidemark
