#pragma once
// Random cases for the oracle: tables with NULLs, duplicates, skew and extreme values, transactions
// over them, and queries that grow with the depth. The same seed gives the same case.

#include "tests/oracle/oracle_case.h"

namespace tidemark {

OracleCase generate_oracle_case(uint64_t seed, int depth);

}  // namespace tidemark
