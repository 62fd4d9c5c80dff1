#pragma once
// How to get in at a source's server, as it is now: references in the options (base/reference.h)
// are looked up at each connection, and options may be changed while the source runs (OptionSpec,
// is_changeable), so that a password can be rotated.
//
// Thread rule: any thread.

#include <mutex>

#include "base/options.h"
#include "postgres/address.h"

namespace tidemark {

class ServerAddress {
 public:
  // `with`: as declared; they name a source.
  explicit ServerAddress(Options with) : with_(std::move(with)) {}

  // An error names an option whose reference cannot be looked up.
  Result<PostgresAddress> now() const;
  // For connections from here on.
  void change(Options with);

 private:
  mutable std::mutex mutex_;  // guards with_
  Options with_;
};

}  // namespace tidemark
