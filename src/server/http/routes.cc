// What each path answers.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/http/http_server.h"

namespace tidemark::http {

namespace asio = boost::asio;

namespace {

// Runs on a worker, and waits for it.
template <typename T>
asio::awaitable<Result<T>> on_worker(pgwire::Connections& all,
                                     Result<T> (*work)(Session& session)) {
  std::optional<Result<T>> result;
  asio::steady_timer done(*all.io, asio::steady_timer::time_point::max());
  all.workers.run([&, io = all.io] {
    std::unique_ptr<Session> session = all.engine.new_session();
    Result<T> answer = work(*session);
    asio::post(*io, [&result, &done, answer = std::move(answer)]() mutable {
      result = std::move(answer);
      done.cancel();
    });
  });
  while (!result) {
    co_await done.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return std::move(*result);
}

}  // namespace

asio::awaitable<Response> respond(std::string target, pgwire::Connections& all) {
  std::string path = target.substr(0, target.find('?'));
  if (path == "/healthz" || path == "/readyz") {
    Result<std::string> unready = co_await on_worker(all, unready_views);
    if (!unready.ok()) {
      co_return Response{.status = 503, .body = unready.status().message() + "\n"};
    }
    bool is_bad = path == "/readyz" && !unready->empty();
    co_return Response{.status = is_bad ? 503 : 200, .body = is_bad ? *unready : "ok\n"};
  }
  if (path == "/metrics") {
    Result<std::string> text = co_await on_worker(all, engine_metrics);
    if (!text.ok()) {
      co_return Response{.status = 503, .body = text.status().message() + "\n"};
    }
    Response response{.type = "text/plain; version=0.0.4; charset=utf-8",
                      .body = std::move(text).value()};
    all.metrics.append(response.body, all.open.size());
    co_return response;
  }
  co_return Response{.status = 404, .body = "/healthz, /readyz, /metrics\n"};
}

}  // namespace tidemark::http
