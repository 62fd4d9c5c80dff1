#pragma once
// One user's conversation with the engine: current catalog and database, settings, and the
// execution of statements. The server makes one per connection.
//
// Thread rule: one thread at a time; execute() may block (it asks sources, and waits for answers),
// cancel() may be called from any other thread meanwhile.

#include <atomic>
#include <map>
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
class Parameters;
struct PreparedRead;
struct ReadPin;
struct ViewRead;

// As ReadyForQuery tells it: no block, in a block, in a block that only ROLLBACK ends.
enum class TransactionState : char { kIdle = 'I', kBlock = 'T', kFailed = 'E' };

// What a statement takes and gives, known without running it.
struct StatementShape {
  std::vector<Type> parameters;  // of $1, $2, ...
  std::optional<Schema> rows;    // nullopt: it returns none
  bool is_stream = false;        // a live query
  // How single rows of a view are read again and again; null: the statement is none that does.
  std::shared_ptr<const PreparedRead> read;  // shared: immutable
};

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
  int64_t commit_time_us = 0;  // of the last commit in them; 0: not known
  int64_t published_us = 0;    // when that was published here
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
  bool is_looked_up = false;  // rows of one view, by an index, without the step thread
};

class Session {
 public:
  explicit Session(Engine& engine);
  ~Session();

  // Runs one parsed statement. `text` is the source that positions refer to (for error excerpts,
  // names of jobs).
  // `parameters`: values of $1, ..., each with its type; null: there are none.
  Result<StatementResult> execute(const sql::Statement& statement, std::string_view text,
                                  Parameters* parameters = nullptr);
  // The same for a statement that reads single rows, at once: it blocks on nothing. nullopt: only
  // execute() can answer.
  std::optional<StatementResult> read_prepared(const PreparedRead& read,
                                               const Parameters& parameters);
  // False: describe() has to prepare it anew.
  bool is_current(const PreparedRead& read) const;
  // Without running it. `parameters` has the types that the client has declared, and gets the rest.
  Result<StatementShape> describe(const sql::Statement& statement, std::string_view text,
                                  Parameters& parameters);
  // Parses and runs a script, one statement after the other; `done` gets each result and says
  // whether to go on. Errors carry positions into `text`.
  Status execute_script(std::string_view text, const std::function<bool(StatementResult)>& done);

  // Makes a blocking execute() return kCancelled soon.
  void cancel();
  // A cancel that came too late for its statement is not for the next one.
  void forget_cancel() { cancelled_ = false; }

  TransactionState transaction() const { return transaction_; }
  // SAVEPOINTs so far; what is made in a block belongs to the newest.
  uint64_t savepoints_made() const { return savepoints_made_; }
  // The number of the one that ROLLBACK TO has gone back to last: what belongs to it, or to a later
  // one, is gone.
  uint64_t rolled_back_to() const { return rolled_back_to_; }
  // An error outside execute(), of the protocol: the block has failed.
  void fail_transaction();
  // Who this session belongs to.
  const std::string& user() const { return user_; }
  void set_user(std::string user) { user_ = std::move(user); }

  Status set(const std::string& key, const std::string& value, std::vector<std::string>& notices);
  // The session's value, or the default; empty if unknown.
  std::string setting(std::string_view key) const;
  // A database as a client of PostgreSQL names it: "tidemark" is the default catalog, others are
  // catalogs. kNotFound: there is none.
  Status use_database(const std::string& name);
  const std::string& current_catalog() const { return catalog_; }
  const std::string& current_database() const { return database_; }
  // Candidates that continue the word at the end of `prefix` (keywords, tables, columns,
  // functions).
  std::vector<std::string> complete(std::string_view prefix);

 private:
  friend class StatementExecutor;
  bool reaches_min_mark(const ViewRead& view) const;
  std::string zone() const;
  bool is_streaming() const;  // a SELECT stays live
  // What a read of the view is answered from at once: what was published last, or what the block
  // has read. Null: only the step thread knows.
  std::shared_ptr<const ViewRead> shown(uint64_t view) const;
  void unpin();

  Engine& engine_;
  std::string catalog_;
  std::string database_;
  Options settings_;
  std::string user_{"tidemark"};
  TransactionState transaction_ = TransactionState::kIdle;
  // All reads of a block are of what was published when it first read. Shared with the step loop,
  // which looks whether it is still held.
  std::shared_ptr<const ReadPin> pin_;
  std::map<uint64_t, std::shared_ptr<const ViewRead>> pinned_;  // views read at the pin, by object
  bool has_read_tables_ = false;  // in this block, which has then no mark to read others at
  bool has_defined_ = false;      // in this block: ROLLBACK does not undo that
  Options settings_before_;       // what SET LOCAL has covered; an empty value: the default
  struct Savepoint {
    uint64_t number;
    std::string name;
    Options settings, settings_before;  // as they were then
  };
  std::vector<Savepoint> savepoints_;  // of this block
  uint64_t savepoints_made_ = 0;
  uint64_t rolled_back_to_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace tidemark
