// SPDX-License-Identifier: MIT
#include "rules/step_answer.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

TEST(StepAnswer, OfAResultThatSaysNothingIsTheDefault) {
  for (const char* result : {"null", "7", "\"$action\"", "[{\"$action\":\"x\"}]", "{}",
                             R"({"a":{"$action":"x"},"text":"\"$shared\""})"}) {
    const StepAnswer answer = read_step_answer(result).value();
    EXPECT_EQ(answer.action, "default") << result;
    EXPECT_TRUE(answer.set.empty() && answer.erase.empty()) << result;
  }
}

TEST(StepAnswer, NamesTheActionAndWhatIsWritten) {
  const StepAnswer answer =
      read_step_answer(
          R"({"rows":3,"$action":"again","$shared":{"set":{"a":null,"b":[1]},)"
          R"("add":{"n":-2.5},"append":{"l":{"x":1}},"prepend":{"l":2},"erase":["old","k"]}})")
          .value();
  EXPECT_EQ(answer.action, "again");
  EXPECT_EQ(answer.set, (std::map<std::string, std::string>{{"a", "null"}, {"b", "[1]"}}));
  EXPECT_EQ(answer.add, (std::map<std::string, std::string>{{"n", "-2.5"}}));
  EXPECT_EQ(answer.append, (std::map<std::string, std::string>{{"l", "{\"x\":1}"}}));
  EXPECT_EQ(answer.prepend, (std::map<std::string, std::string>{{"l", "2"}}));
  EXPECT_EQ(answer.erase, (std::vector<std::string>{"old", "k"}));
}

TEST(StepAnswer, RefusesWhatItDoesNotUnderstandAndNamesIt) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"$action":7})", "$action has to be a text, and is 7"},
      {R"({"$shared":[]})", "$shared has to be an object, and is []"},
      {R"({"$shared":{"put":{}}})", "not \"put\""},
      {R"({"$shared":{"set":3}})", "$shared.set has to be an object, and is 3"},
      {R"({"$shared":{"add":{"n":"1"}}})", "$shared.add.n has to be a number, and is \"1\""},
      {R"({"$shared":{"erase":[1]}})", "$shared.erase has to be a list of keys, and is [1]"}};
  for (const auto& [result, told] : cases) {
    const auto answer = read_step_answer(result);
    ASSERT_FALSE(answer) << result;
    EXPECT_NE(answer.error().message.find(told), std::string::npos) << answer.error().message;
  }
}

}  // namespace
}  // namespace penstock::rules
