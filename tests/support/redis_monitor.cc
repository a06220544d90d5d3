// SPDX-License-Identifier: MIT
#include "tests/support/redis_monitor.h"

#include <stdexcept>

#include <hiredis/hiredis.h>

namespace penstock::testing {
namespace {

// One of the escapes of sdscatrepr: \n \r \t \a \b \" \\ \xHH. Moves `at` to its last letter.
char unescape(std::string_view line, std::size_t& at) {
  const char letter = line.at(++at);
  if (letter == 'x') {
    at += 2;
    return static_cast<char>(std::stoi(std::string(line.substr(at - 1, 2)), nullptr, 16));
  }
  constexpr std::string_view names = "nrtab", meant = "\n\r\t\a\b";
  const auto place = names.find(letter);
  return place == std::string_view::npos ? letter : meant[place];
}

}  // namespace

Monitored parse_monitored(std::string_view line) {
  Monitored command;
  const auto bracket = line.find("] ");
  if (bracket == std::string_view::npos) return command;
  command.by_script = line.substr(0, bracket).ends_with(" lua");
  bool inside = false;
  for (std::size_t at = bracket + 2; at < line.size(); ++at) {
    if (line[at] == '"') {
      inside = !inside;
      if (inside) command.words.emplace_back();
    } else if (inside) {
      command.words.back().push_back(line[at] == '\\' ? unescape(line, at) : line[at]);
    }
  }
  return command;
}

RedisMonitor::RedisMonitor(const RedisServer& server)
    : server_(server), connection_(redisConnectUnix(server.socket().c_str())) {
  void* reply = redisCommand(connection_, "MONITOR");
  if (!reply) throw std::runtime_error("no MONITOR of " + server.socket());
  freeReplyObject(reply);
}

RedisMonitor::~RedisMonitor() { redisFree(connection_); }

std::vector<Monitored> RedisMonitor::take() {
  const std::string mark = "taken " + std::to_string(++taken_);
  (void)server_.command({"ECHO", mark});
  std::vector<Monitored> commands;
  while (true) {
    void* reply = nullptr;
    if (redisGetReply(connection_, &reply) != REDIS_OK) {
      throw std::runtime_error(std::string("MONITOR ended: ") + connection_->errstr);
    }
    const auto* line = static_cast<redisReply*>(reply);
    commands.push_back(parse_monitored({line->str, static_cast<std::size_t>(line->len)}));
    freeReplyObject(reply);
    if (commands.back().words == std::vector<std::string>{"ECHO", mark}) break;
  }
  commands.pop_back();
  return commands;
}

}  // namespace penstock::testing
