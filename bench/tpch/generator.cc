#include "bench/tpch/generator.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "bench/harness/splitmix.h"
#include "types/datetime.h"

namespace tidemark {

namespace {

constexpr std::string_view kRegions[] = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};
struct Nation {
  std::string_view name;
  int32_t region;
};
constexpr Nation kNations[] = {
    {"ALGERIA", 0},      {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1},
    {"EGYPT", 4},        {"ETHIOPIA", 0},  {"FRANCE", 3}, {"GERMANY", 3},
    {"INDIA", 2},        {"INDONESIA", 2}, {"IRAN", 4},   {"IRAQ", 4},
    {"JAPAN", 2},        {"JORDAN", 4},    {"KENYA", 0},  {"MOROCCO", 0},
    {"MOZAMBIQUE", 0},   {"PERU", 1},      {"CHINA", 2},  {"ROMANIA", 3},
    {"SAUDI ARABIA", 4}, {"VIETNAM", 2},   {"RUSSIA", 3}, {"UNITED KINGDOM", 3},
    {"UNITED STATES", 1}};
constexpr std::string_view kColors[] = {
    "almond",    "antique",   "aquamarine", "azure",     "beige",    "bisque", "black", "blue",
    "brown",     "burnished", "chartreuse", "chocolate", "coral",    "cyan",   "dark",  "dim",
    "firebrick", "floral",    "forest",     "frosted",   "ghost",    "gold",   "green", "honeydew",
    "indian",    "ivory",     "khaki",      "lace",      "lavender", "lemon",  "lime",  "linen",
    "magenta",   "maroon",    "metallic",   "midnight",  "mint",     "navy",   "olive", "orchid"};
constexpr std::string_view kTypeSizes[] = {"STANDARD", "SMALL",   "MEDIUM",
                                           "LARGE",    "ECONOMY", "PROMO"};
constexpr std::string_view kTypeFinishes[] = {"ANODIZED", "BURNISHED", "PLATED", "POLISHED",
                                              "BRUSHED"};
constexpr std::string_view kTypeMetals[] = {"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"};
constexpr std::string_view kContainerSizes[] = {"SM", "LG", "MED", "JUMBO", "WRAP"};
constexpr std::string_view kContainerKinds[] = {"CASE", "BOX",  "BAG", "JAR",
                                                "PKG",  "PACK", "CAN", "DRUM"};
constexpr std::string_view kSegments[] = {"AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY",
                                          "HOUSEHOLD"};
constexpr std::string_view kPriorities[] = {"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED",
                                            "5-LOW"};
constexpr std::string_view kInstructions[] = {"DELIVER IN PERSON", "COLLECT COD", "NONE",
                                              "TAKE BACK RETURN"};
constexpr std::string_view kModes[] = {"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"};
constexpr std::string_view kWords[] = {"furiously", "quickly", "carefully", "blithely", "deposits",
                                       "accounts",  "pinto",   "beans",     "ideas",    "sleep",
                                       "haggle",    "across",  "the",       "final",    "regular",
                                       "express",   "ironic",  "even",      "bold",     "silent"};

const int32_t kFirstDay = days_from_civil({1992, 1, 1});
const int32_t kLastOrderDay = days_from_civil({1998, 12, 31}) - 151;
const int32_t kCurrentDay = days_from_civil({1995, 6, 17});

// In cents (clause 4.2.3).
int64_t retail_price(int64_t part) {
  return 90'000 + part / 10 % 20'001 + 100 * (part % 1000);
}

}  // namespace

const std::array<TpchTable, kTpchTables>& tpch_tables() {
  static const Type kKey = Type::integer().not_null(), kText = Type::string().not_null(),
                    kMoney = Type::decimal(15, 2).not_null(),
                    kDate = Type::of(TypeKind::kDate).not_null();
  static const std::array<TpchTable, kTpchTables> kTables = {{
      {"region", {{{"r_regionkey", kKey}, {"r_name", kText}, {"r_comment", kText}}}, {0}},
      {"nation",
       {{{"n_nationkey", kKey}, {"n_name", kText}, {"n_regionkey", kKey}, {"n_comment", kText}}},
       {0}},
      {"supplier",
       {{{"s_suppkey", kKey},
         {"s_name", kText},
         {"s_address", kText},
         {"s_nationkey", kKey},
         {"s_phone", kText},
         {"s_acctbal", kMoney},
         {"s_comment", kText}}},
       {0}},
      {"part",
       {{{"p_partkey", kKey},
         {"p_name", kText},
         {"p_mfgr", kText},
         {"p_brand", kText},
         {"p_type", kText},
         {"p_size", kKey},
         {"p_container", kText},
         {"p_retailprice", kMoney},
         {"p_comment", kText}}},
       {0}},
      {"partsupp",
       {{{"ps_partkey", kKey},
         {"ps_suppkey", kKey},
         {"ps_availqty", kKey},
         {"ps_supplycost", kMoney},
         {"ps_comment", kText}}},
       {0, 1}},
      {"customer",
       {{{"c_custkey", kKey},
         {"c_name", kText},
         {"c_address", kText},
         {"c_nationkey", kKey},
         {"c_phone", kText},
         {"c_acctbal", kMoney},
         {"c_mktsegment", kText},
         {"c_comment", kText}}},
       {0}},
      {"orders",
       {{{"o_orderkey", kKey},
         {"o_custkey", kKey},
         {"o_orderstatus", kText},
         {"o_totalprice", kMoney},
         {"o_orderdate", kDate},
         {"o_orderpriority", kText},
         {"o_clerk", kText},
         {"o_shippriority", kKey},
         {"o_comment", kText}}},
       {0}},
      {"lineitem",
       {{{"l_orderkey", kKey},
         {"l_partkey", kKey},
         {"l_suppkey", kKey},
         {"l_linenumber", kKey},
         {"l_quantity", kMoney},
         {"l_extendedprice", kMoney},
         {"l_discount", kMoney},
         {"l_tax", kMoney},
         {"l_returnflag", kText},
         {"l_linestatus", kText},
         {"l_shipdate", kDate},
         {"l_commitdate", kDate},
         {"l_receiptdate", kDate},
         {"l_shipinstruct", kText},
         {"l_shipmode", kText},
         {"l_comment", kText}}},
       {0, 3}},
  }};
  return kTables;
}

TpchGenerator::TpchGenerator(double scale, uint64_t seed) : state_(seed) {
  auto rows = [&](double at_one) { return std::max<int64_t>(std::llround(at_one * scale), 8); };
  suppliers_ = rows(10'000);
  parts_ = rows(200'000);
  customers_ = rows(150'000);
  orders_ = rows(1'500'000);
}

uint64_t TpchGenerator::random() {
  return splitmix64(state_);
}

int64_t TpchGenerator::between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}

std::string TpchGenerator::words(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += i == 0 ? "" : " ";
    text += one_of(kWords);
  }
  return text;
}

std::string TpchGenerator::phone(int64_t nation) {
  return fmt::format("{}-{}-{}-{}", nation + 10, between(100, 999), between(100, 999),
                     between(1000, 9999));
}

// One of the part's four suppliers.
int64_t TpchGenerator::supplier_of(int64_t part, int64_t i) const {
  return (part + i * (suppliers_ / 4 + (part - 1) / suppliers_)) % suppliers_ + 1;
}

void TpchGenerator::add_supplier(int64_t key, std::vector<Column>& out) {
  int64_t nation = between(0, 24);
  std::string comment = words(6);
  // 5 of 10,000 each.
  if (int64_t lot = between(0, 1999); lot < 2) {
    comment += lot == 0 ? " Customer slow Complaints" : " Customer quick Recommends";
  }
  out[0].append(static_cast<int32_t>(key));
  out[1].append_string(fmt::format("Supplier#{:09}", key));
  out[2].append_string(words(3));
  out[3].append(static_cast<int32_t>(nation));
  out[4].append_string(phone(nation));
  out[5].append(Int128{between(-99'999, 999'999)});
  out[6].append_string(comment);
}

void TpchGenerator::add_part(int64_t key, std::vector<Column>& part,
                             std::vector<Column>& partsupp) {
  std::string name;
  for (int i = 0; i < 5; ++i) {
    name += i == 0 ? "" : " ";
    name += one_of(kColors);
  }
  int64_t manufacturer = between(1, 5);
  part[0].append(static_cast<int32_t>(key));
  part[1].append_string(name);
  part[2].append_string(fmt::format("Manufacturer#{}", manufacturer));
  part[3].append_string(fmt::format("Brand#{}{}", manufacturer, between(1, 5)));
  part[4].append_string(
      fmt::format("{} {} {}", one_of(kTypeSizes), one_of(kTypeFinishes), one_of(kTypeMetals)));
  part[5].append(static_cast<int32_t>(between(1, 50)));
  part[6].append_string(fmt::format("{} {}", one_of(kContainerSizes), one_of(kContainerKinds)));
  part[7].append(Int128{retail_price(key)});
  part[8].append_string(words(2));
  for (int64_t i = 0; i < 4; ++i) {
    partsupp[0].append(static_cast<int32_t>(key));
    partsupp[1].append(static_cast<int32_t>(supplier_of(key, i)));
    partsupp[2].append(static_cast<int32_t>(between(1, 9999)));
    partsupp[3].append(Int128{between(100, 100'000)});
    partsupp[4].append_string(words(8));
  }
}

void TpchGenerator::add_customer(int64_t key, std::vector<Column>& out) {
  int64_t nation = between(0, 24);
  out[0].append(static_cast<int32_t>(key));
  out[1].append_string(fmt::format("Customer#{:09}", key));
  out[2].append_string(words(3));
  out[3].append(static_cast<int32_t>(nation));
  out[4].append_string(phone(nation));
  out[5].append(Int128{between(-99'999, 999'999)});
  out[6].append_string(one_of(kSegments));
  out[7].append_string(words(7));
}

size_t TpchGenerator::add_order(std::vector<Column>& orders, std::vector<Column>& lineitem) {
  int64_t number = order_++;
  int32_t key = static_cast<int32_t>(number / 8 * 32 + number % 8 + 1);  // 8 of 32 are used
  int64_t customer = 0;
  do {
    customer = between(1, customers_);  // a third of them orders nothing
  } while (customer % 3 == 0);
  int32_t day = static_cast<int32_t>(between(kFirstDay, kLastOrderDay));
  int64_t lines = between(1, 7), total = 0, shipped = 0;
  for (int64_t line = 1; line <= lines; ++line) {
    int64_t part = between(1, parts_), quantity = between(1, 50);
    int64_t price = quantity * retail_price(part), discount = between(0, 10), tax = between(0, 8);
    int32_t ship = day + static_cast<int32_t>(between(1, 121));
    int32_t commit = day + static_cast<int32_t>(between(30, 90));
    int32_t receipt = ship + static_cast<int32_t>(between(1, 30));
    total += price * (100 + tax) * (100 - discount) / 10'000;
    shipped += ship <= kCurrentDay ? 1 : 0;
    lineitem[0].append(key);
    lineitem[1].append(static_cast<int32_t>(part));
    lineitem[2].append(static_cast<int32_t>(supplier_of(part, between(0, 3))));
    lineitem[3].append(static_cast<int32_t>(line));
    lineitem[4].append(Int128{quantity * 100});
    lineitem[5].append(Int128{price});
    lineitem[6].append(Int128{discount});
    lineitem[7].append(Int128{tax});
    lineitem[8].append_string(receipt > kCurrentDay ? "N" : between(0, 1) == 0 ? "R" : "A");
    lineitem[9].append_string(ship > kCurrentDay ? "O" : "F");
    lineitem[10].append(ship);
    lineitem[11].append(commit);
    lineitem[12].append(receipt);
    lineitem[13].append_string(one_of(kInstructions));
    lineitem[14].append_string(one_of(kModes));
    lineitem[15].append_string(words(2));
  }
  std::string comment = words(4);
  if (between(0, 99) == 0) {
    comment += " special " + words(1) + " requests";
  }
  orders[0].append(key);
  orders[1].append(static_cast<int32_t>(customer));
  orders[2].append_string(shipped == lines ? "F" : shipped == 0 ? "O" : "P");
  orders[3].append(Int128{total});
  orders[4].append(day);
  orders[5].append_string(one_of(kPriorities));
  orders[6].append_string(
      fmt::format("Clerk#{:09}", between(1, std::max<int64_t>(orders_ / 1500, 1))));
  orders[7].append(int32_t{0});
  orders[8].append_string(comment);
  return static_cast<size_t>(lines);
}

TpchRows TpchGenerator::next(size_t lineitems) {
  std::array<std::vector<Column>, kTpchTables> out;
  for (size_t table = 0; table < kTpchTables; ++table) {
    out[table] = make_columns(tpch_tables()[table].schema);
  }
  auto columns = [&](TpchTableId table) -> std::vector<Column>& {
    return out[static_cast<size_t>(table)];
  };
  if (order_ == 0) {
    for (size_t i = 0; i < std::size(kRegions); ++i) {
      columns(TpchTableId::kRegion)[0].append(static_cast<int32_t>(i));
      columns(TpchTableId::kRegion)[1].append_string(kRegions[i]);
      columns(TpchTableId::kRegion)[2].append_string(words(5));
    }
    for (size_t i = 0; i < std::size(kNations); ++i) {
      columns(TpchTableId::kNation)[0].append(static_cast<int32_t>(i));
      columns(TpchTableId::kNation)[1].append_string(kNations[i].name);
      columns(TpchTableId::kNation)[2].append(kNations[i].region);
      columns(TpchTableId::kNation)[3].append_string(words(5));
    }
  }
  for (size_t made = 0; made < lineitems && !at_end();) {
    made += add_order(columns(TpchTableId::kOrders), columns(TpchTableId::kLineitem));
  }
  // What is due of a table when this share of the orders is there.
  auto due = [&](int64_t all) { return at_end() ? all : all * order_ / orders_; };
  while (supplier_ < due(suppliers_)) {
    add_supplier(++supplier_, columns(TpchTableId::kSupplier));
  }
  while (part_ < due(parts_)) {
    add_part(++part_, columns(TpchTableId::kPart), columns(TpchTableId::kPartsupp));
  }
  while (customer_ < due(customers_)) {
    add_customer(++customer_, columns(TpchTableId::kCustomer));
  }
  TpchRows rows;
  for (size_t table = 0; table < kTpchTables; ++table) {
    rows[table] = to_batch(std::move(out[table]));
  }
  return rows;
}

}  // namespace tidemark
