#pragma once
// For the receiver's own files: what lives between two beginnings.

#include "connectors/postgres_cdc/reader_group.h"
#include "connectors/postgres_cdc/receiver.h"

namespace tidemark {

// Members end in reverse order: the groups, which use the stream, first.
struct Receiver::Epoch {
  std::optional<ReplicationStream> stream;
  ServerPosition server;
  std::string slot;
  Lsn consistent_point;
  std::string snapshot_name;
  std::vector<std::unique_ptr<ReaderGroup>> groups;
  bool is_streaming = false;
  Lsn reported;
  int64_t reported_at_us = 0;
  bool reply_due = false;
};

}  // namespace tidemark
