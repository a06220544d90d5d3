// SPDX-License-Identifier: MIT
//
// A script that answers with an error has changed nothing: Redis does not roll back, so whatever
// can fail has to fail before the first write. Every script is called as the store calls it, with
// one thing wrong at a time: a key of another type, an argument that is empty, missing, huge or no
// number.
#include "store/redis/scripts.gen.h"
#include "tests/store/redis_calls.h"
#include "tests/support/redis_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>

namespace penstock::testing {
namespace {

const std::string prefix = "attacked";
constexpr std::chrono::seconds patience(2);

class RedisScripts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = new RedisServer;
    calls = new std::vector<RecordedCall>(record_calls(*server, prefix));
  }
  static void TearDownTestSuite() {
    delete calls;
    delete server;
  }

  void lay_out(const RecordedCall& call) {
    restore(*server, call.before);
    before = digest(*server);
    snapshot = &call.before;
  }
  // Calls it; what an error leaves behind is reported, and mended.
  std::string expect_all_or_nothing(const std::vector<std::string>& words,
                                    const std::string& what) {
    std::string answer;
    try {
      answer = server->command(words, patience);
    } catch (const std::runtime_error&) {
      ADD_FAILURE() << what << ": did not come to an end";
      server->kill();
      server->start();
      load_scripts(*server);
      restore(*server, *snapshot);
      return "endless";
    }
    const std::string after = digest(*server);
    const bool refused = answer.starts_with("(error)") || answer == "-1";
    if (refused && after != before) {
      ADD_FAILURE() << what << ": changed" << difference(*server, *snapshot) << "\n  and answered "
                    << answer.substr(0, 300);
    }
    if (after != before) {
      restore(*server, *snapshot);
      before = digest(*server);
    }
    return answer;
  }
  // What the script reads and writes when it is called like that.
  std::set<std::string> keys_of(const RecordedCall& call) {
    lay_out(call);
    RedisMonitor monitor(*server);
    (void)server->command(call.words);
    std::set<std::string> keys;
    for (const Monitored& command : monitor.take()) {
      if (!command.by_script) continue;
      for (const std::string& word : command.words) {
        if (word.starts_with(prefix + ":{0}:") && word.find('\n') == std::string::npos) {
          keys.insert(word);
        }
      }
    }
    return keys;
  }

  static RedisServer* server;
  static std::vector<RecordedCall>* calls;
  const Snapshot* snapshot = nullptr;
  std::string before;
};
RedisServer* RedisScripts::server = nullptr;
std::vector<RecordedCall>* RedisScripts::calls = nullptr;

TEST_F(RedisScripts, HaveTheHashThatTheServerGivesThem) {
  for (const redis::Script* script : redis::scripts::all) {
    EXPECT_EQ(server->command({"SCRIPT", "LOAD", std::string(script->text)}), script->sha1)
        << script->name;
    EXPECT_EQ(script->key_count, 1) << script->name;
  }
}

TEST_F(RedisScripts, AreAllCalledBeforeTheyAreAttacked) {
  std::set<std::string> called;
  for (const RecordedCall& call : *calls) {
    lay_out(call);
    const std::string answer = server->command(call.words);
    EXPECT_FALSE(answer.starts_with("(error)")) << call.script << ": " << answer;
    called.insert(call.script);
  }
  for (const redis::Script* script : redis::scripts::all) {
    EXPECT_TRUE(called.contains(std::string(script->name))) << script->name << " is never called";
  }
}

TEST_F(RedisScripts, ChangeNothingWhenAKeyHasAnotherType) {
  for (const RecordedCall& call : *calls) {
    for (const std::string& key : keys_of(call)) {
      restore(*server, call.before);
      const bool was_text = server->command({"TYPE", key}) == "string";
      (void)server->command({"DEL", key});
      if (was_text) {
        (void)server->command({"RPUSH", key, "not", "text"});
      } else {
        (void)server->command({"SET", key, "text"});
      }
      const Snapshot spoilt = take_snapshot(*server);
      snapshot = &spoilt;
      before = digest(*server);
      expect_all_or_nothing(call.words, call.script + " with another type at " + key);
    }
  }
}

TEST_F(RedisScripts, ChangeNothingWhenAnArgumentIsWrong) {
  const std::vector<std::string> wrong{"",
                                       "x",
                                       "-1",
                                       "0",
                                       "1.5",
                                       "nan",
                                       "1e308",
                                       "99999999999999999999",
                                       std::string(400, '9'),
                                       std::string(1 << 20, 'x'),
                                       std::string("\0\xff\n\t|", 5)};
  for (const RecordedCall& call : *calls) {
    lay_out(call);
    for (std::size_t at = call.first_argument(); at < call.words.size(); ++at) {
      const std::string where = call.script + " with ARGV[" +
                                std::to_string(at - call.first_argument() + 1) + "] of " +
                                std::to_string(call.words.size() - call.first_argument());
      for (const std::string& value : wrong) {
        std::vector<std::string> words = call.words;
        words[at] = value;
        expect_all_or_nothing(words, where + " = \"" + value.substr(0, 30) + "\"");
      }
      expect_all_or_nothing({call.words.begin(), call.words.begin() + static_cast<long>(at)},
                            where + " and all behind it missing");
    }
    std::vector<std::string> words = call.words;
    words.emplace_back("1");
    expect_all_or_nothing(words, call.script + " with one more");
  }
}

// Closing asks what the session holds, which is a call of its own, and gives that back under the
// same number: a part of an earlier try that comes late must not mix with the later one.
TEST_F(RedisScripts, CloseCountsOnlyUnderTheLastCallOfItsSession) {
  constexpr std::size_t call_at = 2, mode_at = 3;
  const auto turn = std::ranges::find_if(*calls, [](const RecordedCall& call) {
    return call.script == "finish" && call.words.at(call.first_argument() + mode_at) == "turn";
  });
  ASSERT_NE(turn, calls->end());
  lay_out(*turn);
  std::vector<std::string> words = turn->words;
  const std::size_t first = turn->first_argument();
  const std::uint64_t next = std::stoull(words.at(first + call_at));
  words.at(first + mode_at) = "close";
  for (const std::uint64_t call : {next, next + 1}) {
    words.at(first + call_at) = std::to_string(call);
    EXPECT_EQ(server->command(words), "-7") << "call " << call << " after " << next - 1;
    EXPECT_EQ(digest(*server), before);
  }
  words.at(first + call_at) = std::to_string(next - 1);
  EXPECT_THAT(server->command(words), ::testing::Not(::testing::StartsWith("-")));
  EXPECT_NE(digest(*server), before);
}

}  // namespace
}  // namespace penstock::testing
