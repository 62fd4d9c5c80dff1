#pragma once
// What the engine keeps in the store, and under which keys. docs/state_layout.md shows every byte.
//
//   format                                     version of the whole (state/store.cc)
//   c <catalog>                                CREATE CATALOG
//   b <catalog> 00 <database>                  CREATE DATABASE
//   o <object id, 8 bytes>                     a table or view
//   w <user>                                   who may log in, and the verifier of the password
//   u <source key>                             an upstream: its name there, how far it was read
//   d <dataflow id, 4 bytes>                   a materialized view's dataflow: its mark
//   s <dataflow id, 4> <node, 2> <place, 2> …  state (state/keyed_table.h, state/ordered_table.h)
//   l <dataflow id, 4> <number, 8> <part>      changes kept of a view (engine/change_log.h)
//   k <dataflow id, 4> <number, 8>             changes that wait for a job's sink
//                                              (engine/sink_feed.h)
//
// Numbers in keys are big-endian.

#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/status.h"
#include "catalog/catalog.h"
#include "physical/sharing.h"
#include "types/lsn.h"

namespace tidemark {

inline constexpr std::string_view kCatalogPrefix = "c";
inline constexpr std::string_view kDatabasePrefix = "b";
inline constexpr std::string_view kObjectPrefix = "o";
inline constexpr std::string_view kUserPrefix = "w";
inline constexpr std::string_view kSourcePrefix = "u";
inline constexpr std::string_view kDataflowPrefix = "d";
inline constexpr std::string_view kStatePrefix = "s";
inline constexpr std::string_view kChangeLogPrefix = "l";
inline constexpr std::string_view kSinkPrefix = "k";

std::string catalog_key(std::string_view catalog);
std::string database_key(std::string_view catalog, std::string_view database);
std::string object_key(ObjectId id);
std::string user_key(std::string_view user);
std::string source_key(std::string_view key);
std::string dataflow_key(uint64_t id);
// All state of a dataflow; of one of its tables.
std::string state_prefix(uint64_t dataflow);
// What a view has published lately (engine/change_log.h).
std::string change_log_prefix(uint64_t dataflow);
std::string state_prefix(uint64_t dataflow, size_t node, size_t place);
// What waits for a job's sink (engine/sink_feed.h).
std::string sink_prefix(uint64_t dataflow);

struct SourceRecord {
  Options with;               // of the table that opened it
  std::string durable_name;   // what it is called at the upstream
  bool is_abandoned = false;  // on its way out: what it has at the upstream is to be removed
  // The state holds everything up to here. Not valid: nothing was checkpointed yet.
  Lsn position;
  Lsn commit_position;
  int64_t commit_time_us = 0;
  std::string token;  // Source::token at that position
  bool operator==(const SourceRecord&) const = default;
};
std::string encode_source(const SourceRecord& record);
Result<SourceRecord> decode_source(std::string_view bytes);

enum class VersionState : uint8_t {
  kShown = 0,
  kBuild = 1,   // a new version of the view, built beside the one that is shown
  kPlaced = 2,  // has taken that one's place; the state of its readers is still by the old one
};

struct DataflowRecord {
  ObjectId object = 0;  // 0: a part, which has its `definition` for good
  // What the state's layout follows from; another plan cannot read it.
  std::string plan;
  std::string zone;
  int64_t started_us = 0;
  // The state is the view's at `mark`. Otherwise it is still being built, and worth nothing after a
  // restart.
  bool is_live = false;
  Lsn mark;
  int64_t commit_time_us = 0;
  VersionState state = VersionState::kShown;
  // What the view is with this dataflow, where its own record does not say so yet: of a build, and
  // of one that has just taken its place. Empty: as its record says.
  std::string definition;
  // The dataflow whose change log goes on with this one; 0: it has its own.
  uint64_t log = 0;
  uint64_t insert = 0;          // of a job: which of its INSERTs
  std::string token;            // of its sink, which has all changes but those that wait beside it
  std::vector<uint64_t> parts;  // the dataflows that are its parts (engine/dataflow.h)
  Sharing sharing = Sharing::kNone;  // by which it was planned
  bool operator==(const DataflowRecord&) const = default;
};
std::string encode_dataflow(const DataflowRecord& record);
Result<DataflowRecord> decode_dataflow(std::string_view bytes);

}  // namespace tidemark
