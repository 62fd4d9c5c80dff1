#pragma once
// Prepared statements, portals and cursors: an answer that is being sent, and how far. DECLARE
// makes a portal as Bind does (PostgreSQL 15 manual, "Extended Query"), so FETCH and Execute share
// them.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/session.h"
#include "plan/bind/parameters.h"
#include "server/pgwire/rows.h"
#include "server/pgwire/stream.h"

namespace tidemark::pgwire {

// A parsed statement of the extended protocol. Empty `statements`: the empty query.
struct Prepared {
  std::string text;
  std::vector<sql::Statement> statements;
  Parameters declared;  // types of $1, ...: the client's, else inferred
  StatementShape shape;
  // Of the shape; renewed when the catalog or the session has changed. Socket thread.
  mutable std::shared_ptr<const PreparedRead> read;  // shared: immutable
};

struct Portal {
  std::shared_ptr<const Prepared> prepared;  // immutable: a portal outlives its statement's name
  Parameters parameters;
  ResultFormats formats;
  std::optional<StatementResult> result;  // nullopt: has not run
  // Of a complete answer: so many rows are given, the last of them is the current one. A cursor may
  // stand before the first (0) or behind the last (one more than there are).
  size_t row = 0;
  std::optional<StreamRows> stream;  // a live one
  std::optional<ViewUpdate> held;    // the newest mark without changes, until its time comes
  int64_t progress_us = 0;           // when the last mark was handed out
  bool has_ended = false;            // the live query has
  bool is_cursor = false;
  bool is_forward_only = false;  // NO SCROLL
  bool is_binary = false;        // DECLARE ... BINARY CURSOR: also FETCH as a simple query
  bool is_held = false;          // WITH HOLD: outlives its transaction block
  uint64_t savepoints = 0;       // Session::savepoints_made when it was made

  StreamResult* live() { return result ? std::get_if<StreamResult>(&result->outcome) : nullptr; }
  RowsResult* rows() { return result ? std::get_if<RowsResult>(&result->outcome) : nullptr; }

  Portal() = default;
  Portal(Portal&&) = default;
  Portal& operator=(Portal&&) = default;
  // The reader of a live query is gone.
  ~Portal() {
    StreamResult* stream_result = live();
    if (stream_result != nullptr && stream_result->subscription != nullptr) {
      stream_result->subscription->set_wake(nullptr);
      stream_result->subscription->cancel();
    }
  }
};

}  // namespace tidemark::pgwire
