#pragma once
// A subscription over the wire, read by a cursor, and the content that its changes add up to.

#include <map>
#include <string>
#include <vector>

#include "postgres/connection.h"
#include "types/lsn.h"

namespace tidemark {

class SubscriptionReader {
 public:
  using Rows = std::map<std::string, int64_t>;  // cells with | between them -> how often

  // Fails the test if the subscription does not begin.
  SubscriptionReader(PostgresConnection connection, const std::string& subscribe);

  // What has come within 300 ms is added to `to`; false: nothing has, or the subscription has
  // ended (`error` says why).
  bool next(Rows& to);
  // All that is there, to `rows`.
  void read();
  // Each row once; one that is there more often, or less than once, fails the test.
  static std::vector<std::string> sorted(const Rows& rows);

  Rows rows;
  std::vector<Lsn> marks;
  std::vector<Rows> states;  // at them
  std::string error;

 private:
  PostgresConnection connection_;
};

}  // namespace tidemark
