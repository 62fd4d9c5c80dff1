#pragma once
// What $1, $2, ... of a statement stand for. Their types are declared by the client, or taken from
// the first place that wants one (PostgreSQL 15 manual, "Parse": a parameter whose type is left
// open is typed like an untyped literal string). A parameter with a value is bound as a literal.
//
// One thread.

#include <cstdint>
#include <vector>

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
  const std::vector<Parameter>& all() const { return all_; }

 private:
  std::vector<Parameter> all_;
};

constexpr uint32_t kParametersMax = 65535;  // Bind counts them in 16 bits

}  // namespace tidemark
