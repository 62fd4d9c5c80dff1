#pragma once
// The functions in SQL that a statement calls. A body is bound once, as an expression whose columns
// are the parameters; a call is the body with the arguments in their places.

#include <map>
#include <vector>

#include "catalog/catalog.h"
#include "expr/expr.h"

namespace tidemark {

struct SqlFunctions {
  std::vector<ObjectRef> used;
  std::map<ObjectId, ExprRef> bodies;      // of type FunctionDefinition::result
  std::vector<const CatalogObject*> path;  // whose bodies are being bound, outermost first
};

// "f(x INT, y INT)"
std::string signature_of(const CatalogObject& function);

}  // namespace tidemark
