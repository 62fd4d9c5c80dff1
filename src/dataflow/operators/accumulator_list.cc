// LISTAGG, ARRAY_AGG and COLLECT: a result reads the group from its first value on.

#include "dataflow/operators/accumulator_ordered.h"
#include "types/nested.h"

namespace tidemark {

namespace {

class TextListAccumulator final : public OrderedAccumulator {
 public:
  using OrderedAccumulator::OrderedAccumulator;

 private:
  void finish_group(uint64_t number, Column& out) const override {
    const std::string& separator = std::get<std::string>(spec().parameter);
    std::string prefix = GroupValues::prefix(number), list;
    bool found = false;
    for_each_value(prefix, table().forward(prefix), [&](std::string_view key, int64_t copies) {
      Column value(spec().input_type);
      read_value(key, value);
      for (int64_t i = 0; i < copies; ++i) {
        list += found ? separator : "";
        list += value.string_at(0);
        found = true;
      }
      return true;
    });
    if (found) {
      out.append_string(list);
    } else {
      out.append_null();
    }
  }
};

class ArrayAccumulator final : public OrderedAccumulator {
 public:
  using OrderedAccumulator::OrderedAccumulator;

 private:
  void finish_group(uint64_t number, Column& out) const override {
    std::string prefix = GroupValues::prefix(number);
    Column elements(spec().input_type.as_nullable());
    for_each_value(prefix, table().forward(prefix), [&](std::string_view key, int64_t copies) {
      read_value(key, elements);
      size_t first = elements.size() - 1;
      for (int64_t i = 1; i < copies; ++i) {
        elements.append_copy(elements, first);
      }
      return true;
    });
    if (elements.size() == 0) {
      out.append_null();
    } else {
      out.append_string(pack_array(elements));
    }
  }
};

}  // namespace

std::unique_ptr<Accumulator> make_list_accumulator(const AggregateSpec& spec, Accumulator* keeper) {
  if (spec.kind == AggregateKind::kListAgg) {
    return std::make_unique<TextListAccumulator>(spec, keeper);
  }
  return std::make_unique<ArrayAccumulator>(spec, keeper);
}

}  // namespace tidemark
