// SPDX-License-Identifier: MIT
#include "rules/json_object.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

TEST(JsonObject, HandsOutEachValueAsTheTextItIs) {
  const std::string text =
      R"( { "a" : {"x":[1,{"y":"}"}]} , "b":"q\"}","c":-1.5e3,"d":[ ],"e":true,"f":null } )";
  const auto object = JsonObject::parse(text);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->raw("a"), R"({"x":[1,{"y":"}"}]})");
  EXPECT_EQ(object->raw("b"), R"("q\"}")");
  EXPECT_EQ(object->raw("c"), "-1.5e3");
  EXPECT_EQ(object->raw("d"), "[ ]");
  EXPECT_FALSE(object->raw("f")) << "null is as good as absent";
  EXPECT_FALSE(object->raw("g"));
  EXPECT_EQ(object->text("b").value(), "q\"}");
  EXPECT_EQ(object->number("c").value(), -1500);
  EXPECT_EQ(object->boolean("e").value(), true);
  EXPECT_TRUE(JsonObject::parse("{}"));
}

TEST(JsonObject, AValueOfAnotherTypeIsAnErrorThatNamesIt) {
  const auto object = JsonObject::parse(R"({"a":1,"b":"x","c":nan,"d":inf,"e":"\q"})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->text("a").error().message, "\"a\" is no text");
  EXPECT_FALSE(object->number("b"));
  EXPECT_FALSE(object->number("c"));
  EXPECT_FALSE(object->number("d"));
  EXPECT_FALSE(object->boolean("a"));
  EXPECT_FALSE(object->text("e"));
}

TEST(JsonObject, EscapesAndBytesThatAreNoTextAreTakenCareOf) {
  const auto object = JsonObject::parse("{\"a\":\"\\u00fc\\n\",\"b\":\"x\xff\",\"c\":\"\xc3\\t\"}");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->text("a").value(), "ü\n");
  EXPECT_EQ(object->text("b").value(), "x\xef\xbf\xbd");
  EXPECT_EQ(object->text("c").value(), "\xef\xbf\xbd\t");
}

TEST(JsonObject, RefusesWhatIsNoObject) {
  for (const char* text :
       {"", "hello", "[]", "1", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}",
        "{\"a\":[}", "{\"a\":\"x}", "{\"a\":1}x", "{\"a\":1 \"b\":2", "{a:1}", "{\"a\":\"\\"}) {
    const auto refused = JsonObject::parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
  }
}

}  // namespace
}  // namespace penstock::rules
