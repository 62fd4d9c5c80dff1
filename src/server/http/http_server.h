#pragma once
// HTTP for those who watch the server: GET /healthz, /readyz, /metrics. One request a connection,
// no bodies, heads of up to 8 KiB.
//
//   /healthz   200 while the step loop turns
//   /readyz    200 once every materialized view shows something, else 503 and which do not
//   /metrics   Prometheus's text format, version 0.0.4
//
// Thread rule: the socket thread; what may block runs on a worker.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "server/pgwire/connection.h"

namespace tidemark::http {

struct Response {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// `target`: what stands between GET and HTTP/1.1.
boost::asio::awaitable<Response> respond(std::string target, pgwire::Connections& all);

// Serves one connection, then ends it.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, pgwire::Connections& all);

}  // namespace tidemark::http
