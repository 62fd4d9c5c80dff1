#pragma once
// What a durable source keeps at its server under its name, a permanent slot and a publication, and
// how it knows that server again.
//
// Thread rule: that of the connections given.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/server_address.h"
#include "connectors/postgres_cdc/table_shape.h"
#include "postgres/connection.h"
#include "postgres/interrupt.h"
#include "types/lsn.h"

namespace tidemark {

// Tells one upstream from another: another server, one restored from a backup, or another
// publication than the one the content came through, must not be taken for the old one.
struct UpstreamIdentity {
  std::string system;  // the identifier that initdb gave
  uint32_t timeline = 0;
  uint32_t publication_oid = 0;
};

// What Source::token gives.
struct SourceToken {
  UpstreamIdentity identity;
  std::vector<KnownTable> tables;

  std::string encode() const;
  static std::optional<SourceToken> parse(std::string_view token);
};

// The comment on a kept publication: it is not one that a killed process left behind.
inline constexpr const char* kKeptComment = "kept by tidemark for a slot of the same name";

struct ServerPosition {
  UpstreamIdentity identity;  // without the publication
  Lsn flushed;                // the end of its log
};
// On a connection in kReplication mode.
Result<ServerPosition> identify_server(PostgresConnection& connection);
// Whether the history of the server's timeline has `position` of an earlier `timeline`: it went on
// from there, and not from a place before.
Result<bool> timeline_contains(PostgresConnection& connection, uint32_t server_timeline,
                               uint32_t timeline, Lsn position);

struct SlotState {
  bool exists = false;
  bool is_usable = false;  // a pgoutput slot of this database
  bool is_lost = false;    // the server has removed the log that it needs
  Lsn confirmed;
  int active_pid = 0;
};
Result<SlotState> read_slot(PostgresConnection& connection, const std::string& slot);

// What a slot keeps of the server's log.
struct SlotUse {
  Lsn current;             // the log's end
  Lsn confirmed;           // what its reader has confirmed
  Lsn kept_from;           // the oldest log that is kept for it; not valid: none
  std::string wal_status;  // of PostgreSQL: reserved, extended, unreserved, lost
};
// kNotFound: there is no such slot.
Result<SlotUse> read_slot_use(PostgresConnection& connection, const std::string& slot);

// Returns when nobody holds the slot. A walsender that may be ended is: of a connection that was
// cut the server learns only after wal_sender_timeout.
Status free_slot(PostgresConnection& connection, const std::string& slot,
                 const std::function<bool(int pid)>& may_end, const Interrupt& interrupt);
// Drops it if it exists.
Status drop_slot(PostgresConnection& connection, const std::string& slot,
                 const std::function<bool(int pid)>& may_end, const Interrupt& interrupt);

// Removes what a source that has ended kept under its name. What cannot be removed now is found by
// `tidemark doctor`.
void remove_upstream(const PostgresCdcOptions& options, const ServerAddress& address,
                     const std::string& durable_name);

}  // namespace tidemark
