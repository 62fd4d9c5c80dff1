#pragma once
// Looks at a server as `tidemark doctor` does: what stands in the way of reading changes, what will
// hurt, and the statement that mends it.

#include <string>
#include <vector>

#include "base/status.h"
#include "postgres/address.h"

namespace tidemark {

struct Finding {
  enum class Severity : uint8_t { kOk, kWarning, kError };
  Severity severity;
  std::string title;    // one line: "wal_level is logical"
  std::string detail;   // why it matters, and for whom
  std::string fix_sql;  // statements that mend it; empty: nothing to mend
};

// Errors only where the server cannot be asked at all.
Result<std::vector<Finding>> run_doctor(const PostgresAddress& address);
// From a URL: see parse_postgres_url.
Result<std::vector<Finding>> run_doctor(const std::string& url);

}  // namespace tidemark
