#include "engine/function_text.h"

#include <fmt/core.h>

#include "sql/unparse.h"
#include "types/pg_type.h"
#include "types/pg_type_name.h"

namespace tidemark {

namespace {

std::string pg_name(const Type& type) {
  return pg_type_name(type.wire_oid != 0 ? type.wire_oid : oid_of(type), -1);
}

}  // namespace

std::string create_function_text(const CatalogObject& function) {
  const auto& definition = std::get<FunctionDefinition>(function.definition);
  std::string parameters;
  for (const Field& parameter : function.schema.fields) {
    parameters += parameters.empty() ? "" : ", ";
    parameters += parameter.name.empty() ? "" : quote_name(parameter.name) + " ";
    parameters += parameter.type.to_string_without_null();
  }
  return fmt::format("CREATE {}FUNCTION {}({}) RETURNS {}{} LANGUAGE SQL AS {}",
                     function.temporary ? "TEMPORARY " : "", function.name.to_string(), parameters,
                     definition.result.to_string_without_null(), definition.strict ? " STRICT" : "",
                     sql::quote_string(definition.body));
}

std::string pg_arguments_text(const CatalogObject& function) {
  std::string text;
  for (const Field& parameter : function.schema.fields) {
    text += text.empty() ? "" : ", ";
    text += parameter.name.empty() ? "" : parameter.name + " ";
    text += pg_name(parameter.type);
  }
  return text;
}

std::string pg_result_text(const CatalogObject& function) {
  return pg_name(std::get<FunctionDefinition>(function.definition).result);
}

}  // namespace tidemark
