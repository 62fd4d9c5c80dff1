#pragma once
// Scalar functions: one visible table per family (functions/*.cc), each entry with its rule for
// types, its vectorised kernel, its documentation and an example that a test runs.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/column.h"

namespace tidemark {

// An argument column of a kernel. A constant is a column of one row read with stride 0.
struct Argument {
  const Column* column;
  size_t stride;  // 0 or 1

  template <typename T>
  const T& at(size_t row) const {
    return column->data<T>()[row * stride];
  }
  std::string_view string_at(size_t row) const {
    return column->data<StringRef>()[row * stride].view();
  }
  bool is_null(size_t row) const { return column->is_null(row * stride); }
  bool is_constant() const { return stride == 0; }
};

// A row whose value cannot be computed. It has no result; the row is reported instead.
struct RowError {
  uint32_t row;
  Status status;
};

enum class FunctionText : uint8_t { kArguments, kResult, kDefinition };

// Names and numbers of objects, for the functions of pg_catalog. Implemented above this layer.
class SystemNames {
 public:
  virtual ~SystemNames() = default;
  // The object of a name as it would be written in a statement ("public.costs", "costs").
  virtual std::optional<int64_t> relation_oid(std::string_view name) const = 0;
  // Its name, qualified unless it is found without; nullopt: there is none.
  virtual std::optional<std::string> relation_name(int64_t oid) const = 0;
  // The query of a view.
  virtual std::optional<std::string> definition(int64_t oid) const = 0;
  // Of a function of a user's.
  virtual std::optional<std::string> function_text(int64_t oid, FunctionText what) const = 0;
  // The n-th column of an index, from 1.
  virtual std::optional<std::string> index_column(int64_t oid, int64_t n) const = 0;
  // Found by its bare name.
  virtual bool is_visible(int64_t oid) const = 0;
  virtual std::string current_schema() const = 0;
  virtual std::string current_user() const = 0;
  virtual std::string setting(std::string_view name) const = 0;
};

// A text, ARRAY, MAP or ROW beyond this is a mistake, not a result: an error of its row.
constexpr size_t kValueBytesMax = size_t{256} << 20;

// What a kernel may know besides its arguments. One thread.
struct EvalContext {
  std::string zone = "UTC";  // the session's time zone
  int64_t now_us = 0;        // when the query started, since 2000-01-01 UTC
  std::vector<RowError> errors;
  // Of the values that one call makes for a batch. A call that would make more stops and sets
  // is_exceeded: what is computed is worth nothing, and the query ends.
  size_t bytes_max = SIZE_MAX;
  bool is_exceeded = false;
  const SystemNames* names = nullptr;  // of a query that is answered once; null: no names are known
};

// Computes out[0 .. rows). `out` comes sized, zeroed, and with NULL set where the function's null
// rule says so; a kernel may set further NULLs. Values written to NULL rows and errors reported for
// them are ignored, so strict kernels may compute blindly.
struct KernelFrame {
  EvalContext& context;
  size_t rows;
  const Type& result;
  const std::vector<Type>& argument_types;
  Column& out;

  void fail(size_t row, std::string message) const;  // kDataError for this row, unless it is NULL
};
using Kernel = void (*)(const KernelFrame& frame, std::span<const Argument> arguments);

enum class NullRule : uint8_t {
  kStrict,  // NULL if any argument is
  kCalled,  // the kernel sees NULLs
};

struct BoundFunction {
  Kernel kernel = nullptr;
  Type result;
  std::vector<Type> arguments;  // what the arguments are cast to, implicitly
  NullRule null_rule = NullRule::kStrict;
  bool can_fail = false;
  // Of a call that can fail: whether it cannot with these literals as arguments (null: the argument
  // is none). Null: not known.
  bool (*never_fails)(std::span<const Value* const> literals) = nullptr;
};

struct Function {
  std::string_view name;      // upper case; operators by their sign
  std::string_view family;    // "string", "math", ...
  std::string_view usage;     // "UPPER(s)"
  std::string_view text;      // one sentence or two
  std::string_view example;   // an SQL expression; ...
  std::string_view expected;  // ... and its value as text ("NULL" for NULL)
  // Chooses kernel and types. The error says what was expected; position is added by the binder.
  Result<BoundFunction> (*bind)(std::span<const Type> arguments);
  bool deterministic = true;
  // Of an array: in FROM and in a select list a call stands for the array's elements, as rows.
  bool gives_rows = false;
};

// The table of all scalar functions, ordered by family.
std::span<const Function* const> all_functions();
// By name, case ignored; aliases are entries of their own. nullptr if there is none.
const Function* find_function(std::string_view name);
std::vector<std::string> function_names();

}  // namespace tidemark
