// SPDX-License-Identifier: MIT
#include "rules/name.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

TEST(Names, MayHoldLettersDigitsAndFiveMarks) {
  for (const char* name : {"a", "_", "0", "Default", "roster.solve", "a:b/c-d_e.f"}) {
    EXPECT_TRUE(check_name("queue name", name)) << name;
  }
  EXPECT_TRUE(check_name("queue name", std::string(128, 'x')));
}

TEST(Names, RefuseTheRestAndSayWhichValue) {
  for (const char* name : {"", ".a", "-a", "/a", "a b", "a\nb", "{a}", "a\tb", "\xc3\xa4", "a*"}) {
    const auto refused = check_name("queue name", name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().message.find("queue name \""), 0U);
    EXPECT_EQ(refused.error().message.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(check_name("queue name", std::string(129, 'x')));
  EXPECT_LT(check_name("queue name", std::string(1000, 'x')).error().message.size(), 300U);
}

TEST(Names, OfWorkersMayHoldWhatHostsAreCalledElsewhereButNothingThatPartsFields) {
  for (const char* name : {"a", "vm-4711", "celery@host.example", "-x", "b\xc3\xbcro", "a,b=c"}) {
    EXPECT_TRUE(check_worker_name(name)) << name;
  }
  EXPECT_TRUE(check_worker_name(std::string(128, 'x')));
  for (const char* name : {"", "a|b", "a b", "a\nb", "a\x7f"}) {
    const auto refused = check_worker_name(name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().message.find("worker name \""), 0U);
    EXPECT_EQ(refused.error().message.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(check_worker_name(std::string(129, 'x')));
}

TEST(Names, OwnIdsAreShortAndPlain) {
  for (const char* id : {"a", "A.b:c-9", "-", "01234567-89ab-4def-8123-456789abcdef"}) {
    EXPECT_TRUE(check_own_id("job id", id)) << id;
  }
  for (const char* id : {"", "a/b", "a b", "a\n"}) EXPECT_FALSE(check_own_id("job id", id)) << id;
  EXPECT_TRUE(check_own_id("job id", std::string(64, 'x')));
  EXPECT_FALSE(check_own_id("job id", std::string(65, 'x')));
}

TEST(Names, KeysMayHoldAnyTextOfOneLine) {
  EXPECT_TRUE(check_key("unique key", "user 7 / \xe2\x82\xac"));
  for (const char* key : {"", "a\nb", "\x7f", "a\tb"}) EXPECT_FALSE(check_key("unique key", key));
  EXPECT_TRUE(check_key("unique key", std::string(256, 'x')));
  EXPECT_FALSE(check_key("unique key", std::string(257, 'x')));
}

TEST(Names, TagsHaveBoundsInNumberAndLength) {
  std::map<std::string, std::string> tags;
  for (int i = 0; i < 16; ++i) tags["k" + std::to_string(i)] = "v";
  EXPECT_TRUE(check_tags(tags));
  tags["one more"] = "v";
  EXPECT_NE(check_tags(tags).error().message.find("17"), std::string::npos);
  EXPECT_FALSE(check_tags({{"", "v"}}));
  EXPECT_FALSE(check_tags({{"a=b", "v"}}));
  EXPECT_FALSE(check_tags({{"k", "line\n"}}));
  EXPECT_FALSE(check_tags({{std::string(65, 'k'), "v"}}));
  EXPECT_FALSE(check_tags({{"k", std::string(257, 'v')}}));
  EXPECT_TRUE(check_tags({{std::string(64, 'k'), std::string(256, 'v')}}));
}

TEST(Names, PasswordOfAUrlIsNotShown) {
  EXPECT_EQ(without_password("x://ann:secret@host/1"), "x://ann:***@host/1");
  EXPECT_EQ(without_password("x://:se@cr:et@host"), "x://:***@host");
  EXPECT_EQ(without_password("x://secret@host:1"), "x://***@host:1");
  EXPECT_EQ(without_password("x://host:1/2"), "x://host:1/2");
  EXPECT_EQ(without_password("file:a@b"), "file:a@b");
  EXPECT_EQ(without_password(""), "");
}

TEST(Names, PrintableTextIsOneBoundedLine) {
  EXPECT_EQ(printable("a\nb\x01\x7f"), "a\\x0ab\\x01\\x7f");
  EXPECT_EQ(printable("\xff\xc3\xa9\xc3"), "\\xff\xc3\xa9\\xc3");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

}  // namespace
}  // namespace penstock::rules
