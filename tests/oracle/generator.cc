#include "tests/oracle/generator.h"

#include <random>

#include <fmt/core.h>

#include "tests/oracle/query_generator.h"

namespace tidemark {

namespace {

class CaseGenerator {
 public:
  CaseGenerator(uint64_t seed, int depth) : random_(seed), depth_(depth) {}

  OracleCase generate() {
    OracleCase oracle;
    size_t tables = 2 + random_() % 2;
    for (size_t t = 0; t < tables; ++t) {
      make_table(t);
      oracle.tables.push_back(definitions_.back());
    }
    std::vector<std::string> first;
    for (size_t t = 0; t < tables; ++t) {
      size_t rows = one_in(16) ? 0 : one_in(6) ? 25 : 4 + random_() % 9;
      for (size_t i = 0; i < rows; ++i) {
        first.push_back(insert(t));
      }
    }
    oracle.transactions.push_back(std::move(first));
    size_t transactions = 4 + random_() % 4;
    for (size_t i = 0; i < transactions; ++i) {
      std::vector<std::string> statements;
      for (size_t s = 1 + random_() % 4; s > 0; --s) {
        statements.push_back(statement());
      }
      oracle.transactions.push_back(std::move(statements));
    }
    for (size_t q = 0; q < 10; ++q) {
      oracle.queries.push_back(QueryGenerator(random_, tables_).query(depth_));
    }
    oracle.step_commits_max = one_in(3) ? 0 : 1;
    oracle.keeps_keys = one_in(2);
    oracle.shares_state = !one_in(4);
    return oracle;
  }

 private:
  bool one_in(size_t n) { return random_() % n == 0; }

  void make_table(size_t t) {
    static const GeneratedColumn kColumns[] = {
        {"k", GeneratedType::kInt, "INT"},
        {"v", GeneratedType::kInt, "INT"},
        {"s", GeneratedType::kText, "TEXT"},
        {"x", GeneratedType::kBig, "BIGINT"},
        {"f", GeneratedType::kFloat, "FLOAT8"},
        {"b", GeneratedType::kBool, "BOOLEAN"},
        {"n", GeneratedType::kNumeric, "NUMERIC(8,2)"},
    };
    GeneratedTable table;
    table.name = fmt::format("t{}", t);
    std::string text = table.name + " (";
    bool with_key = one_in(2);
    if (with_key) {
      text += "id INT PRIMARY KEY, ";
      table.columns.push_back({"id", GeneratedType::kInt, "INT"});
    }
    not_null_.emplace_back();
    for (const GeneratedColumn& column : kColumns) {
      if (column.name != "k" && column.name != "v" && one_in(3)) {
        continue;
      }
      bool not_null = one_in(4);
      not_null_.back().push_back(not_null);
      text += column.name + " " + column.sql_type + (not_null ? " NOT NULL" : "") + ", ";
      table.columns.push_back(column);
    }
    text.resize(text.size() - 2);
    definitions_.push_back(text + ")");
    tables_.push_back(std::move(table));
  }

  std::string value(GeneratedType type, bool not_null) {
    if (!not_null && one_in(6)) {
      return "NULL";
    }
    switch (type) {
      case GeneratedType::kInt:
        return std::to_string(one_in(3) ? 1 : random_() % 6);
      case GeneratedType::kText: {
        static const char* kTexts[] = {"''", "'a'", "'b'", "'a longer text than twelve'", "'zz'"};
        return kTexts[random_() % 5];
      }
      case GeneratedType::kBig: {
        static const char* kBigs[] = {"9223372036854775807", "-9223372036854775808", "0", "1",
                                      "4294967296"};
        return kBigs[random_() % 5];
      }
      case GeneratedType::kFloat: {
        static const char* kFloats[] = {"'NaN'", "'Infinity'", "'-Infinity'", "0.5", "1", "1e300"};
        return kFloats[random_() % 6];
      }
      case GeneratedType::kBool:
        return one_in(2) ? "TRUE" : "FALSE";
      case GeneratedType::kNumeric:
        return fmt::format("{}.{:02}", random_() % 4, random_() % 3 * 25);
    }
    CHECK(false);
  }

  std::string insert(size_t t) {
    std::string text = "INSERT INTO " + tables_[t].name + " VALUES (";
    size_t nullable = 0;
    for (const GeneratedColumn& column : tables_[t].columns) {
      text += column.name == "id" ? std::to_string(++last_id_)
                                  : value(column.type, not_null_[t][nullable++]);
      text += ", ";
    }
    text.resize(text.size() - 2);
    return text + ")";
  }

  std::string statement() {
    size_t t = random_() % tables_.size();
    const GeneratedTable& table = tables_[t];
    switch (random_() % 10) {
      case 0:
      case 1:
        return fmt::format("DELETE FROM {} WHERE k = {}", table.name, random_() % 6);
      case 2:
        return fmt::format("DELETE FROM {} WHERE v > {}", table.name, 2 + random_() % 4);
      case 3:
        return !one_in(5)  ? insert(t)
               : one_in(2) ? "TRUNCATE " + table.name
                           : "DELETE FROM " + table.name;
      case 4:
      case 5:
      case 6: {
        size_t offset = table.columns[0].name == "id" ? 1 : 0;
        size_t c = offset + random_() % (table.columns.size() - offset);
        return fmt::format("UPDATE {} SET {} = {} WHERE k = {}", table.name, table.columns[c].name,
                           value(table.columns[c].type, not_null_[t][c - offset]), random_() % 6);
      }
      default:
        return insert(t);
    }
  }

  std::mt19937_64 random_;
  int depth_;
  std::vector<GeneratedTable> tables_;
  std::vector<std::string> definitions_;
  std::vector<std::vector<bool>> not_null_;  // per table, without the id
  int last_id_ = 0;
};

}  // namespace

OracleCase generate_oracle_case(uint64_t seed, int depth) {
  return CaseGenerator(seed, depth).generate();
}

}  // namespace tidemark
