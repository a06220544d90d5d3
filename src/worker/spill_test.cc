// SPDX-License-Identifier: MIT
#include "worker/spill.h"

#include "rules/json_object.h"
#include "rules/limits.h"
#include "tests/support/program_fixture.h"

#include <penstock/testing.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

namespace penstock {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SpillTest : public testing::ProgramFixture {
 protected:
  SpillTest() {
    std::string name = ::testing::TempDir() + "/penstock-spill-XXXXXX";
    folder_ = mkdtemp(name.data());
    spill_ = {.folder = folder_, .max_bytes = 4 << 20};
  }
  ~SpillTest() override { std::filesystem::remove_all(folder_); }

  static std::string text_of(std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; }
  rules::Outcome run(std::string result) {
    const Tasks::Task task{.name = "t",
                           .run = [&](std::string_view, JobContext&) { return result; }};
    Attempt attempt({.id = {"job-1"}, .fence = Fence{9}, .task = "t"}, task, {.spill = spill_},
                    "w");
    SimClock clock;
    EXPECT_TRUE(attempt.claim());
    return attempt.run(clock, nullptr);
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                                  std::filesystem::directory_iterator()));
  }

  std::string folder_;
  Spill spill_;
};

TEST_F(SpillTest, AResultOverOneMebibyteBecomesAFileOfTheOwnerAlone) {
  const std::string large = text_of(rules::max_result_bytes + 1);
  const auto outcome = run(large);
  ASSERT_TRUE(std::holds_alternative<rules::Succeeded>(outcome)) << error_of(outcome);
  const std::string instead = std::get<rules::Succeeded>(outcome).result;
  const std::string path = folder_ + "/job-1-9.json";
  EXPECT_EQ(instead, "{\"$file\":\"" + path + "\",\"bytes\":1048577}");
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(file), {}) == large);
  struct stat seen {};
  ASSERT_EQ(stat(path.c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777U, 0600U);
  EXPECT_EQ(files(), 1U) << "nothing unfinished is left";
}

TEST_F(SpillTest, AResultThatTheStoreTakesIsNoFile) {
  const std::string fits = text_of(rules::max_result_bytes);
  EXPECT_TRUE(std::get<rules::Succeeded>(run(fits)).result == fits);
  EXPECT_EQ(files(), 0U);
}

TEST_F(SpillTest, WithoutAFolderAndOverItsLimitAResultIsRefusedForGood) {
  const auto over = run(text_of((4 << 20) + 1));
  EXPECT_FALSE(std::get<rules::Failed>(over).retryable);
  EXPECT_THAT(error_of(over), HasSubstr("the limit is 4194304"));
  EXPECT_EQ(files(), 0U);
  spill_ = {};
  const auto refused = run(text_of(rules::max_result_bytes + 1));
  EXPECT_FALSE(std::get<rules::Failed>(refused).retryable);
  EXPECT_THAT(error_of(refused), EndsWith("or give the worker --spill DIR"));
}

TEST_F(SpillTest, AFileThatCannotBeWrittenFailsAndIsTriedAgain) {
  std::filesystem::remove_all(folder_);
  const auto outcome = run(text_of(rules::max_result_bytes + 1));
  EXPECT_TRUE(std::get<rules::Failed>(outcome).retryable);
  EXPECT_THAT(error_of(outcome), StartsWith("result cannot be written to " + folder_));
}

TEST_F(SpillTest, AFolderHasToBeThereAndBecomesAbsolute) {
  EXPECT_EQ(settle_spill({.folder = "no/such/folder"}).error().code, Errc::not_found);
  EXPECT_EQ(settle_spill({.folder = "/etc/passwd"}).error().code, Errc::not_found);
  EXPECT_EQ(settle_spill({.folder = folder_, .max_bytes = 1000}).error().code, Errc::invalid);
  const auto here = settle_spill({.folder = "."});
  ASSERT_TRUE(here);
  EXPECT_EQ(here->folder, std::filesystem::current_path());
  EXPECT_EQ(settle_spill({})->folder, "");
}

TEST_F(SpillTest, AProgramsOutputMayBeAsLargeAsASpillIs) {
  add_shell("head -c 2000000 /dev/zero | tr '\\0' x");
  Attempt attempt({.id = {"job-1"}, .fence = Fence{9}, .task = "t"}, *tasks_.find("t"),
                  {.spill = spill_}, "w");
  const auto outcome = ProgramFixture::run(attempt);
  ASSERT_TRUE(std::holds_alternative<rules::Succeeded>(outcome)) << error_of(outcome);
  EXPECT_THAT(std::get<rules::Succeeded>(outcome).result, EndsWith("\"bytes\":2000002}"));
}

}  // namespace
}  // namespace penstock
