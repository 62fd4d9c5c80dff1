#include "dataflow/operators/output.h"

#include <algorithm>

#include "types/column_copy.h"
#include "types/hash.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

std::vector<const Column*> pointers(const RowBatch& rows) {
  std::vector<const Column*> columns;
  for (const ColumnRef& column : rows.columns) {
    columns.push_back(column.get());
  }
  return columns;
}

// The table's rows with ids from `first` on, up to `end`. Other threads may read them while it goes
// on changing: a column is the table's own until that changes it; strings stay where they are in
// its heap.
ZBatch collect(const KeyedTable& table, size_t first, size_t end) {
  std::vector<uint32_t> ids;
  ZBatch result;
  bool is_weighted = false;
  for (auto id = static_cast<uint32_t>(first); id < end; ++id) {
    int64_t weight = table.fixed_as<int64_t>(id);
    if (table.is_live(id) && weight != 0) {
      ids.push_back(id);
      result.weights.push_back(weight);
      is_weighted = is_weighted || weight != 1;
    }
  }
  if (!is_weighted) {
    result.weights = {};
  }
  result.rows.rows = ids.size();
  bool is_whole = ids.size() == table.id_limit();
  for (size_t c = 0; c < table.key_count(); ++c) {
    const Column& key = table.key(c);
    if (is_whole && key.physical() != PhysicalKind::kString) {
      result.rows.columns.push_back(table.shared_key(c));
      continue;
    }
    auto column = std::make_shared<Column>(key.type());
    is_whole ? column->append_all(key) : column->append_rows(key, ids);
    result.rows.columns.push_back(std::move(column));
  }
  return result;
}

ZBatch collect(const KeyedTable& table) {
  return collect(table, 0, table.id_limit());
}

// Copies of some of them.
ZBatch collect(const KeyedTable& table, std::span<const uint32_t> ids) {
  ZBatch result;
  result.rows.rows = ids.size();
  for (uint32_t id : ids) {
    result.weights.push_back(table.fixed_as<int64_t>(id));
  }
  for (size_t c = 0; c < table.key_count(); ++c) {
    auto column = std::make_shared<Column>(table.key(c).type());
    append_copies(*column, table.key(c), ids);
    result.rows.columns.push_back(std::move(column));
  }
  return result;
}

// What operators made, under the types of the view.
void set_types(ZBatch& batch, const KeyedTable& table) {
  for (size_t c = 0; c < table.key_count(); ++c) {
    ColumnRef& column = batch.rows.columns[c];
    if (const Type& type = table.key(c).type(); !column->type().same_as(type)) {
      auto typed = std::make_shared<Column>(*column);
      typed->set_type(type);
      column = std::move(typed);
    }
  }
}

std::vector<size_t> ascending(std::vector<size_t> columns) {
  std::ranges::sort(columns);
  return columns;
}

// All columns, these first; empty: they are first.
std::vector<size_t> order_with_first(const std::vector<size_t>& first, size_t columns) {
  std::vector<size_t> order = first;
  for (size_t column = 0; column < columns; ++column) {
    if (std::ranges::find(first, column) == first.end()) {
      order.push_back(column);
    }
  }
  return std::ranges::is_sorted(order) ? std::vector<size_t>() : order;
}

// The batch's columns in this order; empty: as they are.
ZBatch in_order(const ZBatch& batch, const std::vector<size_t>& order) {
  if (order.empty()) {
    return batch;
  }
  ZBatch ordered{.rows = {.columns = {}, .rows = batch.rows.rows}, .weights = batch.weights};
  for (size_t column : order) {
    ordered.rows.columns.push_back(batch.rows.columns[column]);
  }
  return ordered;
}

KeyedTable weighted_rows(const Schema& schema, const std::vector<size_t>& order) {
  std::vector<Type> types = schema.types();
  for (size_t c = 0; c < order.size(); ++c) {
    types[c] = schema[order[c]].type;
  }
  return {std::move(types), {}, sizeof(int64_t)};
}

}  // namespace

OutputOperator::OutputOperator(Schema schema, std::vector<size_t> key)
    : schema_(std::move(schema)),
      key_(ascending(std::move(key))),
      order_(order_with_first(key_, schema_.size())),
      rows_(weighted_rows(schema_, order_)),
      pending_(weighted_rows(schema_, order_)) {}

Status OutputOperator::step(StepContext& context, std::span<const Delta> in, Delta&) {
  if (in[0].reset) {
    gathered_.clear();
    if (is_published_) {
      pending_.clear();
      reset_pending_.set(1);
    } else {
      rows_.clear();
      negative_rows_ = 0;
    }
  }
  settle(context.workers);
  for (const ZBatch& batch : in[0].batches) {
    if (batch.rows.rows != 0) {
      gathered_.push_back(in_order(batch, order_));
    }
  }
  return {};
}

void OutputOperator::settle(Workers* workers) {
  for (const ZBatch& batch : gathered_) {
    is_published_ ? add_pending(batch, workers) : change(batch, workers);
  }
  gathered_.clear();
}

void OutputOperator::add_pending(const ZBatch& batch, Workers* workers) {
  std::vector<const Column*> columns = pointers(batch.rows);
  if (pending_.takes_loose() && !has_retractions(std::span(&batch, 1))) {
    pending_.append_loose(columns, batch.rows.rows, batch.weights, workers);
    pending_.sample_loose();
    return;
  }
  hash_rows(columns, batch.rows.rows, hashes_);
  ids_.resize(batch.rows.rows);
  pending_.find_or_insert(columns, batch.rows.rows, hashes_, ids_.data());
  for (size_t i = 0; i < batch.rows.rows; ++i) {
    pending_.fixed_as<int64_t>(ids_[i]) += batch.weight(i);
    pending_.mark_changed(ids_[i]);
  }
}

void OutputOperator::take_back_content() {
  ZBatch gone = negated(stored_content());
  if (gone.rows.rows != 0) {
    add_pending(gone, nullptr);
  }
}

ZBatch OutputOperator::publish(Workers* workers) {
  bool is_there = !is_published_ && (rows_.size() != 0 || !rows_.is_complete());
  if (is_there) {
    publish_first(workers);
    return in_view_order(rows_.is_complete() ? collect(rows_) : stored_content());
  }
  is_published_ = true;
  return in_view_order(take_changes(workers));
}

void OutputOperator::publish_first(Workers* workers) {
  CHECK(!is_published_);
  settle(workers);
  is_published_ = true;
}

ZBatch OutputOperator::in_view_order(ZBatch stored) const {
  if (order_.empty()) {
    return stored;
  }
  std::vector<ColumnRef> columns = stored.rows.columns;
  for (size_t c = 0; c < order_.size(); ++c) {
    stored.rows.columns[order_[c]] = std::move(columns[c]);
  }
  return stored;
}

ZBatch OutputOperator::take_changes(Workers* workers) {
  bool is_reset = reset_pending_.get() != 0;
  pending_.load_all();
  if (is_reset || pending_.size() != 0) {
    settle(workers);
    if (is_reset) {
      take_back_content();
      reset_pending_.set(0);
    }
    ZBatch changes = collect(pending_);
    bool is_first = rows_.is_complete() && rows_.size() == 0 && pending_.is_complete();
    if (is_first && changes.rows.rows == pending_.size() &&
        !has_retractions(std::span(&changes, 1))) {
      rows_.take_rows(pending_);
      return changes;
    }
    pending_.clear();
    gathered_.push_back(std::move(changes));
  }
  std::vector<ZBatch> batches = std::move(gathered_);
  gathered_.clear();
  for (ZBatch& batch : batches) {
    set_types(batch, rows_);
  }
  if (batches.empty()) {
    return collect(pending_);
  }
  if (!has_retractions(batches)) {
    insert(batches, workers);
    return concatenate(batches);
  }
  std::vector<uint64_t> hashes;
  ZBatch changes = consolidate(batches, hashes);
  apply(changes, hashes);
  return changes;
}

void OutputOperator::change(const ZBatch& batch, Workers* workers) {
  if (!has_retractions(std::span(&batch, 1))) {
    insert(std::span(&batch, 1), workers);
    return;
  }
  hash_rows(pointers(batch.rows), batch.rows.rows, hashes_);
  apply(batch, hashes_);
}

void OutputOperator::insert(std::span<const ZBatch> batches, Workers* workers) {
  for (const ZBatch& batch : batches) {
    std::vector<const Column*> columns = pointers(batch.rows);
    if (rows_.takes_loose() && negative_rows_ == 0) {
      rows_.append_loose(columns, batch.rows.rows, batch.weights, workers);
      rows_.sample_loose();
    } else {
      hash_rows(columns, batch.rows.rows, hashes_);
      apply(batch, hashes_);
    }
  }
}

void OutputOperator::apply(const ZBatch& changes, std::span<const uint64_t> hashes) {
  size_t rows = changes.rows.rows;
  std::vector<const Column*> columns = pointers(changes.rows);
  ids_.resize(rows);
  rows_.find_or_insert(columns, rows, hashes, ids_.data());
  for (size_t i = 0; i < rows; ++i) {
    int64_t& weight = rows_.fixed_as<int64_t>(ids_[i]);
    negative_rows_ -= weight < 0 ? 1 : 0;
    weight += changes.weight(i);
    negative_rows_ += weight < 0 ? 1 : 0;
    rows_.mark_changed(ids_[i]);
  }
  // Afterwards: a row that goes gives its id away.
  for (size_t i = 0; i < rows; ++i) {
    uint32_t id = ids_[i];
    bool is_there = id < rows_.id_limit() && rows_.is_live(id);
    if (is_there && rows_.fixed_as<int64_t>(id) == 0) {
      rows_.erase(id, hashes[i]);
    }
  }
}

ZBatch OutputOperator::content() {
  return in_view_order(stored_content());
}

ZBatch OutputOperator::passing_content() {
  std::vector<ZBatch> pieces;
  for_each_piece(SIZE_MAX, [&](ZBatch piece) {
    pieces.push_back(std::move(piece));
    return true;
  });
  return pieces.empty() ? content() : pieces.size() == 1 ? pieces[0] : concatenate(pieces);
}

void OutputOperator::subtract(const ZBatch& rows) {
  change(negated(in_order(rows, order_)), nullptr);
}

ZBatch OutputOperator::find(std::span<const Column* const> values) {
  CHECK(!key_.empty() && values.size() == key_.size());
  return in_view_order(collect(rows_, rows_.find_prefix(values, 0)));
}

void OutputOperator::for_each_piece(size_t rows_max, const std::function<bool(ZBatch)>& f) {
  if (!is_published_) {
    return;
  }
  rows_.unite();
  rows_.hold(true);
  bool goes_on = true;
  for (size_t first = 0, end; goes_on && first < rows_.id_limit(); first = end) {
    end = first + std::min(rows_max, rows_.id_limit() - first);
    ZBatch piece = collect(rows_, first, end);
    goes_on = piece.rows.rows == 0 || f(in_view_order(std::move(piece)));
  }
  if (goes_on) {
    rows_.for_each_stored(rows_max,
                          [&](ZBatch piece) { return f(in_view_order(std::move(piece))); });
  }
  rows_.hold(false);
}

std::vector<const Column*> OutputOperator::columns_in_view_order() const {
  std::vector<const Column*> columns(rows_.key_count());
  for (size_t c = 0; c < columns.size(); ++c) {
    columns[order_.empty() ? c : order_[c]] = &rows_.key(c);
  }
  return columns;
}

// Loose rows stay so: equal ones add up here too.
Checksum OutputOperator::checksum(const std::function<void()>& after_piece) {
  Checksum sum;
  if (!is_published_) {
    return sum;
  }
  bool is_loaded = rows_.is_complete();
  if (!is_loaded) {
    rows_.unite();
  }
  rows_.hold(true);
  std::vector<const Column*> columns = columns_in_view_order();
  for (size_t first = 0, end; first < rows_.id_limit(); first = end) {
    end = first + std::min(kPieceRows, rows_.id_limit() - first);
    sum.add(columns, first, end - first, [&](size_t row) {
      auto id = static_cast<uint32_t>(row);
      return rows_.is_live(id) ? rows_.fixed_as<int64_t>(id) : 0;
    });
  }
  if (!is_loaded) {
    rows_.for_each_stored(kPieceRows, [&](ZBatch piece) {
      piece = in_view_order(std::move(piece));
      sum.add(pointers(piece.rows), 0, piece.rows.rows,
              [&](size_t row) { return piece.weight(row); });
      after_piece();
      return true;
    });
  }
  rows_.hold(false);
  return sum;
}

ZBatch OutputOperator::stored_content() {
  if (!is_published_) {
    return collect(KeyedTable(weighted_rows(schema_, order_)));
  }
  rows_.load_all();
  rows_.unite();
  return collect(rows_);
}

}  // namespace tidemark
