#pragma once
// Messages of pgoutput, protocol 1 and 2 (PostgreSQL 15 manual, "Logical Replication Message
// Formats"). Numbers are big-endian, strings end with a zero byte. Everything here refers to the
// message's bytes.
//
//   B  final_lsn(8) time(8) xid(4)                   C  flags(1) lsn(8) end_lsn(8) time(8)
//   R  oid(4) schema table identity(1) n(2) { flags(1) name type(4) modifier(4) }
//   I  oid(4) 'N' row     U  oid(4) [('K'|'O') row] 'N' row     D  oid(4) ('K'|'O') row
//   T  n(4) flags(1) oid(4)...                       Y, O, M: types, origins, messages: of no use
//   here S  xid(4) first(1)    E                          parts of a transaction in progress c
//   xid(4) flags(1) lsn(8) end_lsn(8) time(8)     A  xid(4) subxid(4) [lsn(8) time(8)] row: n(2) {
//   'n' | 'u' | ('t'|'b') size(4) bytes }
// Between S and E each of R I U D T Y M has the (sub)transaction's xid(4) after its kind.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/lsn.h"

namespace tidemark {

struct PgField {
  char kind;  // n: NULL, u: unchanged and not sent, t: text, b: binary
  std::string_view bytes;
};
using PgRow = std::vector<PgField>;

struct PgRelation {
  struct Column {
    std::string name;
    uint32_t type_oid;
    int32_t modifier;
    bool in_key;
  };
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  char identity = 'd';
  std::vector<Column> columns;
};

struct PgRowChange {
  uint32_t relation = 0;
  char old_kind = 0;  // 0: no old row, K: its key, O: all of it
  PgRow old_row;
  bool has_new = false;
  PgRow new_row;
};

struct PgBegin {
  Lsn final_position;
  int64_t time_us;
  uint32_t xid;
};

struct PgCommit {
  Lsn end_position;
  int64_t time_us;
};

struct PgStreamAbort {
  uint32_t xid;
  uint32_t subxid;  // equal to xid: the whole transaction
};

// The body is what follows the kind byte (and the xid within S..E).
Result<PgBegin> parse_begin(std::string_view body);
Result<PgCommit> parse_commit(std::string_view body);
Result<PgRelation> parse_relation(std::string_view body);
// Reuses the rows of `change`.
Status parse_row_change(char kind, std::string_view body, PgRowChange& change);
Result<std::vector<uint32_t>> parse_truncate(std::string_view body);
Result<PgStreamAbort> parse_stream_abort(std::string_view body);
Result<uint32_t> parse_xid(std::string_view body);

}  // namespace tidemark
