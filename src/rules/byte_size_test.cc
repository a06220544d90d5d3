// SPDX-License-Identifier: MIT
#include "rules/byte_size.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

TEST(ByteSize, ReadsThousandsAndTheirBinaryKin) {
  const std::pair<const char*, std::int64_t> rows[] = {{"1B", 1},
                                                       {"1500B", 1500},
                                                       {"64KiB", 65536},
                                                       {"64KB", 64000},
                                                       {"512MB", 512'000'000},
                                                       {"512MiB", 512LL << 20},
                                                       {"2GiB", 2LL << 30},
                                                       {"3GB", 3'000'000'000},
                                                       {"1TB", 1'000'000'000'000},
                                                       {"1000TiB", 1000LL << 40}};
  for (const auto& [text, bytes] : rows) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(ByteSize, RefusesBareNumbersNegativesAndNonsense) {
  for (const char* text : {"", "512", "0MB", "-1MB", "MB", "1.5GB", "512 MB", "512mb", "512M",
                           "1001TiB", "99999999999999999999MB", "0x10KB", "+1KB"}) {
    const auto refused = parse_bytes(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find("such as"), std::string::npos);
  }
}

TEST(ByteSize, WritesWhatReadsBack) {
  for (const std::int64_t bytes : {1LL, 1500LL, 1LL << 10, 1LL << 20, 3LL << 30, 1000LL << 40}) {
    EXPECT_EQ(*parse_bytes(format_bytes(bytes)), bytes);
  }
  EXPECT_EQ(format_bytes(1 << 20), "1MiB");
}

}  // namespace
}  // namespace penstock::rules
