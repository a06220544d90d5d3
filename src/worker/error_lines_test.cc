// SPDX-License-Identifier: MIT
#include "worker/error_lines.h"

#include "rules/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using ::testing::ElementsAre;

class ErrorLinesTest : public ::testing::Test {
 protected:
  void add(std::string_view text) { lines_.add(text, sink_); }

  std::vector<std::string> seen_;
  const ErrorLines::Sink sink_ = [this](std::string_view line) { seen_.emplace_back(line); };
  ErrorLines lines_;
};

TEST_F(ErrorLinesTest, ALineIsHandedOnWhenItIsComplete) {
  add("on");
  EXPECT_TRUE(seen_.empty());
  add("e\ntwo\n\nthr");
  EXPECT_THAT(seen_, ElementsAre("one", "two", ""));
  lines_.finish(sink_);
  EXPECT_THAT(seen_, ElementsAre("one", "two", "", "thr"));
  EXPECT_EQ(lines_.last_line(), "thr");
}

TEST_F(ErrorLinesTest, ALineIsWhatATerminalWouldShowOfIt) {
  add(" 10%\r 50%\r100%\nend\r\n");
  add(std::string_view("\xff\0x\n", 4));
  EXPECT_THAT(seen_, ElementsAre("100%", "end", "\xef\xbf\xbd x"));
}

TEST_F(ErrorLinesTest, AnEndlessLineComesInPartsAndHoldsNoMoreThanOne) {
  add(std::string(rules::max_log_line_bytes * 3 + 5, 'x'));
  EXPECT_EQ(seen_.size(), 3U);
  add("y\n");
  ASSERT_EQ(seen_.size(), 4U);
  EXPECT_EQ(seen_[3], "xxxxxy");
  EXPECT_EQ(seen_[0].size(), rules::max_log_line_bytes);
}

TEST_F(ErrorLinesTest, TheDetailIsTheLastLineAndTheEndOfItAll) {
  EXPECT_EQ(lines_.detail(), "");
  add("only\n");
  EXPECT_EQ(lines_.detail(), ", last line: only") << "said once";
  add("Traceback:\nValueError: no\n");
  EXPECT_EQ(lines_.detail(), ", last line: ValueError: no\nonly\nTraceback:\nValueError: no");
  add(std::string(100'000, 'x'));
  add("\n");
  EXPECT_LT(lines_.detail().size(), rules::max_error_tail_bytes + 300);
  lines_.forget();
  EXPECT_EQ(lines_.detail(), "");
}

}  // namespace
}  // namespace penstock
