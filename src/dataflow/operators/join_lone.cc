#include "dataflow/operators/join_lone.h"

#include "types/hash.h"

namespace tidemark {

namespace {

bool shows(LoneRows kind, int64_t partners) {
  return (partners != 0) == (kind == LoneRows::kMatched);
}

std::vector<Type> types_of(Arrangement& base, size_t columns) {
  std::vector<Type> types;
  for (size_t c = 0; c < columns; ++c) {
    types.push_back(base.column(c).type());
  }
  return types;
}

// The first `columns` columns of stored rows.
std::vector<Column> gather(Arrangement& base, size_t columns, std::span<const uint32_t> ids) {
  std::vector<Column> rows;
  for (size_t c = 0; c < columns; ++c) {
    rows.emplace_back(base.column(c).type()).append_rows(base.column(c), ids);
  }
  return rows;
}

std::vector<const Column*> pointers(const std::vector<Column>& columns) {
  std::vector<const Column*> result;
  for (const Column& column : columns) {
    result.push_back(&column);
  }
  return result;
}

// Sums of weights by key over the other side's delta.
class KeyChanges {
 public:
  explicit KeyChanges(const JoinSide& side)
      : table_(types_of(*side.base, side.base->key_count()), {}, 16) {
    if (side.rows() == 0) {
      return;
    }
    for (uint32_t row = 0; row < side.rows(); ++row) {
      if (!side.never[row]) {
        uint32_t id = table_.find_or_insert_one(side.keys, row, side.hashes[row]);
        table_.fixed_as<int64_t>(id) += side.delta.weight(row);
      }
    }
    for (size_t k = 0; k < table_.key_count(); ++k) {
      keys_.push_back(&table_.key(k));
    }
  }
  // Ids are 0 .. size, in order: nothing is erased.
  size_t size() const { return table_.size(); }
  std::span<const Column* const> keys() const { return keys_; }
  int64_t at(size_t i) const { return table_.fixed_as<int64_t>(static_cast<uint32_t>(i)); }
  void add_to(std::span<const Column* const> keys, size_t rows, std::span<const uint64_t> hashes,
              std::vector<int64_t>& sums) {
    if (size() == 0) {
      return;
    }
    std::vector<uint32_t> ids(rows);
    table_.find(keys, rows, hashes, ids.data());
    for (size_t i = 0; i < rows; ++i) {
      sums[i] += ids[i] == KeyedTable::kNone ? 0 : at(ids[i]);
    }
  }

 private:
  KeyedTable table_;
  std::vector<const Column*> keys_;
};

// Rows of the delta, whose keys have new sums of weights on the other side.
LoneChanges by_key_delta(LoneRows kind, const JoinSide& self, const JoinSide& other,
                         KeyChanges& changes) {
  LoneChanges result;
  if (self.rows() == 0) {
    return result;
  }
  std::vector<int64_t> partners(self.rows());
  if (!other.base_empty) {
    other.base->key_weights(self.keys, self.rows(), self.hashes, partners.data());
  }
  changes.add_to(self.keys, self.rows(), self.hashes, partners);
  for (uint32_t row = 0; row < self.rows(); ++row) {
    if (shows(kind, self.never[row] ? 0 : partners[row])) {
      result.at.push_back(row);
      result.weights.push_back(self.delta.weight(row));
    }
  }
  return result;
}

// Rows of the base, where the sum of their key became 0 or left 0.
LoneChanges by_key_transitions(LoneRows kind, const JoinSide& self, const JoinSide& other,
                               KeyChanges& changes) {
  LoneChanges result{.from_base = true};
  if (changes.size() == 0) {
    return result;
  }
  size_t keys = changes.size();
  std::vector<uint64_t> hashes;
  hash_rows(changes.keys(), keys, hashes);
  std::vector<int64_t> before(keys);
  other.base->key_weights(changes.keys(), keys, hashes, before.data());
  std::vector<uint8_t> unchanged(keys);
  for (size_t i = 0; i < keys; ++i) {
    unchanged[i] = shows(kind, before[i]) == shows(kind, before[i] + changes.at(i));
  }
  Arrangement::Cursor cursor = self.base->start(changes.keys(), keys, hashes, unchanged.data());
  ProbedPairs pairs;
  self.base->probe(cursor, SIZE_MAX, pairs);
  for (size_t i = 0; i < pairs.size(); ++i) {
    int64_t weight = self.base->weight(pairs.stored[i]);
    bool shown = shows(kind, before[pairs.probe[i]]);
    result.weights.push_back(shown ? -weight : weight);
  }
  result.at = std::move(pairs.stored);
  return result;
}

// After a reset of the other side: every row that this side holds.
LoneChanges by_key_all(LoneRows kind, const JoinSide& self, KeyChanges& changes,
                       const std::vector<bool>& null_safe) {
  LoneChanges result{.from_base = true};
  std::vector<uint32_t> ids = self.base->all_rows();
  std::vector<Column> keys = gather(*self.base, self.base->key_count(), ids);
  std::vector<uint64_t> hashes;
  hash_rows(pointers(keys), ids.size(), hashes);
  std::vector<int64_t> partners(ids.size());
  changes.add_to(pointers(keys), ids.size(), hashes, partners);
  for (size_t i = 0; i < ids.size(); ++i) {
    bool never = false;
    for (size_t k = 0; k < keys.size(); ++k) {
      never = never || (!null_safe[k] && keys[k].is_null(i));
    }
    if (shows(kind, never ? 0 : partners[i])) {
      result.at.push_back(ids[i]);
      result.weights.push_back(self.base->weight(ids[i]));
    }
  }
  return result;
}

}  // namespace

void LoneByKey::begin(const JoinSide&, bool reset) {
  reset_ = reset;
}

std::vector<LoneChanges> LoneByKey::finish(const JoinSide& self, const JoinSide& other,
                                           const std::vector<bool>& null_safe) {
  KeyChanges changes(other);
  std::vector<LoneChanges> result;
  result.push_back(by_key_delta(kind_, self, other, changes));
  if (!self.base_empty && !self.base->is_empty()) {
    result.push_back(reset_ ? by_key_all(kind_, self, changes, null_safe)
                            : by_key_transitions(kind_, self, other, changes));
  }
  return result;
}

LoneByRow::LoneByRow(LoneRows kind, Arrangement& base)
    : kind_(kind), matches_(types_of(base, base.column_count()), {}, 16) {
  base.keep_rows_different();
}

void LoneByRow::begin(const JoinSide& self, bool reset) {
  reset_ = reset;
  if (reset) {
    matches_.clear();
  }
  fresh_.assign(self.rows(), 0);
  changed_.clear();
}

void LoneByRow::count(const JoinRows& self, const JoinRows& partners) {
  for (size_t i = 0; i < self.at.size(); ++i) {
    if (self.from_base) {
      changed_[self.at[i]] += partners.weight(i);
    } else {
      fresh_[self.at[i]] += partners.weight(i);
    }
  }
}

void LoneByRow::keep(std::span<const Column* const> columns, std::span<const int64_t> partners) {
  std::vector<uint64_t> hashes;
  hash_rows(columns, partners.size(), hashes);
  matches_.fault_in(columns, partners.size(), hashes);
  for (size_t i = 0; i < partners.size(); ++i) {
    if (partners[i] != 0) {
      uint32_t id = matches_.find_or_insert_one(columns, i, hashes[i]);
      matches_.fixed_as<int64_t>(id) = partners[i];
      matches_.mark_changed(id);
    } else if (uint32_t id = matches_.find_one(columns, i, hashes[i]); id != KeyedTable::kNone) {
      matches_.erase(id);
    }
  }
}

// Rows that this side held before the step, whose partners changed.
LoneChanges LoneByRow::finish_base(const JoinSide& self) {
  LoneChanges result{.from_base = true};
  if (self.base_empty) {
    return result;
  }
  std::vector<uint32_t> ids;
  if (reset_) {
    ids = self.base->all_rows();
  } else {
    for (const auto& [id, change] : changed_) {
      ids.push_back(id);
    }
  }
  std::vector<Column> rows = gather(*self.base, self.base->column_count(), ids);
  std::vector<const Column*> columns = pointers(rows);
  std::vector<uint64_t> hashes;
  hash_rows(columns, ids.size(), hashes);
  std::vector<uint32_t> known(ids.size());
  matches_.find(columns, ids.size(), hashes, known.data());
  std::vector<int64_t> partners(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    int64_t before = known[i] == KeyedTable::kNone ? 0 : matches_.fixed_as<int64_t>(known[i]);
    auto change = changed_.find(ids[i]);
    partners[i] = before + (change == changed_.end() ? 0 : change->second);
    bool shown = !reset_ && shows(kind_, before);
    bool shown_now = shows(kind_, partners[i]);
    if (shown != shown_now) {
      int64_t weight = self.base->weight(ids[i]);
      result.at.push_back(ids[i]);
      result.weights.push_back(shown_now ? weight : -weight);
    }
  }
  keep(columns, partners);
  return result;
}

// Rows of the delta. What they weighed before is the base's matter, done above.
LoneChanges LoneByRow::finish_delta(const JoinSide& self) {
  LoneChanges result;
  if (self.rows() == 0) {
    return result;
  }
  std::vector<uint32_t> ids(self.rows(), KeyedTable::kNone);
  if (!self.base_empty) {
    self.base->find_rows(self.columns, self.rows(), ids.data());
  }
  std::vector<int64_t> partners(self.rows());
  for (uint32_t row = 0; row < self.rows(); ++row) {
    if (shows(kind_, fresh_[row])) {
      result.at.push_back(row);
      result.weights.push_back(self.delta.weight(row));
    }
    int64_t before = ids[row] == KeyedTable::kNone ? 0 : self.base->weight(ids[row]);
    bool gone = before + self.delta.weight(row) == 0;
    partners[row] = gone ? 0 : fresh_[row];
  }
  keep(self.columns, partners);
  return result;
}

std::vector<LoneChanges> LoneByRow::finish(const JoinSide& self, const JoinSide&,
                                           const std::vector<bool>&) {
  std::vector<LoneChanges> result;
  result.push_back(finish_base(self));
  result.push_back(finish_delta(self));
  changed_.clear();
  return result;
}

}  // namespace tidemark
