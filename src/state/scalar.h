#pragma once
// A few bytes of an operator's state that are neither rows nor groups: a counter, a flag.
//
// Thread rule: the step thread.

#include "base/bytes.h"
#include "state/state_table.h"
#include "state/store.h"

namespace tidemark {

template <typename T>
class Scalar final : public StateTable {
 public:
  const T& get() {
    load_all();
    return value_;
  }
  void set(T value) {
    load_all();
    is_changed_ = is_changed_ || value != value_;
    value_ = value;
  }

  void stage_some(StoreBatch& batch, size_t) override {
    stage_cleared(batch);
    if (is_changed_) {
      std::string bytes;
      append_fixed(value_, bytes);
      batch.put(prefix_, bytes);
      is_changed_ = false;
    }
  }
  void staged_is_durable() override {}
  size_t changed_entries() const override { return is_changed_ ? 1 : 0; }
  bool index_loose(size_t) override { return false; }
  bool warm(size_t) override {
    if (is_complete_) {
      return true;
    }
    Result<std::optional<std::string>> stored = store_->get(prefix_);
    if (!stored.ok()) {
      fail(stored.status());
      return false;
    }
    if (*stored) {
      ByteReader in(**stored);
      value_ = in.fixed<T>();
      if (!in.at_end()) {
        fail(Status::corruption("a counter of the state has a length that cannot be"));
      }
    }
    is_complete_ = true;
    return true;
  }
  size_t evict(size_t) override { return 0; }
  size_t surplus_entries() const override { return 0; }
  size_t held_bytes() const override { return 0; }
  size_t held_rows() const override { return 0; }

 private:
  T value_{};
  bool is_changed_ = false;
};

}  // namespace tidemark
