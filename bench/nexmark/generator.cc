#include "bench/nexmark/generator.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "bench/harness/splitmix.h"

namespace tidemark {

namespace {

constexpr uint64_t kPersons = 1, kAuctions = 3, kEvents = 50;  // of which the others are bids
constexpr uint64_t kFirstId = 1000, kFirstCategory = 10;
constexpr uint64_t kActivePersons = 1000, kOpenAuctions = 100;
constexpr uint64_t kLead = 10;  // references may be that much ahead of what there is
constexpr uint64_t kHotPersons = 100, kHotAuctions = 100;
constexpr size_t kChannels = 10'000;
constexpr size_t kExtraBytes = 1 << 20;
constexpr int64_t kBaseTimeMs = 789'004'800'000;  // 2025-01-01, since 2000-01-01

constexpr std::string_view kFirstNames[] = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                            "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
constexpr std::string_view kLastNames[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                           "Walton", "Smith",  "Jones",   "Noris"};
constexpr std::string_view kCities[] = {"Phoenix",  "Los Angeles", "San Francisco", "Boise",
                                        "Portland", "Bend",        "Redmond",       "Seattle",
                                        "Kent",     "Cheyenne"};
constexpr std::string_view kStates[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
constexpr std::string_view kHotChannels[] = {"Google", "Facebook", "Baidu", "Apple"};

// Places in the pool.
constexpr size_t kExtraAt = 0, kHotAt = 1, kChannelsAt = kHotAt + 2 * std::size(kHotChannels);

uint32_t reversed(uint32_t value) {
  uint32_t result = 0;
  for (int bit = 0; bit < 32; ++bit) {
    result |= (value >> bit & 1) << (31 - bit);
  }
  return result;
}

template <size_t N>
std::string_view one_of(const std::string_view (&list)[N], uint64_t number) {
  return list[number % N];
}

}  // namespace

const std::array<NexmarkTable, 3>& nexmark_tables() {
  static const Type kId = Type::bigint(), kText = Type::string(), kTime = Type::timestamp(3);
  static const std::array<NexmarkTable, 3> kTables = {{
      {"person",
       {{{"id", kId.not_null()},
         {"name", kText},
         {"email", kText},
         {"credit_card", kText},
         {"city", kText},
         {"state", kText},
         {"date_time", kTime},
         {"extra", kText}}},
       {0}},
      {"auction",
       {{{"id", kId.not_null()},
         {"item_name", kText},
         {"description", kText},
         {"initial_bid", kId},
         {"reserve", kId},
         {"date_time", kTime},
         {"expires", kTime},
         {"seller", kId},
         {"category", kId},
         {"extra", kText}}},
       {0}},
      {"bid",
       {{{"auction", kId},
         {"bidder", kId},
         {"price", kId},
         {"channel", kText},
         {"url", kText},
         {"date_time", kTime},
         {"extra", kText}}},
       {}},
  }};
  return kTables;
}

NexmarkGenerator::NexmarkGenerator(NexmarkOptions options)
    : options_(options), state_(options.seed) {
  std::string extra(kExtraBytes, ' ');
  std::ranges::generate(extra, [&] { return static_cast<char>('a' + below(26)); });
  pool_.append_string(extra);
  for (std::string_view channel : kHotChannels) {
    pool_.append_string(channel);
    pool_.append_string(url());
  }
  for (size_t i = 0; i < kChannels; ++i) {
    pool_.append_string(fmt::format("channel-{}", i));
    std::string address = url();
    if (below(10) > 0) {
      // Java's abs() leaves the smallest int negative.
      int32_t id = static_cast<int32_t>(reversed(static_cast<uint32_t>(i)));
      address += fmt::format("&channel_id={}", id == INT32_MIN ? id : std::abs(id));
    }
    pool_.append_string(address);
  }
}

// SplitMix64.
uint64_t NexmarkGenerator::random() {
  return splitmix64(state_);
}

int64_t NexmarkGenerator::price() {
  return std::llround(std::pow(10.0, 6 * unit()) * 100);
}

std::string NexmarkGenerator::text(size_t length_max, char blank) {
  std::string result(3 + below(length_max - 3), ' ');
  std::ranges::generate(
      result, [&] { return below(13) == 0 ? blank : static_cast<char>('a' + below(26)); });
  size_t first = result.find_first_not_of(' '), last = result.find_last_not_of(' ');
  return first == std::string::npos ? "" : result.substr(first, last - first + 1);
}

std::string NexmarkGenerator::url() {
  std::string a = text(5, '_'), b = text(5, '_'), c = text(5, '_');
  return fmt::format("https://www.nexmark.com/{}/{}/{}/item.htm?query=1", a, b, c);
}

std::string_view NexmarkGenerator::extra(size_t size, size_t size_average) {
  if (size > size_average) {
    return {};
  }
  size_t missing = size_average - size;
  size_t spread = static_cast<size_t>(std::llround(0.2 * static_cast<double>(missing)));
  size_t length = missing - spread + (spread > 0 ? below(2 * spread) : 0);
  return pool_.string_at(kExtraAt).substr(below(kExtraBytes - length), length);
}

int64_t NexmarkGenerator::time_us(uint64_t event) const {
  double delay_us = 1e6 / options_.events_per_second;
  return (kBaseTimeMs + static_cast<int64_t>(static_cast<double>(event) * delay_us) / 1000) * 1000;
}

uint64_t NexmarkGenerator::last_person(uint64_t event) {
  return event / kEvents;
}

uint64_t NexmarkGenerator::last_auction(uint64_t event) {
  uint64_t epoch = event / kEvents, offset = event % kEvents;
  if (offset < kPersons) {
    return epoch == 0 ? 0 : epoch * kAuctions - 1;
  }
  return epoch * kAuctions + std::min(offset - kPersons, kAuctions - 1);
}

uint64_t NexmarkGenerator::next_person(uint64_t event) {
  uint64_t persons = last_person(event) + 1, active = std::min(persons, kActivePersons);
  return persons - active + below(active + kLead);
}

uint64_t NexmarkGenerator::next_auction(uint64_t event) {
  uint64_t last = last_auction(event), first = last - std::min(last, kOpenAuctions);
  return first + below(last - first + 1 + kLead);
}

void NexmarkGenerator::add_person(uint64_t event, std::vector<Column>& out) {
  std::string name(one_of(kFirstNames, random()));
  name += ' ';
  name += one_of(kLastNames, random());
  std::string email = text(7, ' ');
  email += "@" + text(5, ' ') + ".com";
  std::string card;
  for (int part = 0; part < 4; ++part) {
    card += fmt::format("{}{:04}", part == 0 ? "" : " ", below(10'000));
  }
  std::string_view city = one_of(kCities, random()), state = one_of(kStates, random());
  size_t size = 8 + name.size() + email.size() + card.size() + city.size() + state.size();
  out[0].append(static_cast<int64_t>(kFirstId + last_person(event)));
  out[1].append_string(name);
  out[2].append_string(email);
  out[3].append_string(card);
  out[4].append_string(city);
  out[5].append_string(state);
  out[6].append(time_us(event));
  out[7].append(StringRef(extra(size, 200)));
}

void NexmarkGenerator::add_auction(uint64_t event, std::vector<Column>& out) {
  uint64_t seller =
      below(4) > 0 ? last_person(event) / kHotPersons * kHotPersons : next_person(event);
  uint64_t category = kFirstCategory + below(5);
  int64_t initial = price();
  int64_t horizon_ms =
      (time_us(event + kOpenAuctions * kEvents / kAuctions) - time_us(event)) / 1000;
  int64_t open_ms =
      1 + static_cast<int64_t>(below(std::max<uint64_t>(2 * static_cast<uint64_t>(horizon_ms), 1)));
  std::string item = text(20, ' '), description = text(100, ' ');
  int64_t reserve = initial + price();
  out[0].append(static_cast<int64_t>(kFirstId + last_auction(event)));
  out[1].append_string(item);
  out[2].append_string(description);
  out[3].append(initial);
  out[4].append(reserve);
  out[5].append(time_us(event));
  out[6].append(time_us(event) + open_ms * 1000);
  out[7].append(static_cast<int64_t>(kFirstId + seller));
  out[8].append(static_cast<int64_t>(category));
  out[9].append(StringRef(extra(8 + item.size() + description.size() + 40, 500)));
}

void NexmarkGenerator::add_bid(uint64_t event, std::vector<Column>& out) {
  uint64_t auction =
      below(2) > 0 ? last_auction(event) / kHotAuctions * kHotAuctions : next_auction(event);
  uint64_t bidder =
      below(4) > 0 ? last_person(event) / kHotPersons * kHotPersons + 1 : next_person(event);
  int64_t amount = price();
  size_t channel = below(2) > 0 ? kHotAt + 2 * below(std::size(kHotChannels))
                                : kChannelsAt + 2 * below(kChannels);
  out[0].append(static_cast<int64_t>(kFirstId + auction));
  out[1].append(static_cast<int64_t>(options_.first_bidder + bidder));
  out[2].append(amount);
  out[3].append(pool_.data<StringRef>()[channel]);
  out[4].append(pool_.data<StringRef>()[channel + 1]);
  out[5].append(time_us(event));
  out[6].append(StringRef(extra(32, 100)));
}

NexmarkEvents NexmarkGenerator::next(size_t events) {
  std::array<std::vector<Column>, 3> out;
  for (size_t table = 0; table < out.size(); ++table) {
    out[table] = make_columns(nexmark_tables()[table].schema);
    for (Column& column : out[table]) {
      if (column.physical() == PhysicalKind::kString) {
        column.share_heaps(pool_);
      }
    }
  }
  for (size_t i = 0; i < events; ++i, ++next_event_) {
    uint64_t offset = next_event_ % kEvents;
    if (offset < kPersons) {
      add_person(next_event_, out[0]);
    } else if (offset < kPersons + kAuctions) {
      add_auction(next_event_, out[1]);
    } else {
      add_bid(next_event_, out[2]);
    }
  }
  return {to_batch(std::move(out[0])), to_batch(std::move(out[1])), to_batch(std::move(out[2]))};
}

}  // namespace tidemark
