#include "sql/unparse.h"

#include "sql/keywords.h"
#include "sql/writer.h"

namespace tidemark::sql {

std::string quote_identifier(std::string_view text) {
  bool plain = !text.empty();
  std::string upper;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    plain = plain && (letter || (i > 0 && c >= '0' && c <= '9'));
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (plain && !is_keyword(upper)) {
    return std::string(text);
  }
  std::string out = "`";
  for (char c : text) {
    out.append(c == '`' ? 2 : 1, c);
  }
  return out + "`";
}

std::string quote_string(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    out.append(c == '\'' ? 2 : 1, c);
  }
  return out + "'";
}

void Writer::name(const Identifier& identifier) {
  raw(quote_identifier(identifier.text));
}

void Writer::name(const Name& name) {
  joined(name.parts, ".", [&](const Identifier& part) { this->name(part); });
}

void Writer::names(const std::vector<Identifier>& names) {
  raw("(");
  joined(names, ", ", [&](const Identifier& part) { name(part); });
  raw(")");
}

void Writer::string(std::string_view text) {
  raw(quote_string(text));
}

namespace {

template <typename Write>
std::string written(Write write) {
  Writer writer;
  write(writer);
  return writer.take();
}

}  // namespace

std::string unparse(const Statement& statement) {
  return written([&](Writer& out) { out.statement(statement); });
}
std::string unparse(const Query& query) {
  return written([&](Writer& out) { out.query(query); });
}
std::string unparse(const Expr& expr) {
  return written([&](Writer& out) { out.expr(expr); });
}
std::string unparse(const TypeName& type) {
  return written([&](Writer& out) { out.type(type); });
}
std::string unparse(const TableRef& ref) {
  return written([&](Writer& out) { out.table_ref(ref); });
}
std::string unparse(const Name& name) {
  return written([&](Writer& out) { out.name(name); });
}

}  // namespace tidemark::sql
