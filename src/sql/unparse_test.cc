#include "sql/unparse.h"

#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "sql/excerpt.h"
#include "sql/lexer.h"
#include "sql/parser.h"
#include "sql/split.h"
#include "tests/harness/paths.h"

namespace tidemark::sql {
namespace {

std::string read_corpus() {
  std::ifstream file(source_dir() + "/tests/sql/parser/corpus.sql");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The law: one round through the text changes nothing.
void expect_law(std::string_view text) {
  Result<Statement> first = parse_statement(text);
  ASSERT_TRUE(first.ok()) << excerpt(first.status(), text);
  std::string canonical = unparse(*first);
  Result<Statement> second = parse_statement(canonical);
  ASSERT_TRUE(second.ok()) << text << "\n" << excerpt(second.status(), canonical);
  EXPECT_EQ(first->node.index(), second->node.index()) << text;
  EXPECT_EQ(unparse(*second), canonical) << text;
}

TEST(Unparse, corpus_parses_and_obeys_the_law) {
  std::string corpus = read_corpus();
  Script script = split_script(corpus);
  EXPECT_EQ(script.end, ScriptEnd::kComplete);
  EXPECT_GE(script.pieces.size(), 250U);
  for (const Piece& piece : script.pieces) {
    expect_law(piece.text);
  }
  Result<std::vector<Statement>> whole = parse_script(corpus);
  ASSERT_TRUE(whole.ok()) << excerpt(whole.status(), corpus);
  EXPECT_EQ(whole->size(), script.pieces.size());
}

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  std::string query(int depth) {
    std::string text = "SELECT " + expr(depth) + " AS c FROM t";
    if (chance(2)) {
      text += " JOIN u ON " + expr(depth - 1);
    }
    if (chance(2)) {
      text += " WHERE " + expr(depth - 1);
    }
    if (chance(3)) {
      text += " GROUP BY " + expr(depth - 1) + " HAVING " + expr(depth - 1);
    }
    if (depth > 0 && chance(3)) {
      static constexpr std::string_view kSets[] = {" UNION ", " EXCEPT ALL ", " INTERSECT "};
      text += kSets[pick(3)];
      text += chance(2) ? "(" + query(depth - 1) + ")" : query(depth - 1);
    }
    return text;
  }

  std::string expr(int depth) {
    static constexpr std::string_view kAtoms[] = {"a",    "t.b",  "1",     "2.5", "'s'",
                                                  "NULL", "TRUE", "`x y`", "$1",  "CURRENT_DATE"};
    static constexpr std::string_view kOperators[] = {
        " + ", " - ", " * ", " / ", " || ", " = ", " < ", " AND ", " OR ", " IS DISTINCT FROM ",
        " ~ ", " -> "};
    if (depth <= 0) {
      return std::string(kAtoms[pick(std::size(kAtoms))]);
    }
    auto inner = [&] { return chance(2) ? "(" + expr(depth - 1) + ")" : expr(depth - 2); };
    switch (pick(14)) {
      case 0:
        return "(NOT " + inner() + ")";
      case 1:
        return "- " + inner();
      case 2:
        return "(" + inner() + ") IS NOT NULL";
      case 3:
        return "(" + inner() + ") BETWEEN (" + inner() + ") AND (" + inner() + ")";
      case 4:
        return "(" + inner() + ") NOT IN (" + inner() + ", " + inner() + ")";
      case 5:
        return "(" + inner() + ") LIKE (" + inner() + ")";
      case 6:
        return "CASE WHEN " + inner() + " THEN " + inner() + " ELSE " + inner() + " END";
      case 7:
        return "CAST(" + inner() + " AS INT)::text";
      case 8:
        return "f(DISTINCT " + inner() + ", " + inner() + ") FILTER (WHERE " + inner() + ")";
      case 9:
        return "EXTRACT(DAY FROM " + inner() + ")";
      case 10:
        return "(" + inner() + ")[" + inner() + "]";
      case 11:
        return "EXISTS (" + query(depth - 2) + ")";
      case 12:
        return "(" + inner() + ") AT TIME ZONE (" + inner() + ")";
      default:
        return "(" + inner() + ")" + std::string(kOperators[pick(std::size(kOperators))]) + "(" +
               inner() + ")";
    }
  }

 private:
  size_t pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool chance(size_t n) { return pick(n) == 0; }
  std::mt19937 random_;
};

TEST(Unparse, generated_queries_obey_the_law) {
  Generator generator(7);
  for (int i = 0; i < 2000; ++i) {
    expect_law(generator.query(4));
  }
}

TEST(Parser, mutated_statements_never_crash) {
  std::string corpus = read_corpus();
  std::mt19937 random(11);
  auto pick = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  size_t accepted = 0;
  for (const Piece& piece : split_script(corpus).pieces) {
    Result<std::vector<Token>> tokens = tokenize(piece.text);
    ASSERT_TRUE(tokens.ok());
    std::vector<std::string> words;
    for (const Token& token : *tokens) {
      words.emplace_back(piece.text.substr(token.position, token.end - token.position));
    }
    for (int i = 0; i < 30; ++i) {
      std::vector<std::string> mutated = words;
      size_t at = pick(words.size());
      switch (pick(3)) {
        case 0:
          mutated.erase(mutated.begin() + static_cast<ptrdiff_t>(at));
          break;
        case 1:
          mutated.insert(mutated.begin() + static_cast<ptrdiff_t>(at), words[pick(words.size())]);
          break;
        default:
          std::swap(mutated[at], mutated[pick(words.size())]);
          break;
      }
      std::string text;
      for (const std::string& word : mutated) {
        text += word + " ";
      }
      Result<Statement> result = parse_statement(text);
      if (result.ok()) {
        ++accepted;
        expect_law(text);
      } else {
        EXPECT_TRUE(result.status().position().has_value()) << text;
        EXPECT_LE(result.status().position().value_or(0), text.size());
      }
    }
  }
  EXPECT_GT(accepted, 0U);
}

}  // namespace
}  // namespace tidemark::sql
