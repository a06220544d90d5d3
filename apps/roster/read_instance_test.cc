// SPDX-License-Identifier: MIT
#include "apps/roster/read_instance.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

TEST(ReadInstance, BothFormatsAreRecognised) {
  EXPECT_EQ(instance1().format, Format::benchmark);
  EXPECT_EQ(weekdays().format, Format::small_json);
}

TEST(ReadInstance, JsonTextFieldCarriesTheBenchmarkFormat) {
  const nlohmann::json wrapped{{"text", instance_file("instance1.txt")}};
  const auto instance = read_instance("  " + wrapped.dump());
  ASSERT_TRUE(instance) << instance.error().message;
  EXPECT_EQ(instance->employees.size(), 8U);
}

TEST(ReadInstance, EmptyInputSaysWhatToGive) {
  const auto instance = read_instance(" \n");
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().message,
            "the input is empty; give an instance in the benchmark text format or in JSON");
}

TEST(ReadInstance, HugeJsonIsTooLarge) {
  const auto instance = read_instance("{" + std::string(max_input_bytes, ' '));
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().code, Errc::too_large);
}

}  // namespace
}  // namespace penstock::roster
