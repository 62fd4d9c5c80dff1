// What fmt's library has for GCC alone: clang names the types of this one otherwise.

#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
template void detail::vformat_to(detail::buffer<char>&, string_view,
                                 basic_format_args<FMT_BUFFER_CONTEXT(char)>, detail::locale_ref);
FMT_END_NAMESPACE
