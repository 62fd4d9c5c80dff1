#pragma once
// Answers in the words of sqllogictest: each value as text of its column's letter, rows sorted as
// the record says, long ones as a hash.

#include <string>
#include <vector>

#include "tests/harness/memory_database.h"
#include "tests/runner/slt_file.h"

namespace tidemark {

using SltRows = std::vector<std::vector<std::string>>;

// I: a whole number, fractions cut off, TRUE as 1; R: three digits behind the point; all else:
// text. NULL is NULL, an empty text (empty).
SltRows slt_rows(const MemoryAnswer& answer, const std::string& types);

// "30 values hashing to 3c13dee48d9356ae19af2515e05e6b54": MD5 over each value and a line feed.
std::string slt_hash(const std::vector<std::string>& values);

// Empty if the rows are what the record expects, else what the difference is. Without an order that
// the query asks for, rows are compared as a multiset.
std::string slt_difference(const SltRecord& record, SltRows rows, bool is_ordered);

// The rows as the record sorts them, value by value.
std::vector<std::string> slt_values(const SltRecord& record, SltRows rows);

}  // namespace tidemark
