#pragma once
// The rows of TPC-H (TPC Benchmark H, revision 3, clause 4.2: ranges, vocabularies and dependencies
// of values), by a seeded generator of our own: distributions are the specification's, single
// values are not dbgen's. Comments are words of a small vocabulary, with the phrases that queries
// look for.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "types/column.h"

namespace tidemark {

enum class TpchTableId : size_t {
  kRegion,
  kNation,
  kSupplier,
  kPart,
  kPartsupp,
  kCustomer,
  kOrders,
  kLineitem,
};
constexpr size_t kTpchTables = 8;

struct TpchTable {
  std::string name;
  Schema schema;
  std::vector<size_t> primary_key;
};
// In the order of TpchTableId.
const std::array<TpchTable, kTpchTables>& tpch_tables();

using TpchRows = std::array<RowBatch, kTpchTables>;

class TpchGenerator {
 public:
  // scale: 1 is 1.5 million orders, some 6 million lineitems.
  explicit TpchGenerator(double scale, uint64_t seed = 1);
  // Orders with their lineitems until there are so many of these, or no more; and of every other
  // table the same share. Empty batches at the end.
  TpchRows next(size_t lineitems);
  bool at_end() const { return order_ == orders_; }

 private:
  uint64_t random();
  int64_t between(int64_t low, int64_t high);  // both included
  template <size_t N>
  std::string_view one_of(const std::string_view (&words)[N]) {
    return words[random() % N];
  }
  std::string words(size_t count);
  std::string phone(int64_t nation);
  int64_t supplier_of(int64_t part, int64_t i) const;
  void add_supplier(int64_t key, std::vector<Column>& out);
  void add_part(int64_t key, std::vector<Column>& part, std::vector<Column>& partsupp);
  void add_customer(int64_t key, std::vector<Column>& out);
  size_t add_order(std::vector<Column>& orders, std::vector<Column>& lineitem);

  uint64_t state_;
  int64_t suppliers_, parts_, customers_, orders_;
  int64_t supplier_ = 0, part_ = 0, customer_ = 0, order_ = 0;  // made so far
};

}  // namespace tidemark
