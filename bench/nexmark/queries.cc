#include "bench/nexmark/queries.h"

#include <vector>

namespace tidemark {

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
    at += with.size();
  }
  return text;
}

const std::string kMatchingBids =
    "auction a, bid b WHERE a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires";

// Counts of bids, bidders and auctions by price.
std::string tiers() {
  std::string text;
  for (const char* what : {"*", "DISTINCT bidder", "DISTINCT auction"}) {
    for (const char* tier :
         {"", " FILTER (WHERE price < 10000)", " FILTER (WHERE price >= 10000 AND price < 1000000)",
          " FILTER (WHERE price >= 1000000)"}) {
      text += std::string(text.empty() ? "" : ", ") + "COUNT(" + what + ")" + tier;
    }
  }
  return text;
}

// Flink's day as Postgres writes it.
std::string in_postgres(std::string text) {
  text = replaced(text, "DATE_FORMAT(date_time, 'yyyy-MM-dd')", "to_char(date_time, 'YYYY-MM-DD')");
  return replaced(text, "DATE_FORMAT(date_time, 'HH:mm')", "to_char(date_time, 'HH24:MI')");
}

NexmarkQuery same(std::string name, std::string text) {
  return {std::move(name), text, in_postgres(text), ""};
}

// `order` settles the ties that the query's own order leaves.
NexmarkQuery ranked(std::string name, const std::string& text, const std::string& order,
                    const std::string& more) {
  std::string settled = replaced(text, order, order + more);
  return {std::move(name), text, settled, settled};
}

NexmarkQuery average_of_winners() {
  std::string winners = "SELECT a.id, a.category, a.seller, MAX(b.price) AS final FROM " +
                        kMatchingBids + " GROUP BY a.id, a.category, a.seller";
  std::string text = "SELECT category, AVG(final) FROM (" + winners + ") q GROUP BY category";
  return {"q4", text, replaced(text, "AVG(final)", "CAST(TRUNC(AVG(final)) AS BIGINT)"), ""};
}

NexmarkQuery average_of_sellers() {
  std::string text =
      "SELECT seller, AVG(price) OVER (PARTITION BY seller ORDER BY date_time ROWS BETWEEN 10 "
      "PRECEDING AND CURRENT ROW) FROM (SELECT a.id, a.seller, b.price, b.date_time, ROW_NUMBER() "
      "OVER (PARTITION BY a.id, a.seller ORDER BY b.price DESC, b.date_time) AS n FROM " +
      kMatchingBids + ") q WHERE n <= 1";
  std::string settled = replaced(text, "b.date_time)", "b.date_time, b.bidder)");
  settled = replaced(settled, "ORDER BY date_time", "ORDER BY date_time, id");
  std::string postgres = replaced(settled, "AVG(price) OVER", "CAST(TRUNC(AVG(price) OVER");
  postgres = replaced(postgres, "CURRENT ROW)", "CURRENT ROW)) AS BIGINT)");
  return {"q6", text, postgres, settled};
}

NexmarkQuery channel_ids() {
  const std::string kId = "REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2)";
  std::string text =
      "SELECT auction, bidder, price, channel, CASE WHEN LOWER(channel) = 'apple' THEN '0' WHEN "
      "LOWER(channel) = 'google' THEN '1' WHEN LOWER(channel) = 'facebook' THEN '2' WHEN "
      "LOWER(channel) = 'baidu' THEN '3' ELSE " +
      kId + " END FROM bid WHERE " + kId +
      " IS NOT NULL OR LOWER(channel) IN ('apple', 'google', 'facebook', 'baidu')";
  return {"q21", text, replaced(text, kId, "substring(url from '(?:&|^)channel_id=([^&]*)')"), ""};
}

std::vector<NexmarkQuery> make_queries() {
  const std::string kDay = "DATE_FORMAT(date_time, 'yyyy-MM-dd')";
  std::vector<NexmarkQuery> list;
  list.push_back(same("q0", "SELECT auction, bidder, price, date_time, extra FROM bid"));
  list.push_back(
      same("q1", "SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid"));
  list.push_back(same("q2", "SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0"));
  list.push_back(
      same("q3",
           "SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = "
           "p.id WHERE a.category = 10 AND (p.state = 'OR' OR p.state = 'ID' OR p.state = "
           "'CA')"));
  list.push_back(average_of_winners());
  list.push_back(average_of_sellers());
  list.push_back(ranked(
      "q9",
      "SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, "
      "category, extra, auction, bidder, price, bid_date_time, bid_extra FROM (SELECT a.*, "
      "b.auction, b.bidder, b.price, b.date_time AS bid_date_time, b.extra AS bid_extra, "
      "ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time ASC) AS n FROM " +
          kMatchingBids + ") q WHERE n <= 1",
      "b.date_time ASC", ", b.bidder, b.extra"));
  list.push_back(
      same("q14",
           "SELECT auction, bidder, 0.908 * price AS price, CASE WHEN EXTRACT(HOUR FROM "
           "date_time) >= 8 AND EXTRACT(HOUR FROM date_time) <= 18 THEN 'dayTime' WHEN "
           "EXTRACT(HOUR FROM date_time) <= 6 OR EXTRACT(HOUR FROM date_time) >= 20 THEN "
           "'nightTime' ELSE 'otherTime' END, date_time, extra, CHAR_LENGTH(extra) - "
           "CHAR_LENGTH(REPLACE(extra, 'c', '')) FROM bid WHERE 0.908 * price > 1000000 AND "
           "0.908 * price < 50000000"));
  list.push_back(same("q15", "SELECT " + kDay + ", " + tiers() + " FROM bid GROUP BY " + kDay));
  list.push_back(same("q16", "SELECT channel, " + kDay +
                                 ", MAX(DATE_FORMAT(date_time, 'HH:mm')), " + tiers() +
                                 " FROM bid GROUP BY channel, " + kDay));
  NexmarkQuery by_auction =
      same("q17", "SELECT auction, " + kDay +
                      ", COUNT(*), COUNT(*) FILTER (WHERE price < 10000), COUNT(*) FILTER (WHERE "
                      "price >= 10000 AND price < 1000000), COUNT(*) FILTER (WHERE price >= "
                      "1000000), MIN(price), MAX(price), AVG(price), SUM(price) FROM bid GROUP BY "
                      "auction, " +
                      kDay);
  by_auction.postgres =
      replaced(by_auction.postgres, "AVG(price)", "CAST(TRUNC(AVG(price)) AS BIGINT)");
  list.push_back(std::move(by_auction));
  list.push_back(ranked(
      "q18",
      "SELECT auction, bidder, price, channel, url, date_time, extra FROM (SELECT *, ROW_NUMBER() "
      "OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS n FROM bid) q WHERE n <= 1",
      "date_time DESC", ", price, extra"));
  list.push_back(ranked(
      "q19",
      "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS n "
      "FROM bid) q WHERE n <= 10",
      "price DESC", ", date_time, bidder, extra"));
  list.push_back(
      same("q20",
           "SELECT auction, bidder, price, channel, url, b.date_time, b.extra, item_name, "
           "description, initial_bid, reserve, a.date_time AS auction_date_time, expires, "
           "seller, category, a.extra AS auction_extra FROM bid b JOIN auction a ON "
           "b.auction = a.id WHERE a.category = 10"));
  list.push_back(channel_ids());
  std::string parts =
      "SELECT auction, bidder, price, channel, SPLIT_INDEX(url, '/', 3), SPLIT_INDEX(url, '/', 4), "
      "SPLIT_INDEX(url, '/', 5) FROM bid";
  std::string split_parts = replaced(parts, "SPLIT_INDEX(url, '/', 5)", "split_part(url, '/', 6)");
  split_parts = replaced(split_parts, "SPLIT_INDEX(url, '/', 4)", "split_part(url, '/', 5)");
  split_parts = replaced(split_parts, "SPLIT_INDEX(url, '/', 3)", "split_part(url, '/', 4)");
  list.push_back({"q22", parts, split_parts, ""});
  list.push_back(
      same("q23",
           "SELECT b.auction, b.bidder, b.price, p.name, p.city, p.state, a.id, a.category "
           "FROM bid b JOIN person p ON p.id = b.bidder JOIN auction a ON a.seller = "
           "b.bidder"));
  return list;
}

}  // namespace

std::span<const NexmarkQuery> nexmark_queries() {
  static const std::vector<NexmarkQuery> kQueries = make_queries();
  return kQueries;
}

}  // namespace tidemark
