#include "tests/simulation/simulated_views.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>

namespace tidemark {

namespace {

std::string text_of(const std::optional<int64_t>& value) {
  return value ? std::to_string(*value) : "NULL";
}

SimulatedRows sums(const UpstreamContent& content) {
  struct Group {
    int64_t n = 0, sum = 0, last = INT64_MIN;
  };
  std::map<std::optional<int64_t>, Group> groups;
  for (const auto& [id, row] : content[0]) {
    Group& group = groups[row.grp];
    ++group.n;
    group.sum += row.val;
    group.last = std::max(group.last, id);
  }
  SimulatedRows rows;
  for (const auto& [grp, group] : groups) {
    ++rows[fmt::format("{}|{}|{}|{}", text_of(grp), group.n, group.sum, group.last)];
  }
  return rows;
}

// Accounts by group.
std::map<std::optional<int64_t>, int64_t> group_sizes(const UpstreamContent& content) {
  std::map<std::optional<int64_t>, int64_t> groups;
  for (const auto& [id, row] : content[0]) {
    ++groups[row.grp];
  }
  return groups;
}

SimulatedRows sizes(const UpstreamContent& content) {
  std::map<int64_t, int64_t> by_size;
  for (const auto& [grp, n] : group_sizes(content)) {
    ++by_size[n];
  }
  SimulatedRows rows;
  for (const auto& [n, count] : by_size) {
    ++rows[fmt::format("{}|{}", n, count)];
  }
  return rows;
}

SimulatedRows crowds(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [grp, n] : group_sizes(content)) {
    if (n > 1) {
      ++rows[fmt::format("{}|{}", text_of(grp), n)];
    }
  }
  return rows;
}

// Of an inner join with the groups, and of an outer one.
SimulatedRows entries_with_sizes(const UpstreamContent& content, bool with_others) {
  std::map<std::optional<int64_t>, int64_t> groups = group_sizes(content);
  SimulatedRows rows;
  for (const auto& [id, entry] : content[1]) {
    auto group = entry.grp ? groups.find(entry.grp) : groups.end();
    if (group != groups.end()) {
      ++rows[fmt::format("{}|{}", id, group->second)];
    } else if (with_others) {
      ++rows[fmt::format("{}|NULL", id)];
    }
  }
  return rows;
}

SimulatedRows grouped(const UpstreamContent& content) {
  return entries_with_sizes(content, false);
}

SimulatedRows grouped_or_not(const UpstreamContent& content) {
  return entries_with_sizes(content, true);
}

SimulatedRows neighbours(const UpstreamContent& content) {
  std::map<std::optional<int64_t>, int64_t> groups = group_sizes(content);
  std::map<int64_t, int64_t> by_size;
  for (const auto& [id, entry] : content[1]) {
    if (entry.grp && groups.contains(entry.grp)) {
      ++by_size[groups.at(entry.grp)];
    }
  }
  SimulatedRows rows;
  for (const auto& [n, count] : by_size) {
    ++rows[fmt::format("{}|{}", n, count)];
  }
  return rows;
}

SimulatedRows joined(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, account] : content[0]) {
    bool is_matched = false;
    for (const auto& [other, entry] : content[1]) {
      if (account.grp && entry.grp && *account.grp == *entry.grp) {
        is_matched = true;
        ++rows[fmt::format("{}|{}|{}", id, other, entry.val)];
      }
    }
    if (!is_matched) {
      ++rows[fmt::format("{}|NULL|NULL", id)];
    }
  }
  return rows;
}

// Of an inner join, and of an outer one with a condition besides.
SimulatedRows matched(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, account] : content[0]) {
    for (const auto& [other, entry] : content[1]) {
      if (account.grp && entry.grp && *account.grp == *entry.grp) {
        ++rows[fmt::format("{}|{}", id, entry.val)];
      }
    }
  }
  return rows;
}

SimulatedRows above(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, account] : content[0]) {
    bool is_matched = false;
    for (const auto& [other, entry] : content[1]) {
      if (account.grp && entry.grp && *account.grp == *entry.grp && entry.val > account.val) {
        is_matched = true;
        ++rows[fmt::format("{}|{}", id, entry.val)];
      }
    }
    if (!is_matched) {
      ++rows[fmt::format("{}|NULL", id)];
    }
  }
  return rows;
}

// Joins of three relations, by two keys: a delta join each.
SimulatedRows linked(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, link] : content[kLinks]) {
    auto entry = content[1].find(link.val);
    for (const auto& [account_id, account] : content[0]) {
      if (entry != content[1].end() && link.grp && account.grp && *link.grp == *account.grp) {
        ++rows[fmt::format("{}|{}|{}", id, account_id, entry->second.val)];
      }
    }
  }
  return rows;
}

SimulatedRows linked_twice(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, link] : content[kLinks]) {
    auto one = content[1].find(link.val);
    for (const auto& [other_id, other] : content[1]) {
      if (one != content[1].end() && link.grp && other.grp && *link.grp == *other.grp) {
        ++rows[fmt::format("{}|{}|{}", id, one->second.val, other_id)];
      }
    }
  }
  return rows;
}

SimulatedRows balance(const UpstreamContent& content) {
  bool is_empty = content[0].empty() && content[1].empty();
  return {{is_empty ? "NULL" : "0", 1}};
}

SimulatedRows notes(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, row] : content[0]) {
    if (row.val >= 0) {
      ++rows[fmt::format("{}|{}", id, row.note)];
    }
  }
  return rows;
}

SimulatedRows first_entries(const UpstreamContent& content) {
  std::vector<std::pair<int64_t, int64_t>> entries;
  for (const auto& [id, row] : content[1]) {
    entries.emplace_back(-row.val, id);
  }
  std::ranges::sort(entries);
  SimulatedRows rows;
  for (size_t i = 0; i < std::min<size_t>(3, entries.size()); ++i) {
    ++rows[fmt::format("{}|{}", entries[i].second, -entries[i].first)];
  }
  return rows;
}

SimulatedRows first_ids(const UpstreamContent& content) {
  SimulatedRows rows;
  for (const auto& [id, row] : content[1]) {
    if (rows.size() == 3) {
      break;
    }
    ++rows[fmt::format("{}|{}", id, row.val)];
  }
  return rows;
}

#define TIDEMARK_SUMS \
  "SELECT grp, COUNT(*) AS n, SUM(val) AS s, MAX(id) AS last FROM accounts GROUP BY grp"

constexpr SimulatedView kViews[] = {
    {"sums", TIDEMARK_SUMS, sums},
    {"sizes", "SELECT n, COUNT(*) AS groups FROM sums GROUP BY n", sizes},
    {"joined",
     "SELECT a.id, e.id AS entry, e.val FROM accounts a LEFT JOIN entries e ON a.grp = e.grp",
     joined},
    {"matched", "SELECT a.id, e.val FROM accounts a JOIN entries e ON a.grp = e.grp", matched,
     "SELECT a.id, e.val FROM accounts a LEFT JOIN entries e ON a.grp = e.grp AND e.val > a.val",
     above},
    {"linked",
     "SELECT l.id, a.id AS account, e.val FROM links l JOIN accounts a ON l.grp = a.grp "
     "JOIN entries e ON l.val = e.id",
     linked,
     "SELECT l.id, a.val, b.id AS other FROM links l JOIN entries a ON l.val = a.id "
     "JOIN entries b ON l.grp = b.grp",
     linked_twice},
    {"balance",
     "SELECT SUM(val) AS total FROM (SELECT val FROM accounts UNION ALL SELECT val FROM entries) t",
     balance},
    {"notes", "SELECT id, note FROM accounts WHERE val >= 0", notes},
    // These share the groups of `sums`, and two of them what they look up in those.
    {"crowds", "SELECT grp, n FROM (" TIDEMARK_SUMS ") t WHERE n > 1", crowds},
    {"grouped", "SELECT e.id, t.n FROM entries e JOIN (" TIDEMARK_SUMS ") t ON e.grp = t.grp",
     grouped, "SELECT e.id, t.n FROM entries e LEFT JOIN (" TIDEMARK_SUMS ") t ON e.grp = t.grp",
     grouped_or_not},
    {"neighbours",
     "SELECT t.n, COUNT(*) AS entries FROM entries e JOIN (" TIDEMARK_SUMS
     ") t ON e.grp = t.grp GROUP BY t.n",
     neighbours},
    {"firsts", "SELECT id, val FROM entries ORDER BY val DESC, id LIMIT 3", first_entries,
     "SELECT id, val FROM entries ORDER BY id LIMIT 3", first_ids},
};

}  // namespace

std::span<const SimulatedView> simulated_views() {
  return kViews;
}

}  // namespace tidemark
