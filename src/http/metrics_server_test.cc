// SPDX-License-Identifier: MIT
#include "http/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ask(unsigned short port, const std::string& request) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(send(socket, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char piece[4096];
  for (ssize_t got = 0; (got = read(socket, piece, sizeof piece)) > 0;) {
    answer.append(piece, static_cast<std::size_t>(got));
  }
  close(socket);
  return answer;
}

TEST(ListenAddress, APortAloneIsOnLoopback) {
  EXPECT_EQ(ListenAddress::parse("9464")->host, "127.0.0.1");
  EXPECT_EQ(ListenAddress::parse(":9464")->port, 9464);
  EXPECT_TRUE(ListenAddress::parse("[::1]:1")->is_loopback());
  EXPECT_FALSE(ListenAddress::parse("0.0.0.0:9464")->is_loopback());
  for (const char* bad : {"", "x", "1.2.3.4", "127.0.0.1:70000", "host:80", "127.0.0.1:"}) {
    EXPECT_EQ(ListenAddress::parse(bad).error().code, Errc::invalid) << bad;
  }
}

class MetricsServerTest : public ::testing::Test {
 protected:
  MetricsServer server_ =
      *MetricsServer::open({.port = 0}, [this] { return "asked " + std::to_string(++asked_); });
  int asked_ = 0;
};

TEST_F(MetricsServerTest, GivesTheTextOfTheMoment) {
  const std::string get = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_THAT(ask(server_.port(), get), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(server_.port(), get), HasSubstr("\r\n\r\nasked 2"));
}

TEST_F(MetricsServerTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(ask(server_.port(), "GET /healthz HTTP/1.1\r\n\r\n"), HasSubstr("ok\n"));
  EXPECT_THAT(ask(server_.port(), "GET /other HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask(server_.port(), "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
              StartsWith("HTTP/1.1 405"));
}

TEST_F(MetricsServerTest, GarbageAndHugeHeadsEndTheConnectionAndNotTheServer) {
  EXPECT_EQ(ask(server_.port(), "this is no request\r\n\r\n"), "");
  ask(server_.port(),
      "GET /" + std::string(8000, 'x') + " HTTP/1.1\r\nA: " + std::string(400, 'y') + "\r\n\r\n");
  EXPECT_THAT(ask(server_.port(), "GET /healthz HTTP/1.1\r\n\r\n"), HasSubstr("ok\n"));
}

TEST(SharedMetricsServer, ASuccessorListensBesideItsPredecessor) {
  auto old = *MetricsServer::open({.port = 0, .shared = true}, [] { return "old"; });
  const unsigned short port = old.port();
  {
    const auto gone = std::move(old);
    ASSERT_TRUE(MetricsServer::open({.port = port, .shared = true}, [] { return "new"; }));
  }
  auto successor = MetricsServer::open({.port = port, .shared = true}, [] { return "new"; });
  ASSERT_TRUE(successor);
  EXPECT_THAT(ask(port, "GET /metrics HTTP/1.1\r\n\r\n"), HasSubstr("new"));
}

TEST_F(MetricsServerTest, AnAddressInUseIsRefused) {
  const auto second = MetricsServer::open({.port = server_.port()}, [] { return ""; });
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
}

}  // namespace
}  // namespace penstock::http
