#include "tests/simulation/upstream.h"

#include <algorithm>

namespace tidemark {

size_t Upstream::first_after(Lsn position) const {
  auto found = std::ranges::upper_bound(commits_, position, {}, &UpstreamCommit::position);
  return static_cast<size_t>(found - commits_.begin());
}

const UpstreamContent& Upstream::at(Lsn position) const {
  return std::prev(contents_.upper_bound(position))->second;
}

void Upstream::set(size_t table, const UpstreamRow& row, UpstreamContent& content,
                   std::vector<UpstreamChange>& changes) {
  auto [place, is_new] = content[table].try_emplace(row.id, row);
  changes.push_back({.kind = is_new ? UpstreamChange::Kind::kInsert : UpstreamChange::Kind::kUpdate,
                     .table = table,
                     .before = place->second,
                     .after = row});
  place->second = row;
}

void Upstream::change_row(size_t table, UpstreamContent& content,
                          std::vector<UpstreamChange>& changes) {
  UpstreamTable& rows = content[table];
  UpstreamRow row;
  if (!rows.empty() && !one_in(random_, 3)) {
    row = std::next(rows.begin(), static_cast<int64_t>(below(random_, rows.size())))->second;
    uint64_t what = below(random_, 8);
    if (what < 2 && (row.val == 0 || table == kLinks)) {
      changes.push_back({.kind = UpstreamChange::Kind::kDelete, .table = table, .before = row});
      rows.erase(row.id);
      return;
    }
    if (what < 4) {  // another key
      UpstreamRow moved = row;
      moved.id = next_id_++;
      changes.push_back(
          {.kind = UpstreamChange::Kind::kUpdate, .table = table, .before = row, .after = moved});
      rows.erase(row.id);
      rows.emplace(moved.id, moved);
      return;
    }
    if (what < 6) {
      row.note = std::string(below(random_, 30), static_cast<char>('a' + below(random_, 26)));
    }
  } else {
    row.id = next_id_++;
  }
  row.grp =
      one_in(random_, 6) ? std::nullopt : std::optional(static_cast<int64_t>(below(random_, 5)));
  if (const UpstreamTable& entries = content[1]; table == kLinks && !entries.empty()) {
    row.val =
        std::next(entries.begin(), static_cast<int64_t>(below(random_, entries.size())))->first;
  }
  set(table, row, content, changes);
}

void Upstream::commit(int64_t time_us) {
  UpstreamContent content = at(now_);
  UpstreamCommit commit;
  if (one_in(random_, 40)) {
    size_t table = below(random_, kUpstreamTables);
    bool is_balanced = table == kLinks || std::ranges::all_of(content[table], [](const auto& r) {
                         return r.second.val == 0;
                       });
    // Both of the others at once, or the sum would not be 0.
    for (size_t t = 0; t < kUpstreamTables; ++t) {
      if (t == table || (!is_balanced && t != kLinks)) {
        commit.changes.push_back({.kind = UpstreamChange::Kind::kTruncate, .table = t});
        content[t].clear();
      }
    }
  }
  uint64_t changes = one_in(random_, 20) ? 40 : below(random_, 6);
  for (uint64_t i = 0; i < changes; ++i) {
    change_row(below(random_, kUpstreamTables), content, commit.changes);
  }
  if (UpstreamTable& accounts = content[0], &entries = content[1];
      !accounts.empty() && !entries.empty()) {
    int64_t amount = static_cast<int64_t>(below(random_, 2000)) - 1000;
    auto pick = [&](UpstreamTable& rows) {
      return std::next(rows.begin(), static_cast<int64_t>(below(random_, rows.size())))->second;
    };
    UpstreamRow account = pick(accounts), entry = pick(entries);
    account.val += amount;
    entry.val -= amount;
    set(0, account, content, commit.changes);
    set(1, entry, content, commit.changes);
  }
  now_.value += 32 + 8 * commit.changes.size();
  commit.position = now_;
  commit.xid = static_cast<uint32_t>(commits_.size() + 1);
  commit.time_us = time_us;
  commits_.push_back(std::move(commit));
  contents_[now_] = std::move(content);
}

}  // namespace tidemark
