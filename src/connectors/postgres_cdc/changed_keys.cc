#include "connectors/postgres_cdc/changed_keys.h"

#include "base/bytes.h"
#include "types/key_codec.h"

namespace tidemark {

namespace {
constexpr size_t kKeysPerList = 500;  // of one statement
}

Result<ChangedKeys> ChangedKeys::make(const ReaderPlan& plan,
                                      const std::unordered_set<std::string>& texts) {
  ChangedKeys changed;
  size_t in_list = 0;
  for (const std::string& values : texts) {
    ByteReader in(values);
    std::string key, literals;
    for (const ReaderPlan::Column& column : plan.columns) {
      if (!column.in_key) {
        continue;
      }
      std::string_view text = in.bytes();
      Column value(column.decoder.target());
      TRY(column.decoder.decode_text(text, value));
      append_sort_key(value, 0, false, false, key);
      literals += (literals.empty() ? "(" : ", ") + quote_literal(text);
    }
    changed.keys.insert(std::move(key));
    if (in_list == 0) {
      changed.literal_lists.emplace_back();
    }
    std::string& list = changed.literal_lists.back();
    list += (in_list == 0 ? "" : ", ") + literals + ")";
    in_list = (in_list + 1) % kKeysPerList;
  }
  return changed;
}

std::string ChangedKeys::key_of(const ReaderPlan& plan, const RowBatch& rows, size_t row) {
  std::string key;
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    if (plan.columns[i].in_key) {
      append_sort_key(*rows.columns[i], row, false, false, key);
    }
  }
  return key;
}

RowBatch select_by_key(const ReaderPlan& plan, RowBatch rows,
                       const std::function<bool(std::string key)>& is_wanted) {
  std::vector<uint32_t> chosen;
  for (size_t row = 0; row < rows.rows; ++row) {
    if (is_wanted(ChangedKeys::key_of(plan, rows, row))) {
      chosen.push_back(static_cast<uint32_t>(row));
    }
  }
  return chosen.size() == rows.rows ? std::move(rows) : rows.select(chosen);
}

}  // namespace tidemark
