// SPDX-License-Identifier: MIT
#include "rules/program_message.h"

#include "rules/json.h"
#include "rules/limits.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

using Kind = ProgramMessage::Kind;

TEST(ProgramMessage, AHelloNamesTheTasks) {
  const auto tasks = parse_hello(R"({"penstock":1,"tasks":["a","b"],"later":{}})");
  ASSERT_TRUE(tasks);
  EXPECT_EQ(*tasks, (std::vector<std::string>{"a", "b"}));
}

TEST(ProgramMessage, AnythingElseIsNoHello) {
  for (const char* line : {"hello", "{}", R"({"penstock":1})", R"({"tasks":["a"]})",
                           R"({"penstock":"1","tasks":["a"]})", R"({"penstock":1,"tasks":"a"})",
                           R"({"penstock":1,"tasks":[1]})", R"({"id":"x","log":"y"})"}) {
    const auto refused = parse_hello(line);
    ASSERT_FALSE(refused) << line;
    EXPECT_NE(refused.error().message.find("the first line has to be"), std::string::npos);
  }
  EXPECT_NE(parse_hello(R"({"penstock":2,"tasks":[]})").error().message.find("another version"),
            std::string::npos);
}

TEST(ProgramMessage, AResultIsPassedOnAsTheTextItIs) {
  const auto message = parse_message(R"({"id":"j","result":{"a": [1, "x"]}})");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Kind::result);
  EXPECT_EQ(message->id, "j");
  EXPECT_EQ(message->text, R"({"a": [1, "x"]})");
  EXPECT_EQ(parse_message(R"({"id":"j","result":null})").value().text, "null");
}

TEST(ProgramMessage, ProgressAndLogLinesAreRead) {
  const auto progress = parse_message(R"({"id":"j","progress":0.5,"message":"half"})");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->kind, Kind::progress);
  EXPECT_EQ(progress->share, 0.5);
  EXPECT_EQ(progress->text, "half");
  const auto log = parse_message(R"({"id":"j","log":"a \"line\""})");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->kind, Kind::log);
  EXPECT_EQ(log->text, "a \"line\"");
}

TEST(ProgramMessage, AnErrorSaysWhetherTryingAgainHelps) {
  const auto plain = parse_message(R"({"id":"j","error":{"message":"no"}})");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->kind, Kind::error);
  EXPECT_TRUE(plain->retry);
  EXPECT_FALSE(parse_message(R"({"id":"j","error":{"message":"no","retry":false}})").value().retry);
  const auto later = parse_message(R"({"id":"j","error":{"message":"busy","after_ms":1500}})");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->after, Duration{1500});
  const auto cancelled = parse_message(R"({"id":"j","error":{"message":"x","cancelled":true}})");
  ASSERT_TRUE(cancelled);
  EXPECT_TRUE(cancelled->cancelled);
}

TEST(ProgramMessage, AnythingElseIsNoMessage) {
  for (const char* line :
       {"", "hello", "[]", "{}", R"({"id":"j"})", R"({"result":1})", R"({"id":7,"result":1})",
        R"({"id":"j","progress":"half"})", R"({"id":"j","log":1})", R"({"id":"j","error":"no"})",
        R"({"id":"j","error":{"message":1}})", R"({"id":"j","error":{"retry":1}})",
        R"({"id":"j","error":{"after_ms":-1}})", R"({"id":"j","error":{"after_ms":1e300}})"}) {
    const auto refused = parse_message(line);
    ASSERT_FALSE(refused) << line;
    EXPECT_EQ(refused.error().code, Errc::invalid);
  }
}

TEST(ProgramMessage, AJobIsOneLineWhateverItsPayload) {
  const std::string line = job_line({.id = "j",
                                     .task = "t",
                                     .payload = "{\n  \"a\": \"b\\n c\"\n}",
                                     .attempt = 2,
                                     .fence = Fence{12},
                                     .deadline = Time{Duration{1'750'000'000'000}}});
  EXPECT_EQ(line,
            R"({"id":"j","task":"t","attempt":2,"fence":12,"deadline":"2025-06-15T15:06:40.000Z",)"
            R"("payload":{"a":"b\n c"}})"
            "\n");
  EXPECT_EQ(line.find("\"run\""), std::string::npos) << line;
  const std::string step =
      job_line({.id = "j", .task = "t", .payload = "1", .run = "r", .node = "a#1[2]"});
  EXPECT_NE(step.find(R"("run":"r","node":"a#1[2]")"), std::string::npos) << step;
  EXPECT_NE(job_line({.id = "j", .task = "t", .payload = "1"}).find("\"deadline\":null"),
            std::string::npos);
  EXPECT_EQ(cancel_line("j"), "{\"cancel\":\"j\"}\n");
}

TEST(ProgramMessage, OutputIsJsonOrBecomesAString) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"", "null"},
                                                                {" \n", "null"},
                                                                {"{\"a\": 1}\n", "{\"a\": 1}"},
                                                                {"[1,\n2]", "[1,\n2]"},
                                                                {"7\n", "7"},
                                                                {"hello\n", "\"hello\""},
                                                                {"a\nb\n", "\"a\\nb\""},
                                                                {" x \n\n", "\" x \\n\""},
                                                                {"NaN", "\"NaN\""},
                                                                {"\xff", "\"\xef\xbf\xbd\""}};
  for (const auto& [output, result] : rows) EXPECT_EQ(result_of_output(output), result) << output;
  const std::string deep =
      std::string(max_json_depth + 1, '[') + std::string(max_json_depth + 1, ']');
  EXPECT_EQ(result_of_output(deep), '"' + deep + '"') << "text too deep to be JSON here";
  EXPECT_TRUE(check_json("result", result_of_output(std::string("a\0b\x01", 4)), 100));
}

}  // namespace
}  // namespace penstock::rules
