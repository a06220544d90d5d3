// SPDX-License-Identifier: MIT
#include "flow/yaml_text.h"

#include <gtest/gtest.h>

#include <random>

namespace penstock::flow {
namespace {

std::string json_of(std::string_view text) {
  YamlMistake mistake;
  const auto value = read_yaml(text, mistake);
  if (!value) return "refused: " + mistake.text;
  auto json = yaml_to_json(*value);
  return json ? *json : "refused: " + json.error().message;
}

std::string refused(std::string_view text) {
  YamlMistake mistake;
  if (read_yaml(text, mistake)) return "taken";
  return std::to_string(mistake.place.line) + ":" + std::to_string(mistake.place.column) + " " +
         mistake.text;
}

TEST(YamlText, ScalarsAreThoseOfTheCoreSchema) {
  const std::pair<const char*, const char*> cases[] = {
      {"yes", R"("yes")"},
      {"on", R"("on")"},
      {"No", R"("No")"},
      {"1:30", R"("1:30")"},
      {"2026-01-31", R"("2026-01-31")"},
      {"1_000", R"("1_000")"},
      {"'1'", R"("1")"},
      {"\"true\"", R"("true")"},
      {"!!str 1", R"("1")"},
      {"null", "null"},
      {"~", "null"},
      {"", "refused: the file is empty"},
      {"true", "true"},
      {"FALSE", "false"},
      {"1", "1"},
      {"+12", "12"},
      {"-007", "-7"},
      {"0", "0"},
      {"0o17", "15"},
      {"0xFf", "255"},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"-1.", "-1.0"},
      {"6.02e23", "6.02e23"},
      {"1e400", "refused: 1e400 is no number that JSON has: quote it"},
      {".inf", "refused: .inf is no number that JSON has: quote it"},
      {"-", "[null]"},
      {"a b", R"("a b")"},
      {"|\n  two\n  lines\n", R"("two\nlines\n")"},
  };
  for (const auto& [yaml, json] : cases) EXPECT_EQ(json_of(yaml), json) << yaml;
}

TEST(YamlText, ListsMapsAndAliasesAreWhatTheyStandFor) {
  EXPECT_EQ(json_of("a: &x [1, {b: c}]\nd: *x\n1: ~\n"),
            R"({"a":[1,{"b":"c"}],"d":[1,{"b":"c"}],"1":null})");
}

TEST(YamlText, EveryValueKnowsItsPlace) {
  YamlMistake mistake;
  const auto value = read_yaml("a:\n  b: [c,\n   d]\n", mistake);
  ASSERT_TRUE(value) << mistake.text;
  const YamlMember& b = value->members[0].value->members[0];
  EXPECT_EQ(b.place, (YamlPlace{2, 3}));
  EXPECT_EQ(b.value->place, (YamlPlace{2, 6}));
  EXPECT_EQ(b.value->items[1]->place, (YamlPlace{3, 4}));
}

TEST(YamlText, WhatIsNoYamlIsToldWithItsPlace) {
  EXPECT_EQ(refused("a: b\n}\n"), "2:1 this is no YAML: illegal flow end");
  EXPECT_EQ(refused("a:\n\tb: c\n"), "2:1 a tab indents this line: use spaces");
  EXPECT_EQ(refused("a:\n  b:\n  \tc: d\n"), "3:3 a tab indents this line: use spaces");
  EXPECT_EQ(refused("a: *b\n"), "1:4 this is no YAML: the referenced anchor is not defined");
  EXPECT_EQ(refused("a: {when: $.x != []}\n"),
            "1:18 this is no YAML: end of map flow not found (inside { } and [ ], text with a "
            "bracket, a brace or a comma in it needs quotes)");
  EXPECT_EQ(refused("a: b\nc: \"d\n"), "2:4 the quote that begins here is not closed");
  EXPECT_EQ(refused("a: 'it''s\n"), "1:4 the quote that begins here is not closed");
  EXPECT_EQ(refused("a: b\n---\nc: d\n"), "2:1 a second document begins: a file has one flow");
  EXPECT_EQ(refused("[a]: b\n"),
            "1:1 a key has to be text, not a list: put quotes around text that begins with { or [");
  EXPECT_EQ(refused("a: !ruby/object b\n"),
            "1:4 the tag !ruby/object is not known here: leave it "
            "out");
  EXPECT_EQ(refused("a: &a [*a]\n"), "1:8 the alias stands inside what it stands for");
  EXPECT_EQ(refused("a: b\nc: \xff\n"), "2:4 the file is not UTF-8 here");
  EXPECT_EQ(refused(std::string_view("a: \0b", 5)), "1:4 a control character has no place here");
}

TEST(YamlText, TextBehindAByteOrderMarkHasItsPlaces) {
  EXPECT_EQ(refused("\xef\xbb\xbf"
                    "a: b\n}\n"),
            "2:1 this is no YAML: illegal flow end");
  EXPECT_EQ(json_of("\xef\xbb\xbf"
                    "a: 'b'\n"),
            R"({"a":"b"})");
}

TEST(YamlText, NineAliasesOfNineAreRefusedInsteadOfGrown) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    std::string list = before;
    for (int k = 1; k < 9; ++k) list += ", " + before;
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + list + "]\n";
  }
  EXPECT_NE(refused(bomb).find("more than 100000 values"), std::string::npos) << refused(bomb);
}

TEST(YamlText, SizeAndDepthAreBounded) {
  std::string large = "a: \"" + std::string(max_yaml_bytes, 'x') + "\"\n";
  EXPECT_EQ(refused(large), "1:1 the file has 1048582 bytes, the limit is 1048576");
  const std::string deepest = std::string(64, '[') + std::string(64, ']');
  EXPECT_EQ(json_of(deepest), deepest);
  EXPECT_EQ(refused(std::string(65, '[') + std::string(65, ']')),
            "1:65 it is nested more than 64 "
            "deep");
  std::string hidden = "a0: &a0 [x]\n";
  for (int i = 1; i < 64; ++i) {
    hidden += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
              std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(refused(hidden).find("nested more than 64 deep"), std::string::npos);
}

TEST(YamlText, HostileTextOfFullSizeIsRefusedAtOnce) {
  for (const std::string piece : {"[", "{", "- ", "? ", "{a: ", "!a ", "&a ", "a: ", "'", "\"",
                                  "|\n", "*a ", "#", "%A\n", "---\n", "]", ": ", "a: &a\n"}) {
    std::string text;
    while (text.size() + piece.size() <= max_yaml_bytes) text += piece;
    json_of(text);  // Whatever it is: the suite's own patience is the limit.
  }
}

TEST(YamlText, AnyMutationOfATextIsTakenOrRefused) {
  const std::string good =
      "flow: etl\nnodes:\n  a: {exec: [python3, \"x\"], retry: &r {max_attempts: 3}}\n"
      "  b:\n    task: 'b'\n    needs: [a]\n    retry: *r\n    when: >-\n      $.x\n      == 1\n";
  std::mt19937 dice(7);
  const std::string alphabet = "[]{}:,-?*&!|>'\"#%@`\\ \n\tab01.";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (int change = 0; change < 3; ++change) {
      const std::size_t at = dice() % text.size();
      const char c = alphabet[dice() % alphabet.size()];
      switch (dice() % 3) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text.erase(at, 1 + dice() % 4);
      }
    }
    YamlMistake mistake;
    const bool taken = read_yaml(text, mistake) != nullptr;
    EXPECT_EQ(taken, mistake.text.empty()) << text;
  }
}

}  // namespace
}  // namespace penstock::flow
