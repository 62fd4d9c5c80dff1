// The source's parts that need no server.

#include <gtest/gtest.h>

#include "connectors/postgres_cdc/event_queue.h"
#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/pgoutput.h"
#include "connectors/postgres_cdc/spill_buffer.h"
#include "connectors/postgres_cdc/xid_snapshot.h"

namespace tidemark {
namespace {

TEST(XidSnapshot, sees_what_was_over_when_it_was_taken) {
  XidSnapshot snapshot = *XidSnapshot::parse("100:110:100,105");
  EXPECT_TRUE(snapshot.sees(99));
  EXPECT_FALSE(snapshot.sees(100));
  EXPECT_TRUE(snapshot.sees(104));
  EXPECT_FALSE(snapshot.sees(105));
  EXPECT_FALSE(snapshot.sees(110));
  EXPECT_TRUE(XidSnapshot::parse("100:100:")->sees(99));
  EXPECT_FALSE(XidSnapshot::parse("100:100").has_value());
  EXPECT_FALSE(XidSnapshot::parse("100:x:").has_value());
}

TEST(XidSnapshot, wraps_around) {
  // The second epoch: 2^32 + 5 .. 2^32 + 10, with one transaction from before the wrap still
  // running.
  XidSnapshot snapshot = *XidSnapshot::parse("4294967290:4294967306:4294967290");
  EXPECT_TRUE(snapshot.sees(4294967289u));
  EXPECT_FALSE(snapshot.sees(4294967290u));
  EXPECT_TRUE(snapshot.sees(4294967295u));
  EXPECT_TRUE(snapshot.sees(3));
  EXPECT_FALSE(snapshot.sees(10));
}

TEST(DeliveredXids, finds_one_that_a_snapshot_does_not_see) {
  DeliveredXids delivered;
  delivered.add(100);
  delivered.add(105);
  EXPECT_TRUE(delivered.all_seen_by(*XidSnapshot::parse("110:110:"), delivered.count()));
  EXPECT_FALSE(delivered.all_seen_by(*XidSnapshot::parse("105:110:105"), delivered.count()));
  EXPECT_TRUE(delivered.all_seen_by(*XidSnapshot::parse("105:110:105"), 1))
      << "later ones do not count";
}

TEST(SpillBuffer, gives_back_its_records_from_memory_and_file) {
  for (size_t memory_max : {size_t{64}, size_t{1} << 20}) {
    SpillBuffer buffer(memory_max);
    for (uint32_t i = 0; i < 10000; ++i) {
      ASSERT_TRUE(buffer.append(i, 'x', std::string(i % 50, 'y')).ok());
    }
    SpillBuffer moved = std::move(buffer);
    SpillBuffer::Cursor cursor(moved);
    SpillBuffer::Record record;
    for (uint32_t i = 0; i < 10000; ++i) {
      ASSERT_TRUE(*cursor.next(record));
      ASSERT_EQ(record.tag, i);
      ASSERT_EQ(record.bytes, "x" + std::string(i % 50, 'y'));
    }
    EXPECT_FALSE(*cursor.next(record));
  }
}

TEST(EventQueue, is_bounded_in_bytes_and_keeps_order) {
  int wakes = 0;
  EventQueue queue(1000, [&] { ++wakes; });
  Interrupt interrupt;
  EXPECT_TRUE(queue.push({.reader = 1, .bytes = 900, .body = ResetEvent{}}, interrupt));
  SourceEvent second{.reader = 2, .bytes = 900, .body = ResetEvent{}};
  EXPECT_FALSE(queue.push_for(second, 1000));
  queue.push_now({.body = ProgressEvent{.position = Lsn{5}, .time_us = 0}});
  queue.push_now({.body = ProgressEvent{.position = Lsn{6}, .time_us = 0}});
  std::vector<ReaderId> readers;
  EXPECT_TRUE(queue.drain(1, [&](SourceEvent&& event) { readers.push_back(event.reader); }));
  EXPECT_TRUE(queue.push_for(second, 1000));
  EXPECT_FALSE(queue.drain(5000, [&](SourceEvent&& event) { readers.push_back(event.reader); }));
  EXPECT_EQ(readers, (std::vector<ReaderId>{1, 0, 2}));
  EXPECT_EQ(wakes, 1);
  interrupt.request();
  EXPECT_FALSE(queue.push({.reader = 3, .bytes = 1, .body = ResetEvent{}}, interrupt));
}

TEST(PgOutput, cut_messages_are_errors) {
  std::string insert = std::string("\0\0\0\1N\0\2n", 8) + std::string("t\0\0\0\2ab", 7);
  PgRowChange change;
  ASSERT_TRUE(parse_row_change('I', insert, change).ok());
  ASSERT_EQ(change.new_row.size(), 2u);
  EXPECT_EQ(change.new_row[1].bytes, "ab");
  for (size_t size = 0; size < insert.size(); ++size) {
    EXPECT_FALSE(parse_row_change('I', insert.substr(0, size), change).ok()) << size;
    EXPECT_FALSE(parse_relation(insert.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(parse_row_change('I', insert + "x", change).ok());
}

TEST(PostgresCdcOptions, names_with_and_without_prefix_and_ignored_ones) {
  Options with = {{"connector", "postgres-cdc"},
                  {"hostname", "h"},
                  {"username", "u"},
                  {"password", "secret"},
                  {"database-name", "d"},
                  {"schema-name", "s"},
                  {"table-name", "t"},
                  {"debezium.slot.name", "my_slot"},
                  {"debezium.database.sslmode", "require"},
                  {"scan.startup.mode", "initial"},
                  {"debezium.snapshot.mode", "never"}};
  Result<std::vector<std::string>> notices =
      check_options(with, postgres_cdc_option_specs(), "postgres-cdc");
  ASSERT_TRUE(notices.ok()) << notices.status().to_string();
  EXPECT_EQ(notices->size(), 2u);
  Result<PostgresCdcOptions> parsed = parse_postgres_cdc_options(with);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->slot, "my_slot");
  EXPECT_EQ(parsed->address.port, "5432");
  EXPECT_EQ(parsed->address.parameters.size(), 1u);
  EXPECT_EQ(parsed->source_key().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace tidemark
