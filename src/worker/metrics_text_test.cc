// SPDX-License-Identifier: MIT
#include "worker/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;

TEST(MetricsText, CountersAndHistogramsHaveTheirLabelsAndUnits) {
  rules::Tally tally;
  tally.count("mail", "send \"x\"", {.key = {}, .move = rules::Move::succeed}, Duration{3},
              Duration{1500});
  const std::string text =
      metrics_text(tally, {.running = 2, .rss_bytes = 1 << 20, .uptime = Duration{2500}});
  EXPECT_THAT(text, HasSubstr(R"(penstock_jobs_finished_total{queue="mail",task="send \"x\"",)"
                              R"(outcome="succeeded"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(penstock_job_run_seconds_bucket{queue="mail",task="send \"x\"",)"
                              R"(le="2.5"} 1)"));
  EXPECT_THAT(
      text, HasSubstr("penstock_job_run_seconds_sum{queue=\"mail\",task=\"send \\\"x\\\"\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("penstock_active_jobs 2\n"));
  EXPECT_THAT(text, HasSubstr("penstock_worker_uptime_seconds 2.5\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE penstock_job_wait_seconds histogram\n"));
}

}  // namespace
}  // namespace penstock
