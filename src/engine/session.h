#pragma once
// One user's conversation with the engine: current catalog and database, settings, and the
// execution of statements. The server makes one per connection.
//
// Thread rule: one thread at a time; execute() may block (it asks sources, and waits for answers),
// cancel() may be called from any other thread meanwhile.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/options.h"
#include "base/status.h"
#include "engine/subscription.h"
#include "sql/ast_statement.h"
#include "types/column.h"
#include "types/key_codec.h"

namespace tidemark {

class Engine;

// A statement that returns no rows. `tag` is its command tag: "CREATE TABLE".
struct CommandDone {
  std::string tag;
};

// Rows, complete. `mark` is set if they were read from views or sources.
struct RowsResult {
  Schema schema;
  RowBatch rows;
  std::string tag;  // "SELECT 7", "SHOW"
  Lsn mark;
  int64_t commit_time_us = 0;
};

// A live query: rows keep coming until it is cancelled.
struct StreamResult {
  Schema schema;  // visible columns, then `hidden` ones that only `order` needs
  size_t hidden = 0;
  std::vector<SortKey> order;  // wanted order of the rows (indexes into schema); empty: none asked
  // Columns that identify a row; none known: nullopt; empty: there is at most one row.
  std::optional<std::vector<size_t>> key;
  std::shared_ptr<Subscription> subscription;  // shared with the step thread
  bool progress = true;                        // whether the reader asked for marks without changes
};

struct StatementResult {
  std::variant<CommandDone, RowsResult, StreamResult> outcome;
  std::vector<std::string> notices;
};

class Session {
 public:
  explicit Session(Engine& engine);
  ~Session();

  // Runs one parsed statement. `text` is the source that positions refer to (for error excerpts,
  // names of jobs).
  Result<StatementResult> execute(const sql::Statement& statement, std::string_view text);
  // Parses and runs a script, one statement after the other; `done` gets each result and says
  // whether to go on. Errors carry positions into `text`.
  Status execute_script(std::string_view text, const std::function<bool(StatementResult)>& done);

  // Makes a blocking execute() return kCancelled soon.
  void cancel();

  Status set(const std::string& key, const std::string& value, std::vector<std::string>& notices);
  // The session's value, or the default; empty if unknown.
  std::string setting(std::string_view key) const;
  const std::string& current_catalog() const { return catalog_; }
  const std::string& current_database() const { return database_; }
  // Candidates that continue the word at the end of `prefix` (keywords, tables, columns,
  // functions).
  std::vector<std::string> complete(std::string_view prefix);

 private:
  friend class StatementExecutor;
  Engine& engine_;
  std::string catalog_;
  std::string database_;
  Options settings_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace tidemark
