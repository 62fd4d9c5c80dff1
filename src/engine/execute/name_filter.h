#pragma once
// LIKE and ILIKE of SHOW.

#include <optional>
#include <string>

#include "sql/ast_statement.h"

namespace tidemark {

bool passes(const std::optional<sql::ShowFilter>& filter, const std::string& name);

}  // namespace tidemark
