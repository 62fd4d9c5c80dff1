#pragma once
// Changes as JSON lines and as CSV.
//
//   {"op":"+U","mark":"0/1A2B3C8","data":{"accident_detail":"Box
//   Jellyfish","agg_claim_costs":1234.5}}
//
//   op,mark,accident_detail,agg_claim_costs
//   +U,0/1A2B3C8,Box Jellyfish,1234.5
//
// JSON: numbers as they are written, digit for digit, so DECIMAL and BIGINT lose nothing; NaN and
// the infinities as strings; BOOLEAN and NULL as JSON has them; everything else as strings. CSV:
// RFC 4180 with "\n" as the line end; NULL is empty, an empty string is "".

#include <span>
#include <string>
#include <string_view>

#include "client/answer.h"

namespace tidemark {

// An empty mark is null. Ends with a newline.
void append_json_change(std::span<const AnswerColumn> columns, RowKind op, std::string_view mark,
                        const Row& row, std::string& out);

void append_csv_header(std::span<const AnswerColumn> columns, std::string& out);
void append_csv_change(std::span<const AnswerColumn> columns, RowKind op, std::string_view mark,
                       const Row& row, std::string& out);

}  // namespace tidemark
