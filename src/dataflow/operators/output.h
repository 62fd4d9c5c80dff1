#pragma once
// The end of a view's graph: its content, and what the steps since the last publication changed in
// it.
//
//   step ─► gathered: the step's batches, shared ──────────────────────────┐
//             │ another step comes before the publication, or state is     ├─► publish ─► content
//             ▼ looked at                                                  │
//           pending: rows of a table ──────────────────────────────────────┘
//
// In its tables the columns of the view's key come first, so that the rows of one key lie together
// in the store, and one row is found there without reading the content.
//
// Changes that take nothing back go into the content without being looked up (loose rows,
// state/keyed_table.h), and are published as they are. Others are added up first: one hash a row.
//
// Before the first publication nobody reads the content: what comes goes into it at once, so that a
// first content is never there twice, and leaves memory as other state does while it is being made.

#include <functional>

#include "dataflow/operator.h"
#include "state/keyed_table.h"
#include "state/scalar.h"
#include "zset/checksum.h"

namespace tidemark {

class OutputOperator final : public Operator {
 public:
  // `key`: columns that rows differ in; empty: none are known, or rows are not looked for by them.
  explicit OutputOperator(Schema schema, std::vector<size_t> key = {});

  std::string name() const override { return "Output"; }
  // Gathers changes; they become part of the content at publish().
  Status step(StepContext& context, std::span<const Delta> in, Delta& out) override;
  void visit_state(const StateVisitor& visit) override {
    settle(nullptr);
    visit(rows_);
    visit(pending_);
    visit(reset_pending_);
  }

  // Makes everything gathered visible and returns it. Rows that came and went since the last
  // publication are not in it; a row is in it more than once only if no row goes. `workers`: as in
  // StepContext.
  ZBatch publish(Workers* workers = nullptr);
  // The same of the first content, which is not returned: it may be more than fits into memory.
  void publish_first(Workers* workers);
  // The content is one that an earlier process has published.
  void resume() { is_published_ = true; }
  // The published content, each row once with its weight. Shares with the table what it can:
  // columns until they change, strings for good.
  ZBatch content();
  // The same for readers alone: rows that are only in the store do not come to the operator's
  // table.
  ZBatch passing_content();
  // About how many bytes the rows of the content take that are only there.
  uint64_t unloaded_bytes() const { return rows_.unloaded_bytes(); }
  // Small beside what a process has with the least of limits.
  static constexpr size_t kPieceRows = 1 << 14;
  // The content in pieces of up to so many rows. Those that are only in the store stay there; what
  // is in memory stays too. Until `f` says false. The operator is not to be changed meanwhile.
  void for_each_piece(size_t rows_max, const std::function<bool(ZBatch)>& f);
  // Of the content, read as by for_each_piece; after_piece() is called now and then.
  Checksum checksum(const std::function<void()>& after_piece);
  // Takes rows from the content, which may then have rows of negative weight: for one who compares.
  void subtract(const ZBatch& rows);
  // Whether the content needs nothing from the store.
  bool is_content_loaded() const { return rows_.is_complete(); }
  // The rows of the content, which is not loaded, whose columns key() equal row 0 of `values`, as
  // copies: reads these alone. There is a key.
  ZBatch find(std::span<const Column* const> values);
  // Ascending.
  const std::vector<size_t>& key() const { return key_; }
  // How the tables have the view's columns; empty: in their order.
  const std::vector<size_t>& stored_order() const { return order_; }
  size_t row_count() const { return rows_.size(); }
  const Schema& schema() const { return schema_; }
  // A row with negative weight stands in the content: the source or an operator is at fault.
  bool has_negative_rows() const { return negative_rows_ != 0; }

 private:
  // Moves what is gathered to pending_, or into the content that is not published yet.
  void settle(Workers* workers);
  void add_pending(const ZBatch& batch, Workers* workers);
  ZBatch take_changes(Workers* workers);
  ZBatch stored_content();
  ZBatch in_view_order(ZBatch stored) const;
  std::vector<const Column*> columns_in_view_order() const;
  // The content's rows go with those pending, as far as they do not come again.
  void take_back_content();
  // Changes the content. `batches` take nothing back.
  void change(const ZBatch& batch, Workers* workers);
  void insert(std::span<const ZBatch> batches, Workers* workers);
  void apply(const ZBatch& changes, std::span<const uint64_t> hashes);

  Schema schema_;
  std::vector<size_t> key_;
  std::vector<size_t> order_;
  KeyedTable rows_;     // whole rows -> weight
  KeyedTable pending_;  // whole rows -> change of weight
  Scalar<uint8_t> reset_pending_;
  std::vector<ZBatch> gathered_;  // of the last step, in stored order; later than pending_
  bool is_published_ = false;
  size_t negative_rows_ = 0;
  std::vector<uint64_t> hashes_;  // scratch
  std::vector<uint32_t> ids_;
};

}  // namespace tidemark
