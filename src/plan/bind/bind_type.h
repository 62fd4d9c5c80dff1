#pragma once
// Type names of SQL text to types: Flink's names and the Postgres spellings.

#include "base/status.h"
#include "sql/ast_type.h"
#include "types/type.h"

namespace tidemark {

Result<Type> bind_type(const sql::TypeName& name);

}  // namespace tidemark
