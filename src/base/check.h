#pragma once
// CHECK is for our own bugs: it stays on in release and aborts with the place and the expression.
// Input is never CHECKed; it is answered with a Status. DCHECK is for costly checks in debug
// builds.

namespace tidemark {

[[noreturn]] void check_failed(const char* file, int line, const char* expression);

}  // namespace tidemark

#define CHECK(condition)                                        \
  do {                                                          \
    if (!(condition)) [[unlikely]] {                            \
      ::tidemark::check_failed(__FILE__, __LINE__, #condition); \
    }                                                           \
  } while (0)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
