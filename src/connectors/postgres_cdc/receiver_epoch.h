#pragma once
// For the receiver's own files: what lives between two beginnings.

#include <future>

#include "connectors/postgres_cdc/catalog_watch.h"
#include "connectors/postgres_cdc/reader_group.h"
#include "connectors/postgres_cdc/receiver.h"

namespace tidemark {

// Members end in reverse order: the watch and the groups, which use the stream, first.
struct Receiver::Epoch {
  std::future<Result<PostgresConnection>> connecting;  // valid: becomes the stream
  std::optional<ReplicationStream> stream;
  // The one before, while the decoder may still look at its last message.
  std::optional<ReplicationStream> retired;
  Status failed;              // found while the decoder waited for its consumer
  bool needs_rewind = false;  // what is decoded next begins at an earlier place
  // Of the log that is read ahead.
  int64_t synced_at_us = 0;
  bool is_drained = false;   // nothing more has come for it
  bool is_log_read = false;  // the decoder has all of it
  ServerPosition server;
  std::string slot;
  Lsn consistent_point;
  std::string snapshot_name;
  std::vector<std::unique_ptr<ReaderGroup>> groups;
  std::unique_ptr<CatalogWatch> watch;
  Lsn watched_position;
  uint64_t watched_readers = UINT64_MAX;  // readers_version_ when the watch was told
  bool is_streaming = false;
  Lsn reported;
  int64_t reported_at_us = 0;
  int64_t drained_at_us = 0;  // when commits were last handed out because nothing more had come
  bool is_late = false;       // the last commit came long after it was made: there is a backlog
  bool is_gathering = false;  // commits wait to be handed out together
  bool reply_due = false;
};

}  // namespace tidemark
