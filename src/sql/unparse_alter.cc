#include "sql/writer.h"

namespace tidemark::sql {

namespace {

struct ActionWriter {
  Writer& out;

  void elements(std::string_view verb, const std::vector<AlterElement>& list) const {
    out.raw(verb);
    out.raw("(");
    out.joined(list, ", ", [&](const AlterElement& item) {
      out.element(item.element);
      switch (item.placement) {
        case ColumnPlacement::kDefault:
          break;
        case ColumnPlacement::kFirst:
          out.raw(" FIRST");
          break;
        case ColumnPlacement::kAfter:
          out.raw(" AFTER ");
          out.name(item.after);
          break;
      }
    });
    out.raw(")");
  }
  void operator()(const AddElements& a) const { elements("ADD ", a.elements); }
  void operator()(const ModifyElements& a) const { elements("MODIFY ", a.elements); }
  void operator()(const AddDistribution& a) const {
    out.raw("ADD DISTRIBUTION");
    out.distribution(a.distribution);
  }
  void operator()(const ModifyDistribution& a) const {
    out.raw("MODIFY DISTRIBUTION");
    out.distribution(a.distribution);
  }
  void operator()(const DropColumns& a) const {
    out.raw(a.if_exists ? "DROP IF EXISTS (" : "DROP (");
    out.joined(a.columns, ", ", [&](const Name& column) { out.name(column); });
    out.raw(")");
  }
  void operator()(const DropPrimaryKey&) const { out.raw("DROP PRIMARY KEY"); }
  void operator()(const DropConstraint& a) const {
    out.raw("DROP CONSTRAINT ");
    out.name(a.name);
  }
  void operator()(const DropWatermark&) const { out.raw("DROP WATERMARK"); }
  void operator()(const DropDistribution&) const { out.raw("DROP DISTRIBUTION"); }
  void operator()(const AddPartition& a) const {
    out.raw(a.if_not_exists ? "ADD IF NOT EXISTS" : "ADD");
    out.partition(a.partition);
    out.with_options(a.options);
  }
  void operator()(const DropPartition& a) const {
    out.raw(a.if_exists ? "DROP IF EXISTS" : "DROP");
    out.partition(a.partition);
  }
  void operator()(const RenameColumn& a) const {
    out.raw("RENAME ");
    out.name(a.from);
    out.raw(" TO ");
    out.name(a.to);
  }
  void operator()(const RenameObject& a) const {
    out.raw("RENAME TO ");
    out.name(a.to);
  }
  void operator()(const SetOptions& a) const {
    out.raw(a.options.empty() ? "SET ()" : "SET ");
    out.options(a.options);
  }
  void operator()(const ResetOptions& a) const {
    out.raw("RESET (");
    out.joined(a.keys, ", ", [&](const std::string& key) { out.string(key); });
    out.raw(")");
  }
  void operator()(const SetComment& a) const {
    out.raw("COMMENT ");
    out.string(a.comment);
  }
  void operator()(const AlterQuery& a) const {
    out.raw("AS ");
    out.query(*a.query);
  }
  void operator()(const AlterFunction& a) const { out.function_body(a.body); }
  void operator()(const SuspendRefresh&) const { out.raw("SUSPEND"); }
  void operator()(const ResumeRefresh& a) const {
    out.raw("RESUME");
    out.with_options(a.options);
  }
  void operator()(const RefreshNow& a) const {
    out.raw("REFRESH");
    out.partition(a.partition);
  }
  void operator()(const SetFreshness& a) const {
    out.raw("SET FRESHNESS = ");
    out.expr(*a.freshness);
  }
  void operator()(const SetRefreshMode& a) const {
    out.raw(a.mode == RefreshMode::kFull ? "SET REFRESH_MODE = FULL"
                                         : "SET REFRESH_MODE = CONTINUOUS");
  }
};

}  // namespace

void Writer::object_kind(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable:
      raw("TABLE ");
      return;
    case ObjectKind::kView:
      raw("VIEW ");
      return;
    case ObjectKind::kMaterializedView:
      raw("MATERIALIZED VIEW ");
      return;
    case ObjectKind::kMaterializedTable:
      raw("MATERIALIZED TABLE ");
      return;
    case ObjectKind::kCatalog:
      raw("CATALOG ");
      return;
    case ObjectKind::kDatabase:
      raw("DATABASE ");
      return;
    case ObjectKind::kFunction:
      raw("FUNCTION ");
      return;
    case ObjectKind::kModel:
      raw("MODEL ");
      return;
    case ObjectKind::kConnection:
      raw("CONNECTION ");
      return;
    case ObjectKind::kUser:
      raw("USER ");
      return;
    case ObjectKind::kIndex:
      raw("INDEX ");
      return;
    case ObjectKind::kJob:
      raw("JOB ");
      return;
  }
}

void Writer::node(const Drop& n) {
  raw(n.system ? "DROP TEMPORARY SYSTEM " : n.temporary ? "DROP TEMPORARY " : "DROP ");
  object_kind(n.kind);
  raw(n.if_exists ? "IF EXISTS " : "");
  name(n.name);
  if (n.arguments) {
    raw("(");
    joined(*n.arguments, ", ", [&](const TypeName& argument) { type(argument); });
    raw(")");
  }
  switch (n.behaviour) {
    case DropBehaviour::kDefault:
      return;
    case DropBehaviour::kRestrict:
      raw(" RESTRICT");
      return;
    case DropBehaviour::kCascade:
      raw(" CASCADE");
      return;
  }
}

void Writer::node(const Alter& n) {
  const auto* function = std::get_if<AlterFunction>(&n.action);
  raw("ALTER ");
  raw(function == nullptr   ? ""
      : function->system    ? "TEMPORARY SYSTEM "
      : function->temporary ? "TEMPORARY "
                            : "");
  object_kind(n.kind);
  raw(n.if_exists ? "IF EXISTS " : "");
  name(n.name);
  raw(function == nullptr ? " " : "");
  std::visit(ActionWriter{*this}, n.action);
}

}  // namespace tidemark::sql
