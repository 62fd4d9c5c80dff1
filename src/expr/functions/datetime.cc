#include "expr/function.h"

namespace tidemark {

std::span<const Function> datetime_functions() { return {}; }

}  // namespace tidemark
