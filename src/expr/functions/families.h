#pragma once
// The families of functions besides those of expr/function.h; registry.cc lists them all.

#include "expr/function.h"

namespace tidemark {

std::span<const Function> array_functions();
std::span<const Function> clock_functions();
std::span<const Function> digest_functions();
std::span<const Function> encoding_functions();
std::span<const Function> interval_functions();
std::span<const Function> json_functions();
std::span<const Function> jsonb_functions();
std::span<const Function> map_functions();
std::span<const Function> printf_functions();
std::span<const Function> time_zone_functions();
std::span<const Function> to_char_functions();

}  // namespace tidemark
