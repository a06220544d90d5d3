// SPDX-License-Identifier: MIT
#include "rules/command_line.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

using Words = std::vector<std::string>;

TEST(CommandLine, SplitsAtBlanksAndKeepsWhatIsQuoted) {
  const std::pair<const char*, Words> rows[] = {
      {"python3 solve.py", {"python3", "solve.py"}},
      {"  a \t b\n", {"a", "b"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a b\\ c", {"a", "b c"}},
      {"a '' \"\"", {"a", "", ""}},
      {"a x'y'z", {"a", "xyz"}},
      {"a 'it\\s'", {"a", "it\\s"}},
      {R"(a "q\"q" "b\\b" "n\n")", {"a", "q\"q", "b\\b", "n\\n"}},
      {R"(a \"b\')", {"a", "\"b'"}}};
  for (const auto& [text, words] : rows) {
    const auto split = split_command(text);
    ASSERT_TRUE(split) << text;
    EXPECT_EQ(*split, words) << text;
  }
}

TEST(CommandLine, ExpandsNothing) {
  const auto split = split_command("echo $HOME `id` $(id) *.py ~ a|b >c ;d &");
  ASSERT_TRUE(split);
  EXPECT_EQ(*split, (Words{"echo", "$HOME", "`id`", "$(id)", "*.py", "~", "a|b", ">c", ";d", "&"}));
}

TEST(CommandLine, BadQuotingIsRefusedWithItsPosition) {
  const std::pair<const char*, const char*> rows[] = {
      {"ab 'c", "position 4"},  {"ab \"c\\\"", "position 4"}, {"ab c\\", "position 5"},
      {"", "names no program"}, {"  ", "names no program"},   {"'' a", "names no program"}};
  for (const auto& [text, reason] : rows) {
    const auto refused = split_command(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find(reason), std::string::npos) << refused.error().message;
  }
  EXPECT_FALSE(split_command(std::string_view("a\0b", 3)));
}

TEST(CommandLine, WhatWasJoinedSplitsIntoTheSameWords) {
  const Words words = {"a", "", "b c", "d'e", "f\"g", "h\\i", "\\", "$x", "\n", "ü"};
  EXPECT_EQ(*split_command(join_command(words)), words);
}

TEST(CommandLine, ANamedCommandHasATaskNameAndACommand) {
  const auto named = parse_named_command("solve=python3 -c 'a=1'");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->name, "solve");
  EXPECT_EQ(named->command, (Words{"python3", "-c", "a=1"}));
  for (const char* text : {"solve", "=python3", "so lve=x", "solve=", "solve='x"}) {
    EXPECT_FALSE(parse_named_command(text)) << text;
  }
}

}  // namespace
}  // namespace penstock::rules
