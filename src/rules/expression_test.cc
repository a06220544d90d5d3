// SPDX-License-Identifier: MIT
#include "rules/expression.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

std::optional<std::string> value_at(const PathRoot& root) {
  if (root.kind == PathRoot::Kind::input)
    return R"({"n":3,"list":[1,2],"s":"ab","deep":{"x":[7]}})";
  if (root.kind == PathRoot::Kind::shared && root.name == "key") return "null";
  if (root.kind == PathRoot::Kind::result && root.name == "a") return R"([{"ok":true}])";
  if (root.kind == PathRoot::Kind::item) return "5";
  return std::nullopt;
}

bool truth(std::string_view text) {
  const auto expression = Expression::parse(text);
  EXPECT_TRUE(expression) << text << ": " << expression.error().message;
  return expression && expression->evaluate(value_at);
}

TEST(Expression, ComparesPathsAndLiterals) {
  for (const char* text :
       {"$.input.n == 3",        "$.input.n != 4",
        "$.input.n < 3.5",       "3 <= $.input.n",
        "$.input.n > 2",         "$.input.n >= 3",
        "$.input.s == 'ab'",     "$.input.s == \"ab\"",
        "2 in $.input.list",     "'a' in $.input.s",
        "'n' in $.input",        "$.input.deep.x[0] == 7",
        "$.shared.key == null",  "$.nodes.a.result[0].ok",
        "$.item == 5",           "$.input.list == [1, 2]",
        "not $.shared.absent",   "$.input.n == 3 and ($.item == 4 or $.item == 5)",
        "not (1 == 2) and true", "$.nodes.nobody.result == null"}) {
    EXPECT_TRUE(truth(text)) << text;
  }
}

TEST(Expression, WhatDoesNotFitIsFalse) {
  for (const char* text : {"$.input.n < 'x'", "$.input.list > 1", "$.input.absent.deeper.still",
                           "$.input.list[9]", "1 in 2", "false", "0", "\"\"", "[]", "{}", "null",
                           "$.input.n == '3'", "not true or false"}) {
    EXPECT_FALSE(truth(text)) << text;
  }
}

TEST(Expression, MistakesNameTheirColumn) {
  const auto error = [](std::string_view text) {
    const auto parsed = Expression::parse(text);
    return parsed ? std::string("none") : parsed.error().message;
  };
  EXPECT_NE(error("1 ==").find("a value was expected (column 5)"), std::string::npos);
  EXPECT_NE(error("(1 == 1").find(") is missing"), std::string::npos);
  EXPECT_NE(error("$.input.n = 3").find("an operator was expected (column 11)"), std::string::npos);
  EXPECT_NE(error("$.elsewhere").find("a path begins with"), std::string::npos);
  EXPECT_NE(error("rm -rf").find("is neither a path nor a JSON value"), std::string::npos);
  EXPECT_NE(error("$.input[x]").find("an index or a quoted name"), std::string::npos);
  EXPECT_NE(error("'open").find("the quote is not closed"), std::string::npos);
  EXPECT_NE(error("").find("a value was expected"), std::string::npos);
}

TEST(Expression, TheNumberOfTermsIsBounded) {
  std::string text = "1";
  for (int i = 0; i < 255; ++i) text += " or 0";
  EXPECT_TRUE(Expression::parse(text));
  EXPECT_FALSE(Expression::parse(text + " or 1"));
  EXPECT_FALSE(Expression::parse(std::string(100'000, '(')));
  std::string nots;
  for (int i = 0; i < 5000; ++i) nots += "not ";
  EXPECT_FALSE(Expression::parse(nots + "1"));
}

TEST(Template, PathsInStringsAreReplaced) {
  const auto with = Template::parse(
      R"({"a":"$.input.n","b":["$.item","$$.literal","text"],"c":"$.input.absent"})");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->evaluate(value_at), R"({"a":3,"b":[5,"$.literal","text"],"c":null})");
  EXPECT_FALSE(Template::parse(R"({"a":"$.bad path"})"));
  EXPECT_FALSE(Template::parse("{"));
}

TEST(Path, QuotedKeysAndRoots) {
  const auto path = Path::parse(R"($.shared["a b"].c)");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->root(), (PathRoot{PathRoot::Kind::shared, "a b"}));
  EXPECT_FALSE(Path::parse("$.shared"));
  EXPECT_FALSE(Path::parse("$.nodes.a"));
  EXPECT_FALSE(Path::parse("$.input.a b"));
}

TEST(Path, AMistakeInANameSaysHowItIsWritten) {
  const auto told = [](std::string_view path, std::string_view text) {
    const auto parsed = Path::parse(path);
    ASSERT_FALSE(parsed) << path;
    EXPECT_NE(parsed.error().message.find(text), std::string::npos) << parsed.error().message;
  };
  told("$.input.KÄSE.x", R"(in brackets and quotes, $.input["KÄSE"] (column 9))");
  told("$.input.Ä", R"(quotes, $.input["Ä"] (column 9))");
  told("$.input.two words.x", R"(the path ends here: a name with other characters than a-z, )"
                              R"(A-Z, 0-9, _ and - is written in brackets and quotes, )"
                              R"($.input["two words"] (column 12))");
  told("$.input.@type", R"($.input["@type"])");
  told("$.input[Ä]", "in brackets stands an index or a quoted name");
  told("$.input.", "a name or an index is missing (column 9)");
  told("$.input[0]x", "the path ends here (column 11)");
  told("$.Ä", "the name ends at a letter that is not ASCII (column 3)");
  EXPECT_EQ(Path::parse(R"($.input["KÄSE"])")->evaluate([](const PathRoot&) {
    return std::optional<std::string>(R"({"KÄSE":5})");
  }),
            "5");
}

TEST(Expression, ANameThatIsNotAsciiSaysHowItIsWritten) {
  const auto parsed = Expression::parse("$.input.a and $.input.KÄSE == 5");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find(R"(quotes, $.input["KÄSE"] (column 23))"),
            std::string::npos)
      << parsed.error().message;
}

}  // namespace
}  // namespace penstock::rules
