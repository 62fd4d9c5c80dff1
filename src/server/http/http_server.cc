#include "server/http/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fmt/core.h>

namespace tidemark::http {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kHeadBytesMax = 8 << 10;
constexpr std::chrono::seconds kPatience{10};

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

std::string text_of(const Response& response, bool with_body) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      response.status, reason(response.status), response.type, response.body.size(),
      with_body ? response.body : "");
}

}  // namespace

asio::awaitable<void> serve(asio::ip::tcp::socket socket, pgwire::Connections& all) {
  asio::steady_timer deadline(*all.io, kPatience);
  deadline.async_wait([&socket](boost::system::error_code error) {
    if (!error) {
      boost::system::error_code ignored;
      socket.close(ignored);
    }
  });
  std::string head;
  auto [error, size] = co_await asio::async_read_until(
      socket, asio::dynamic_buffer(head, kHeadBytesMax), "\r\n\r\n", kTuple);
  Response response{.status = 400, .body = "not a request\n"};
  bool is_head = head.starts_with("HEAD ");
  if (!error) {
    size_t from = head.find(' '), end = head.find(' ', from + 1), line = head.find("\r\n");
    bool is_request = from != head.npos && end != head.npos && end < line;
    if (is_request && !is_head && !head.starts_with("GET ")) {
      response = {.status = 405, .body = "only GET\n"};
    } else if (is_request) {
      response = co_await respond(head.substr(from + 1, end - from - 1), all);
    }
  } else if (error != asio::error::not_found) {
    deadline.cancel();
    co_return;  // it has left, or taken too long
  }
  std::string text = text_of(response, !is_head);
  co_await asio::async_write(socket, asio::buffer(text), kTuple);
  deadline.cancel();
  boost::system::error_code ignored;
  socket.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

}  // namespace tidemark::http
