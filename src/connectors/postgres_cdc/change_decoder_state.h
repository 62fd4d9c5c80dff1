#pragma once
// For the decoder's own files: what it knows of a reader, a table and a transaction in progress.

#include <set>

#include "connectors/postgres_cdc/change_decoder.h"

namespace tidemark {

struct ChangeDecoder::ReaderStream {
  ReaderStream(ReaderId reader, std::shared_ptr<const ReaderPlan> p)
      : id(reader), plan(std::move(p)), builder(*plan), held(kHeldMemoryBytes) {}

  KnownTable known() const {
    return {.schema = plan->asked_schema, .table = plan->asked_table, .shape = plan->shape};
  }

  const ReaderId id;
  std::shared_ptr<const ReaderPlan> plan;  // shared with the snapshot's threads; immutable
  BatchBuilder builder;
  bool is_holding = true;
  SpillBuffer held;                     // tag: the transaction; bytes: kind and body
  std::optional<XidSnapshot> snapshot;  // absent once all that it does not see is to come
  Lsn ready_at;
  // Of the commit that has not ended: its changes so far, and how many of them were handed out.
  // More than there are so far: these were handed out before the stream was lost.
  uint64_t changes = 0;
  uint64_t changes_handed_out = 0;
  bool is_ready = false;
  bool is_failed = false;  // gets no more events
  bool is_lapsed = false;  // failed, and to be removed when the transaction has ended
};

struct ChangeDecoder::Target {
  ReaderStream* reader;
  Result<RelationMap> map;
};

struct ChangeDecoder::Relation {
  PgRelation relation;
  std::string message;  // its body as it came, for readers that hold
  std::vector<Target> targets;
};

struct ChangeDecoder::StreamedTransaction {
  SpillBuffer messages{kStreamedMemoryBytes};  // tag: the subtransaction; bytes: kind and body
  std::set<uint32_t> aborted;
};

}  // namespace tidemark
