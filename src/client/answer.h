#pragma once
// The answer to one statement as it comes over the wire, piece by piece. Knows how the server
// writes a live query (server/pgwire/stream.h): rows with `mark` and `op`, marks, and the facts
// beside them.
//
// Thread rule: that of its connection.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "postgres/connection.h"
#include "types/change.h"
#include "types/key_codec.h"
#include "types/type.h"

namespace tidemark {

using Cell = std::optional<std::string>;  // nullopt: NULL
using Row = std::vector<Cell>;

struct AnswerColumn {
  std::string name;
  Type type;
};

struct AnswerHead {
  bool is_stream = false;
  std::vector<AnswerColumn> columns;  // the hidden ones last
  size_t hidden = 0;
  std::vector<SortKey> order;
  // Columns that identify a row; nullopt: none known; empty: there is at most one row.
  std::optional<std::vector<size_t>> key;

  size_t visible() const { return columns.size() - hidden; }
};

// How true what is shown is.
struct Freshness {
  std::string mark;                       // empty: no mark yet
  std::optional<int64_t> commit_time_us;  // since 2000-01-01, of the last commit in it
  int64_t lag_ms = 0;
  std::string stale;  // why and since when the source is away; empty: it is not
  uint64_t snapshot_rows = 0;
  uint64_t snapshot_rows_total = 0;  // 0: unknown
};

struct AnswerEvent {
  enum class Kind : uint8_t {
    kNothing,  // wait for the socket
    kHead,     // columns are known: head()
    kRow,
    kMark,  // all rows of an update were seen
    kDone,  // the statement ended well: tag()
    kFailed,
  };
  Kind kind = Kind::kNothing;
  RowKind op = RowKind::kInsert;
  Row row;
  Status status;
};

class Answer {
 public:
  // Sends the statement. The connection must outlive the answer, which must be read to its end.
  static Result<Answer> start(PostgresConnection& connection, const std::string& sql);

  // What has come next; does not wait. After kDone or kFailed there is nothing more.
  AnswerEvent poll();
  // Asks the server to end the statement; the answer still ends with kFailed or kDone.
  void cancel() { connection_->cancel(); }

  // Known early: before the head, as soon as the server has accepted a live query.
  bool is_stream() const;
  const AnswerHead& head() const { return head_; }
  Freshness freshness() const;
  const std::string& tag() const { return tag_; }
  const std::string& mark() const { return mark_; }  // of the last row or mark
  bool has_rows() const { return has_head_; }
  bool ended() const { return ended_; }
  int socket() const { return connection_->socket(); }
  // 1-based, in characters of the statement; 0: the error has no place.
  size_t error_position() const { return connection_->error_position(); }

 private:
  explicit Answer(PostgresConnection& connection) : connection_(&connection) {}
  void read_head(const QueryResult& result);
  AnswerEvent take_row(const QueryResult& result);

  PostgresConnection* connection_;
  AnswerHead head_;
  std::optional<QueryResult> first_;  // the row that came with the head
  std::string mark_;
  std::string tag_;
  bool has_head_ = false;
  bool ended_ = false;
};

// The type that a column's oid and modifier stand for, as server/pgwire/rows.cc writes them; STRING
// for oids that it never writes.
Type type_of_wire(uint32_t oid, int32_t modifier);

// "1 desc nulls_first, 0 asc nulls_last"; what cannot be read is left out.
std::vector<SortKey> parse_order(std::string_view text);
// "0,2"; "-" is none known.
std::optional<std::vector<size_t>> parse_key(std::string_view text);

}  // namespace tidemark
