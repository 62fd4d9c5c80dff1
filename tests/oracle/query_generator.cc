#include "tests/oracle/query_generator.h"

#include <fmt/core.h>

namespace tidemark {

namespace {

std::string joined(const std::vector<std::string>& parts, const std::string& separator) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : separator) + part;
  }
  return text;
}

}  // namespace

OracleQuery QueryGenerator::query(int depth) {
  if (one_in(8)) {
    return qualified(depth);
  }
  Query query = any_query(depth, {}, nullptr);
  return {one_in(6) ? limited(std::move(query)) : query.text, ""};
}

OracleQuery QueryGenerator::qualified(int depth) {
  Query inner = any_query(depth - 1, {}, nullptr);
  std::string alias = next_alias();
  Values columns;
  std::vector<std::string> names, order;
  for (size_t i = 0; i < inner.types.size(); ++i) {
    columns.push_back({fmt::format("{}.c{}", alias, i), inner.types[i]});
    names.push_back(columns.back().text);
    order.push_back(fmt::format("{} {} NULLS {}", names.back(), one_in(2) ? "DESC" : "ASC",
                                one_in(2) ? "FIRST" : "LAST"));
  }
  // By all columns, so that rows of the same place are the same.
  std::string window =
      fmt::format("{}() OVER ({}ORDER BY {})", one_in(2) ? "ROW_NUMBER" : "RANK",
                  one_in(2) ? "PARTITION BY " + names[0] + " " : "", joined(order, ", "));
  std::string place = alias + ".place";  // the window's value where there is no QUALIFY
  std::string wanted = fmt::format("{} <= {}", place, 1 + below(3));
  std::vector<GeneratedType> whole{GeneratedType::kInt};
  if (depth > 0 && one_in(3)) {
    wanted = fmt::format("{} {} ({})", place, one_in(2) ? "NOT IN" : "IN",
                         any_query(depth - 1, {columns}, &whole).text);
  } else if (depth > 0 && one_in(2)) {
    wanted = fmt::format("{} {} {}", place, one_in(2) ? "<=" : ">",
                         scalar_subquery(depth, {columns}, GeneratedType::kInt));
  }
  if (!one_in(3)) {
    wanted = fmt::format("{} {} {}", wanted, one_in(4) ? "OR" : "AND", condition(depth, {columns}));
  }
  std::string list = joined(names, ", ");
  std::string postgres =
      fmt::format("SELECT {} FROM (SELECT {}, {} AS place FROM ({}) AS {}) AS {} WHERE {}", list,
                  list, window, inner.text, alias, alias, wanted);
  for (size_t at = 0; (at = wanted.find(place, at)) != std::string::npos; at += window.size()) {
    wanted.replace(at, place.size(), window);
  }
  return {fmt::format("SELECT {} FROM ({}) AS {} QUALIFY {}", list, inner.text, alias, wanted),
          std::move(postgres)};
}

// A whole order over all columns, so that there is one answer.
std::string QueryGenerator::limited(Query query) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < query.types.size(); ++i) {
    keys.push_back(fmt::format("c{} {} NULLS {}", i, one_in(2) ? "DESC" : "ASC",
                               one_in(2) ? "FIRST" : "LAST"));
  }
  std::string alias = next_alias();
  return fmt::format("SELECT * FROM ({}) AS {} ORDER BY {} LIMIT {}{}", query.text, alias,
                     joined(keys, ", "), 1 + below(4), one_in(4) ? " OFFSET 1" : "");
}

QueryGenerator::Query QueryGenerator::any_query(int depth, const Scopes& outer,
                                                const std::vector<GeneratedType>* types) {
  return depth > 0 && one_in(6) ? set_operation(depth, outer, types) : select(depth, outer, types);
}

QueryGenerator::Query QueryGenerator::set_operation(int depth, const Scopes& outer,
                                                    const std::vector<GeneratedType>* types) {
  static const char* kOperators[] = {"UNION",         "UNION ALL", "INTERSECT",
                                     "INTERSECT ALL", "EXCEPT",    "EXCEPT ALL"};
  Query left = select(depth - 1, outer, types);
  Query right = select(depth - 1, outer, &left.types);
  return {fmt::format("({}) {} ({})", left.text, kOperators[below(6)], right.text), left.types};
}

QueryGenerator::Query QueryGenerator::select(int depth, const Scopes& outer,
                                             const std::vector<GeneratedType>* types) {
  Scopes scopes = outer;
  std::string text = " FROM " + from(depth, scopes);
  if (one_in(3)) {
    text += " WHERE " + condition(depth, scopes);
  }
  if (one_in(3)) {
    return grouped(depth, scopes, text, types);
  }
  std::vector<GeneratedType> own;
  for (size_t i = types != nullptr ? types->size() : 1 + below(3); i > 0; --i) {
    own.push_back(any_type(scopes));
  }
  own = types != nullptr ? *types : own;
  std::vector<std::string> items;
  for (size_t i = 0; i < own.size(); ++i) {
    items.push_back(fmt::format("{} AS c{}", value(depth, scopes, own[i]), i));
  }
  return {fmt::format("SELECT {}{}{}", one_in(5) ? "DISTINCT " : "", joined(items, ", "), text),
          own};
}

QueryGenerator::Query QueryGenerator::grouped(int depth, const Scopes& scopes,
                                              const std::string& from,
                                              const std::vector<GeneratedType>* types) {
  Values keys;
  for (size_t i = below(3); i > 0 && !scopes.back().empty(); --i) {
    keys.push_back(scopes.back()[below(scopes.back().size())]);
  }
  Scopes groups = scopes;
  groups.back() = keys;
  std::vector<GeneratedType> own;
  for (const Value& key : keys) {
    own.push_back(key.type);
  }
  for (size_t i = 1 + below(2); i > 0; --i) {
    own.push_back(one_in(2) ? GeneratedType::kInt : any_type(scopes));
  }
  bool given = types != nullptr;
  own = given ? *types : own;
  std::vector<std::string> items, group;
  for (size_t i = 0; i < own.size(); ++i) {
    std::string item = !given && i < keys.size()    ? keys[i].text
                       : !keys.empty() && one_in(4) ? value(depth - 1, groups, own[i])
                                                    : aggregate(depth, scopes, own[i]);
    items.push_back(fmt::format("{} AS c{}", item, i));
  }
  for (const Value& key : keys) {
    group.push_back(key.text);
  }
  std::string text = "SELECT " + joined(items, ", ") + from;
  text += group.empty() ? "" : " GROUP BY " + joined(group, ", ");
  if (one_in(3)) {
    text += fmt::format(" HAVING {} {} {}", aggregate(depth, scopes, GeneratedType::kInt),
                        one_in(2) ? ">" : "<", value(depth - 1, groups, GeneratedType::kInt));
  }
  return {text, own};
}

// An aggregate's argument has no subquery over a grouped column's scope: plain columns only.
std::string QueryGenerator::aggregate(int, const Scopes& scopes, GeneratedType type) {
  Scopes inner{scopes.back()};
  if (type == GeneratedType::kBool) {
    return fmt::format("(COUNT(*) > {})", below(3));
  }
  std::string argument = value(0, inner, type);
  std::string filter = one_in(6) ? " FILTER (WHERE " + condition(0, inner) + ")" : "";
  if (type == GeneratedType::kInt) {
    switch (below(5)) {
      case 0:
        return "COUNT(*)" + filter;
      case 1:
        return fmt::format("COUNT({}){}", value(0, inner, any_type(inner)), filter);
      case 2:
        return fmt::format("COUNT(DISTINCT {}){}", argument, filter);
      case 3: {
        // Sums only of what is small: columns of tables, not sums again.
        const Value* small = column(inner, GeneratedType::kInt);
        return small != nullptr && small->text.find(".c") == std::string::npos
                   ? fmt::format("SUM({}){}", small->text, filter)
                   : "COUNT(*)" + filter;
      }
      default:
        break;
    }
  }
  return fmt::format("{}({}){}", one_in(2) ? "MIN" : "MAX", argument, filter);
}

std::string QueryGenerator::relation(int depth, const Scopes& scopes, bool lateral,
                                     Values& columns) {
  std::string alias = next_alias();
  columns.clear();
  if (depth > 0 && one_in(lateral ? 1 : 4)) {
    Scopes outer(scopes.begin(), scopes.end() - (lateral ? 0 : 1));
    Query query = any_query(depth - 1, outer, nullptr);
    if (one_in(5)) {
      query.text = limited(query);
    }
    for (size_t i = 0; i < query.types.size(); ++i) {
      columns.push_back({fmt::format("{}.c{}", alias, i), query.types[i]});
    }
    return fmt::format("{}({}) AS {}", lateral ? "LATERAL " : "", query.text, alias);
  }
  const GeneratedTable& table = tables_[below(tables_.size())];
  for (const GeneratedColumn& column : table.columns) {
    columns.push_back({alias + "." + column.name, column.type});
  }
  return table.name + " AS " + alias;
}

std::string QueryGenerator::join_condition(const Values& left, const Values& right,
                                           bool only_equal) {
  std::vector<std::string> parts;
  for (size_t i = one_in(4) ? 2 : 1; i > 0; --i) {
    std::vector<std::pair<size_t, size_t>> pairs;
    for (size_t l = 0; l < left.size(); ++l) {
      for (size_t r = 0; r < right.size(); ++r) {
        if (left[l].type == right[r].type) {
          pairs.emplace_back(l, r);
        }
      }
    }
    if (pairs.empty()) {
      break;
    }
    auto [l, r] = pairs[below(pairs.size())];
    static const char* kOperators[] = {"=", "=", "<=", ">=", "<>", "IS NOT DISTINCT FROM"};
    parts.push_back(fmt::format("{} {} {}", left[l].text, kOperators[only_equal ? 0 : below(6)],
                                right[r].text));
  }
  return parts.empty() ? (only_equal ? "1 = 1" : "TRUE") : joined(parts, " AND ");
}

std::string QueryGenerator::from(int depth, Scopes& scopes) {
  scopes.emplace_back();
  Values columns;
  std::string text = relation(depth, scopes, false, columns);
  scopes.back() = columns;
  bool comma = false;
  for (size_t more = below(depth > 1 ? 3 : 2); more > 0; --more) {
    bool lateral = depth > 0 && one_in(6);
    std::string next = relation(depth, scopes, lateral, columns);
    Values all = scopes.back();
    all.insert(all.end(), columns.begin(), columns.end());
    // A comma binds less than JOIN: after one, names before it are not in reach of an ON.
    size_t kind = comma ? 0 : below(lateral ? 4 : 7);
    if (kind == 0) {
      comma = true;
      text += ", " + next;
    } else if (kind == 1) {
      text += " CROSS JOIN " + next;
    } else {
      static const char* kJoins[] = {"",           "",          "JOIN", "LEFT JOIN",
                                     "RIGHT JOIN", "FULL JOIN", "JOIN"};
      Scopes both = scopes;
      both.back() = all;
      std::string on = join_condition(scopes.back(), columns, kind == 5);
      if (kind == 5 && on != "1 = 1" && one_in(3)) {  // Postgres needs the equality
        on += " AND " + condition(depth - 1, both);
      } else if (kind != 5 && one_in(kind == 6 ? 2 : 3)) {
        on = one_in(2) ? condition(depth, both) : on + " AND " + condition(depth, both);
      }
      text = fmt::format("{} {} {} ON {}", text, kJoins[kind], next, on);
    }
    scopes.back() = std::move(all);
  }
  return text;
}

GeneratedType QueryGenerator::any_type(const Scopes& scopes) {
  const Values& values = scopes.back();
  return values.empty() ? GeneratedType::kInt : values[below(values.size())].type;
}

const QueryGenerator::Value* QueryGenerator::column(const Scopes& scopes, GeneratedType type) {
  std::vector<const Value*> found;
  // Enclosing queries are named less often.
  for (size_t s = scopes.size(); s-- > 0;) {
    if (s + 1 == scopes.size() || one_in(2)) {
      for (const Value& value : scopes[s]) {
        if (value.type == type) {
          found.push_back(&value);
        }
      }
    }
  }
  return found.empty() ? nullptr : found[below(found.size())];
}

std::string QueryGenerator::literal(GeneratedType type) {
  switch (type) {
    case GeneratedType::kInt:
      return one_in(8) ? "CAST(NULL AS INT)" : std::to_string(below(6));
    case GeneratedType::kText:
      return one_in(8)   ? "CAST(NULL AS TEXT)"
             : one_in(2) ? "CAST('a' AS TEXT)"
                         : "CAST('' AS TEXT)";
    case GeneratedType::kBig:
      return "CAST(1 AS BIGINT)";
    case GeneratedType::kFloat:
      return one_in(2) ? "CAST('NaN' AS DOUBLE PRECISION)" : "CAST(1 AS DOUBLE PRECISION)";
    case GeneratedType::kBool:
      return one_in(2) ? "TRUE" : "FALSE";
    case GeneratedType::kNumeric:
      return "CAST(1 AS NUMERIC(8,2))";
  }
  return "NULL";
}

// A value that rows have: among the lower, middle or higher ones (third 0, 1, 2). As generator.cc
// makes them.
std::string QueryGenerator::in_data(GeneratedType type, size_t third) {
  switch (type) {
    case GeneratedType::kInt:
      return std::to_string(third * 2 + below(2));
    case GeneratedType::kText: {
      static const char* kTexts[] = {"''", "'a longer text than twelve'", "'zz'"};
      return fmt::format("CAST({} AS TEXT)", kTexts[third]);
    }
    case GeneratedType::kBig: {
      static const char* kBigs[] = {"0", "1", "9223372036854775807"};
      return fmt::format("CAST({} AS BIGINT)", kBigs[third]);
    }
    case GeneratedType::kFloat: {
      static const char* kFloats[] = {"'-Infinity'", "1", "'NaN'"};
      return fmt::format("CAST({} AS DOUBLE PRECISION)", kFloats[third]);
    }
    case GeneratedType::kBool:
      return third == 0 ? "FALSE" : "TRUE";
    case GeneratedType::kNumeric:
      return fmt::format("CAST({}.25 AS NUMERIC(8,2))", third);
  }
  return "NULL";
}

std::string QueryGenerator::scalar_subquery(int depth, const Scopes& scopes, GeneratedType type) {
  std::vector<GeneratedType> types{type};
  if (one_in(3)) {
    Query query = any_query(depth - 1, scopes, &types);
    std::string alias = next_alias();
    return fmt::format("(SELECT c0 FROM ({}) AS {} ORDER BY c0 {} NULLS LAST LIMIT 1)", query.text,
                       alias, one_in(2) ? "DESC" : "ASC");
  }
  Scopes inner = scopes;
  std::string text = " FROM " + from(depth - 1, inner);
  if (!one_in(4)) {
    text += " WHERE " + condition(depth - 1, inner);
  }
  return "(SELECT " + aggregate(depth - 1, inner, type) + text + ")";
}

std::string QueryGenerator::value(int depth, const Scopes& scopes, GeneratedType type) {
  if (depth > 0 && one_in(10)) {
    return scalar_subquery(depth, scopes, type);
  }
  if (depth > 0 && one_in(12)) {
    return fmt::format("CASE WHEN {} THEN {} ELSE {} END", condition(depth - 1, scopes),
                       value(depth - 1, scopes, type), value(depth - 1, scopes, type));
  }
  if (depth > 0 && type == GeneratedType::kBool && one_in(3)) {
    return "(" + condition(depth - 1, scopes) + ")";
  }
  const Value* found = column(scopes, type);
  if (found == nullptr || one_in(12)) {
    return literal(type);
  }
  if (one_in(12)) {
    return fmt::format("COALESCE({}, {})", found->text, literal(type));
  }
  bool small = type == GeneratedType::kInt && found->text.find(".c") == std::string::npos;
  return small && one_in(8) ? fmt::format("({} + {})", found->text, below(3)) : found->text;
}

std::string QueryGenerator::comparison(int depth, const Scopes& scopes) {
  GeneratedType type = any_type(scopes);
  std::string left = value(depth, scopes, type);
  switch (below(10)) {
    case 0:
      return fmt::format("{} IS {}NULL", left, one_in(4) ? "" : "NOT ");
    case 1:
      return one_in(2) ? fmt::format("{} {}BETWEEN {} AND {}", left, one_in(4) ? "NOT " : "",
                                     value(0, scopes, type), value(0, scopes, type))
                       : fmt::format("{} {}BETWEEN {} AND {}", left, one_in(8) ? "NOT " : "",
                                     in_data(type, 0), in_data(type, 2));
    case 2:
      return fmt::format("{} {}IN ({}, {}, {})", left, one_in(3) ? "NOT " : "",
                         value(0, scopes, type), literal(type), in_data(type, below(3)));
    case 3:
      return fmt::format("({}, {}) {} ({}, {})", left, value(0, scopes, type),
                         one_in(2)   ? "="
                         : one_in(2) ? "<"
                                     : "<>",
                         value(0, scopes, type), value(0, scopes, type));
    case 4:
      return fmt::format("{} IS {}DISTINCT FROM {}", left, one_in(2) ? "NOT " : "",
                         value(0, scopes, type));
    default: {
      static const char* kOperators[] = {"=", "<>", "<>", "<>", "<", "<=", ">", ">="};
      if (one_in(2)) {  // most rows pass
        size_t third = below(3);
        const char* op = third == 0   ? (one_in(2) ? ">=" : ">")
                         : third == 2 ? (one_in(2) ? "<=" : "<")
                                      : "<>";
        return fmt::format("{} {} {}", left, op, in_data(type, third));
      }
      return fmt::format("{} {} {}", left, kOperators[below(8)], value(depth, scopes, type));
    }
  }
}

std::string QueryGenerator::row_in_query(int depth, const Scopes& scopes) {
  std::vector<GeneratedType> types{any_type(scopes), any_type(scopes)};
  std::string row = fmt::format("({}, {})", value(0, scopes, types[0]), value(0, scopes, types[1]));
  static const char* kOperators[] = {"=", "<>", "<", "<=", ">", ">="};
  std::string test = one_in(4)
                         ? fmt::format("{} {}", kOperators[below(6)], one_in(2) ? "ANY" : "ALL")
                     : one_in(2) ? "NOT IN"
                                 : "IN";
  return fmt::format("{} {} ({})", row, test, any_query(depth - 1, scopes, &types).text);
}

std::string QueryGenerator::subquery_condition(int depth, const Scopes& scopes) {
  if (one_in(5)) {
    return row_in_query(depth, scopes);
  }
  GeneratedType type = any_type(scopes);
  if (one_in(3)) {
    return fmt::format("{}EXISTS ({})", one_in(4) ? "NOT " : "",
                       any_query(depth - 1, scopes, nullptr).text);
  }
  std::vector<GeneratedType> types{type};
  std::string left = value(0, scopes, type);
  if (one_in(3)) {
    static const char* kOperators[] = {"=", "<>", "<", "<=", ">", ">="};
    bool as_array = one_in(4);
    return fmt::format("{} {} {} ({}{}{})", left, kOperators[below(6)], one_in(2) ? "ANY" : "ALL",
                       as_array ? "ARRAY(" : "", any_query(depth - 1, scopes, &types).text,
                       as_array ? ")" : "");
  }
  return fmt::format("{} {}IN ({})", left, one_in(2) ? "NOT " : "",
                     any_query(depth - 1, scopes, &types).text);
}

std::string QueryGenerator::condition(int depth, const Scopes& scopes) {
  if (one_in(depth > 0 ? 3 : 6)) {
    std::string left = condition(depth - 1, scopes), right = condition(depth - 1, scopes);
    return one_in(3) ? fmt::format("{} AND {}", left, right)
                     : fmt::format("({} OR {})", left, right);
  }
  if (one_in(10)) {
    return fmt::format("NOT ({})", condition(depth - 1, scopes));
  }
  return depth > 0 && one_in(3) ? subquery_condition(depth, scopes)
                                : comparison(std::max(depth, 0), scopes);
}

}  // namespace tidemark
