#pragma once
// What $1, $2, ... of a statement stand for. Their types are declared by the client, or taken from
// the first place that wants one (PostgreSQL 15 manual, "Parse": a parameter whose type is left
// open is typed like an untyped literal string). A parameter with a value is bound as a literal;
// one without as NULL, or, where they are kept open, as a place for the value: a column of an
// enclosing query, which is the statement's execution.
//
// One thread.

#include <cstdint>
#include <vector>

#include "expr/expr.h"
#include "types/column.h"

namespace tidemark {

class Parameters {
 public:
  struct Parameter {
    Type type = Type::null();  // NULL's: not known yet
    bool has_value = false;
    Value value;  // of `type`; monostate: NULL
  };

  // `index` counts from 1, as in $1.
  void declare(uint32_t index, Type type) { at(index).type = std::move(type); }
  Parameter& at(uint32_t index) {
    if (all_.size() < index) {
      all_.resize(index);
    }
    return all_[index - 1];
  }
  size_t size() const { return all_.size(); }
  // A plan bound from here on serves every execution; values_in() makes one execution's of it.
  void keep_open() { is_open_ = true; }
  bool is_open() const { return is_open_; }
  // What stands in the place; null: it is not an open parameter.
  const Parameter* find_open(const Expr& expr) const;
  // The expression with the values in their places.
  ExprRef values_in(const ExprRef& expr) const;
  const std::vector<Parameter>& all() const { return all_; }

 private:
  std::vector<Parameter> all_;
  bool is_open_ = false;
};

ExprRef make_open_parameter(uint32_t index, Type type);
bool is_open_parameter(const Expr& expr);

constexpr uint32_t kParametersMax = 65535;  // Bind counts them in 16 bits

}  // namespace tidemark
