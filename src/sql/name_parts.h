#pragma once

#include <string>
#include <vector>

#include "sql/ast_type.h"

namespace tidemark::sql {

// The texts of a name's parts, as the catalog takes them.
inline std::vector<std::string> parts_of(const Name& name) {
  std::vector<std::string> parts;
  for (const Identifier& part : name.parts) {
    parts.push_back(part.text);
  }
  return parts;
}

}  // namespace tidemark::sql
