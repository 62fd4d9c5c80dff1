#pragma once
// What JSON_ARRAYAGG and JSON_OBJECTAGG make of the array that ARRAY_AGG has gathered.

#include "expr/expr.h"

namespace tidemark {

struct JsonListSpec {
  bool is_object = false;       // the array holds rows of a key and a value
  bool absent_on_null = false;  // values that are NULL are left out
  bool holds_json = false;      // the values are JSON already
};

// JSON text; `[]` or `{}` of a NULL array. Members come by the order of their keys, of equal keys
// the last in the array; a NULL key is an error.
ExprRef make_json_list(ExprRef array, JsonListSpec spec);

}  // namespace tidemark
