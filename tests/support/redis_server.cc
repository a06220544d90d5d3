// SPDX-License-Identifier: MIT
#include "tests/support/redis_server.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace penstock::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds start_patience = std::chrono::minutes(1);
constexpr std::size_t log_tail_bytes = 2000;

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(void* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<void, Free>;

std::string program() {
  const char* chosen = std::getenv("PENSTOCK_TEST_REDIS");
  return chosen && *chosen ? chosen : "redis-server";
}

// "Redis server v=7.0.15 sha=..." and "Valkey server v=8.0.1 ..." -> 7 and 8.
int major_version() {
  static const int version = [] {
    std::string text;
    FILE* pipe = popen(("'" + program() + "' --version").c_str(), "r");
    for (int letter = 0; pipe && (letter = std::fgetc(pipe)) != EOF;) {
      text.push_back(static_cast<char>(letter));
    }
    if (pipe) pclose(pipe);
    const auto at = text.find("v=");
    if (at == std::string::npos) throw std::runtime_error(program() + " is no Redis: " + text);
    return std::atoi(text.c_str() + at + 2);
  }();
  return version;
}

int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool found =
      bind(listener, generic, size) == 0 && getsockname(listener, generic, &size) == 0;
  close(listener);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string printable(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_NIL:
      return "(nil)";
    case REDIS_REPLY_ERROR:
      return "(error) " + std::string(reply.str, static_cast<std::size_t>(reply.len));
    case REDIS_REPLY_ARRAY: {
      std::string text;
      for (std::size_t i = 0; i < reply.elements; ++i) {
        text += (i == 0 ? "" : ", ") + printable(*reply.element[i]);
      }
      return "[" + text + "]";
    }
    default:
      return {reply.str, static_cast<std::size_t>(reply.len)};
  }
}

Reply ask(const std::string& socket, const std::vector<std::string>& words, milliseconds patience) {
  const timeval time{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  const Connection connection(redisConnectUnixWithTimeout(socket.c_str(), time));
  if (!connection || connection->err != 0) {
    throw std::runtime_error("no connection to " + socket);
  }
  redisSetTimeout(connection.get(), time);
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    lengths.push_back(word.size());
  }
  Reply reply(redisCommandArgv(connection.get(), static_cast<int>(words.size()), texts.data(),
                               lengths.data()));
  if (!reply) throw std::runtime_error(words.at(0) + ": " + connection->errstr);
  return reply;
}

const redisReply& value_of(const Reply& reply) { return *static_cast<redisReply*>(reply.get()); }

}  // namespace

RedisServer::RedisServer(RedisOptions options) : options_(std::move(options)), owner_(getpid()) {
  start();
}

RedisServer::~RedisServer() {
  if (pid_ == 0 || getpid() != owner_) return;
  if (ended_within(milliseconds(0))) std::cerr << explain("a test's redis-server ended") << '\n';
  kill();
}

std::string RedisServer::url(const std::string& prefix) const {
  return "redis+unix://" + socket() + "?prefix=" + prefix;
}

std::string RedisServer::log() const {
  std::ifstream file(folder_.path() / "log");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string RedisServer::explain(const std::string& what) const {
  const std::string all = log();
  const std::size_t from = all.size() > log_tail_bytes ? all.size() - log_tail_bytes : 0;
  return what + "; the end of its log:\n" + all.substr(from);
}

void RedisServer::write_config() const {
  std::ofstream file(folder_.path() / "redis.conf");
  file << "dir " << folder_.path().string() << "\nunixsocket " << socket() << "\nport " << port_
       << "\nbind 127.0.0.1\nsave \"\"\nappendonly "
       << (options_.appendfsync.empty() ? "no" : "yes") << "\nshutdown-timeout 0\n";
  if (!options_.appendfsync.empty()) file << "appendfsync " << options_.appendfsync << '\n';
  if (major_version() >= 7) file << "enable-debug-command local\n";
  for (const std::string& line : options_.config) file << line << '\n';
}

void RedisServer::launch() {
  if (options_.tcp && port_ == 0) port_ = free_port();
  write_config();
  const std::string config = (folder_.path() / "redis.conf").string();
  const std::string log_file = (folder_.path() / "log").string();
  // A server that outlives a crashed test would keep its memory for ever.
  std::vector<std::string> words{"setpriv", "--pdeathsig", "KILL", "--", "env"};
  words.insert(words.end(), options_.environment.begin(), options_.environment.end());
  words.insert(words.end(), {program(), config});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int failed = posix_spawnp(&pid_, "setpriv", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return;
  pid_ = 0;
  throw std::runtime_error("cannot start setpriv: " + std::string(std::strerror(failed)));
}

void RedisServer::await_ready() {
  const auto until = steady_clock::now() + start_patience;
  while (steady_clock::now() < until) {
    try {
      if (command({"PING"}) == "PONG") return;
    } catch (const std::runtime_error&) {  // It does not listen yet.
    }
    if (ended_within(milliseconds(2))) throw std::runtime_error(explain(program() + " ended"));
  }
  throw std::runtime_error(explain(program() + " did not get ready"));
}

void RedisServer::start() {
  launch();
  await_ready();
}

void RedisServer::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void RedisServer::stop() {
  ::kill(pid_, SIGTERM);
  if (!ended_within(start_patience)) throw std::runtime_error(explain(program() + " does not end"));
}

void RedisServer::pause() const { ::kill(pid_, SIGSTOP); }
void RedisServer::resume() const { ::kill(pid_, SIGCONT); }

bool RedisServer::ended_within(milliseconds time) {
  if (pid_ == 0) return true;
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd watched{.fd = process, .events = POLLIN, .revents = 0};
  poll(&watched, 1, static_cast<int>(time.count()));
  close(process);
  if (waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

std::string RedisServer::command(const std::vector<std::string>& words,
                                 milliseconds patience) const {
  return printable(value_of(ask(socket(), words, patience)));
}

std::vector<std::string> RedisServer::list(const std::vector<std::string>& words) const {
  const Reply reply = ask(socket(), words, start_patience);
  const redisReply& array = value_of(reply);
  if (array.type != REDIS_REPLY_ARRAY) {
    throw std::runtime_error(words.at(0) + " answered no list: " + printable(array));
  }
  std::vector<std::string> elements;
  for (std::size_t i = 0; i < array.elements; ++i) elements.push_back(printable(*array.element[i]));
  return elements;
}

RedisServer& shared_redis() {
  static RedisServer server;
  return server;
}

}  // namespace penstock::testing
