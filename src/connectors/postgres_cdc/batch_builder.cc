#include "connectors/postgres_cdc/batch_builder.h"

#include <numeric>

#include <fmt/core.h>

namespace tidemark {

BatchBuilder::BatchBuilder(const ReaderPlan& plan) : plan_(&plan) {
  start();
}

void BatchBuilder::start() {
  columns_ = make_columns(plan_->schema());
  kinds_.clear();
  unchanged_.clear();
  bytes_ = 0;
  committed_rows_ = 0;
}

Status BatchBuilder::append(RowKind kind, const PgRow& row, const RelationMap& map,
                            const PgRow* old_row, Take take) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const RelationMap::Column& source = map.columns[i];
    Column& column = columns_[i];
    if (source.index >= row.size()) {
      return Status::corruption("a row of the change stream is shorter than its table");
    }
    const PgField* field = &row[source.index];
    if (take == Take::kKey && !plan_->columns[i].in_key) {
      column.append_null();
      continue;
    }
    if (field->kind == 'u' && old_row != nullptr && source.index < old_row->size()) {
      field = &(*old_row)[source.index];
    }
    switch (field->kind) {
      case 'b':
      case 't': {
        bytes_ += field->bytes.size();
        Status status;
        if (field->kind == 't') {
          status = source.decoder.decode_text(field->bytes, column);
        } else if (source.decoder.has_binary()) {
          status = source.decoder.decode_binary(field->bytes, column);
        } else {
          status = Status::corruption("binary where text was asked for");
        }
        if (!status.ok()) [[unlikely]] {
          return std::move(status).with_context(
              fmt::format("cannot read column {}", plan_->columns[i].name));
        }
        break;
      }
      case 'u':
        unchanged_.resize(columns_.size());
        unchanged_[i].resize(kinds_.size() + 1);
        unchanged_[i].back() = 1;
        column.append_null();
        break;
      default:
        column.append_null();
        break;
    }
  }
  kinds_.push_back(kind);
  bytes_ += columns_.size() * 16 + 1;
  return {};
}

ChangeBatch BatchBuilder::take() {
  ChangeBatch batch;
  batch.rows = to_batch(std::move(columns_));
  batch.rows.rows = kinds_.size();
  batch.kinds = std::move(kinds_);
  batch.old_rows = plan_->old_rows;
  for (std::vector<uint8_t>& marks : unchanged_) {
    if (!marks.empty()) {
      marks.resize(batch.kinds.size());
    }
  }
  batch.unchanged = std::move(unchanged_);
  start();
  return batch;
}

ChangeBatch BatchBuilder::take_committed() {
  size_t cut = committed_rows_;
  if (cut == kinds_.size()) {
    return take();
  }
  ChangeBatch whole = take();
  std::vector<uint32_t> chosen(whole.kinds.size());
  std::iota(chosen.begin(), chosen.end(), 0);
  std::span<const uint32_t> head = std::span(chosen).first(cut),
                            tail = std::span(chosen).subspan(cut);
  // What stays is copied with its strings, so that the batch handed out does not live as long as
  // this.
  for (size_t i = 0; i < columns_.size(); ++i) {
    for (uint32_t row : tail) {
      columns_[i].append_copy(*whole.rows.columns[i], row);
    }
  }
  kinds_.assign(whole.kinds.begin() + static_cast<ptrdiff_t>(cut), whole.kinds.end());
  bytes_ = tail.size() * (columns_.size() * 16 + 1);
  ChangeBatch batch;
  batch.rows = whole.rows.select(head);
  batch.rows.rows = cut;
  batch.kinds.assign(whole.kinds.begin(), whole.kinds.begin() + static_cast<ptrdiff_t>(cut));
  batch.old_rows = whole.old_rows;
  if (!whole.unchanged.empty()) {
    unchanged_.resize(columns_.size());
    batch.unchanged.resize(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::vector<uint8_t>& marks = whole.unchanged[i];
      if (!marks.empty()) {
        batch.unchanged[i].assign(marks.begin(), marks.begin() + static_cast<ptrdiff_t>(cut));
        unchanged_[i].assign(marks.begin() + static_cast<ptrdiff_t>(cut), marks.end());
      }
    }
  }
  return batch;
}

}  // namespace tidemark
