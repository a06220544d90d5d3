// SPDX-License-Identifier: MIT
#include "rules/admission.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

using namespace std::chrono_literals;

constexpr Time now{1'000'000ms};

TEST(Admission, PlainJobIsReadyWithTheDefaults) {
  const auto job = admit({.task = "t", .options = {}}, now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->first, JobState::ready);
  EXPECT_EQ(job->queue, "default");
  EXPECT_EQ(job->priority, 5);
  EXPECT_EQ(job->payload, "null");
  EXPECT_EQ(job->due, std::nullopt);
  EXPECT_EQ(write_options(job->own), "");
}

TEST(Admission, StartDecidesTheFirstState) {
  const auto start = [](auto when) {
    return *admit({.task = "t", .options = {.start = when}}, now);
  };
  EXPECT_EQ(start(Duration{1ms}).first, JobState::scheduled);
  EXPECT_EQ(start(Duration{1ms}).due, now + 1ms);
  EXPECT_EQ(start(Duration{0}).first, JobState::ready);
  EXPECT_EQ(start(now + 1h).due, now + 1h);
  EXPECT_EQ(start(now).first, JobState::ready);
  EXPECT_EQ(start(now - 1h).first, JobState::ready);
}

TEST(Admission, TimesCountFromNow) {
  const auto job =
      *admit({.task = "t", .options = {.expires = 5s, .unique = Unique{"k", 7s}}}, now);
  EXPECT_EQ(job.expires_at, now + 5s);
  EXPECT_EQ(job.unique_key, "k");
  EXPECT_EQ(job.unique_until, now + 7s);
}

TEST(Admission, ErrorsNameTheFieldAndItsValue) {
  struct Row {
    JobSpec spec;
    const char* field;
    const char* value;
  };
  const auto with = [](SubmitOptions options) {
    return JobSpec{.task = "t", .options = std::move(options)};
  };
  const Row rows[] = {
      {{.task = "", .options = {}}, "task name", "\"\""},
      {{.task = "a\nb", .options = {}}, "task name", "a\\x0ab"},
      {{.task = "t", .payload = "{", .options = {}}, "payload", "\"{\""},
      {with({.queue = "{q}"}), "queue name", "{q}"},
      {with({.pool = "p q"}), "pool name", "p q"},
      {with({.id = "a/b"}), "job id", "a/b"},
      {with({.priority = 11}), "priority", "11"},
      {with({.priority = -1}), "priority", "-1"},
      {with({.max_attempts = 0}), "max_attempts", "0"},
      {with({.max_attempts = 1001}), "max_attempts", "1001"},
      {with({.start = Duration{-5s}}), "delay", "-5s"},
      {with({.timeout = Duration{0}}), "timeout", "0ms"},
      {with({.expires = Duration{-1s}}), "expires", "-1s"},
      {with({.retry_for = Duration{-1s}}), "retry_for", "-1s"},
      {with({.result_ttl = Duration{-1s}}), "result_ttl", "-1s"},
      {with({.unique = Unique{"k", Duration{0}}}), "unique hold", "0ms"},
      {with({.unique = Unique{""}}), "unique key", "\"\""},
      {with({.idempotency_key = "a\n"}), "idempotency key", "a\\x0a"},
      {with({.fair_key = "\x01"}), "fair key", "\\x01"},
      {with({.fair_key = "tenant"}), "fair key", "tenant"},  // Nothing takes turns by it yet.
      {with({.tags = {{"a=b", "c"}}}), "tag key", "a=b"},
      {with({.backoff = Backoff{.first = 2s, .cap = 1s}}), "backoff", "first"},
      {with({.backoff = Backoff{.jitter = 1.5}}), "backoff", "jitter"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.field) + ' ' + row.value);
    const auto refused = admit(row.spec, now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find(row.field), std::string::npos);
    EXPECT_NE(refused.error().message.find(row.value), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(refused.error().message.find('\n'), std::string::npos);
  }
}

TEST(Admission, BoundsThemselvesAreAllowed) {
  for (const int priority : {0, 10}) {
    EXPECT_TRUE(admit({.task = "t", .options = {.priority = priority}}, now));
  }
  for (const int attempts : {1, 1000}) {
    EXPECT_TRUE(admit({.task = "t", .options = {.max_attempts = attempts}}, now));
  }
}

TEST(Admission, LargePayloadIsTooLarge) {
  const JobSpec spec{.task = "t", .payload = '"' + std::string(5 << 20, 'x') + '"', .options = {}};
  EXPECT_EQ(admit(spec, now).error().code, Errc::too_large);
}

TEST(Options, ReadBackWhatWasSet) {
  const OwnOptions own{.max_attempts = 7,
                       .backoff = Backoff{.kind = Backoff::Kind::linear, .jitter = 0.2},
                       .retry_for = 1h,
                       .timeout = 5s,
                       .result_ttl = 90min,
                       .keep_full = true};
  EXPECT_EQ(*read_options(write_options(own)), own);
  EXPECT_EQ(*read_options(""), OwnOptions{});
  for (const char* text :
       {"{", "[]", "{\"timeout\":\"5\"}", "{\"colour\":\"red\"}", "{\"max_attempts\":\"many\"}"}) {
    EXPECT_FALSE(read_options(text)) << text;
  }
}

TEST(Options, TheJobsOwnComeBeforeTheTasksBeforeTheDefaults) {
  const Policy defaults = effective({}, {}, {});
  EXPECT_EQ(defaults.max_attempts, 3);
  EXPECT_EQ(defaults.timeout, std::nullopt);
  EXPECT_EQ(defaults.keep_succeeded, 1h);
  EXPECT_EQ(defaults.keep_failed, 24h * 30);
  const TaskDefaults task{.max_attempts = 5, .timeout = Duration{9s}, .result_ttl = Duration{2h}};
  EXPECT_EQ(effective({}, task, {}).max_attempts, 5);
  EXPECT_EQ(effective({}, task, {}).timeout, 9s);
  EXPECT_EQ(effective({}, task, {}).keep_succeeded, 2h);
  OwnOptions own;
  own.max_attempts = 1;
  own.timeout = 1s;
  own.result_ttl = 0s;
  EXPECT_EQ(effective(own, task, {}).max_attempts, 1);
  EXPECT_EQ(effective(own, task, {}).timeout, 1s);
  EXPECT_EQ(effective(own, task, {}).keep_succeeded, 0s);
}

}  // namespace
}  // namespace penstock::rules
