// SPDX-License-Identifier: MIT
//
// Runs of flows: what a change compares, what it writes, alone and with the end of a job; and
// reading them.
#include "tests/store/conformance.h"

#include <algorithm>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
using rules::RunChange;
using rules::RunField;

class Signal : public StoreConformance {
 protected:
  Signalled signal(const RunChange& change) {
    return store->signal({.request = producer.next(), .runs = std::span(&change, 1)}).value();
  }
  /// "a=1 b=2", sorted.
  std::string fields(const std::string& prefix = {}, const std::string& run = "r") {
    std::vector<std::string> all;
    FieldsQuery query{.run = run, .prefix = prefix, .limit = 2};
    do {
      const auto listing = store->list(query).value();
      const auto& page = std::get<Page<RunField>>(listing);
      for (const RunField& field : page.items) all.push_back(field.name + '=' + *field.value);
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    std::string text;
    for (const std::string& one : all) text += (text.empty() ? "" : " ") + one;
    return text;
  }
  std::string values(const std::string& list) {
    std::string text;
    ValuesQuery query{.run = "r", .list = list, .limit = 2};
    do {
      const auto listing = store->list(query).value();
      const auto& page = std::get<Page<std::string>>(listing);
      for (const std::string& value : page.items) text += (text.empty() ? "" : " ") + value;
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    return text;
  }
  static RunChange set(std::string name, std::string value) {
    return {.run = "r", .set = {{std::move(name), std::move(value)}}};
  }
  rules::RunJob job(const std::string& task, const std::string& field) {
    rules::RunJob made{.job = new_job(clock, task), .field = field, .prefix = "0|main|"};
    made.job.own.node = "r|hash|main||a#1";
    return made;
  }

  TestSession session{*store};
};

INSTANTIATE_STORE_SUITE(Signal);

TEST_P(Signal, AChangeIsAppliedWhenAllIsAsItExpects) {
  EXPECT_TRUE(signal(set("a", "1")).conflicts.empty());
  RunChange change = set("b", "2");
  change.expect = {{"a", "1"}, {"z", std::nullopt}};
  change.set.push_back({"a", std::nullopt});
  EXPECT_TRUE(signal(change).conflicts.empty());
  EXPECT_EQ(fields(), "b=2");
}

TEST_P(Signal, AConflictChangesNothingAndTellsWhatIsTrue) {
  signal(set("a", "1"));
  signal(set("b", "with | bars, \n lines and \xff"));
  RunChange change = set("c", "3");
  change.expect = {{"a", "2"}, {"b", std::nullopt}, {"z", "0"}, {"y", std::nullopt}};
  change.append = {{"list", "x"}};
  change.jobs = {job("t", "j:a#1")};
  const Signalled refused = signal(change);
  ASSERT_EQ(refused.conflicts.size(), 1U);
  EXPECT_EQ(refused.conflicts[0].run, "r");
  const std::vector<RunField> actual{
      {"a", "1"}, {"b", "with | bars, \n lines and \xff"}, {"z", std::nullopt}};
  EXPECT_EQ(refused.conflicts[0].actual, actual);
  EXPECT_EQ(fields("c"), "");
  EXPECT_EQ(values("list"), "");
  EXPECT_EQ(describe(*store), "");
}

TEST_P(Signal, AllRunsOfACallAreChangedOrNone) {
  RunChange first = set("a", "1"), second{.run = "other", .expect = {{"x", "1"}}};
  const std::vector both{first, second};
  const auto refused = store->signal({.request = producer.next(), .runs = both}).value();
  ASSERT_EQ(refused.conflicts.size(), 1U);
  EXPECT_EQ(refused.conflicts[0].run, "other");
  EXPECT_EQ(fields(), "");
}

TEST_P(Signal, TheSameRequestHasNoSecondEffect) {
  RunChange change{.run = "r", .add = {{"n", "1"}}};
  const RequestId request = producer.next();
  for (int time = 0; time < 3; ++time) {
    EXPECT_TRUE(store->signal({.request = request, .runs = std::span(&change, 1)})
                    .value()
                    .conflicts.empty());
  }
  EXPECT_EQ(fields(), "n=1");
  signal(set("n", "5"));
  EXPECT_EQ(store->signal({.request = request, .runs = std::span(&change, 1)}).error().code,
            Errc::conflict);
}

TEST_P(Signal, AdditionsAreExactForWholeNumbersAndRefusedBeyondTheirBounds) {
  using Bound = std::optional<std::int64_t>;
  const auto sum = [&](std::string from, std::string by, Bound most = {}, Bound least = {}) {
    signal(set("n", std::move(from)));
    const auto answer = signal({.run = "r", .add = {{"n", std::move(by), least, most}}});
    return answer.conflicts.empty() ? fields() : "refused";
  };
  EXPECT_EQ(sum("1", "2"), "n=3");
  EXPECT_EQ(sum("-5", "2"), "n=-3");
  EXPECT_EQ(sum("9007199254740990", "1"), "n=9007199254740991");
  EXPECT_EQ(sum("9007199254740991", "1"), "refused");
  EXPECT_EQ(sum("0.1", "0.2"), "n=0.30000000000000004");
  EXPECT_EQ(sum("1", "0.5"), "n=1.5");
  EXPECT_EQ(sum("\"text\"", "1"), "refused");
  EXPECT_EQ(sum("1e308", "1e308"), "refused");
  EXPECT_EQ(sum("99999999999999999999", "1"), "refused");
  EXPECT_EQ(sum("1", "-9007199254740992"), "refused");
  EXPECT_EQ(sum("-0", "-0"), "n=0");
  for (const char* none : {"+1", "inf", "nan", "0x10", " 1", "", "1e-400"}) {
    EXPECT_EQ(sum(none, "1"), "refused") << none;
  }
  EXPECT_EQ(sum("4", "1", 5), "n=5");
  EXPECT_EQ(sum("2", "-1", {}, 1), "n=1");
  EXPECT_EQ(sum("1", "-1", {}, 1), "refused");
  EXPECT_EQ(sum("5", "1", 5), "refused");
  const auto refused = signal({.run = "r", .add = {{.name = "n", .by = "1", .at_most = 5}}});
  ASSERT_EQ(refused.conflicts.size(), 1U);
  EXPECT_EQ(refused.conflicts[0].actual, (std::vector<RunField>{{"n", "5"}}));
}

TEST_P(Signal, AppendedValuesKeepTheirOrderAndGoWhenTheirNameIsSet) {
  for (const char* value : {"a", "b", "c", "d", "e"}) {
    signal({.run = "r", .append = {{"list", value}}});
  }
  EXPECT_EQ(values("list"), "a b c d e");
  RunChange change = set("list", "new");
  change.append = {{"list", "f"}};
  signal(change);
  EXPECT_EQ(values("list"), "f");
  signal({.run = "r", .set = {{"list", std::nullopt}}});
  EXPECT_EQ(values("list"), "");
}

TEST_P(Signal, JobsComeWithTheChangeAndTheirIdsAreInItsFields) {
  RunChange change{.run = "r", .jobs = {job("now", "j:a#1"), job("gate", "j:b#1")}};
  change.jobs[1].job.first = JobState::waiting;
  signal(change);
  EXPECT_EQ(describe(*store), "waiting: gate | ready: now");
  const Reserved taken = session.take();
  EXPECT_EQ(fields("j:a"), "j:a#1=0|main|" + taken.id.text);
  EXPECT_TRUE(rules::is_of_run(taken.own));
  signal({.run = "r", .wake = {"j:b#1", "j:a#1", "absent"}});
  EXPECT_EQ(session.take().task, "gate");
}

TEST_P(Signal, AFieldThatNamesAJobIsComparedAndToldAndWrittenWithItsId) {
  RunChange change{.run = "r", .jobs = {job("gate", "j:b#1")}};
  change.jobs[0].job.first = JobState::waiting;
  signal(change);
  const std::string named = fields().substr(6);
  const auto refused = signal({.run = "r", .expect = {{"j:b#1", "0|main|"}}});
  ASSERT_EQ(refused.conflicts.size(), 1U);
  EXPECT_EQ(refused.conflicts[0].actual, (std::vector<RunField>{{"j:b#1", named}}));
  RunChange copy = set("k", named);
  copy.expect = {{"j:b#1", named}};
  EXPECT_TRUE(signal(copy).conflicts.empty());
  EXPECT_EQ(fields("k"), "k=" + named);
  signal({.run = "r", .wake = {"k"}});
  EXPECT_EQ(session.take().task, "gate");
}

TEST_P(Signal, AStepIsTakenWithTheStateOfItsRun) {
  signal({.run = "r", .set = {{"state", "running"}}, .jobs = {job("t", ""), job("t", "")}});
  EXPECT_EQ(session.take().run_state, "running");
  signal(set("state", "failing"));
  EXPECT_EQ(session.take().run_state, "failing");
  producer.add("plain");
  EXPECT_EQ(session.take().run_state, "");
}

TEST_P(Signal, AStepIsAJobOfItsRunInEveryState) {
  signal({.run = "r", .jobs = {job("t", "j:a#1"), job("t", "j:b#1")}});
  const auto check = [&](const JobId& id, const std::string& state) {
    const Job seen = find_job(*store, id);
    EXPECT_EQ(state_of(*store, id), state);
    EXPECT_EQ(seen.task, "t");
    EXPECT_EQ(producer.cancel(id), "conflict") << state;
    EXPECT_EQ(producer.remove(id), "conflict") << state;
  };
  const JobId id = find_job(*store, JobId{fields("j:a").substr(13)}).id;
  check(id, "ready");
  EXPECT_EQ(find_job(*store, id).payload, "null");
  const Reserved first = session.take();
  check(id, "running");
  EXPECT_EQ(session.held().at(0).own, first.own);
  EXPECT_TRUE(session.end(first, rules::Failed{.error = "no"}));
  check(id, "scheduled");
  EXPECT_EQ(store->promote({}, clock.now() + 1h, {}).value().done, 1);
  for (const Reserved& again : session.reserve(2)) {
    EXPECT_TRUE(rules::is_of_run(again.own));
    EXPECT_TRUE(session.end(again, rules::Succeeded{"1"}));
    check(again.id, "succeeded");
  }
}

TEST_P(Signal, AJobThatIsDueCanBeWokenBefore) {
  RunChange change{.run = "r", .jobs = {job("gate", "j:b#1")}};
  change.jobs[0].job.first = JobState::scheduled;
  change.jobs[0].job.due = clock.now() + 1h;
  signal(change);
  EXPECT_EQ(session.reserve(1).size(), 0U);
  signal({.run = "r", .wake = {"j:b#1"}});
  EXPECT_EQ(session.take().task, "gate");
  EXPECT_EQ(store->promote({}, clock.now() + 2h, {}).value().done, 0);
}

TEST_P(Signal, AChangeTravelsWithTheEndOfItsJobOrTheJobStays) {
  signal({.run = "r", .set = {{"a", "1"}}, .jobs = {job("t", "j:a#1")}});
  const Reserved held = session.take();
  rules::Transition end = decided(*store, held, rules::Succeeded{"1"});
  end.runs = {{.run = "r", .expect = {{"a", "0"}}, .set = {{"b", "2"}}}};
  Exchange answer = session.exchange({end}).value();
  EXPECT_FALSE(answer.accepted.at(0));
  ASSERT_EQ(answer.conflicts.size(), 1U);
  EXPECT_EQ(answer.conflicts.at(0).at(0).actual, (std::vector<RunField>{{"a", "1"}}));
  EXPECT_EQ(state_of(*store, held.id), "running");
  end.runs[0].expect[0].value = "1";
  end.runs[0].jobs = {job("next", "j:c#1")};
  answer = session.exchange({end}, session.want(1)).value();
  EXPECT_TRUE(answer.accepted.at(0));
  EXPECT_TRUE(answer.conflicts.empty());
  EXPECT_EQ(state_of(*store, held.id), "succeeded");
  EXPECT_EQ(fields("b"), "b=2");
  EXPECT_EQ(describe(*store), "running: next(1) | succeeded: t(1)");
}

TEST_P(Signal, TheEndsOfACallAreComparedOneAfterTheOther) {
  signal({.run = "r", .set = {{"n", "0"}}, .jobs = {job("t", ""), job("t", ""), job("t", "")}});
  const auto jobs = session.reserve(3);
  std::vector<rules::Transition> ends;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    ends.push_back(decided(*store, jobs[i], rules::Succeeded{"1"}));
    // The second expects what the first leaves; the third what the second does not.
    const std::string expected = i == 2 ? "7" : std::to_string(i);
    ends.back().runs = {
        {.run = "r", .expect = {{"n", expected}}, .set = {{"n", std::to_string(i + 1)}}}};
  }
  const Exchange answer = session.exchange(ends).value();
  EXPECT_EQ(answer.accepted, (std::vector{true, true, false}));
  EXPECT_EQ(answer.conflicts.at(2).at(0).actual, (std::vector<RunField>{{"n", "2"}}));
  EXPECT_EQ(fields(), "n=2");
}

TEST_P(Signal, AStrangersEndChangesNoRun) {
  signal({.run = "r", .jobs = {job("t", "")}});
  const Reserved held = session.take();
  TestSession stranger(*store);
  rules::Transition end = decided(*store, held, rules::Succeeded{"1"});
  end.runs = {{.run = "r", .set = {{"b", "2"}}}};
  EXPECT_FALSE(stranger.exchange({end}).value().accepted.at(0));
  EXPECT_EQ(fields(), "");
}

TEST_P(Signal, AJobOfARunIsNotEndedByACrashHoweverOften) {
  signal({.run = "r", .jobs = {job("t", "")}});
  const auto take = [](TestSession& taker) {
    Want want = taker.want(1);
    want.holds_nothing = true;  // So that it may be given a suspect.
    return taker.exchange({}, want).value().jobs.at(0);
  };
  for (int time = 0; time < 5; ++time) {
    TestSession dying(*store);
    EXPECT_EQ(take(dying).crashes, time);
    rescue_all(*store, dying.number(), "signal 9");
  }
  TestSession last(*store);
  EXPECT_EQ(take(last).crashes, 5);
}

TEST_P(Signal, JobsOfRunsAreLeftToTheirRunUnlessTheyAreMeant) {
  signal({.run = "r", .jobs = {job("t", "j:a#1")}});
  const JobId id = find_job(*store, JobId{fields("j:").substr(13)}).id;
  EXPECT_EQ(producer.cancel(id), "conflict");
  EXPECT_EQ(producer.remove(id), "conflict");
  EXPECT_EQ(store->cancel({.filter = Filter{.task = "t"}}, producer.next()).value().changed, 0);
  EXPECT_EQ(store->cancel({.ids = {id}, .nodes = true}, producer.next()).value().changed, 1);
}

TEST_P(Signal, MarkedRunsAreListedNewestFirstAndGoWhenTheirTimeIsOver) {
  for (const char* run : {"a", "b", "c"}) {
    signal({.run = run, .set = {{"x", "1"}}, .append = {{"l", "1"}}, .mark = rules::RunMark{}});
  }
  const auto runs = [&] {
    std::string text;
    RunsQuery query{.limit = 2};
    do {
      const auto listing = store->list(query).value();
      const auto& page = std::get<Page<RunListed>>(listing);
      for (const RunListed& one : page.items) text += one.run;
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    return text;
  };
  EXPECT_EQ(runs(), "cba");
  signal(
      {.run = "b", .mark = rules::RunMark{.state = "succeeded", .keep_until = clock.now() + 1h}});
  EXPECT_EQ(runs(), "cba");
  store->prune({}, clock.now() + 2h, {}).value();
  EXPECT_EQ(runs(), "ca");
  EXPECT_EQ(fields({}, "b"), "");
  EXPECT_EQ(fields({}, "a"), "x=1");
}

TEST_P(Signal, ARunIsListedWithItsStateItsFlowAndTheCursorBehindIt) {
  for (const char* run : {"a", "b", "c"}) {
    signal({.run = run,
            .set = {{"state", "running"}, {"flow", std::string("of ") + run}},
            .mark = rules::RunMark{}});
  }
  signal({.run = "bare", .mark = rules::RunMark{}});
  auto listing = store->list(RunsQuery{}).value();
  const auto items = std::get<Page<RunListed>>(listing).items;
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0].state + items[0].flow, "");
  EXPECT_EQ(items[2].state + ' ' + items[2].flow, "running of b");
  listing = store->list(RunsQuery{.cursor = items[2].cursor}).value();
  const auto& rest = std::get<Page<RunListed>>(listing).items;
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].run, "a");
}

TEST_P(Signal, NamedFieldsAreReadInOneGo) {
  signal({.run = "r", .set = {{"a", "1"}, {"b", "2"}, {"ab", "3"}}});
  const auto listing = store->list(FieldsQuery{.run = "r", .names = {"b", "absent", "a"}}).value();
  EXPECT_EQ(std::get<Page<RunField>>(listing).items,
            (std::vector<RunField>{{"b", "2"}, {"a", "1"}}));
  EXPECT_EQ(fields("a"), "a=1 ab=3");
  EXPECT_EQ(store->list(RunsQuery{.cursor = "x"}).error().code, Errc::invalid);
}

}  // namespace
}  // namespace penstock::testing
