#pragma once
// A Postgres database as a Source: one slot, one walsender and one publication for whatever number
// of tables is read from it. See receiver.h for its threads.

#include <atomic>
#include <functional>
#include <mutex>
#include <set>

#include "connectors/connector.h"
#include "connectors/postgres_cdc/receiver.h"

namespace tidemark {

// The tables of readers whose content is complete, as of the events handed out. Any thread.
class KnownByReader {
 public:
  void set(ReaderId reader, KnownTable table);
  void forget(ReaderId reader);
  std::vector<KnownTable> tables() const;  // each once

 private:
  mutable std::mutex mutex_;
  std::map<ReaderId, KnownTable> tables_;
};

class PostgresSource final : public Source {
 public:
  // `options`: what `opening.with` says.
  PostgresSource(PostgresCdcOptions options, SourceOpening opening);

  void start() override { receiver_.start(); }
  void change_options(const Options& with) override { receiver_.change_options(with); }
  void abandon() override { receiver_.abandon(); }
  ReaderId add_reader(ReaderSpec spec) override;
  void remove_reader(ReaderId reader) override;
  bool poll(size_t bytes_max, SourceSink& sink) override;
  void acknowledge(Lsn position) override { receiver_.acknowledge(position); }
  Result<Lsn> current_position() override { return receiver_.current_position(); }
  std::string token() const override;
  SourceStatus status() const override { return receiver_.status(); }

 private:
  std::optional<Receiver::Place> place_of(const SourceOpening& opening) const;
  const KnownTable* find_resumed(const ReaderRequest& request) const;

  std::atomic<ReaderId> next_reader_{1};
  std::mutex mutex_;            // guards removed_
  std::set<ReaderId> removed_;  // events of these may still be in the queue
  EventQueue queue_;
  KnownByReader known_;
  const std::optional<SourceToken> resumed_;
  Receiver receiver_;  // last: its threads use the queue
};

}  // namespace tidemark
