#pragma once
// The ordinary connection of a source: its publication, its name, and questions about positions.
//
// A source without a publication of its own name makes one called tidemark_<8 hex digits>, and
// holds a session-level advisory lock on that name as long as it lives. A publication of that form
// whose lock can be taken was left by a process that was killed: it is taken over, further ones are
// dropped.
//
// A durable source's publication has the source's name, and a comment that keeps it from being
// taken for one that was left behind.
//
// Thread rule: any thread; calls wait for each other.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "connectors/postgres_cdc/durable_upstream.h"
#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/server_address.h"
#include "connectors/postgres_cdc/table_info.h"
#include "postgres/connection.h"
#include "postgres/interrupt.h"
#include "types/lsn.h"

namespace tidemark {

class ControlSession {
 public:
  // An empty `durable_name`: nothing is kept at the end.
  ControlSession(const PostgresCdcOptions& options, const ServerAddress& address,
                 std::string durable_name, const Interrupt& interrupt)
      : options_(options),
        address_(address),
        durable_name_(std::move(durable_name)),
        interrupt_(interrupt) {}

  // Connects, if it is not connected; then takes or makes up the name.
  Status open();
  bool is_open() const;
  int server_version() const;
  // Of the publication; also the slot's, unless the options name one.
  std::string name() const;
  std::string last_sqlstate() const;

  Result<TableInfo> table_info(const std::string& schema, const std::string& table, uint32_t known);
  // A text for each of the tables, the same as long as nothing about the table changes in the
  // catalogs.
  struct Watched {
    std::string schema;
    std::string table;
    uint32_t oid = 0;
    friend bool operator==(const Watched&, const Watched&) = default;
  };
  Result<std::vector<std::string>> catalog_digests(const std::vector<Watched>& tables);

  // Makes the publication cover exactly these tables (a ready-made one: checks that it does).
  Status publish_only(const std::vector<TableInfo>& tables);
  // Adds a table. True if it was not in the publication before: see wait_for_writers.
  Result<bool> publish_also(const TableInfo& table);
  // Takes a table out again, if that needs no waiting.
  Status unpublish(const TableInfo& table);
  // Until the transactions that may have written to the table before now are over: what they wrote
  // is decoded with the publication as it was then.
  Status wait_for_writers(const TableInfo& table, const Interrupt& interrupt);
  // Makes the server look at the publication's tables anew. Before the minor versions of May 2025 a
  // decoder could keep what it had found out about a table before it was added.
  Status refresh_publication();

  // Includes every transaction committed before this call; the stream reaches it without more
  // writes.
  Result<Lsn> current_position();
  // Commits something tiny, so that the log is flushed.
  Status force_flush();
  Result<std::optional<Lsn>> slot_confirmed(const std::string& slot);

  // For durable sources.
  //
  // 0: there is no such publication.
  Result<uint32_t> publication_oid();
  // Those of the tables whose changes the publication does not have.
  Result<std::vector<uint32_t>> unpublished(const std::vector<TableInfo>& tables);
  Result<SlotState> slot_state(const std::string& slot);
  Result<SlotUse> slot_use(const std::string& slot);
  // Ends the keeping of log for a slot: drops it, or, if the user named it, moves it to the log's
  // end.
  Status give_up_slot(const std::string& slot, int own_pid);
  // Returns when nobody holds the slot; `own_pid` is a walsender that we had.
  Status free_slot(const std::string& slot, int own_pid);
  // Drops the slot, and the publication if it is ours: what is there is of no use any more.
  Status drop_kept(const std::string& slot, int own_pid);

  // Breaks the connection off, also under a query that waits for a server that is silent.
  void cut();

  // Disconnects; drops the publication if it is ours and not to be kept.
  void close();

 private:
  Status connect_locked();
  void disconnect_locked();
  Status take_name_locked();
  Result<QueryResult> query_locked(const std::string& sql);
  Result<bool> lock_name_locked(const std::string& name);
  Status take_durable_name_locked();
  bool may_end_locked(const std::string& slot, int pid, int own_pid);
  Status publication_error(Status status, const std::vector<TableInfo>& tables);

  const PostgresCdcOptions& options_;
  const ServerAddress& address_;
  const std::string durable_name_;
  const Interrupt& interrupt_;
  mutable std::mutex mutex_;  // guards all below
  std::optional<PostgresConnection> connection_;
  std::string name_;
  bool exists_ = false;     // our publication has been made or taken over
  bool owns_name_ = false;  // no other living process has the durable name

  std::mutex socket_mutex_;  // guards socket_; taken after mutex_, if both are
  int socket_ = -1;          // of connection_
};

// Whether a publication made beforehand has all of these tables, and all their changes. The
// statement that mends it is in the hint.
Status check_ready_made(PostgresConnection& connection, const std::string& name,
                        const std::vector<TableInfo>& tables);

// "CREATE PUBLICATION ..." for a DBA to run.
std::string create_publication_sql(const std::string& name, const std::vector<TableInfo>& tables);

}  // namespace tidemark
