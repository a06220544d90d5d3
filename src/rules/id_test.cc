// SPDX-License-Identifier: MIT
#include "rules/id.h"

#include <gtest/gtest.h>

#include <regex>

namespace penstock::rules {
namespace {

Secret secret(std::uint8_t fill) {
  Secret one;
  one.fill(fill);
  return one;
}

const JobKey keys[] = {{.shard = 0, .lane = Lane{1}, .sequence = 1},
                       {.shard = 63, .lane = Lane{max_lane}, .sequence = max_sequence - 1},
                       {.shard = 5, .lane = Lane{0x54321}, .sequence = 0x3ff},
                       {.shard = 5, .lane = Lane{0x54321}, .sequence = 0x400},
                       {.shard = 1, .lane = Lane{7}, .sequence = 1ULL << 40}};

TEST(JobIds, ReadBackWhatTheyWereMadeOf) {
  const IdMint mint(secret(1));
  for (const JobKey& key : keys) {
    const auto read = mint.read(mint.make(key).text);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, key);
  }
}

TEST(JobIds, HaveTheFormOfAUuid) {
  const IdMint mint(secret(1));
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (const JobKey& key : keys) EXPECT_TRUE(std::regex_match(mint.make(key).text, uuid));
}

TEST(JobIds, AreReadInUpperCaseToo) {
  const IdMint mint(secret(1));
  std::string text = mint.make(keys[2]).text;
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(mint.read(text), keys[2]);
}

TEST(JobIds, NoDigitCanBeChanged) {
  const IdMint mint(secret(1));
  const std::string id = mint.make(keys[1]).text;
  for (std::size_t at = 0; at < id.size(); ++at) {
    for (const char digit : {'0', '7', 'f', '-', 'g'}) {
      if (id[at] == digit) continue;
      std::string tampered = id;
      tampered[at] = digit;
      EXPECT_FALSE(mint.read(tampered)) << tampered;
    }
  }
}

TEST(JobIds, OfAnotherNamespaceMeanNothing) {
  const IdMint ours(secret(1)), theirs(secret(2));
  for (const JobKey& key : keys) EXPECT_FALSE(ours.read(theirs.make(key).text));
}

TEST(JobIds, TextThatIsNoIdIsNotRead) {
  const IdMint mint(secret(1));
  const std::string id = mint.make(keys[0]).text;
  for (const std::string& text : {std::string(), std::string("my-own-id"), id.substr(1), id + "0",
                                  std::string(36, '-'), std::string(36, '0')}) {
    EXPECT_FALSE(mint.read(text)) << text;
  }
}

TEST(JobIds, AreTheSameWithTheSameSecret) {
  EXPECT_EQ(IdMint(secret(9)).make(keys[0]), IdMint(secret(9)).make(keys[0]));
  EXPECT_NE(IdMint(secret(9)).make(keys[0]), IdMint(secret(8)).make(keys[0]));
}

}  // namespace
}  // namespace penstock::rules
