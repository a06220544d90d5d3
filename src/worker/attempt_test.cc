// SPDX-License-Identifier: MIT
#include "worker/attempt.h"

#include "rules/limits.h"

#include <penstock/json.h>
#include <penstock/testing.h>

#include <gtest/gtest.h>

namespace penstock {
namespace {

rules::Outcome run(RawHandler handler, std::string payload = "null") {
  const Tasks::Task task{.name = "t", .run = std::move(handler)};
  Attempt attempt({.task = "t", .payload = std::move(payload)}, task, {}, "w");
  SimClock clock;
  EXPECT_TRUE(attempt.claim());
  return attempt.run(clock, nullptr);
}

template <class T>
rules::Outcome run_typed(T handler, std::string payload) {
  Tasks tasks;
  tasks.add("t", handler);
  return run(tasks.find("t")->run, std::move(payload));
}

TEST(Attempt, WhatAHandlerReturnsIsTheResult) {
  const auto outcome = run([](std::string_view p, JobContext&) { return std::string(p); }, "[1]");
  EXPECT_EQ(std::get<rules::Succeeded>(outcome).result, "[1]");
}

TEST(Attempt, AnyExceptionIsAFailureThatIsRetried) {
  const auto outcome = run(
      [](std::string_view, JobContext&) -> std::string { throw std::runtime_error("no luck"); });
  EXPECT_EQ(std::get<rules::Failed>(outcome).error, "no luck");
  EXPECT_TRUE(std::get<rules::Failed>(outcome).retryable);
}

TEST(Attempt, SomethingThatIsNoExceptionIsAFailureToo) {
  const auto outcome = run([](std::string_view, JobContext&) -> std::string { throw 42; });
  EXPECT_TRUE(std::get<rules::Failed>(outcome).retryable);
}

TEST(Attempt, NoRetryFailsForGood) {
  const auto outcome =
      run([](std::string_view, JobContext&) -> std::string { throw NoRetry("hopeless"); });
  EXPECT_FALSE(std::get<rules::Failed>(outcome).retryable);
}

TEST(Attempt, SnoozeAndCancelAreSaidByThrowing) {
  const auto snoozed =
      run([](std::string_view, JobContext&) -> std::string { throw Snooze(Duration{70}); });
  EXPECT_EQ(std::get<rules::Snoozed>(snoozed).delay, Duration{70});
  const auto cancelled =
      run([](std::string_view, JobContext&) -> std::string { throw Cancel("not wanted"); });
  EXPECT_EQ(std::get<rules::Cancelled>(cancelled).reason, "not wanted");
}

TEST(Attempt, AResultThatIsNoJsonFailsForGood) {
  const auto outcome = run([](std::string_view, JobContext&) { return std::string("{oops"); });
  EXPECT_FALSE(std::get<rules::Failed>(outcome).retryable);
}

TEST(Attempt, AResultOverOneMebibyteFailsForGood) {
  const auto outcome = run([](std::string_view, JobContext&) {
    std::string text(rules::max_result_bytes + 2, 'x');
    text.front() = text.back() = '"';
    return text;
  });
  EXPECT_FALSE(std::get<rules::Failed>(outcome).retryable);
}

TEST(Attempt, ATypedHandlerGetsAndGivesItsOwnTypes) {
  const auto outcome = run_typed(
      [](const std::vector<int>& numbers) { return numbers.at(0) + numbers.at(1); }, "[2,3]");
  EXPECT_EQ(std::get<rules::Succeeded>(outcome).result, "5");
}

TEST(Attempt, APayloadOfAnotherTypeFailsForGoodAndSaysSo) {
  const auto outcome = run_typed([](const std::vector<int>&) { return 1; }, "{\"a\":1}");
  EXPECT_FALSE(std::get<rules::Failed>(outcome).retryable);
  EXPECT_NE(std::get<rules::Failed>(outcome).error.find("payload"), std::string::npos);
}

TEST(Attempt, ARevokedAttemptCannotBeClaimedNorAClaimedOneRevoked) {
  const Tasks::Task task;
  Attempt revoked({}, task, {}, "w");
  EXPECT_TRUE(revoked.revoke());
  EXPECT_FALSE(revoked.claim());
  Attempt claimed({}, task, {}, "w");
  EXPECT_TRUE(claimed.claim());
  EXPECT_FALSE(claimed.revoke());
}

TEST(Attempt, NotesHoldTheNewestProgressAndEveryLineOnce) {
  Tasks::Task task{.name = "t", .run = [](std::string_view, JobContext& context) {
                     context.progress(0.2, "first");
                     context.progress(7, "second");
                     context.log("one");
                     context.log("two");
                     return std::string("null");
                   }};
  Attempt attempt({.task = "t", .payload = "null"}, task, {}, "w");
  SimClock clock;
  ASSERT_TRUE(attempt.claim());
  attempt.run(clock, nullptr);
  const auto note = attempt.take_note();
  ASSERT_TRUE(note);
  EXPECT_EQ(note->progress, 1.0) << "progress is cut to 0..1";
  EXPECT_EQ(note->message, "second");
  ASSERT_EQ(note->lines.size(), 2U);
  EXPECT_EQ(note->lines[1].number, 2);
  EXPECT_FALSE(attempt.take_note());
}

}  // namespace
}  // namespace penstock
