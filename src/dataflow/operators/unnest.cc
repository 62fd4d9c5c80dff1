#include "dataflow/operators/unnest.h"

#include <algorithm>

#include "types/nested.h"

namespace tidemark {

namespace {

// One collection of one row on its way to columns.
struct Elements {
  std::string_view bytes;
  uint32_t left = 0;
};

// Appends one element, or NULLs if there is none left.
void append_element(const Type& collection, Elements& elements, std::span<Column> out) {
  if (elements.left == 0) {
    for (Column& column : out) {
      column.append_null();
    }
    return;
  }
  --elements.left;
  const Type& element = collection.children[0];
  if (collection.kind == TypeKind::kMap || element.kind != TypeKind::kRow) {
    for (Column& column : out) {
      unpack_element(elements.bytes, column);
    }
    return;
  }
  Column row(element);
  unpack_element(elements.bytes, row);
  std::string_view fields = row.is_null(0) ? std::string_view() : row.string_at(0);
  for (Column& column : out) {
    if (row.is_null(0)) {
      column.append_null();
    } else {
      unpack_element(fields, column);
    }
  }
}

}  // namespace

UnnestOperator::UnnestOperator(const std::vector<Type>& types, UnnestSpec spec)
    : spec_(std::move(spec)), types_(types) {}

ZBatch UnnestOperator::unnest(const ZBatch& in) const {
  std::vector<std::vector<Column>> elements;
  for (size_t collection : spec_.collections) {
    std::vector<Column>& columns = elements.emplace_back();
    for (const Field& field : unnested_fields(types_[collection])) {
      columns.emplace_back(field.type);
    }
  }
  Column places(Type::integer());
  std::vector<uint32_t> rows;
  ZBatch out;
  std::vector<Elements> now(spec_.collections.size());
  for (uint32_t row = 0; row < in.rows.rows; ++row) {
    uint32_t longest = 0;
    for (size_t i = 0; i < now.size(); ++i) {
      const Column& column = *in.rows.columns[spec_.collections[i]];
      now[i] = {};
      if (!column.is_null(row)) {
        now[i].bytes = column.string_at(row);
        now[i].left = packed_count(now[i].bytes);
        now[i].bytes.remove_prefix(4);
      }
      longest = std::max(longest, now[i].left);
    }
    uint32_t given = longest == 0 && spec_.keeps_empty ? 1 : longest;
    for (uint32_t place = 1; place <= given; ++place) {
      for (size_t i = 0; i < now.size(); ++i) {
        append_element(types_[spec_.collections[i]], now[i], elements[i]);
      }
      if (longest == 0) {
        places.append_null();
      } else {
        places.append(static_cast<int32_t>(place));
      }
      rows.push_back(row);
      out.weights.push_back(in.weight(row));
    }
  }
  out.rows = in.rows.select(rows);
  out.rows.rows = rows.size();
  for (std::vector<Column>& columns : elements) {
    for (Column& column : columns) {
      out.rows.columns.push_back(std::make_shared<const Column>(std::move(column)));
    }
  }
  if (spec_.with_ordinality) {
    out.rows.columns.push_back(std::make_shared<const Column>(std::move(places)));
  }
  return out;
}

Status UnnestOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  out.reset = in[0].reset;
  for (const ZBatch& batch : in[0].batches) {
    if (batch.rows.rows == 0) {
      continue;
    }
    ZBatch unnested = unnest(batch);
    if (unnested.rows.rows != 0) {
      out.batches.push_back(std::move(unnested));
    }
  }
  return {};
}

}  // namespace tidemark
