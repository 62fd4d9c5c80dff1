#include "connectors/postgres_cdc/source.h"

namespace tidemark {

namespace {

// About twenty batches: enough to keep both sides busy, small beside the state of any view.
constexpr size_t kQueueBytes = 8 << 20;

struct Deliver {
  SourceSink& sink;
  ReaderId reader;

  void operator()(ResetEvent&) { sink.reset(reader); }
  void operator()(SnapshotRowsEvent& event) {
    sink.snapshot_rows(reader, std::move(event.rows), event.progress);
  }
  void operator()(SnapshotDoneEvent&) { sink.snapshot_done(reader); }
  void operator()(ReaderReadyEvent&) { sink.reader_ready(reader); }
  void operator()(ChangesEvent& event) { sink.changes(reader, std::move(event.batch)); }
  void operator()(TruncateEvent&) { sink.truncate(reader); }
  void operator()(CommitEvent& event) { sink.commit_end(event.commit); }
  void operator()(ProgressEvent& event) { sink.progress(event.position, event.time_us); }
  void operator()(ReaderFailedEvent& event) { sink.reader_failed(reader, std::move(event.status)); }
  void operator()(StatusChangedEvent&) { sink.status_changed(); }
};

}  // namespace

PostgresSource::PostgresSource(PostgresCdcOptions options, SourceOpening opening)
    : queue_(kQueueBytes, std::move(opening.wake)),
      receiver_(std::move(options), std::move(opening.durable_name), std::move(opening.resume),
                queue_) {}

ReaderId PostgresSource::add_reader(ReaderSpec spec) {
  ReaderId id = next_reader_++;
  Result<PostgresCdcOptions> options = parse_postgres_cdc_options(spec.with);
  if (!options.ok()) {
    queue_.push_now(SourceEvent{.reader = id,
                                .body = ReaderFailedEvent{.status = std::move(options).status()}});
    return id;
  }
  receiver_.add_reader(ReaderRequest{
      .id = id, .spec = std::move(spec), .schema = options->schema, .table = options->table});
  return id;
}

void PostgresSource::remove_reader(ReaderId reader) {
  {
    std::lock_guard lock(mutex_);
    removed_.insert(reader);
  }
  receiver_.remove_reader(reader);
}

bool PostgresSource::poll(size_t bytes_max, SourceSink& sink) {
  std::set<ReaderId> removed;
  {
    std::lock_guard lock(mutex_);
    removed = removed_;
  }
  return queue_.drain(bytes_max, [&](SourceEvent&& event) {
    if (!removed.contains(event.reader)) {
      std::visit(Deliver{.sink = sink, .reader = event.reader}, event.body);
    }
  });
}

}  // namespace tidemark
