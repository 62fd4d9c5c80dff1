// Nexmark's queries over its generator's events, in transactions with corrections and deletions,
// against Postgres at every mark; and the generator's shape.

#include <map>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "bench/nexmark/generator.h"
#include "bench/nexmark/queries.h"
#include "tests/oracle/oracle_case.h"
#include "types/text.h"

namespace tidemark {
namespace {

std::string postgres_type(const Type& type) {
  return type.kind == TypeKind::kVarchar     ? "TEXT"
         : type.kind == TypeKind::kTimestamp ? "TIMESTAMP(3)"
                                             : "BIGINT";
}

std::string definition_of(const NexmarkTable& table) {
  std::string columns;
  for (const Field& field : table.schema.fields) {
    columns += fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", field.name,
                           postgres_type(field.type), field.type.nullable ? "" : " PRIMARY KEY");
  }
  return fmt::format("{} ({})", table.name, columns);
}

std::vector<std::string> inserts(const NexmarkEvents& events) {
  std::vector<std::string> statements;
  for (size_t t = 0; t < events.size(); ++t) {
    std::string rows;
    for (size_t row = 0; row < events[t].rows; ++row) {
      std::string values;
      for (const ColumnRef& column : events[t].columns) {
        values += (values.empty() ? "'" : ", '") + text_of(*column, row) + "'";
      }
      rows += (rows.empty() ? "(" : ", (") + values + ")";
    }
    if (!rows.empty()) {
      statements.push_back("INSERT INTO " + nexmark_tables()[t].name + " VALUES " + rows);
    }
  }
  return statements;
}

// At ten milliseconds an event auctions stay open for several bids.
OracleCase changing_auctions() {
  OracleCase oracle;
  for (const NexmarkTable& table : nexmark_tables()) {
    oracle.tables.push_back(definition_of(table));
  }
  NexmarkGenerator generator({.seed = 7, .events_per_second = 100, .first_bidder = 1000});
  for (size_t events : {2000, 250, 150}) {
    oracle.transactions.push_back(inserts(generator.next(events)));
  }
  oracle.transactions.push_back({"UPDATE bid SET price = price * 3 WHERE auction % 7 = 0"});
  oracle.transactions.push_back({"DELETE FROM auction WHERE category = 12",
                                 "UPDATE person SET state = 'OR' WHERE id % 3 = 0"});
  oracle.transactions.push_back({"DELETE FROM bid WHERE price > 500000"});
  oracle.transactions.push_back(
      {"UPDATE auction SET category = 10, expires = expires + interval '10 seconds'"});
  oracle.transactions.push_back(
      {"DELETE FROM bid WHERE auction % 5 = 1", "DELETE FROM person WHERE id % 2 = 0"});
  return oracle;
}

TEST(OracleNexmark, queries_are_what_postgres_answers_at_every_mark) {
  OracleCase oracle = changing_auctions();
  for (const NexmarkQuery& query : nexmark_queries()) {
    oracle.queries.push_back({query.comparable(), query.postgres});
  }
  OracleStats stats;
  expect_oracle_holds(oracle, &stats);
  EXPECT_LT(stats.empty * 10, stats.states);  // nearly every answer has rows
  EXPECT_EQ(stats.given_up, 0u);
}

TEST(NexmarkGenerator, the_same_options_give_the_same_events) {
  NexmarkGenerator one({.seed = 3}), same({.seed = 3}), other({.seed = 4});
  NexmarkEvents a = one.next(5000), b = other.next(5000);
  same.next(1234);
  NexmarkEvents rest = same.next(5000 - 1234);
  size_t skipped = a[2].rows - rest[2].rows;
  size_t equal = 0;
  for (size_t row = 0; row < rest[2].rows; ++row) {
    for (size_t c = 0; c < a[2].columns.size(); ++c) {
      ASSERT_EQ(text_of(*a[2].columns[c], skipped + row), text_of(*rest[2].columns[c], row));
    }
    equal += same_value(*a[2].columns[2], row, *b[2].columns[2], row) ? 1 : 0;
  }
  EXPECT_LT(equal, rest[2].rows / 100);
}

TEST(NexmarkGenerator, shares_and_hot_keys_are_those_of_the_suite) {
  NexmarkEvents events = NexmarkGenerator({.seed = 1}).next(50'000);
  EXPECT_EQ(events[0].rows, 1000u);
  EXPECT_EQ(events[1].rows, 3000u);
  EXPECT_EQ(events[2].rows, 46'000u);
  std::map<int64_t, size_t> bidders, auctions;
  size_t bytes = 0, hot_channels = 0;
  for (size_t row = 0; row < events[2].rows; ++row) {
    int64_t auction = events[2].columns[0]->data<int64_t>()[row];
    int64_t bidder = events[2].columns[1]->data<int64_t>()[row];
    auctions[(auction - 1000) % 100]++;
    bidders[(bidder - 2000) % 100]++;
    bytes += events[2].columns[6]->string_at(row).size();
    hot_channels += events[2].columns[3]->string_at(row).starts_with("channel-") ? 0 : 1;
  }
  double bids = static_cast<double>(events[2].rows);
  EXPECT_NEAR(static_cast<double>(auctions[0]) / bids, 0.5, 0.02);
  EXPECT_NEAR(static_cast<double>(bidders[1]) / bids, 0.75, 0.02);
  EXPECT_NEAR(static_cast<double>(bytes) / bids, 68, 2);
  EXPECT_NEAR(static_cast<double>(hot_channels) / bids, 0.5, 0.02);
  std::map<int64_t, size_t> sellers;
  for (size_t row = 0; row < events[1].rows; ++row) {
    sellers[(events[1].columns[7]->data<int64_t>()[row] - 1000) % 100]++;
  }
  EXPECT_NEAR(static_cast<double>(sellers[0]) / static_cast<double>(events[1].rows), 0.75, 0.03);
}

}  // namespace
}  // namespace tidemark
