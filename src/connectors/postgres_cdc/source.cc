#include "connectors/postgres_cdc/source.h"

#include <algorithm>

namespace tidemark {

namespace {

// About twenty batches: enough to keep both sides busy, small beside the state of any view.
constexpr size_t kQueueBytes = 8 << 20;

// What is known of the readers' tables follows the events that are handed out, so that it belongs
// to the position reached.
struct Deliver {
  SourceSink& sink;
  ReaderId reader;
  KnownByReader& known;

  void operator()(BegunAnewEvent&) { sink.begun_anew(); }
  void operator()(ResetEvent&) {
    known.forget(reader);
    sink.reset(reader);
  }
  void operator()(SnapshotRowsEvent& event) {
    sink.snapshot_rows(reader, std::move(event.rows), event.progress);
  }
  void operator()(SnapshotDoneEvent&) { sink.snapshot_done(reader); }
  void operator()(ReaderReadyEvent& event) {
    known.set(reader, std::move(event.known));
    sink.reader_ready(reader);
  }
  void operator()(ShapeEvent& event) { known.set(reader, std::move(event.known)); }
  void operator()(ChangesEvent& event) { sink.changes(reader, std::move(event.batch)); }
  void operator()(TruncateEvent&) { sink.truncate(reader); }
  void operator()(CommitEvent& event) { sink.commit_end(event.commit); }
  void operator()(ProgressEvent& event) { sink.progress(event.position, event.time_us); }
  void operator()(ReaderStoppedEvent& event) {
    known.forget(reader);
    sink.reader_stopped(reader, std::move(event.status));
  }
  void operator()(ReaderFailedEvent& event) { sink.reader_failed(reader, std::move(event.status)); }
  void operator()(StatusChangedEvent&) { sink.status_changed(); }
};

}  // namespace

PostgresSource::PostgresSource(PostgresCdcOptions options, SourceOpening opening)
    : queue_(kQueueBytes, std::move(opening.wake)),
      resumed_(opening.resume ? SourceToken::parse(opening.resume->token) : std::nullopt),
      receiver_(std::move(options), opening, place_of(opening), queue_) {}

// A token that cannot be read is of no server that there is.
std::optional<Receiver::Place> PostgresSource::place_of(const SourceOpening& opening) const {
  if (!opening.resume) {
    return std::nullopt;
  }
  return Receiver::Place{.position = opening.resume->position,
                         .identity = resumed_ ? resumed_->identity : UpstreamIdentity{},
                         .alone_until = opening.resume->alone_until};
}

// The table as it was when the position was kept to which the reader's content belongs.
const KnownTable* PostgresSource::find_resumed(const ReaderRequest& request) const {
  if (!request.spec.is_resumed || !resumed_) {
    return nullptr;
  }
  for (const KnownTable& known : resumed_->tables) {
    bool has_all = std::ranges::all_of(request.spec.columns, [&](const Field& column) {
      return known.shape.find(column.name) != nullptr;
    });
    if (known.schema == request.schema && known.table == request.table && has_all) {
      return &known;
    }
  }
  return nullptr;
}

ReaderId PostgresSource::add_reader(ReaderSpec spec) {
  ReaderId id = next_reader_++;
  Result<PostgresCdcOptions> options = parse_postgres_cdc_options(spec.with);
  if (!options.ok()) {
    queue_.push_now(SourceEvent{.reader = id,
                                .body = ReaderFailedEvent{.status = std::move(options).status()}});
    return id;
  }
  ReaderRequest request{
      .id = id, .spec = std::move(spec), .schema = options->schema, .table = options->table};
  if (const KnownTable* known = find_resumed(request)) {
    request.known = known->shape;
    known_.set(id, *known);
  }
  receiver_.add_reader(std::move(request));
  return id;
}

void PostgresSource::remove_reader(ReaderId reader) {
  {
    std::lock_guard lock(mutex_);
    removed_.insert(reader);
  }
  known_.forget(reader);
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
      std::visit(Deliver{.sink = sink, .reader = event.reader, .known = known_}, event.body);
    }
  });
}

std::string PostgresSource::token() const {
  return SourceToken{.identity = receiver_.identity(), .tables = known_.tables()}.encode();
}

void KnownByReader::set(ReaderId reader, KnownTable table) {
  std::lock_guard lock(mutex_);
  tables_[reader] = std::move(table);
}

void KnownByReader::forget(ReaderId reader) {
  std::lock_guard lock(mutex_);
  tables_.erase(reader);
}

std::vector<KnownTable> KnownByReader::tables() const {
  std::lock_guard lock(mutex_);
  std::vector<KnownTable> different;
  for (const auto& [reader, table] : tables_) {
    if (std::ranges::find(different, table) == different.end()) {
      different.push_back(table);
    }
  }
  return different;
}

}  // namespace tidemark
