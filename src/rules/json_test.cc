// SPDX-License-Identifier: MIT
#include "rules/json.h"

#include "rules/limits.h"

#include <penstock/json.h>

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(Json, AcceptsTrueJson) {
  for (const char* text : {"null", "1", "-0.5e3", "\"x\"", "[]", "{\"a\":[1,{\"b\":null}]}",
                           " [ 1 ] ", "\"\\u20ac\""}) {
    EXPECT_TRUE(check_json("payload", text, 1000)) << text;
  }
}

TEST(Json, RefusesWhatIsNotJsonAndSaysWhere) {
  for (const char* text :
       {"", "nul", "{a:1}", "[1,]", "{\"a\":1", "1 2", "'x'", "\"\xff\"", "NaN"}) {
    const auto refused = check_json("payload", text, 1000);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().message.find("payload is not JSON"), 0U) << refused.error().message;
  }
  EXPECT_NE(check_json("payload", "[1,]", 1000).error().message.find("byte 4"), std::string::npos);
}

TEST(Json, AByteOrderMarkIsRefused) {
  const auto checked = check_json("payload",
                                  "\xef\xbb\xbf"
                                  "1",
                                  100);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::invalid);
}

TEST(Json, DepthEndsAt64Levels) {
  EXPECT_TRUE(check_json("payload", nested(64), 1 << 20));
  const auto refused = check_json("payload", nested(65), 1 << 20);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("deeper than 64"), std::string::npos);
}

TEST(Json, AHundredThousandLevelsHarmNothing) {
  EXPECT_FALSE(check_json("payload", nested(100'000), 1 << 20));
  EXPECT_FALSE(check_json("payload", std::string(100'000, '['), 1 << 20));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(check_json("payload", objects, 1 << 20));
}

TEST(Json, FiveMebibytesAreTooLarge) {
  const std::string large = '"' + std::string(5 << 20, 'x') + '"';
  const auto refused = check_json("payload", large, max_payload_bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_large);
  EXPECT_NE(refused.error().message.find(std::to_string(large.size())), std::string::npos);
  EXPECT_LT(refused.error().message.size(), 200U);
  EXPECT_TRUE(check_json("payload", '"' + std::string(max_payload_bytes - 2, 'x') + '"',
                         max_payload_bytes));
}

TEST(Json, StringMapsReadBack) {
  const std::map<std::string, std::string> map = {
      {"a", "b"}, {"quote\"", "back\\slash\n\t"}, {"\xe2\x82\xac", ""}};
  EXPECT_EQ(*read_string_map(write_string_map(map)), map);
  EXPECT_EQ(write_string_map({}), "{}");
}

TEST(Json, StringMapsAreObjectsOfStringsOnly) {
  for (const char* text : {"", "[]", "{\"a\":1}", "{\"a\":{}}", "\"a\"", "{\"a\":null}"}) {
    EXPECT_FALSE(read_string_map(text)) << text;
  }
}

TEST(Json, StringsAreEscapedAndMadeValid) {
  std::string out;
  append_json_string(out, "a\"\\\n\t\r\x01\xe2\x82\xac\xff\xc0\xaf\xed\xa0\x80");
  EXPECT_TRUE(check_json("text", out, 1000)) << out;
  EXPECT_EQ(out.find("\"a\\\"\\\\\\n\\t\\r\\u0001\xe2\x82\xac\xef\xbf\xbd"), 0U);
}

TEST(Json, WriterWritesWhatTheCheckAccepts) {
  JsonWriter writer;
  writer.begin_object().key("a").number(-1).key("b").begin_array().real(0.5).boolean(true).null();
  writer.begin_object().end_object().end_array().key("c").text("x").key("d").raw("[1]");
  const std::string text = writer.end_object().take();
  EXPECT_EQ(text, "{\"a\":-1,\"b\":[0.5,true,null,{}],\"c\":\"x\",\"d\":[1]}");
  EXPECT_TRUE(check_json("text", text, 1000));
}

TEST(JsonWriter, RawTextOfManyLinesBecomesOne) {
  JsonWriter writer;
  writer.begin_array().raw("{\n  \"a \\\" b\\\\\": [1, 2,\r\n\t3]\n}").end_array();
  EXPECT_EQ(writer.take(), "[{\"a \\\" b\\\\\":[1,2,3]}]");
}

TEST(Json, BytesThatAreNotUtf8AreNamedWithTheirPlace) {
  const auto refused = check_json("input", "{\"name\":\"K\xe4se\"}", 100);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with(
      R"(input is not JSON: byte 11 is \xe4, which is not UTF-8, behind "{"name":"K")"))
      << refused.error().message;
}

struct Order {
  int rows = 0;
  std::string name = {};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, rows, name)

TEST(Json, AValueOfAnotherTypeIsToldWithWhatWasExpectedAndWhatCame) {
  EXPECT_EQ(Codec<int>::decode(R"("abc")").error().message,
            "must be a whole number, but is text \"abc\"");
  EXPECT_EQ(Codec<int>::decode("1.5").error().message,
            "must be a whole number, but is the number 1.5");
  EXPECT_EQ(Codec<int>::decode("true").error().message, "must be a whole number, but is true");
  EXPECT_EQ(Codec<int>::decode("3000000000").error().message,
            "must be a whole number, but is the number 3000000000, which its type cannot hold");
  EXPECT_FALSE(Codec<unsigned>::decode("-1"));
  EXPECT_FALSE(Codec<double>::decode("false"));
  EXPECT_EQ(Codec<int>::decode("5.0").value(), 5);
  EXPECT_EQ(Codec<std::uint64_t>::decode("18446744073709551615").value(), UINT64_MAX);
  EXPECT_EQ(Codec<std::string>::decode("5").error().message, "must be text, but is the number 5");
  EXPECT_EQ(Codec<bool>::decode("[]").error().message, "must be true or false, but is a list");
  EXPECT_EQ(Codec<double>::decode("null").error().message, "must be a number, but is null");
  EXPECT_EQ(Codec<Order>::decode(R"({"rows":"x","name":"n","note":5})").error().message,
            "does not fit: type must be number, but is string (\"name\" is text \"n\", "
            "\"rows\" is text \"x\")");
  EXPECT_EQ(Codec<Order>::decode(R"({"rows":1})").error().message,
            "does not fit: key 'name' not found");
  EXPECT_EQ(Codec<std::vector<int>>::decode(R"([1,"a"])").error().message,
            "does not fit: type must be number, but is string (item 1 is text \"a\")");
}

}  // namespace
}  // namespace penstock::rules
