// SPDX-License-Identifier: MIT
#include "apps/roster/json_fields.h"

#include <gtest/gtest.h>

namespace penstock::roster {
namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

TEST(JsonFields, TextThatNestsTooDeepIsRefused) {
  EXPECT_TRUE(parse_json(nested(64)));
  const auto parsed = parse_json(nested(66));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "the input nests deeper than 64 levels; flatten it");
}

TEST(JsonFields, MillionsOfBracketsDoNotOverflowTheStack) {
  EXPECT_FALSE(parse_json(nested(4'000'000)));
  EXPECT_FALSE(parse_json(std::string(4'000'000, '[')));
}

TEST(JsonFields, MistakeInTheTextIsLocated) {
  const auto parsed = parse_json("{\"a\": }");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "the input is not JSON: mistake at byte 7; correct it there");
}

TEST(JsonFields, NumberBeyondEveryRangeIsRefused) { EXPECT_FALSE(parse_json("[1e999]")); }

TEST(JsonFields, FirstMistakeWinsAndNamesItsPath) {
  const auto document = parse_json(R"({"a": [{"b": 1}, {"b": "x"}]})").value();
  std::optional<Error> error;
  const Field root(document, error);
  for (const Field& item : root["a"].items()) EXPECT_LE(item["b"].number(0, 5), 5);
  EXPECT_FALSE(root["c"].has("d"));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "a[1].b: \"x\" is not a whole number; write 0 to 5");
}

TEST(JsonFields, WrongKindsAreRefused) {
  const auto message = [](std::string_view text, auto read) {
    const auto document = parse_json(text).value();
    std::optional<Error> error;
    read(Field(document, error));
    return error ? error->message : "accepted";
  };
  EXPECT_EQ(message("[]", [](const Field& f) { (void)f["a"]; }),
            "the input: a list is not an object; write {...}");
  EXPECT_EQ(message(R"({"a": 1})", [](const Field& f) { (void)f["a"].items(); }),
            "a: 1 is not a list; write [...]");
  EXPECT_EQ(message(R"({"a": 1.5})", [](const Field& f) { (void)f["a"].number(0, 9); }),
            "a: 1.5 is not a whole number; write 0 to 9");
  EXPECT_EQ(
      message(R"({"a": 18446744073709551615})", [](const Field& f) { (void)f["a"].number(0, 9); }),
      "a: 18446744073709551615 is out of range; use 0 to 9");
  EXPECT_EQ(message(R"({"a": "yes"})", [](const Field& f) { (void)f.flag_of("a", true); }),
            "a: \"yes\" is neither true nor false");
  EXPECT_EQ(message(R"({"a": ""})", [](const Field& f) { (void)f["a"].text(); }),
            "a: has 0 bytes; use 1 to 200");
}

}  // namespace
}  // namespace penstock::roster
