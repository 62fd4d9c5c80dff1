#pragma once
// The session settings that the client itself acts on. It follows the SET and RESET statements that
// it sends; the server keeps them all.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sql/ast_statement.h"

namespace tidemark {

enum class ResultMode : uint8_t { kTable, kChangelog, kTableau };

class ClientSettings {
 public:
  // After the server has run it.
  void follow(const sql::Statement& statement);
  void set(const std::string& key, const std::string& value) { values_[key] = value; }

  ResultMode result_mode() const;  // 'sql-client.execution.result-mode'
  size_t rows_max() const;         // 'sql-client.execution.max-table-result.rows'
  size_t column_width_max()
      const;                     // 'table.display.max-column-width', and Flink's older name for it
  bool until_caught_up() const;  // 'tidemark.until'

 private:
  size_t number(std::string_view key, size_t otherwise) const;
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace tidemark
