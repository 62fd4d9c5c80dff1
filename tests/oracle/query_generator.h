#pragma once
// Random queries that Tidemark and Postgres both run and define alike.

#include <random>
#include <string>
#include <vector>

#include "tests/oracle/oracle_case.h"

namespace tidemark {

// Small whole numbers may be added up; kBig holds extremes, which are only compared.
enum class GeneratedType { kInt, kText, kBig, kFloat, kBool, kNumeric };

struct GeneratedColumn {
  std::string name;
  GeneratedType type;
  std::string sql_type;
};
struct GeneratedTable {
  std::string name;
  std::vector<GeneratedColumn> columns;
};

class QueryGenerator {
 public:
  QueryGenerator(std::mt19937_64& random, const std::vector<GeneratedTable>& tables)
      : random_(random), tables_(tables) {}

  OracleQuery query(int depth);

 private:
  struct Value {
    std::string text;
    GeneratedType type;
  };
  using Values = std::vector<Value>;
  // What may be named: the innermost scope last. Scopes before the last are enclosing queries.
  using Scopes = std::vector<Values>;
  struct Query {
    std::string text;
    std::vector<GeneratedType> types;  // of columns c0, c1, ...
  };

  bool one_in(size_t n) { return random_() % n == 0; }
  size_t below(size_t n) { return random_() % n; }
  std::string next_alias() { return "r" + std::to_string(aliases_++); }

  Query any_query(int depth, const Scopes& outer, const std::vector<GeneratedType>* types);
  Query select(int depth, const Scopes& outer, const std::vector<GeneratedType>* types);
  Query set_operation(int depth, const Scopes& outer, const std::vector<GeneratedType>* types);
  Query grouped(int depth, const Scopes& scopes, const std::string& from,
                const std::vector<GeneratedType>* types);
  std::string from(int depth, Scopes& scopes);
  std::string relation(int depth, const Scopes& scopes, bool lateral, Values& columns);
  std::string join_condition(const Values& left, const Values& right, bool only_equal);
  std::string limited(Query query);
  // QUALIFY, which Postgres does not have.
  OracleQuery qualified(int depth);

  std::string condition(int depth, const Scopes& scopes);
  std::string subquery_condition(int depth, const Scopes& scopes);
  std::string row_in_query(int depth, const Scopes& scopes);
  std::string comparison(int depth, const Scopes& scopes);
  std::string value(int depth, const Scopes& scopes, GeneratedType type);
  std::string literal(GeneratedType type);
  std::string in_data(GeneratedType type, size_t third);
  std::string scalar_subquery(int depth, const Scopes& scopes, GeneratedType type);
  std::string aggregate(int depth, const Scopes& scopes, GeneratedType type);
  GeneratedType any_type(const Scopes& scopes);
  const Value* column(const Scopes& scopes, GeneratedType type);

  std::mt19937_64& random_;
  const std::vector<GeneratedTable>& tables_;
  int aliases_ = 0;
};

}  // namespace tidemark
