#pragma once
// CREATE, DROP and ALTER. Laws: ast_expr.h.

#include "sql/ast_query.h"

namespace tidemark::sql {

// 'key' = 'value' of WITH and SET lists. An unquoted key or value is kept as its text.
struct Option {
  std::string key;
  std::string value;
  size_t position = 0;  // of the key
  size_t value_position = 0;
};
using Options = std::vector<Option>;

enum class ObjectKind : uint8_t {
  kTable,
  kView,
  kMaterializedView,
  kMaterializedTable,
  kCatalog,
  kDatabase,
  kFunction,
  kModel,
  kConnection,
  kUser,
  kIndex,
  kJob,
};

// --- table elements --------------------------------------------------------------------------

enum class ConstraintKind : uint8_t { kPrimaryKey, kUnique };
enum class Enforcement : uint8_t { kUnspecified, kEnforced, kNotEnforced };
struct KeyConstraint {
  std::optional<Identifier> name;
  ConstraintKind kind = ConstraintKind::kPrimaryKey;
  std::vector<Identifier> columns;  // empty when written on the column itself
  Enforcement enforcement = Enforcement::kUnspecified;
  size_t position = 0;
};
struct PhysicalColumn {
  Identifier name;
  TypeName type;
  std::optional<KeyConstraint> key;
  std::optional<std::string> comment;
};
struct MetadataColumn {
  Identifier name;
  TypeName type;
  std::optional<std::string> key;  // METADATA FROM 'key'
  bool is_virtual = false;
  std::optional<std::string> comment;
};
struct ComputedColumn {
  Identifier name;
  Expr expr;
  std::optional<std::string> comment;
};
struct ColumnName {  // a name without a type, in CREATE TABLE .. AS only
  Identifier name;
};
struct Watermark {
  Name column;
  Expr expr;
  size_t position = 0;
};
struct TableElement : std::variant<PhysicalColumn, MetadataColumn, ComputedColumn, ColumnName,
                                   Watermark, KeyConstraint> {
  using variant::variant;
  TableElement();
  TableElement(TableElement&&) noexcept;
  TableElement& operator=(TableElement&&) noexcept;
  ~TableElement();
};

enum class DistributionKind : uint8_t { kUnspecified, kHash, kRange };
struct Distribution {
  DistributionKind kind = DistributionKind::kUnspecified;
  std::vector<Identifier> columns;
  std::optional<uint32_t> buckets;
};

enum class LikeMode : uint8_t { kIncluding, kExcluding, kOverwriting };
enum class LikeFeature : uint8_t {
  kAll,
  kConstraints,
  kDistribution,
  kPartitions,
  kGenerated,
  kMetadata,
  kOptions,
  kWatermarks,
};
struct LikeOption {
  LikeMode mode = LikeMode::kIncluding;
  LikeFeature feature = LikeFeature::kAll;
};
struct LikeClause {
  Name source;
  std::vector<LikeOption> options;
};

// --- CREATE ----------------------------------------------------------------------------------

enum class CreateMode : uint8_t { kCreate, kCreateOrReplace, kReplace, kCreateOrAlter };

struct CreateTable {
  CreateMode mode = CreateMode::kCreate;
  bool temporary = false;
  bool if_not_exists = false;
  Name name;
  std::vector<TableElement> elements;
  std::optional<std::string> comment;
  std::optional<Distribution> distribution;
  std::vector<Identifier> partitioned_by;
  Options options;
  std::optional<LikeClause> like;
  QueryPtr query;  // CTAS and RTAS; else null
};
struct ViewColumn {
  Identifier name;
  std::optional<std::string> comment;
};
struct CreateView {
  CreateMode mode = CreateMode::kCreate;
  bool temporary = false;
  bool if_not_exists = false;
  Name name;
  std::vector<ViewColumn> columns;
  std::optional<std::string> comment;
  QueryPtr query;
};
struct CreateMaterializedView {
  CreateMode mode = CreateMode::kCreate;
  bool if_not_exists = false;
  Name name;
  std::vector<ViewColumn> columns;
  std::optional<std::string> comment;
  Options options;
  QueryPtr query;
};
enum class RefreshMode : uint8_t { kContinuous, kFull };
struct CreateMaterializedTable {
  CreateMode mode = CreateMode::kCreate;
  bool if_not_exists = false;
  Name name;
  std::vector<TableElement> elements;
  std::optional<std::string> comment;
  std::optional<Distribution> distribution;
  std::vector<Identifier> partitioned_by;
  Options options;
  ExprPtr freshness;  // an IntervalLiteral; null when not given
  std::optional<RefreshMode> refresh_mode;
  ExprPtr start_mode;  // FROM_NOW(..) as a FunctionCall, FROM_BEGINNING as a Symbol; null when not
                       // given
  QueryPtr query;
};
struct CreateCatalog {
  bool if_not_exists = false;
  Name name;
  std::optional<std::string> comment;
  Options options;
};
struct CreateDatabase {
  bool if_not_exists = false;
  Name name;
  std::optional<std::string> comment;
  Options options;
};
struct FunctionResource {
  std::string kind;  // JAR, FILE, ARCHIVE, ARTIFACT
  std::string path;
};
struct FunctionBody {                         // AS '..' [LANGUAGE ..] [USING ..] [WITH ..]
  std::string definition;                     // in SQL an expression, else the name of a class
  std::optional<size_t> definition_position;  // of its first byte, if it has no escapes
  std::string language;                       // upper case; empty when not given
  std::vector<FunctionResource> resources;
  Options options;
};
struct FunctionParameter {
  std::optional<Identifier> name;
  TypeName type;
};
struct FunctionSignature {  // (x INT, ..) RETURNS t [STRICT]
  std::vector<FunctionParameter> parameters;
  TypeName returns;
  bool strict = false;  // RETURNS NULL ON NULL INPUT
};
struct CreateFunction {
  CreateMode mode = CreateMode::kCreate;
  bool temporary = false;
  bool system = false;
  bool if_not_exists = false;
  Name name;
  std::optional<FunctionSignature> signature;  // not of a class
  FunctionBody body;
  ExprPtr returned;  // of RETURN e, which stands for the body; else null
};
struct CreateModel {
  bool temporary = false;
  bool if_not_exists = false;
  Name name;
  std::vector<TableElement> input;
  std::vector<TableElement> output;
  std::optional<std::string> comment;
  Options options;
  QueryPtr query;  // null without AS
};
struct CreateConnection {
  bool temporary = false;
  bool system = false;
  bool if_not_exists = false;
  Name name;
  std::optional<std::string> comment;
  Options options;
};
struct CreateUser {  // CREATE USER u [WITH] [PASSWORD 'p'] [(options)]
  bool if_not_exists = false;
  Identifier name;
  std::optional<std::string> password;
  Options options;
};
struct AlterUser {  // ALTER USER u [WITH] PASSWORD {'p' | NULL}
  Identifier name;
  std::optional<std::string> password;  // none: NULL, which takes the password away
};
struct CreateIndex {  // CREATE INDEX [i] ON t (a, b)
  bool unique = false;
  bool if_not_exists = false;
  std::optional<Identifier> name;
  Name table;
  std::vector<OrderItem> columns;
};

}  // namespace tidemark::sql

#include "sql/ast_alter.h"
