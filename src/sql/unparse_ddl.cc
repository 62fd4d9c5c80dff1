#include <fmt/core.h>

#include "sql/writer.h"

namespace tidemark::sql {

namespace {

void write_key(Writer& out, const KeyConstraint& key) {
  if (key.name) {
    out.raw("CONSTRAINT ");
    out.name(*key.name);
    out.raw(" ");
  }
  out.raw(key.kind == ConstraintKind::kUnique ? "UNIQUE" : "PRIMARY KEY");
  if (!key.columns.empty()) {
    out.raw(" ");
    out.names(key.columns);
  }
  switch (key.enforcement) {
    case Enforcement::kUnspecified:
      break;
    case Enforcement::kEnforced:
      out.raw(" ENFORCED");
      break;
    case Enforcement::kNotEnforced:
      out.raw(" NOT ENFORCED");
      break;
  }
}

void write_typed(Writer& out, const Identifier& name, const TypeName& type) {
  out.name(name);
  out.raw(" ");
  out.type(type);
}

}  // namespace

void Writer::element(const TableElement& element) {
  std::visit(Overloaded{
                 [&](const PhysicalColumn& e) {
                   write_typed(*this, e.name, e.type);
                   if (e.key) {
                     raw(" ");
                     write_key(*this, *e.key);
                   }
                   comment(e.comment);
                 },
                 [&](const MetadataColumn& e) {
                   write_typed(*this, e.name, e.type);
                   raw(" METADATA");
                   if (e.key) {
                     raw(" FROM ");
                     string(*e.key);
                   }
                   raw(e.is_virtual ? " VIRTUAL" : "");
                   comment(e.comment);
                 },
                 [&](const ComputedColumn& e) {
                   name(e.name);
                   raw(" AS ");
                   expr(e.expr);
                   comment(e.comment);
                 },
                 [&](const ColumnName& e) { name(e.name); },
                 [&](const Watermark& e) {
                   raw("WATERMARK FOR ");
                   name(e.column);
                   raw(" AS ");
                   expr(e.expr);
                 },
                 [&](const KeyConstraint& e) { write_key(*this, e); },
             },
             element);
}

void Writer::elements(const std::vector<TableElement>& elements) {
  if (elements.empty()) {
    return;
  }
  raw(" (");
  joined(elements, ", ", [&](const TableElement& item) { element(item); });
  raw(")");
}

void Writer::distribution(const Distribution& distribution) {
  if (!distribution.columns.empty()) {
    raw(" BY ");
    switch (distribution.kind) {
      case DistributionKind::kUnspecified:
        break;
      case DistributionKind::kHash:
        raw("HASH ");
        break;
      case DistributionKind::kRange:
        raw("RANGE ");
        break;
    }
    names(distribution.columns);
  }
  if (distribution.buckets) {
    raw(fmt::format(" INTO {} BUCKETS", *distribution.buckets));
  }
}

void Writer::options(const Options& options) {
  if (options.empty()) {
    return;
  }
  raw("(");
  joined(options, ", ", [&](const Option& option) {
    string(option.key);
    raw(" = ");
    string(option.value);
  });
  raw(")");
}

void Writer::with_options(const Options& options) {
  raw(options.empty() ? "" : " WITH ");
  this->options(options);
}

void Writer::comment(const std::optional<std::string>& comment) {
  if (comment) {
    raw(" COMMENT ");
    string(*comment);
  }
}

void Writer::partition(const PartitionSpec& partition) {
  if (partition.empty()) {
    return;
  }
  raw(" PARTITION (");
  joined(partition, ", ", [&](const PartitionItem& item) {
    name(item.column);
    if (item.value) {
      raw(" = ");
      expr(*item.value);
    }
  });
  raw(")");
}

void Writer::function_body(const FunctionBody& body) {
  raw(" AS ");
  string(body.definition);
  if (!body.language.empty()) {
    raw(" LANGUAGE ");
    name(Identifier{body.language});
  }
  if (!body.resources.empty()) {
    raw(" USING ");
    joined(body.resources, ", ", [&](const FunctionResource& resource) {
      name(Identifier{resource.kind});
      raw(" ");
      string(resource.path);
    });
  }
  with_options(body.options);
}

void Writer::create_mode(CreateMode mode) {
  switch (mode) {
    case CreateMode::kCreate:
      raw("CREATE ");
      return;
    case CreateMode::kCreateOrReplace:
      raw("CREATE OR REPLACE ");
      return;
    case CreateMode::kReplace:
      raw("REPLACE ");
      return;
    case CreateMode::kCreateOrAlter:
      raw("CREATE OR ALTER ");
      return;
  }
}

}  // namespace tidemark::sql
