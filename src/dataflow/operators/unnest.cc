#include "dataflow/operators/unnest.h"

#include <algorithm>
#include <utility>

#include "types/nested.h"

namespace tidemark {

namespace {

// Bounds the batches, however many elements a row has.
constexpr size_t kPieceRows = 64 << 10;

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

UnnestOperator::Piece UnnestOperator::new_piece() const {
  Piece piece{.elements = {}, .places = Column(Type::integer()), .rows = {}, .weights = {}};
  for (size_t collection : spec_.collections) {
    std::vector<Column>& columns = piece.elements.emplace_back();
    for (const Field& field : unnested_fields(types_[collection])) {
      columns.emplace_back(field.type);
    }
  }
  return piece;
}

ZBatch UnnestOperator::to_batch(Piece piece, const RowBatch& in) const {
  ZBatch out{in.select(piece.rows), std::move(piece.weights)};
  out.rows.rows = piece.rows.size();
  for (std::vector<Column>& columns : piece.elements) {
    for (Column& column : columns) {
      out.rows.columns.push_back(std::make_shared<const Column>(std::move(column)));
    }
  }
  if (spec_.with_ordinality) {
    out.rows.columns.push_back(std::make_shared<const Column>(std::move(piece.places)));
  }
  return out;
}

Status UnnestOperator::unnest(const StepContext& context, const ZBatch& in, size_t& made_bytes,
                              Delta& out) const {
  Piece piece = new_piece();
  auto flush = [&] {
    out.batches.push_back(to_batch(std::exchange(piece, new_piece()), in.rows));
    made_bytes += held_bytes(out.batches.back());
    return context.may_go_on(made_bytes);
  };
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
        append_element(types_[spec_.collections[i]], now[i], piece.elements[i]);
      }
      if (longest == 0) {
        piece.places.append_null();
      } else {
        piece.places.append(static_cast<int32_t>(place));
      }
      piece.rows.push_back(row);
      piece.weights.push_back(in.weight(row));
      if (piece.rows.size() == kPieceRows) {
        TRY(flush());
      }
    }
  }
  return piece.rows.empty() ? Status() : flush();
}

Status UnnestOperator::step(StepContext& context, std::span<const Delta> in, Delta& out) {
  out.reset = in[0].reset;
  size_t made_bytes = 0;
  for (const ZBatch& batch : in[0].batches) {
    TRY(unnest(context, batch, made_bytes, out));
  }
  return {};
}

}  // namespace tidemark
