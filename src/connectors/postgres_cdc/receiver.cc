#include "connectors/postgres_cdc/receiver.h"

#include <algorithm>

#include <fmt/core.h>

#include "connectors/postgres_cdc/reader_group.h"
#include "connectors/postgres_cdc/receiver_epoch.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

constexpr int64_t kBackOffMinUs = 100'000;
constexpr int64_t kBackOffMaxUs = 5'000'000;
// The server must not take us for dead while our consumer is slow.
constexpr int64_t kPatienceUs = 500'000;

// Whether trying again may help, without anybody's doing here.
bool is_transient(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kAlreadyExists:
      return true;
    default:
      return false;
  }
}

}  // namespace

Receiver::Receiver(PostgresCdcOptions options, SourceOpening opening, std::optional<Place> resume,
                   EventQueue& queue)
    : options_(std::move(options)),
      address_(std::move(opening.with)),
      durable_name_(std::move(opening.durable_name)),
      ahead_directory_(std::move(opening.read_ahead_directory)),
      crash_(opening.crash),
      note_state_(std::move(opening.note_state)),
      queue_(queue),
      control_(options_, address_, durable_name_, interrupt_),
      goes_on_(std::move(resume)),
      ahead_(durable_name_.empty() || ahead_directory_.empty()
                 ? nullptr
                 : std::make_unique<ReadAheadLog>(ahead_directory_, crash_)),
      spools_(ahead_ == nullptr
                  ? nullptr
                  : std::make_unique<SnapshotSpools>(ahead_directory_ + "/snapshots")) {
  if (goes_on_) {
    identity_ = goes_on_->identity;
    status_.position = goes_on_->position;
    durable_from_ = goes_on_->position;
  }
  status_.budget_bytes = options_.wal_budget_bytes;
  status_.budget_policy = name_of(options_.wal_policy);
}

Receiver::~Receiver() {
  interrupt_.request();
  wake_.wake();
  if (thread_.joinable()) {
    thread_.join();
  }
  if (is_durable() && is_abandoned_) {
    remove_upstream(options_, address_, durable_name_);
    if (ahead_ != nullptr) {
      spools_->clear();
      ahead_->clear();
    }
  }
}

void Receiver::start() {
  CHECK(!thread_.joinable());
  thread_ = std::thread([this] { run(); });
}

void Receiver::add_reader(ReaderRequest request) {
  {
    std::lock_guard lock(mutex_);
    pending_.push_back(request.id);
    if (request.spec.is_resumed) {
      begun_[request.id] = true;
      had_content_.insert(request.id);
    }
    readers_.emplace(request.id, std::move(request));
  }
  wake_.wake();
}

void Receiver::remove_reader(ReaderId id) {
  {
    std::lock_guard lock(mutex_);
    readers_.erase(id);
    begun_.erase(id);
    had_content_.erase(id);
    stopped_.erase(id);
    std::erase(pending_, id);
    ++readers_version_;
  }
  post([this, id](ChangeDecoder& decoder) {
    if (spools_ != nullptr) {
      spools_->remove(id);
    }
    if (decoder.has_reader(id)) {
      std::shared_ptr<const ReaderPlan> plan = decoder.plan(id);
      decoder.remove_reader(id);
      withdraw_if_unread(*plan);
    }
    return Status();
  });
}

void Receiver::post(std::function<Status(ChangeDecoder&)> task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.wake();
}

void Receiver::acknowledge(Lsn position) {
  uint64_t before = acknowledged_.load();
  while (before < position.value && !acknowledged_.compare_exchange_weak(before, position.value)) {
  }
  if (is_idle_.exchange(false)) {
    wake_.wake();
  }
}

void Receiver::await_position(Lsn position) {
  uint64_t before = awaited_.load();
  while (before < position.value && !awaited_.compare_exchange_weak(before, position.value)) {
  }
  wake_.wake();
}

Result<Lsn> Receiver::current_position() {
  TRY(control_.open());  // whoever comes first: a query may ask before the receiver has connected
  Result<Lsn> position = control_.current_position();
  if (!position.ok() && !control_.is_open()) {  // lost while nobody asked
    TRY(control_.open());
    position = control_.current_position();
  }
  if (position.ok()) {
    await_position(*position);
  }
  return position;
}

UpstreamIdentity Receiver::identity() const {
  std::lock_guard lock(mutex_);
  return identity_;
}

SourceStatus Receiver::status() const {
  std::lock_guard lock(mutex_);
  SourceStatus status = status_;
  status.read_ahead_bytes = ahead_ == nullptr ? 0 : ahead_->bytes();
  return status;
}

void Receiver::set_state(SourceState state, std::string message) {
  SourceStatus now;
  {
    std::lock_guard lock(mutex_);
    if (status_.state == state && status_.message == message) {
      return;
    }
    if (state == SourceState::kStale && status_.state != SourceState::kStale) {
      status_.stale_since_us = now_us();
    }
    status_.state = state;
    status_.message = std::move(message);
    now = status_;
  }
  if (note_state_) {
    note_state_(now);
  }
  queue_.push_now(SourceEvent{.body = StatusChangedEvent{}});
}

void Receiver::lose(Status status) {
  {
    std::lock_guard lock(mutex_);
    if (lost_.ok()) {
      lost_ = std::move(status);
    }
  }
  wake_.wake();
}

void Receiver::fail_reader(ReaderId id, Status status) {
  {
    std::lock_guard lock(mutex_);
    if (readers_.erase(id) == 0) {
      return;
    }
    std::erase(pending_, id);
    begun_.erase(id);
    had_content_.erase(id);
    stopped_.erase(id);
  }
  queue_.push_now(
      SourceEvent{.reader = id, .body = ReaderFailedEvent{.status = std::move(status)}});
}

bool Receiver::is_wanted(ReaderId id) const {
  std::lock_guard lock(mutex_);
  return readers_.contains(id);
}

bool Receiver::emit(SourceEvent event) {
  if (const auto* failed = std::get_if<ReaderFailedEvent>(&event.body)) {
    fail_reader(event.reader, failed->status);
    return true;
  }
  if (std::holds_alternative<ReaderReadyEvent>(event.body)) {
    std::lock_guard lock(mutex_);
    had_content_.insert(event.reader);
  }
  while (!queue_.push_for(event, is_pumping() ? 0 : kPatienceUs)) {
    if (interrupt_.requested()) {
      return false;
    }
    if (epoch_ != nullptr && epoch_->is_streaming && epoch_->failed.ok()) {
      epoch_->failed = attend(*epoch_);
      if (!epoch_->failed.ok() && released_.empty()) {
        set_state(SourceState::kStale, epoch_->failed.message() +
                                           "; trying again when the views have taken some of what "
                                           "was received");
      }
    }
  }
  return true;
}

void Receiver::run() {
  int64_t back_off_us = kBackOffMinUs;
  open_ahead();
  while (!interrupt_.requested()) {
    if (!wait_for_readers()) {
      break;
    }
    Status status;
    bool was_streaming = false;
    {
      Epoch epoch;
      epoch_ = &epoch;
      status = run_epoch(epoch);
      was_streaming = epoch.is_streaming;
      epoch_ = nullptr;
    }
    if (interrupt_.requested()) {
      break;
    }
    back_off_us = was_streaming ? kBackOffMinUs : std::min(back_off_us * 2, kBackOffMaxUs);
    end_epoch(std::move(status));
    wait_until_taken();
    if (sleep_unless_interrupted(interrupt_, back_off_us)) {
      break;
    }
  }
  control_.close();
}

bool Receiver::wait_for_readers() {
  for (;;) {
    wake_.reset();
    {
      std::lock_guard lock(mutex_);
      if (!readers_.empty()) {
        return true;
      }
      tasks_.clear();
    }
    wait_for_wake();
    if (interrupt_.requested()) {
      return false;
    }
  }
}

void Receiver::end_epoch(Status status) {
  reads_ahead_ = false;
  if (!released_.empty()) {
    forget_upstream(released_);
  }
  if (goes_on_ && decoder_ != nullptr) {
    Status kept = keep_place();
    status = kept.ok() ? std::move(status) : std::move(kept);
  }
  std::vector<ReaderId> failed;
  // With a place to go on from, all that a DBA can mend is waited for: a right, a password.
  bool is_retried = is_transient(status) || (goes_on_ && status.code() != StatusCode::kCorruption);
  {
    std::lock_guard lock(mutex_);
    tasks_.clear();
    lost_ = Status();
    pending_.clear();
    stopped_.clear();  // found again, or mended meanwhile
    for (auto& [id, request] : readers_) {
      request.reviewed = {};  // the next server may be another
      if (!goes_on_ || decoder_ == nullptr || !decoder_->has_reader(id)) {
        pending_.push_back(id);
      }
      if (!status.ok() && !is_retried) {
        failed.push_back(id);
      }
    }
  }
  for (ReaderId id : failed) {
    fail_reader(id, status);
  }
  if (status.ok() || !released_.empty()) {
    return;
  }
  bool has_content = status_.position.valid();
  if (!is_retried) {
    set_state(SourceState::kFailed, status.to_string());
  } else {
    set_state(
        has_content ? SourceState::kStale : SourceState::kConnecting,
        status.message() + "; trying again" + (status.hint().empty() ? "" : "\n" + status.hint()));
  }
}

Status Receiver::run_epoch(Epoch& epoch) {
  TRY(control_.open());
  if (goes_on_) {
    TRY(connect_stream(epoch));
    std::string obstacle = TRY(this->obstacle(epoch));
    if (obstacle.empty()) {
      TRY(go_on(epoch));
      return read_stream(epoch);
    }
    forget_upstream(fmt::format("the source cannot go on from {}: {}",
                                goes_on_->position.to_string(), obstacle));
  }
  TRY(begin_anew(epoch));
  return epoch.is_streaming ? read_stream(epoch) : Status();
}

Status Receiver::begin_anew(Epoch& epoch) {
  delivered_.clear();
  queue_.push_now(SourceEvent{.body = BegunAnewEvent{}});
  decoder_ = make_decoder();
  text_asked_ = false;
  if (ahead_ != nullptr) {
    spools_->clear();
    ahead_->clear();  // before the slot: without it, what is there is of no use
  }
  if (is_durable()) {
    TRY(drop_kept());
  }
  connect_ahead(epoch);
  std::vector<ReaderRequest> readers = TRY(publish_readers(epoch));
  if (readers.empty()) {
    return {};
  }
  return open_stream(epoch, readers);
}

Result<PostgresConnection> Receiver::open_walsender() {
  return PostgresConnection::open(TRY(address_.now()), ConnectionMode::kReplication, &interrupt_);
}

// The server makes a process for each connection, and does so while the catalogs are asked.
void Receiver::connect_ahead(Epoch& epoch) {
  if (!epoch.stream) {
    epoch.connecting = std::async(std::launch::async, [this] { return open_walsender(); });
  }
  epoch.groups.push_back(std::make_unique<ReaderGroup>(*this));
  epoch.groups.back()->connect();
}

Status Receiver::connect_stream(Epoch& epoch) {
  if (epoch.stream) {
    return {};
  }
  epoch.stream.emplace(TRY(epoch.connecting.valid() ? epoch.connecting.get() : open_walsender()));
  epoch.server = TRY(identify_server(epoch.stream->connection()));
  return {};
}

std::string Receiver::slot_name() const {
  if (!options_.slot.empty()) {
    return options_.slot;
  }
  return is_durable() ? durable_name_ : control_.name();
}

// Takes all wanted readers, plans them, and makes the publication cover their tables.
Result<std::vector<ReaderRequest>> Receiver::publish_readers(Epoch& epoch) {
  std::vector<ReaderRequest> requests;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, request] : readers_) {
      requests.push_back(request);
    }
    pending_.clear();
  }
  std::vector<SnapshotTarget> targets = TRY(plan_readers(*this, requests));
  std::vector<TableInfo> tables;
  for (const SnapshotTarget& target : targets) {
    tables.push_back(target.plan->table);
    text_asked_ = text_asked_ || target.plan->needs_text();
  }
  std::erase_if(requests, [&](const ReaderRequest& request) {
    return std::ranges::find(targets, request.id, &SnapshotTarget::reader) == targets.end();
  });
  if (tables.empty()) {
    return requests;
  }
  epoch.groups.back()->prepare(std::move(targets));
  TRY(control_.publish_only(tables));
  return requests;
}

Status Receiver::open_stream(Epoch& epoch, const std::vector<ReaderRequest>& readers) {
  epoch.slot = slot_name();
  TRY(connect_stream(epoch));
  TRY(epoch.groups.back()->await_connections());
  bool is_made = true;
  if (!options_.slot.empty()) {
    is_made = !TRY(control_.slot_confirmed(options_.slot)).has_value();
  }
  if (is_made) {
    TRY(make_slot(epoch, options_.slot.empty() && !is_durable()));
  } else {
    epoch.consistent_point = TRY(control_.current_position());
  }
  reset_readers(readers);
  set_state(SourceState::kSnapshot, begun_anew_);
  if (is_made) {
    TRY(epoch.groups.back()->begin_at_slot(epoch.snapshot_name, epoch.consistent_point, *decoder_));
  } else {
    // A slot made before exports no snapshot: its readers join the running stream.
    epoch.groups.clear();
    epoch.groups.push_back(std::make_unique<ReaderGroup>(*this));
    epoch.groups.back()->begin_later(readers);
  }
  durable_from_ = epoch.consistent_point;
  TRY(start_replication(epoch, epoch.consistent_point, text_asked_));
  return start_stream(epoch, epoch.consistent_point);
}

// Those that had events or content begin again.
void Receiver::reset_readers(const std::vector<ReaderRequest>& readers) {
  std::vector<ReaderId> again;
  {
    std::lock_guard lock(mutex_);
    for (const ReaderRequest& request : readers) {
      if (std::exchange(begun_[request.id], true)) {
        again.push_back(request.id);
      }
    }
  }
  for (ReaderId id : again) {
    queue_.push_now(SourceEvent{.reader = id, .body = ResetEvent{}});
  }
}

Status Receiver::make_slot(Epoch& epoch, bool is_temporary) {
  PostgresConnection& connection = epoch.stream->connection();
  std::string_view options = "EXPORT_SNAPSHOT";
  if (connection.server_version() >= 15'00'00) {
    // A standby that takes over has the slot from PostgreSQL 17 on, if it synchronizes such slots.
    bool has_failover = is_durable() && connection.server_version() >= 17'00'00;
    options = has_failover ? "(SNAPSHOT 'export', FAILOVER true)" : "(SNAPSHOT 'export')";
  }
  for (int attempt = 0;; ++attempt) {
    std::string sql =
        fmt::format("CREATE_REPLICATION_SLOT {} {} LOGICAL pgoutput {}",
                    quote_identifier(epoch.slot), is_temporary ? "TEMPORARY" : "", options);
    Result<QueryResult> made = connection.query(sql);
    if (!made.ok() && connection.sqlstate() == "42710" && is_temporary && attempt < 8) {
      // The server has not yet noticed the end of the connection that held it.
      epoch.slot = fmt::format("{}_{}", control_.name(), attempt + 1);
      continue;
    }
    if (!made.ok()) {
      return std::move(made).status().with_context(
          fmt::format("cannot make replication slot {}", epoch.slot));
    }
    epoch.consistent_point = Lsn::parse(made->text(0, 1)).value_or(Lsn{});
    epoch.snapshot_name = made->text(0, 2);
    return {};
  }
}

// The walsender sends every commit after `from`.
Status Receiver::start_replication(Epoch& epoch, Lsn from, bool as_text) {
  int version = epoch.stream->connection().server_version();
  std::string options = fmt::format("proto_version '{}', publication_names '{}'",
                                    version >= 14'00'00 ? 2 : 1, quote_identifier(control_.name()));
  sends_text_ = as_text || version < 14'00'00;
  if (version >= 14'00'00) {
    options += fmt::format(", streaming 'on', binary '{}'", sends_text_ ? "false" : "true");
  }
  TRY(epoch.stream
          ->start(fmt::format("START_REPLICATION SLOT {} LOGICAL {} ({})",
                              quote_identifier(epoch.slot), from.to_string(), options))
          .with_context("cannot start the change stream"));
  epoch.is_streaming = true;
  walsender_pid_ = epoch.stream->connection().backend_pid();
  return {};
}

// The decoder goes on at `position`.
Status Receiver::start_stream(Epoch& epoch, Lsn position) {
  if (is_durable()) {
    epoch.server.identity.publication_oid = TRY(control_.publication_oid());
    goes_on_ = Place{.position = position,
                     .identity = epoch.server.identity,
                     .alone_until = goes_on_ ? goes_on_->alone_until : Lsn{}};
  }
  {
    std::lock_guard lock(mutex_);
    identity_ = epoch.server.identity;
    status_.slot_name = epoch.slot;
    status_.publication_name = control_.name();
    status_.position = position;
  }
  return decoder_->start_at(position);
}

}  // namespace tidemark
