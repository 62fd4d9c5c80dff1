#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "base/nearest.h"
#include "formats/row_encoder.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr Format kFormats[] = {
    {"json", true, "json", make_json_encoder},
    {"changelog-json", false, "json", make_json_encoder},
    {"debezium-json", false, "json", make_json_encoder},
    {"csv", true, "csv", make_csv_encoder},
    {"changelog-csv", false, "csv", make_csv_encoder},
};

}  // namespace

std::span<const Format> formats() {
  return kFormats;
}

Result<const Format*> find_format(std::string_view name) {
  std::vector<std::string> names;
  std::string list;
  for (const Format& format : kFormats) {
    if (format.name == name) {
      return &format;
    }
    names.emplace_back(format.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  auto nearest = nearest_name(name, names);
  return Status::invalid_argument(fmt::format("unknown format: '{}'", name))
      .with_hint((nearest ? fmt::format("did you mean '{}'? ", *nearest) : std::string()) +
                 "formats: " + list);
}

Status check_append_only(const ChangeBatch& changes, std::string_view format) {
  auto other =
      std::ranges::find_if(changes.kinds, [](RowKind kind) { return kind != RowKind::kInsert; });
  if (other == changes.kinds.end()) {
    return {};
  }
  auto row = static_cast<size_t>(other - changes.kinds.begin());
  std::string values;
  for (const ColumnRef& column : changes.rows.columns) {
    values +=
        (values.empty() ? "" : ", ") + (column->is_null(row) ? "NULL" : text_of(*column, row));
  }
  return Status::data_error(
             fmt::format("format '{}' has no place for a row that goes or changes: {}[{}]", format,
                         row_kind_text(*other), values))
      .with_hint(
          "STOP JOB, and begin it again with 'format' = 'changelog-json', 'changelog-csv' or "
          "'debezium-json'");
}

}  // namespace tidemark
