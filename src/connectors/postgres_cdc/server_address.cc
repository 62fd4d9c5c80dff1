#include "connectors/postgres_cdc/server_address.h"

#include "base/reference.h"
#include "connectors/postgres_cdc/options.h"

namespace tidemark {

Result<PostgresAddress> ServerAddress::now() const {
  Options with;
  {
    std::lock_guard lock(mutex_);
    with = with_;
  }
  return TRY(parse_postgres_cdc_options(TRY(resolve_references(with)))).address;
}

void ServerAddress::change(Options with) {
  std::lock_guard lock(mutex_);
  with_ = std::move(with);
}

}  // namespace tidemark
