#pragma once
// The events of Nexmark (github.com/nexmark/nexmark, NexmarkConfiguration and its generators,
// commit 6b3646c): 1 person, 3 auctions and 46 bids of 50 events, half of the bids on one hot
// auction, three quarters of them of one hot bidder. Theirs is not seeded; this one is: the same
// options give the same events.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "types/column.h"

namespace tidemark {

struct NexmarkOptions {
  uint64_t seed = 1;
  // How many events lie in a second of event time: 10,000,000 is Flink's suite, 100,000 its second
  // guide, 100 (10 ms an event) Feldera's.
  double events_per_second = 10'000'000;
  // Theirs adds the first id of persons twice to bidders, so bids are of persons who come a
  // thousand later. 1000: bids are of persons who are there already (of matter for q23 alone).
  uint64_t first_bidder = 2000;
};

struct NexmarkTable {
  std::string name;
  Schema schema;
  std::vector<size_t> primary_key;
};
// person, auction, bid.
const std::array<NexmarkTable, 3>& nexmark_tables();

// Rows of the three tables, in the order of nexmark_tables.
using NexmarkEvents = std::array<RowBatch, 3>;

class NexmarkGenerator {
 public:
  explicit NexmarkGenerator(NexmarkOptions options);
  NexmarkEvents next(size_t events);

 private:
  uint64_t random();
  uint64_t below(uint64_t n) { return random() % n; }  // n > 0
  double unit() { return static_cast<double>(random() >> 11) * 0x1p-53; }
  int64_t price();
  // 3 to length_max - 1 letters, with blanks of this kind.
  std::string text(size_t length_max, char blank);
  std::string_view extra(size_t size, size_t size_average);
  std::string url();
  int64_t time_us(uint64_t event) const;  // since 2000-01-01
  static uint64_t last_person(uint64_t event);
  static uint64_t last_auction(uint64_t event);
  uint64_t next_person(uint64_t event);
  uint64_t next_auction(uint64_t event);
  void add_person(uint64_t event, std::vector<Column>& out);
  void add_auction(uint64_t event, std::vector<Column>& out);
  void add_bid(uint64_t event, std::vector<Column>& out);

  NexmarkOptions options_;
  uint64_t state_;
  uint64_t next_event_ = 0;
  // Texts that many rows refer to: what `extra` is cut from, then channels and their URLs.
  Column pool_{Type::string()};
};

}  // namespace tidemark
