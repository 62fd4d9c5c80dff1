#include "connectors/postgres_cdc/condition_sql.h"

#include <algorithm>

#include <fmt/core.h>

#include "postgres/address.h"

namespace tidemark {

namespace {

using ConditionKind = SourceCondition::Kind;

bool is_whole_number(const PgType& source, const Type& target) {
  return (source.kind == PgKind::kInt2 || source.kind == PgKind::kInt4 ||
          source.kind == PgKind::kInt8) &&
         (target.kind == TypeKind::kTinyint || target.kind == TypeKind::kSmallint ||
          target.kind == TypeKind::kInt || target.kind == TypeKind::kBigint);
}

bool is_text(const PgType& source, const Type& target) {
  return (source.oid == kOidText || source.oid == kOidVarchar) && target.kind == TypeKind::kVarchar;
}

bool is_truth(const PgType& source, const Type& target) {
  return source.kind == PgKind::kBool && target.kind == TypeKind::kBoolean;
}

bool is_printable_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<std::string> compared(const SourceCondition& condition,
                                    const ReaderPlan::Column& column) {
  const PgType& source = column.decoder.source();
  const Type& target = column.decoder.target();
  std::string name = quote_identifier(column.source_name);
  std::string compare = fmt::format(" OPERATOR(pg_catalog.{}) ", name_of(condition.kind));
  if (const auto* truth = std::get_if<bool>(&condition.value)) {
    return is_truth(source, target) ? std::optional(name + compare + (*truth ? "true" : "false"))
                                    : std::nullopt;
  }
  if (const auto* text = std::get_if<std::string>(&condition.value)) {
    bool is_equality =
        condition.kind == ConditionKind::kEqual || condition.kind == ConditionKind::kNotEqual;
    return is_equality && is_text(source, target) && is_printable_ascii(*text)
               ? std::optional(fmt::format("{}::pg_catalog.text COLLATE pg_catalog.\"C\"{}{}", name,
                                           compare, quote_literal(*text)))
               : std::nullopt;
  }
  std::optional<int64_t> number;
  if (const auto* small = std::get_if<int32_t>(&condition.value)) {
    number = *small;
  } else if (const auto* large = std::get_if<int64_t>(&condition.value)) {
    number = *large;
  }
  return number && is_whole_number(source, target)
             ? std::optional(fmt::format("{}{}'{}'::pg_catalog.int8", name, compare, *number))
             : std::nullopt;
}

}  // namespace

std::optional<std::string> condition_sql(const SourceCondition& condition,
                                         std::span<const ReaderPlan::Column> columns) {
  if (condition.kind == ConditionKind::kIsNull || condition.kind == ConditionKind::kIsNotNull) {
    const ReaderPlan::Column& column = columns[condition.column];
    const PgType& source = column.decoder.source();
    const Type& target = column.decoder.target();
    return is_whole_number(source, target) || is_text(source, target) || is_truth(source, target)
               ? std::optional(fmt::format("({} IS {}NULL)", quote_identifier(column.source_name),
                                           condition.kind == ConditionKind::kIsNull ? "" : "NOT "))
               : std::nullopt;
  }
  if (condition.kind > ConditionKind::kNot) {
    std::optional<std::string> sql = compared(condition, columns[condition.column]);
    return sql ? std::optional("(" + *sql + ")") : std::nullopt;
  }
  std::string all;
  for (const SourceCondition& part : condition.parts) {
    std::optional<std::string> sql = condition_sql(part, columns);
    if (!sql) {
      return std::nullopt;
    }
    all += (all.empty() ? "" : condition.kind == ConditionKind::kAnd ? " AND " : " OR ") + *sql;
  }
  return condition.kind == ConditionKind::kNot ? "(NOT " + all + ")" : "(" + all + ")";
}

}  // namespace tidemark
