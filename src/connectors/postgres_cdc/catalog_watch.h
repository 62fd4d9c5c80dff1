#pragma once
// Looks at the catalogs for what is done to tables without a row in the stream: about once a second
// while the server's log moves, with one query for all tables. What it finds is only that something
// changed; what follows from it is found out by the receiver.
//
// Thread rule: any thread; `changed` is called from its own.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "connectors/postgres_cdc/control_session.h"

namespace tidemark {

class CatalogWatch {
 public:
  // `changed` gets the tables about which something is not as it was when last looked at, and each
  // table once after it began to be watched. `lost` gets an error of the connection.
  CatalogWatch(ControlSession& control,
               std::function<void(std::vector<ControlSession::Watched>)> changed,
               std::function<void(Status)> lost);
  ~CatalogWatch();

  void watch(std::vector<ControlSession::Watched> tables);
  // The server's log has moved.
  void moved();
  // Nobody reads the table any more.
  void withdraw(const TableInfo& table);

 private:
  void run();
  bool wait_for_work(std::vector<ControlSession::Watched>& tables,
                     std::vector<TableInfo>& withdrawn);

  ControlSession& control_;
  const std::function<void(std::vector<ControlSession::Watched>)> changed_;
  const std::function<void(Status)> lost_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  bool ends_ = false;
  bool has_moved_ = false;
  std::vector<ControlSession::Watched> tables_;
  std::vector<TableInfo> withdrawn_;
  std::thread thread_;
};

}  // namespace tidemark
