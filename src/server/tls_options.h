#pragma once
// The files of the server's TLS.

#include <string>

namespace tidemark {

struct TlsOptions {
  std::string certificate_file;  // PEM, the chain; empty: no TLS
  std::string key_file;          // PEM
  // PEM. Certificates of clients that are signed by one of these stand in for a password of the
  // user that they name. Empty: none is asked for.
  std::string authority_file;
};

}  // namespace tidemark
