#include "client/settings.h"

#include "base/options.h"

namespace tidemark {

namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return tolower(x) == tolower(y); });
}

}  // namespace

void ClientSettings::follow(const sql::Statement& statement) {
  if (const auto* set = std::get_if<sql::Set>(&statement.node)) {
    if (set->option && !set->is_default) {
      values_[set->option->key] = set->option->value;
    } else if (set->option) {
      values_.erase(set->option->key);
    }
  } else if (const auto* reset = std::get_if<sql::Reset>(&statement.node)) {
    if (reset->key) {
      values_.erase(*reset->key);
    } else {
      values_.clear();
    }
  }
}

ResultMode ClientSettings::result_mode() const {
  auto found = values_.find("sql-client.execution.result-mode");
  if (found == values_.end()) {
    return ResultMode::kTable;
  }
  if (equals_ignoring_case(found->second, "changelog")) {
    return ResultMode::kChangelog;
  }
  return equals_ignoring_case(found->second, "tableau") ? ResultMode::kTableau : ResultMode::kTable;
}

size_t ClientSettings::number(std::string_view key, size_t otherwise) const {
  auto found = values_.find(key);
  if (found == values_.end()) {
    return otherwise;
  }
  Result<int64_t> value = parse_int(found->second);
  return value.ok() && *value > 0 ? static_cast<size_t>(*value) : otherwise;
}

size_t ClientSettings::rows_max() const {
  return number("sql-client.execution.max-table-result.rows", 1'000'000);
}

size_t ClientSettings::column_width_max() const {
  constexpr size_t kFlinkDefault = 30;
  return number("table.display.max-column-width",
                number("sql-client.display.max-column-width", kFlinkDefault));
}

bool ClientSettings::until_caught_up() const {
  auto found = values_.find("tidemark.until");
  return found != values_.end() && equals_ignoring_case(found->second, "caught-up");
}

}  // namespace tidemark
