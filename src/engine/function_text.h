#pragma once
// Functions in SQL as statements and PostgreSQL's clients write them.

#include <string>

#include "catalog/catalog.h"

namespace tidemark {

// The statement that makes the function.
std::string create_function_text(const CatalogObject& function);
// "x integer, y text", by PostgreSQL's names; of the result "integer".
std::string pg_arguments_text(const CatalogObject& function);
std::string pg_result_text(const CatalogObject& function);

}  // namespace tidemark
