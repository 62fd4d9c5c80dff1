#pragma once
// How one aggregate function is maintained for all groups of an operator: fixed-width bytes in each
// group's row of the table, updated a batch at a time under weights of either sign.

#include <memory>
#include <span>

#include "expr/aggregate.h"
#include "expr/function.h"
#include "state/keyed_table.h"

namespace tidemark {

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  virtual size_t bytes() const = 0;  // a multiple of 16
  // Where this accumulator's bytes begin in a group's fixed bytes.
  virtual void set_offset(size_t offset) { offset_ = offset; }

  // Adds rows [0, rows) of input, row i to group ids[i] with weights[i] (null: all +1). Weights of
  // NULL inputs count for nothing.
  virtual void update(KeyedTable& groups, std::span<const uint32_t> ids, const Column& input,
                      const int64_t* weights) = 0;
  // Appends the result of each group. A result that does not exist is NULL and reported in errors
  // (row = index into ids).
  virtual void finish(const KeyedTable& groups, std::span<const uint32_t> ids, Column& out,
                      std::vector<RowError>& errors) const = 0;
  // The group is about to be erased.
  virtual void release(KeyedTable&, uint32_t) {}
  // All groups are gone.
  virtual void clear() {}

  // Its own tables (of values of groups), for Operator::visit_state.
  virtual void visit_state(const StateVisitor& visit) { static_cast<void>(visit); }
  // Whether a group's bytes refer to memory beside them; then what EntryExtension asks for.
  virtual bool keeps_beside() const { return false; }
  virtual void append_beside(const KeyedTable&, uint32_t, std::string&) const {}
  virtual void read_beside(KeyedTable&, uint32_t, ByteReader&) {}
  virtual void release_beside(KeyedTable&, uint32_t) {}

 protected:
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

// `input` is the argument's type (ignored for COUNT(*), whose input column may be of any type
// without NULLs).
std::unique_ptr<Accumulator> make_accumulator(AggregateKind kind, const Type& input,
                                              const Type& result);
// The same over the different values of each group.
std::unique_ptr<Accumulator> make_distinct_accumulator(std::unique_ptr<Accumulator> inner,
                                                       const Type& input);

}  // namespace tidemark
