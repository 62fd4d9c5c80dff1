#pragma once
// What one source hands out, sorted to the feeds of the dataflows.

#include "engine/records.h"
#include "engine/step_loop.h"

namespace tidemark {

class SourceFeed final : public SourceSink {
 public:
  // `record`: of a durable source; where it was read to, if it is resumed.
  SourceFeed(StepLoop& loop, std::string key, std::unique_ptr<Source> source, SourceRecord record)
      : loop_(loop),
        key_(std::move(key)),
        source_(std::move(source)),
        record_(std::move(record)),
        with_(record_.with),
        position_(record_.position),
        commit_position_(record_.commit_position),
        acknowledged_(record_.position),
        commit_time_us_(record_.commit_time_us) {}

  // Lets the source begin, with the readers that it has by now.
  void start() {
    if (!std::exchange(is_started_, true)) {
      source_->start();
    }
  }
  const SourceRecord& record() const { return record_; }
  void set_record(SourceRecord record) { record_ = std::move(record); }
  // The next checkpoint has them.
  const Options& with() const { return with_; }
  void change_options(Options with);

  Source& source() { return *source_; }
  // Received up to here, and the position of the last commit in it.
  Lsn position() const { return position_; }
  Lsn commit_position() const { return commit_position_; }
  // What the source has been told that it may forget.
  Lsn acknowledged() const { return acknowledged_; }
  int64_t commit_time_us() const { return commit_time_us_; }
  bool mid_commit() const { return mid_commit_; }
  // Up to here an earlier process has shown its commits, maybe each alone.
  Lsn shown_before() const { return shown_before_; }
  void set_shown_before(Lsn position) { shown_before_ = position; }
  bool is_replaying() const { return position_ < shown_before_; }
  // The first commit handed out since the last call; not valid: none.
  Lsn take_first_commit() { return std::exchange(first_commit_, Lsn{}); }
  uint64_t commits() const { return commits_; }
  // True once after something of a backlog was handed out: a late commit, or what follows one.
  bool take_late() { return std::exchange(has_late_, false); }
  // True once after the position or the state moved.
  bool take_moved() { return std::exchange(moved_, false); }
  bool take_status_changed() { return std::exchange(status_changed_, false); }
  // The source may forget everything up to here.
  void acknowledge(Lsn position);

  std::map<ReaderId, DataflowId> readers;
  int64_t unread_since_us = 0;  // the step loop's note, steady; 0: it has readers

  void begun_anew() override;
  void reset(ReaderId reader) override;
  void snapshot_rows(ReaderId reader, RowBatch rows, SnapshotProgress progress) override;
  void snapshot_done(ReaderId reader) override;
  void reader_ready(ReaderId reader) override;
  void changes(ReaderId reader, ChangeBatch batch) override;
  void truncate(ReaderId reader) override;
  void commit_end(const CommitInfo& commit) override;
  void progress(Lsn position, int64_t time_us) override;
  void reader_stopped(ReaderId reader, Status status) override;
  void reader_failed(ReaderId reader, Status status) override;
  void status_changed() override { status_changed_ = true; }

 private:
  void move_to(Lsn position);
  // Calls f(dataflow, feed) if the reader still has one.
  template <typename F>
  void with_feed(ReaderId reader, F&& f);

  StepLoop& loop_;
  std::string key_;
  std::unique_ptr<Source> source_;
  SourceRecord record_;
  Options with_;  // as declared, as of now
  bool is_started_ = false;
  bool is_anew_ = false;  // the next position may be lower
  Lsn position_;
  Lsn commit_position_;
  Lsn first_commit_;
  Lsn shown_before_;
  Lsn acknowledged_;
  int64_t commit_time_us_ = 0;
  uint64_t commits_ = 0;
  bool mid_commit_ = false;
  bool is_late_ = false;   // the last commit
  bool has_late_ = false;  // to be taken
  bool moved_ = false;
  bool status_changed_ = false;
  std::vector<std::pair<DataflowId, ReaderId>> open_feeds_;  // fed by the commit that is arriving
};

}  // namespace tidemark
