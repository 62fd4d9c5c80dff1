// What is kept of a snapshot, through the ends of processes and the places where the stream goes
// on.

#include "connectors/postgres_cdc/snapshot_spool.h"

#include <filesystem>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tidemark {
namespace {

namespace fs = std::filesystem;

ReaderPlan make_spooled_plan() {
  TableInfo table{.oid = 7, .schema = "s", .name = "t", .identity = 'd'};
  table.columns = {
      {.name = "id",
       .type = pg_builtin(kOidInt4),
       .declared_oid = kOidInt4,
       .in_key = true,
       .number = 1},
      {.name = "note", .type = pg_builtin(kOidText), .declared_oid = kOidText, .number = 2}};
  table.identity_key = {0};
  ReaderSpec spec{.columns = {{"id", Type::integer()}, {"note", Type::string()}}};
  return make_reader_plan(std::move(table), spec, nullptr).value();
}

class SnapshotSpoolTest : public testing::Test {
 protected:
  SnapshotSpoolTest() : spool_(std::make_shared<SnapshotSpool>(directory_, plan_)) {}
  ~SnapshotSpoolTest() override { fs::remove_all(directory_); }

  void change(const std::string& id, bool has_key = true) {
    PgRelation relation{.oid = 7, .schema = "s", .name = "t"};
    relation.columns = {{.name = "id", .type_oid = kOidInt4, .modifier = -1, .in_key = has_key},
                        {.name = "note", .type_oid = kOidText, .modifier = -1, .in_key = false}};
    PgRowChange change{.relation = 7, .has_new = true};
    change.new_row = {{'t', id}, {'u', ""}};
    spool_->touch(relation, change);
  }
  void keep(uint64_t end, std::string_view rows) {
    std::unique_ptr<SnapshotSpool::Writer> writer = spool_->write_range();
    writer->append(rows);
    spool_->keep(*writer, {.part = 7, .first_page = next_page_++, .end = Lsn{end}});
  }
  // As another process finds it, whose stream goes on there.
  void restart(uint64_t position) {
    spool_ = SnapshotSpool::open(directory_);
    ASSERT_NE(spool_, nullptr);
    EXPECT_TRUE(spool_->is_of(plan_));
    spool_->settle(Lsn{position});
  }
  size_t changed() { return spool_->changed_keys(plan_).value().keys.size(); }

  const std::string directory_ = fmt::format("{}/spool_{}", testing::TempDir(), getpid());
  const ReaderPlan plan_ = make_spooled_plan();
  std::shared_ptr<SnapshotSpool> spool_;
  int64_t next_page_ = 0;
};

TEST_F(SnapshotSpoolTest, WhatIsKeptIsFoundAgain) {
  change("1");
  spool_->mark(Lsn{10});
  EXPECT_FALSE(fs::exists(directory_));
  ASSERT_TRUE(spool_->begin("as it is"));
  std::string rows(700'000, 'r');
  keep(10, rows);
  change("2");
  change("1");
  spool_->mark(Lsn{20});
  change("3");
  restart(20);
  ASSERT_TRUE(spool_->begin("as it is"));
  ASSERT_EQ(spool_->ranges().size(), 1u);
  EXPECT_EQ(changed(), 2u);
  SnapshotSpool::Reader reader(*spool_, spool_->ranges()[0]);
  std::string read;
  for (std::string_view chunk = reader.next().value(); !chunk.empty();
       chunk = reader.next().value()) {
    read += chunk;
  }
  EXPECT_TRUE(read == rows);
  ASSERT_TRUE(spool_->begin("another"));
  EXPECT_TRUE(spool_->ranges().empty());
}

TEST_F(SnapshotSpoolTest, RangesWhoseKeysAreMissingAreForgotten) {
  ASSERT_TRUE(spool_->begin(""));
  keep(10, "r");
  spool_->mark(Lsn{20});
  restart(21);
  EXPECT_TRUE(spool_->ranges().empty());
  EXPECT_EQ(spool_->marked(), Lsn{21});
}

// A standby that has taken over goes on from there, with other commits.
TEST_F(SnapshotSpoolTest, WhatIsBeyondThePlaceCountsNoMore) {
  ASSERT_TRUE(spool_->begin(""));
  keep(10, "r");
  keep(15, "r");
  change("1");
  spool_->mark(Lsn{20});
  restart(12);
  ASSERT_EQ(spool_->ranges().size(), 1u);
  EXPECT_EQ(spool_->ranges()[0].end, Lsn{10});
  EXPECT_EQ(spool_->marked(), Lsn{12});
  restart(12);
  EXPECT_EQ(spool_->ranges().size(), 1u);
  EXPECT_EQ(spool_->marked(), Lsn{12});
  EXPECT_EQ(changed(), 1u);
}

TEST_F(SnapshotSpoolTest, AnotherKeyEndsIt) {
  ASSERT_TRUE(spool_->begin(""));
  keep(10, "r");
  change("1", false);
  EXPECT_TRUE(spool_->is_removed());
  EXPECT_FALSE(fs::exists(directory_));
  EXPECT_FALSE(spool_->begin(""));
}

}  // namespace
}  // namespace tidemark
