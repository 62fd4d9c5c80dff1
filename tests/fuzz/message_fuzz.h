#pragma once
// What bytes from a client must not break: messages and their bodies, values of parameters, SCRAM
// and passwords, options of COPY. A law that does not hold ends the process.

#include <string>
#include <string_view>
#include <vector>

#include "server/pgwire/message.h"
#include "types/type.h"

namespace tidemark {

class MessageFuzz {
 public:
  // The first byte says what the others are read as.
  void run(std::string_view input);
  // One of each kind, for a corpus.
  static std::vector<std::string> seeds();

  // Values that were read and written again, and requests that were read.
  size_t values() const { return values_; }
  size_t requests() const { return requests_; }

 private:
  void run_connection(std::string_view input);
  void run_request(const pgwire::Message& message, std::vector<Type>& types);
  void run_value(const Type& type, std::string_view bytes, bool is_binary);
  void run_scram(std::string_view input);
  void run_copy(std::string_view input);

  size_t values_ = 0;
  size_t requests_ = 0;
};

}  // namespace tidemark
