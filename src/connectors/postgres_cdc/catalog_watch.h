#pragma once
// Looks at the catalogs for what is done to tables without a row in the stream, and at what our
// slot keeps of the log: about once a second while the log moves, with one query for all tables and
// one for the slot. What it finds is only that something changed; what follows from it is found out
// by the receiver.
//
// Thread rule: any thread; the callbacks are called from its own.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "connectors/postgres_cdc/control_session.h"

namespace tidemark {

class CatalogWatch {
 public:
  struct Callbacks {
    std::function<void(std::vector<ControlSession::Watched>)> changed;
    std::function<void(const SlotUse&)> slot_used;
    std::function<void(Status)> lost;
  };
  // `changed` gets the tables about which something is not as it was when last looked at, and each
  // table once after it began to be watched. `lost` gets an error of the connection.
  CatalogWatch(ControlSession& control, std::string slot, Callbacks callbacks);
  ~CatalogWatch();

  void watch(std::vector<ControlSession::Watched> tables);
  // The server's log has moved.
  void moved();
  // Nobody reads the table any more.
  void withdraw(const TableInfo& table);

 private:
  void run();
  bool look_at_slot();
  bool wait_for_work(std::vector<ControlSession::Watched>& tables,
                     std::vector<TableInfo>& withdrawn);

  ControlSession& control_;
  const std::string slot_;
  const Callbacks callbacks_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  bool ends_ = false;
  bool has_moved_ = false;
  std::vector<ControlSession::Watched> tables_;
  std::vector<TableInfo> withdrawn_;
  std::thread thread_;
};

}  // namespace tidemark
