#pragma once
// DROP and ALTER; include sql/ast_ddl.h.

#include "sql/ast_ddl.h"

namespace tidemark::sql {

enum class DropBehaviour : uint8_t { kDefault, kRestrict, kCascade };
struct Drop {
  ObjectKind kind = ObjectKind::kTable;
  bool temporary = false;
  bool system = false;  // TEMPORARY SYSTEM FUNCTION
  bool if_exists = false;
  Name name;
  std::optional<std::vector<TypeName>> arguments;  // of a function
  DropBehaviour behaviour = DropBehaviour::kDefault;
};

// PARTITION (k = v, ..); the value is null in INSERT .. PARTITION (k) and SHOW PARTITIONS.
struct PartitionItem {
  Identifier column;
  ExprPtr value;
};
using PartitionSpec = std::vector<PartitionItem>;

enum class ColumnPlacement : uint8_t { kDefault, kFirst, kAfter };
struct AlterElement {
  TableElement element;
  ColumnPlacement placement = ColumnPlacement::kDefault;
  Identifier after;
};
struct AddElements {
  std::vector<AlterElement> elements;
};
struct ModifyElements {
  std::vector<AlterElement> elements;
};
struct AddDistribution {
  Distribution distribution;
};
struct ModifyDistribution {
  Distribution distribution;
};
struct DropColumns {
  bool if_exists = false;
  std::vector<Name> columns;
};
struct DropPrimaryKey {};
struct DropConstraint {
  Identifier name;
};
struct DropWatermark {};
struct DropDistribution {};
struct AddPartition {
  bool if_not_exists = false;
  PartitionSpec partition;
  Options options;
};
struct DropPartition {
  bool if_exists = false;
  PartitionSpec partition;
};
struct RenameColumn {
  Name from;
  Identifier to;
};
struct RenameObject {
  Name to;
};
struct SetOptions {
  Options options;
};
struct ResetOptions {
  std::vector<std::string> keys;
};
struct SetComment {
  std::string comment;
};
struct AlterQuery {  // AS q
  QueryPtr query;
};
struct AlterFunction {
  bool temporary = false;
  bool system = false;
  FunctionBody body;
};
struct SuspendRefresh {};
struct ResumeRefresh {
  Options options;
};
struct RefreshNow {
  PartitionSpec partition;
};
struct SetFreshness {
  ExprPtr freshness;
};
struct SetRefreshMode {
  RefreshMode mode = RefreshMode::kContinuous;
};
struct AlterAction
    : std::variant<AddElements, ModifyElements, AddDistribution, ModifyDistribution, DropColumns,
                   DropPrimaryKey, DropConstraint, DropWatermark, DropDistribution, AddPartition,
                   DropPartition, RenameColumn, RenameObject, SetOptions, ResetOptions, SetComment,
                   AlterQuery, AlterFunction, SuspendRefresh, ResumeRefresh, RefreshNow,
                   SetFreshness, SetRefreshMode> {
  using variant::variant;
  AlterAction();
  AlterAction(AlterAction&&) noexcept;
  AlterAction& operator=(AlterAction&&) noexcept;
  ~AlterAction();
};
struct Alter {
  ObjectKind kind = ObjectKind::kTable;
  bool if_exists = false;
  Name name;
  AlterAction action;
};

}  // namespace tidemark::sql
