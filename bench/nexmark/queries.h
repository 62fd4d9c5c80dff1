#pragma once
// Nexmark's queries that need no window of event time and no side input.

#include <span>
#include <string>

namespace tidemark {

struct NexmarkQuery {
  std::string name;
  std::string text;
  // The same for Postgres, with ties settled where the query leaves the choice open; empty: the
  // same text.
  std::string postgres;
  // The text with those ties settled, to be compared with Postgres; empty: it leaves none.
  std::string settled;

  const std::string& comparable() const { return settled.empty() ? text : settled; }
};

std::span<const NexmarkQuery> nexmark_queries();

}  // namespace tidemark
