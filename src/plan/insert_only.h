#pragma once
// Plans whose rows only come: none is taken back but by a reset, which takes all. Of such rows an
// operator may keep less: of MIN and MAX the extreme alone, of a top n its rows alone
// (docs/decisions/0038).

#include "plan/logical.h"

namespace tidemark {

// How the plan's tables and views are read.
enum class Reading : uint8_t {
  kFollowed,  // with all changes, as long as somebody looks
  kOnce,      // whole, in one step: nothing is ever taken back
};

bool is_insert_only(const LogicalPlan& plan, Reading reading = Reading::kFollowed);

// Whether the node's operator keeps less for that: then its state is another one, and the plan's
// text says so.
bool keeps_less(const LogicalPlan& plan, Reading reading = Reading::kFollowed);

// For each call the one whose values it reads besides: MIN and MAX of one column with one FILTER,
// or percentiles, lists and ends of values that have one order; itself, if it keeps its own or
// none.
std::vector<size_t> keepers_of_values(const LogicalPlan& plan,
                                      Reading reading = Reading::kFollowed);

}  // namespace tidemark
