// SPDX-License-Identifier: MIT
#include "http/metrics_server.h"

#include "rules/name.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <charconv>
#include <thread>

#include <sys/socket.h>

namespace penstock::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr auto patience = std::chrono::seconds(5);  // For a whole request.
constexpr std::size_t most_head_bytes = 8 << 10;

using Request = beast::http::request<beast::http::empty_body>;
using Response = beast::http::response<beast::http::string_body>;

Response answer(const Request& request, const std::function<std::string()>& text) {
  Response response{beast::http::status::ok, 11};
  response.set(beast::http::field::content_type, "text/plain; charset=utf-8");
  response.set(beast::http::field::connection, "close");
  const bool reads = request.method() == beast::http::verb::get;
  if (!reads) {
    response.result(beast::http::status::method_not_allowed);
    response.set(beast::http::field::allow, "GET");
    response.body() = "only GET is known here\n";
  } else if (request.target() == "/metrics") {
    response.set(beast::http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = text();
  } else if (request.target() == "/healthz") {
    response.body() = "ok\n";
  } else {
    response.result(beast::http::status::not_found);
    response.body() = "only /metrics and /healthz are here\n";
  }
  response.prepare_payload();
  return response;
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  ListenAddress address;
  const auto colon = text.rfind(':');
  const auto digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  boost::system::error_code no_address;
  if (colon != std::string_view::npos && colon > 0) {
    address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
      address.host = address.host.substr(1, address.host.size() - 2);
    }
    asio::ip::make_address(address.host, no_address);
  }
  if (failed != std::errc{} || end != digits.data() + digits.size() || no_address) {
    return Error{Errc::invalid, "address \"" + rules::printable(std::string(text)) +
                                    "\": write PORT, or the number of an interface and a port, "
                                    "127.0.0.1:9464"};
  }
  return address;
}

bool ListenAddress::is_loopback() const { return asio::ip::make_address(host).is_loopback(); }

struct MetricsServer::State {
  explicit State(std::function<std::string()> ask) : text(std::move(ask)) {}
  ~State() {
    context.stop();
    if (thread.joinable()) thread.join();
  }

  // One connection: its stream has a time-out for everything that happens on it.
  struct Visit {
    explicit Visit(tcp::socket socket) : stream(std::move(socket)) {
      parser.header_limit(most_head_bytes);
      parser.body_limit(boost::none);  // No body is read.
    }
    beast::tcp_stream stream;
    beast::flat_buffer buffer{most_head_bytes};
    beast::http::request_parser<beast::http::empty_body> parser;
    Response response;
  };

  void accept() {
    acceptor.async_accept([this](const boost::system::error_code& failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted) return;
      if (!failed) serve(std::make_shared<Visit>(std::move(socket)));
      accept();
    });
  }

  void serve(const std::shared_ptr<Visit>& visit) {
    visit->stream.expires_after(patience);
    beast::http::async_read_header(
        visit->stream, visit->buffer, visit->parser,
        [this, visit](const boost::system::error_code& failed, std::size_t) {
          if (failed) return;  // Nothing that could be answered.
          visit->response = answer(visit->parser.get(), text);
          beast::http::async_write(visit->stream, visit->response,
                                   [visit](const boost::system::error_code&, std::size_t) {
                                     boost::system::error_code ignored;
                                     visit->stream.socket().shutdown(tcp::socket::shutdown_send,
                                                                     ignored);
                                   });
        });
  }

  const std::function<std::string()> text;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  std::jthread thread;
};

MetricsServer::MetricsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
MetricsServer::MetricsServer(MetricsServer&&) noexcept = default;
MetricsServer::~MetricsServer() = default;

Result<MetricsServer> MetricsServer::open(const ListenAddress& address,
                                          std::function<std::string()> text) {
  auto state = std::make_unique<State>(std::move(text));
  const tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
  boost::system::error_code failed;
  state->acceptor.open(endpoint.protocol(), failed);
  if (!failed) state->acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed && address.shared) {
    const int yes = 1;
    setsockopt(state->acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  }
  if (!failed) state->acceptor.bind(endpoint, failed);
  if (!failed) state->acceptor.listen(tcp::acceptor::max_listen_connections, failed);
  if (failed) {
    return Error{Errc::unavailable, "cannot listen on " + address.host + ":" +
                                        std::to_string(address.port) + ": " + failed.message()};
  }
  State& s = *state;
  s.accept();
  s.thread = std::jthread([&s] { s.context.run(); });
  return MetricsServer(std::move(state));
}

unsigned short MetricsServer::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace penstock::http
