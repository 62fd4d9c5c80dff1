#pragma once
// The families of functions: one table each, in the file of its name. registry.cc lists them.

#include "expr/function.h"

namespace tidemark {

std::span<const Function> array_functions();
std::span<const Function> catalog_functions();
std::span<const Function> clock_functions();
std::span<const Function> comparison_functions();
std::span<const Function> conditional_functions();
std::span<const Function> datetime_functions();
std::span<const Function> digest_functions();
std::span<const Function> encoding_functions();
std::span<const Function> interval_functions();
std::span<const Function> json_functions();
std::span<const Function> jsonb_functions();
std::span<const Function> map_functions();
std::span<const Function> math_functions();
std::span<const Function> nested_functions();
std::span<const Function> numeric_functions();
std::span<const Function> pattern_functions();
std::span<const Function> printf_functions();
std::span<const Function> string_functions();
std::span<const Function> time_zone_functions();
std::span<const Function> to_char_functions();

}  // namespace tidemark
