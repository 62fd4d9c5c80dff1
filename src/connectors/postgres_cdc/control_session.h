#pragma once
// The ordinary connection of a source: its publication, its name, and questions about positions.
//
// A source without a publication of its own name makes one called tidemark_<8 hex digits>, and
// holds a session-level advisory lock on that name as long as it lives. A publication of that form
// whose lock can be taken was left by a process that was killed: it is taken over, further ones are
// dropped.
//
// Thread rule: any thread; calls wait for each other.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "connectors/postgres_cdc/options.h"
#include "connectors/postgres_cdc/table_info.h"
#include "postgres/connection.h"
#include "postgres/interrupt.h"
#include "types/lsn.h"

namespace tidemark {

class ControlSession {
 public:
  ControlSession(const PostgresCdcOptions& options, const Interrupt& interrupt)
      : options_(options), interrupt_(interrupt) {}

  // Connects, if it is not connected; then takes or makes up the name.
  Status open();
  bool is_open() const;
  int server_version() const;
  // Of the publication; also the slot's, unless the options name one.
  std::string name() const;
  std::string last_sqlstate() const;

  Result<TableInfo> table_info(const std::string& schema, const std::string& table);

  // Makes the publication cover exactly these tables (a ready-made one: checks that it does).
  Status publish_only(const std::vector<TableInfo>& tables);
  // Adds a table. True if it was not in the publication before: see wait_for_writers.
  Result<bool> publish_also(const TableInfo& table);
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

  // Drops the publication if it is ours, and disconnects.
  void close();

 private:
  Status connect_locked();
  Status take_name_locked();
  Result<QueryResult> query_locked(const std::string& sql);
  Status publication_error(Status status, const std::vector<TableInfo>& tables);

  const PostgresCdcOptions& options_;
  const Interrupt& interrupt_;
  mutable std::mutex mutex_;  // guards all below
  std::optional<PostgresConnection> connection_;
  std::string name_;
  bool exists_ = false;  // our publication has been made or taken over
};

// Whether a publication made beforehand has all of these tables, and all their changes. The
// statement that mends it is in the hint.
Status check_ready_made(PostgresConnection& connection, const std::string& name,
                        const std::vector<TableInfo>& tables);

// "CREATE PUBLICATION ..." for a DBA to run.
std::string create_publication_sql(const std::string& name, const std::vector<TableInfo>& tables);

}  // namespace tidemark
