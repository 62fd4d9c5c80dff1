#include "engine/source_feed.h"

namespace tidemark {

namespace {

void append(Delta& target, Delta source, size_t width) {
  if (source.reset) {
    target.clear();
    target.reset = true;
  }
  for (ZBatch& batch : source.batches) {
    batch.rows.columns.resize(width);
    target.batches.push_back(std::move(batch));
  }
}

}  // namespace

template <typename F>
void SourceFeed::with_feed(ReaderId reader, F&& f) {
  auto entry = readers.find(reader);
  Dataflow* dataflow = entry == readers.end() ? nullptr : loop_.find_dataflow(entry->second);
  if (dataflow == nullptr || dataflow->failed) {
    return;
  }
  for (TableFeed& feed : dataflow->tables) {
    if (feed.reader == reader && feed.source_key == key_) {
      Status status = f(*dataflow, feed);
      if (!status.ok()) {
        loop_.fail(*dataflow, std::move(status));
      }
      return;
    }
  }
}

void SourceFeed::acknowledge(Lsn position) {
  if (position > acknowledged_) {
    acknowledged_ = position;
    source_->acknowledge(position);
  }
}

void SourceFeed::change_options(Options with) {
  with_ = std::move(with);
  source_->change_options(with_);
}

void SourceFeed::begun_anew() {
  is_anew_ = true;
  mid_commit_ = false;
  open_feeds_.clear();
  first_commit_ = Lsn{};
  for (auto [reader, id] : readers) {
    with_feed(reader, [this](Dataflow& dataflow, TableFeed& feed) -> Status {
      feed.open.clear();
      loop_.with_readers(dataflow, [](Dataflow& reader) {
        reader.is_mark_anew = true;
        reader.first_unshown = Lsn{};
      });
      return {};
    });
  }
}

void SourceFeed::reset(ReaderId reader) {
  with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
    Delta delta;
    feed.upsert.reset(delta);
    feed.open.clear();
    append(feed.closed, std::move(delta), feed.width);
    feed.ready = false;
    feed.stopped.reset();
    feed.snapshot = {};
    dataflow.dirty = true;
    loop_.with_readers(dataflow, [this](Dataflow& reader) {
      reader.is_reread = true;
      // Perhaps it was begun, over a part, since the source began anew.
      reader.is_mark_anew = reader.is_mark_anew || is_anew_;
    });
    return {};
  });
}

// Positions never move back, but for a source that began anew: another server, or a restored one,
// counts from elsewhere. What was acknowledged to the old one says nothing there.
void SourceFeed::move_to(Lsn position) {
  if (std::exchange(is_anew_, false) && position < position_) {
    position_ = position;
    commit_position_ = position;
    acknowledged_ = std::min(acknowledged_, position);
    shown_before_ = Lsn{};
    moved_ = true;
  } else if (position > position_) {
    position_ = position;
    moved_ = true;
  }
}

void SourceFeed::snapshot_rows(ReaderId reader, RowBatch rows, SnapshotProgress progress) {
  with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
    Delta delta;
    TRY(feed.upsert.snapshot(rows, delta));
    append(feed.closed, std::move(delta), feed.width);
    feed.snapshot = progress;
    dataflow.dirty = true;
    return {};
  });
}

void SourceFeed::snapshot_done(ReaderId) {}

void SourceFeed::reader_ready(ReaderId reader) {
  with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
    feed.ready = true;
    dataflow.dirty = true;
    return {};
  });
  moved_ = true;
}

void SourceFeed::changes(ReaderId reader, ChangeBatch batch) {
  mid_commit_ = true;
  has_late_ = has_late_ || is_late_;
  with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
    Delta delta;
    TRY(feed.upsert.apply(batch, delta));
    append(feed.open, std::move(delta), feed.width);
    open_feeds_.emplace_back(dataflow.id, reader);
    return {};
  });
}

void SourceFeed::truncate(ReaderId reader) {
  mid_commit_ = true;
  with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
    Delta delta;
    feed.upsert.reset(delta);
    append(feed.open, std::move(delta), feed.width);
    open_feeds_.emplace_back(dataflow.id, reader);
    return {};
  });
}

void SourceFeed::commit_end(const CommitInfo& commit) {
  for (auto [dataflow_id, reader] : open_feeds_) {
    with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
      if (!feed.open.empty()) {
        append(feed.closed, std::move(feed.open), feed.width);
        feed.open.clear();
      }
      dataflow.dirty = true;
      return {};
    });
  }
  open_feeds_.clear();
  mid_commit_ = false;
  move_to(commit.position);
  if (commit.xid != 0) {  // 0: what a reader held while it joined, up to the position reached
    commit_position_ = commit.position;
    commit_time_us_ = commit.commit_time_us;
  }
  if (!first_commit_.valid()) {
    first_commit_ = commit.first;
  }
  ++commits_;
  is_late_ = commit.is_late;
  has_late_ = has_late_ || is_late_;
  moved_ = true;
}

void SourceFeed::progress(Lsn position, int64_t) {
  move_to(position);
}

void SourceFeed::reader_stopped(ReaderId reader, Status status) {
  with_feed(reader, [&](Dataflow& dataflow, TableFeed& feed) -> Status {
    feed.open.clear();
    feed.ready = false;
    feed.stopped = std::move(status);
    loop_.end_readers(dataflow, *feed.stopped);
    return {};
  });
}

void SourceFeed::reader_failed(ReaderId reader, Status status) {
  with_feed(reader, [&](Dataflow&, TableFeed&) -> Status { return status; });
}

}  // namespace tidemark
