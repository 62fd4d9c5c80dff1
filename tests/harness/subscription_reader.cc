#include "tests/harness/subscription_reader.h"

#include <gtest/gtest.h>

namespace tidemark {

SubscriptionReader::SubscriptionReader(PostgresConnection connection, const std::string& subscribe)
    : connection_(std::move(connection)) {
  EXPECT_TRUE(connection_.execute("BEGIN").ok());
  Status declared = connection_.execute("DECLARE c CURSOR FOR " + subscribe);
  EXPECT_TRUE(declared.ok()) << declared.to_string();
}

bool SubscriptionReader::next(Rows& to) {
  Result<QueryResult> got = connection_.query("FETCH ALL FROM c WITH (TIMEOUT = '300ms')");
  if (!got.ok()) {
    error = got.status().to_string();
    return false;
  }
  for (size_t row = 0; row < got->rows(); ++row) {
    std::string op(got->text(row, 1));
    if (op == "mark") {
      marks.push_back(Lsn::parse(got->text(row, 0)).value());
      states.push_back(to);
      continue;
    }
    std::string text;
    for (size_t column = 2; column < got->columns(); ++column) {
      text += (column == 2 ? "" : "|") + std::string(got->text(row, column));
    }
    if ((to[text] += op == "+I" || op == "+U" ? 1 : -1) == 0) {
      to.erase(text);
    }
  }
  return got->rows() != 0;
}

void SubscriptionReader::read() {
  while (next(rows)) {
  }
}

std::vector<std::string> SubscriptionReader::sorted(const Rows& rows) {
  std::vector<std::string> list;
  for (const auto& [row, count] : rows) {
    EXPECT_EQ(count, 1) << row;
    list.push_back(row);
  }
  return list;
}

}  // namespace tidemark
