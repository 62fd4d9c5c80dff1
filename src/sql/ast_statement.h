#pragma once
// Statements: one variant over everything a user can run. Laws: ast_expr.h.

#include "sql/ast_ddl.h"

namespace tidemark::sql {

struct Statement;
using StatementPtr = std::unique_ptr<Statement>;

// --- queries and changes of data -------------------------------------------------------------

struct QueryStatement {  // q, EXECUTE q
  QueryPtr query;
};
enum class OnConflict : uint8_t { kUnspecified, kNothing, kError, kDeduplicate };
struct Insert {
  bool overwrite = false;
  Name target;
  std::vector<Hint> hints;
  PartitionSpec partition;
  std::vector<Name> columns;
  QueryPtr query;
  OnConflict on_conflict = OnConflict::kUnspecified;
};
struct StatementSet {
  std::vector<Insert> inserts;
};
struct Assignment {
  Name column;
  Expr value;
};
struct Update {
  Name target;
  std::optional<Identifier> alias;
  std::vector<Assignment> assignments;
  ExprPtr where;  // null when not given
};
struct Delete {
  Name target;
  std::optional<Identifier> alias;
  ExprPtr where;  // null when not given
};
struct Truncate {
  Name table;
};
struct Call {
  FunctionCall call;
};
struct Analyze {
  Name table;
  PartitionSpec partition;
  bool all_columns = false;
  std::vector<Identifier> columns;
};
struct CompilePlan {
  std::string path;
  bool if_not_exists = false;
  bool execute = false;    // COMPILE AND EXECUTE PLAN
  StatementPtr statement;  // Insert or StatementSet
};
struct ExecutePlan {
  std::string path;
};
enum class ExplainDetail : uint8_t {
  kEstimatedCost,
  kChangelogMode,
  kJsonExecutionPlan,
  kPlanAdvice,
  kAnalyze,
  kVerbose,
};
struct Explain {
  std::vector<ExplainDetail> details;
  StatementPtr statement;  // query, insert, statement set, CREATE .. AS
};

// --- live views ------------------------------------------------------------------------------

struct Subscribe {  // exactly one of name and query
  Name name;
  QueryPtr query;  // null when `name` is set
  Options options;
  std::optional<std::string> as_of_mark;
};
struct VerifyView {
  Name name;
};
struct WaitForLsn {
  std::string lsn;
  Options options;
};

// --- looking around --------------------------------------------------------------------------

struct Describe {
  ObjectKind kind = ObjectKind::kTable;
  bool extended = false;
  Name name;  // of a job: its id
};
enum class ShowKind : uint8_t {
  kCatalogs,
  kCurrentCatalog,
  kDatabases,
  kCurrentDatabase,
  kTables,
  kViews,
  kMaterializedTables,
  kMaterializedViews,
  kColumns,
  kPartitions,
  kFunctions,
  kUserFunctions,
  kProcedures,
  kModules,
  kFullModules,
  kModels,
  kConnections,
  kJars,
  kJobs,
  kSources,
  kSinks,
  kMemory,
  kFreshness,
  kSlots,
  kUsers,
  kIndexes,
  kSubscriptions,
};
enum class FilterKind : uint8_t { kLike, kIlike };
struct ShowFilter {
  FilterKind kind = FilterKind::kLike;
  bool negated = false;
  std::string pattern;
};
struct Show {
  ShowKind kind = ShowKind::kTables;
  Name from;  // FROM or IN; the table of kColumns and kPartitions; may be empty
  PartitionSpec partition;
  std::optional<ShowFilter> filter;
};
struct ShowCreate {
  ObjectKind kind = ObjectKind::kTable;
  Name name;
};
struct ShowSetting {  // SHOW name; "all" is SHOW ALL, "timezone" is SHOW TIME ZONE
  std::string name;
};

// --- session ---------------------------------------------------------------------------------

enum class UseKind : uint8_t { kCatalog, kDatabase, kModules };
struct Use {
  UseKind kind = UseKind::kDatabase;
  std::vector<Name> names;  // one, but for modules
};
struct Set {  // no option: show all. SET TIME ZONE z is the key "timezone"
  std::optional<Option> option;
  bool local = false;       // SET LOCAL
  bool is_default = false;  // SET k TO DEFAULT: the value is empty
};
struct Reset {
  std::optional<std::string> key;  // none: all
};
struct LoadModule {
  Identifier name;
  Options options;
};
struct UnloadModule {
  Identifier name;
};
struct AddJar {
  std::string path;
};
struct RemoveJar {
  std::string path;
};
struct StopJob {
  std::string id;
  bool savepoint = false;
  bool drain = false;
};
struct Kill {
  std::string id;
};
struct Begin {
  std::vector<std::string> modes;  // "READ ONLY", "ISOLATION LEVEL SERIALIZABLE"
};
struct Commit {};
struct Rollback {};
enum class SavepointAction : uint8_t { kSet, kRelease, kRollbackTo };
struct Savepoint {  // SAVEPOINT s, RELEASE s, ROLLBACK TO s
  SavepointAction action = SavepointAction::kSet;
  Identifier name;
};
struct DeclareCursor {
  Identifier name;
  bool binary = false;
  bool hold = false;       // WITH HOLD
  bool no_scroll = false;  // NO SCROLL: only forward
  StatementPtr statement;  // QueryStatement or Subscribe
};
enum class FetchDirection : uint8_t { kForward, kBackward, kAbsolute, kRelative };
struct Fetch {  // FETCH and MOVE
  FetchDirection direction = FetchDirection::kForward;
  std::optional<int64_t> count;  // of kAbsolute and kRelative: the place; none: ALL
  Identifier cursor;
  bool is_move = false;
  Options options;  // WITH (TIMEOUT = '1s'), for a cursor over SUBSCRIBE
};
struct CloseCursor {
  std::optional<Identifier> cursor;  // none: ALL
};
struct Deallocate {
  std::optional<Identifier> name;  // none: ALL
};
struct DiscardAll {};  // everything of the session: portals, prepared statements, settings
struct Copy {          // COPY source TO STDOUT
  std::variant<Name, StatementPtr> source;  // a table, or a QueryStatement or Subscribe
  std::vector<Identifier> columns;          // COPY t (a, b)
  Options options;
};
struct Help {};
struct Quit {};
struct Clear {};
struct SourceFile {
  std::string path;
};

struct StatementNode
    : std::variant<QueryStatement, Insert, StatementSet, Update, Delete, Truncate, Call, Analyze,
                   CompilePlan, ExecutePlan, Explain, Subscribe, VerifyView, WaitForLsn,
                   CreateTable, CreateView, CreateMaterializedView, CreateMaterializedTable,
                   CreateCatalog, CreateDatabase, CreateFunction, CreateModel, CreateConnection,
                   CreateUser, CreateIndex, Drop, Alter, AlterUser, Describe, Show, ShowCreate,
                   ShowSetting, Use, Set, Reset, LoadModule, UnloadModule, AddJar, RemoveJar,
                   StopJob, Kill, Begin, Commit, Rollback, Savepoint, DeclareCursor, Fetch,
                   CloseCursor, Deallocate, DiscardAll, Copy, Help, Quit, Clear, SourceFile> {
  using variant::variant;
  StatementNode();
  StatementNode(StatementNode&&) noexcept;
  StatementNode& operator=(StatementNode&&) noexcept;
  ~StatementNode();
};

struct Statement {
  StatementNode node;
  size_t position = 0;  // first byte of the statement
  size_t end = 0;       // one past its last byte, the `;` not included
};

}  // namespace tidemark::sql
