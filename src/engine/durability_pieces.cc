// The part of Durability that stages the state of a new dataflow in pieces, a piece a turn
// (decision 0041): what is shown beside it is not to wait for a first content to be copied as a
// whole.
//
//   turn      piece ─► gathered    piece ─► gathered    ...    the rest ─► batch ─► written
//
// Checkpoints of all others go on meanwhile. Nothing of a dataflow is used after a restart before
// its record says that it is live, and that is in the batch which has the last of it.

#include <algorithm>

#include "engine/durability.h"
#include "engine/step_loop.h"

namespace tidemark {

namespace {

constexpr size_t kPieceEntries = 4'096;    // at least: some 2 ms of the step thread
constexpr size_t kPiecesMax = 64;          // into so many what is left is cut
constexpr size_t kSimulatedEntries = 3;    // so that there are pieces
constexpr size_t kGatheredMax = 64 << 20;  // bytes, of one batch

}  // namespace

size_t Durability::piece_entries() const {
  return is_simulated_ ? kSimulatedEntries : kPieceEntries;
}

bool Durability::has_all_of(DataflowId id) const {
  auto record = dataflows_.find(id);
  return record != dataflows_.end() && record->second.is_live;
}

// A job's sink needs the batch whole. Where nobody else would wait, or memory may become short, all
// at once is sooner done; so it is when more comes than goes to the disk.
bool Durability::goes_in_pieces(Dataflow& dataflow) {
  auto record = dataflows_.find(dataflow.id);
  if (!has_spare_room_ || is_ending_ || record == dataflows_.end() || record->second.is_live ||
      dataflow.sink != nullptr || dataflow.failed ||
      std::ranges::none_of(dataflows_, [](const auto& other) {
        return other.second.is_live && other.second.object != 0;
      })) {
    return false;
  }
  Changed changed = changed_in(dataflow);
  return changed.entries > 2 * piece_entries() && (memory_limit_ == 0 || !is_much(changed.bytes));
}

// True: there was something to do. Rows that only came get their places before they are staged.
bool Durability::gather_piece(Dataflow& dataflow) {
  size_t piece = std::max(piece_entries(), changed_in(dataflow).entries / kPiecesMax);
  size_t left = piece;
  bool is_done = false;
  visit_tables(dataflow, [&](NodeId, size_t, StateTable& table) {
    is_done = is_done || table.index_loose(left);
  });
  if (is_done) {
    return true;
  }
  visit_tables(dataflow, [&](NodeId, size_t, StateTable& table) {
    if (left != 0) {
      size_t before = table.changed_entries();
      table.stage_some(gathered_, left);
      left -= std::min(left, before - std::min(before, table.changed_entries()));
    }
  });
  gathered_of_.insert(dataflow.id);
  return left != piece;
}

// What is in the batch that is being written stays as it is until that is on disk.
void Durability::go_on_with_pieces() {
  has_pieces_ = false;
  if (gathered_.size_bytes() > kGatheredMax) {
    is_changed_ = true;
    hurry();  // as soon as the one before is on disk
    return;
  }
  for (auto& [id, record] : dataflows_) {
    Dataflow* dataflow = record.is_live ? nullptr : loop_->find_dataflow(id);
    bool is_on_its_way = writer_->is_writing() && std::ranges::find(staged_, id) != staged_.end();
    if (dataflow != nullptr && !is_on_its_way && goes_in_pieces(*dataflow) &&
        gather_piece(*dataflow)) {
      has_pieces_ = true;
      return;
    }
  }
  bool is_complete = std::ranges::any_of(gathered_of_, [&](DataflowId id) {
    Dataflow* dataflow = loop_->find_dataflow(id);
    return dataflow != nullptr && (dataflow->live || dataflow->is_part()) && dataflow->ready() &&
           !goes_in_pieces(*dataflow);
  });
  if (is_complete && !writer_->is_writing()) {
    is_changed_ = true;
    hurry();
  }
}

// What has been gathered goes with the next batch if that is to have the rest of some of it, or it
// is much.
StoreBatch Durability::take_gathered() {
  bool is_wanted = gathered_.size_bytes() > kGatheredMax;
  for (DataflowId id : gathered_of_) {
    Dataflow* dataflow = loop_->find_dataflow(id);
    is_wanted = is_wanted || dataflow == nullptr || !goes_in_pieces(*dataflow);
  }
  if (!is_wanted) {
    return {};
  }
  staged_.assign(gathered_of_.begin(), gathered_of_.end());
  gathered_of_.clear();
  return std::exchange(gathered_, StoreBatch());
}

}  // namespace tidemark
