#pragma once
// How one aggregate function is maintained for all groups of an operator: fixed-width bytes in each
// group's row of the table, updated a batch at a time under weights of either sign.

#include <cstring>
#include <memory>
#include <span>

#include "expr/aggregate.h"
#include "expr/function.h"
#include "state/keyed_table.h"
#include "types/key_codec.h"

namespace tidemark {

struct AggregateSpec {
  AggregateKind kind = AggregateKind::kCountStar;
  size_t input = 0;  // column; not read for COUNT(*)
  bool distinct = false;
  std::optional<size_t> filter;  // BOOLEAN column: only rows where it is TRUE
  Type input_type;
  Type result_type;
  std::vector<SortKey> order{};  // of the values; those that are equal in it are in their own order
  std::vector<Type> order_types{};
  Value parameter{};         // see AggregateFunction
  bool ignore_nulls = true;  // for those that can see NULLs
  bool insert_only = false;  // rows are never taken back: no value is kept but what shows
  // The function, earlier in the list, that keeps the same values in the same way for both.
  std::optional<size_t> keeper{};
};

using AccumulatorInputs = std::span<const Column* const>;

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  virtual size_t bytes() const = 0;  // a multiple of 16
  // Where this accumulator's bytes begin in a group's fixed bytes.
  virtual void set_offset(size_t offset) { offset_ = offset; }

  // Adds rows [0, rows) of the inputs, row i to group ids[i] with weights[i] (null: all +1).
  // inputs[0] is the argument, then come the columns of the spec's order. Weights of NULL arguments
  // count for nothing, but where the spec says so.
  virtual void update(KeyedTable& groups, std::span<const uint32_t> ids, AccumulatorInputs inputs,
                      const int64_t* weights) = 0;
  // Appends the result of each group. A result that does not exist is NULL and reported in errors
  // (row = index into ids).
  virtual void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
                      std::vector<RowError>& errors) const = 0;
  // The group is about to be erased.
  virtual void release(KeyedTable&, uint32_t) {}
  // All groups are gone.
  virtual void clear() {}

  // Whether a group to which rows only come is its fixed bytes, and what it keeps beside them, and
  // no more: these can be kept, and taken up again later.
  virtual bool grows_in_bytes() const { return false; }
  // Where it is: whether two groups have the same result, whatever rows come to both.
  virtual bool grow_alike(const KeyedTable& groups, uint32_t a, uint32_t b) const {
    return std::memcmp(&at<std::byte>(groups, a), &at<std::byte>(groups, b), bytes()) == 0;
  }

  // Its own tables (of values of groups), for Operator::visit_state.
  virtual void visit_state(const StateVisitor& visit) { static_cast<void>(visit); }
  // Whether a group's bytes refer to memory beside them; then what EntryExtension asks for.
  virtual bool keeps_beside() const { return false; }
  virtual void append_beside(const KeyedTable&, uint32_t, std::string&) const {}
  virtual void read_beside(KeyedTable&, uint32_t, ByteReader&) {}
  virtual void release_beside(KeyedTable&, uint32_t) {}

 protected:
  // Its bytes of all groups, for loops over rows.
  template <typename T>
  class States {
   public:
    States(std::byte* first, size_t stride) : first_(first), stride_(stride) {}
    T& operator[](uint32_t id) const { return *reinterpret_cast<T*>(first_ + id * stride_); }

   private:
    std::byte* first_;
    size_t stride_;
  };
  // Valid until the table takes in rows.
  template <typename T>
  States<T> states(KeyedTable& groups) const {
    return {groups.fixed(0) + offset_, groups.fixed_bytes()};
  }
  std::string beside_of(const KeyedTable& groups, uint32_t id) const {
    std::string bytes;
    append_beside(groups, id, bytes);
    return bytes;
  }
  template <typename T>
  T& at(KeyedTable& groups, uint32_t id) const {
    return *reinterpret_cast<T*>(groups.fixed(id) + offset_);
  }
  template <typename T>
  const T& at(const KeyedTable& groups, uint32_t id) const {
    return *reinterpret_cast<const T*>(groups.fixed(id) + offset_);
  }

 private:
  size_t offset_ = 0;
};

// Whether the accumulator is to be given the different values only (operators/distinct_values.h).
bool is_over_different_values(const AggregateSpec& spec);
// The input column of COUNT(*) may be of any type, without NULLs.
// `keeper`: that of spec.keeper, which outlives it and is updated before it.
std::unique_ptr<Accumulator> make_accumulator(const AggregateSpec& spec,
                                              Accumulator* keeper = nullptr);

}  // namespace tidemark
