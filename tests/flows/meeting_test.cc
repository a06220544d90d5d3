// SPDX-License-Identifier: MIT
//
// When joins with inputs from before a loop and from what leaves it fire.
#include "tests/flows/meetings.h"

namespace penstock::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, Meetings, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Meetings, FireOnceWhileWhatIsBehindTheLoopRunsEachTime) {
  auto begin = flow_.task("begin", [] {});
  auto side = counting("side");
  auto join = counting("join");
  begin >> (head_ | flow_.task("beside", [] {}) >> join);
  head_ >> side >> join;
  turn_.on("done") >> counting("fin");
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("side"), 3);
  EXPECT_EQ(node("side", 3).state, "succeeded");
  EXPECT_EQ(shared("fin"), 1);
  EXPECT_EQ(shared("join"), 1);
}

TEST_P(Meetings, FireOnceBehindOthersAndWithAJoinOfSome) {
  for (const int join : {0, 2}) {
    Flow flow("partly" + std::to_string(join));
    auto begin = flow.task("begin", [] {});
    auto head = flow.task("head", [] {});
    auto body = flow.task("body", [] {});
    auto turn = flow.node("turn", turning());
    auto mixed = flow.task("mixed", [](Shared& shared) { shared.add("mixed", 1); });
    auto last =
        flow.task("last", [](Shared& shared) { shared.add("last", 1); }, {}, {.join = join});
    begin >> (head | mixed);
    head >> (body | mixed);
    body >> (turn | last);
    turn.on("again") >> head;
    turn.on("done") >> last;
    mixed >> last;
    EXPECT_EQ(run(flow).state, "succeeded");
    EXPECT_EQ(shared("mixed"), 1);
    EXPECT_EQ(shared("last"), 1);
    stop();
  }
}

TEST_P(Meetings, WaitForWhatMayLeaveInALaterTurn) {
  auto begin = flow_.task("begin", [] {});
  auto maybe = flow_.node("maybe", acting([](Shared&) { return "stays"; }));
  auto join = flow_.task("join", [](Shared& shared) {
    shared.append("joined", {shared.result("head").has_value(), shared.result("last").has_value()});
  });
  begin >> (head_ | flow_.task("beside", [] {}) >> join);
  head_ >> maybe;
  maybe.on("leads") >> join;
  turn_.on("done") >> flow_.task("last", [] { return 1; }) >> join;
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("joined"), json({{true, true}}));
  EXPECT_EQ(node("maybe", 3).state, "succeeded");
}

TEST_P(Meetings, FireWhenTheyDoWhateverFollowsThem) {
  for (const bool followed : {false, true}) {
    Flow flow("followed" + std::to_string(followed));
    auto begin = flow.task("begin", [] {});
    auto head = flow.task("head", [](Shared& shared) { shared.add("turns", 1); });
    auto turn = flow.node("turn", acting([](Shared& shared) {
                            return shared.get_or("turns", 0) < 3 ? "again" : "done";
                          }));
    auto side = flow.task("side", [] {});
    auto join = flow.task(
        "join", [](Shared& shared) { shared.append("joined", shared.get_or("turns", 0)); });
    begin >> (head | flow.task("beside", [] {}) >> join);
    head >> (turn | side);
    turn.on("again") >> head;
    turn.on("done") >> join;
    if (followed) (side | join) >> flow.task("last", [](Shared& shared) { shared.add("last", 1); });
    flow.start(begin);
    EXPECT_EQ(run(flow).state, "succeeded");
    EXPECT_EQ(shared("joined"), json({3}));
    if (followed) {
      EXPECT_EQ(shared("last"), 1);
    }
    stop();
  }
}

TEST_P(Meetings, FireOnceInATurnThatALoopInsideLeavesTwice) {
  Flow flow("nested");
  auto outer = flow.task("outer", [] {});
  auto inner = flow.node("inner", acting([](Shared& shared) {
                           shared.add("turns", 1);
                           return shared.get_or("turns", 0) < 3 ? "go" : "stop";
                         }));
  auto leaves = flow.node("leaves", acting([](Shared& shared) {
                            shared.add("left", 1);
                            return "default";
                          }));
  auto join = flow.task("join", [](Shared& shared) { shared.add("joined", 1); });
  outer >> (inner | join);
  inner.on("go") >> (inner | leaves);
  leaves >> join;
  leaves.on("never") >> outer;
  flow.start(outer);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("left"), 2);
  EXPECT_EQ(shared("joined"), 1);
}

TEST_P(Meetings, LeaveTheTurnsOfOtherJoinsAsTheyAre) {
  auto way = telling("way"), last = telling("last");
  auto both = seeing("both", {"way", "last"});
  auto met = meet(seeing("met", {"beside"}));
  head_ >> way >> (both | met);
  turn_.on("done") >> last >> both;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("both"), (std::vector<json>{{1, nullptr}, {2, nullptr}, {3, 3}}));
  EXPECT_EQ(shared("met").size(), 1);
}

TEST_P(Meetings, LoseNoTurnOfAJoinOfSome) {
  auto way = flow_.node("way", acting([](Shared&) { return "default"; }));
  auto last = telling("last");
  auto any = seeing("any", {"way"}, 1), two = seeing("two", {"way", "last"}, 2);
  auto met = meet(seeing("met", {"beside"}));
  head_ >> way >> (any | two);
  way.on("never") >> met;
  turn_.on("done") >> last >> (any | two);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("any").size(), 3);
  EXPECT_EQ(shared("two").size(), 1);
  EXPECT_EQ(shared("met").size(), 1);
}

TEST_P(Meetings, WaitForWhatIsBehindANodeThatFailedInAnEarlierTurn) {
  auto fails = flow_.node("fails", acting([](Shared& shared) {
                            if (shared.result("head") == json(1)) throw NoRetry("not yet");
                            return "default";
                          }));
  auto way = telling("way");
  auto met = meet(seeing("met", {"way"}));
  auto never = flow_.node("never", acting([](Shared&) { return "past"; }));
  head_ >> (fails | flow_.task("other", [] {})).with(Policy::best_effort()) >> counting("judge");
  fails >> way >> met;
  turn_.on("done") >> never;
  never.on("leads") >> met;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_NE(shared("met"), json({{nullptr}}));
  EXPECT_EQ(shared("judge"), 3);
}

TEST_P(Meetings, TakeEdgesOfOneNodeAsOneInput) {
  const auto sees = [](Shared& shared) { shared.append("seen", shared.contains("slow")); };
  auto two = flow_.task("two", sees, {}, {.join = 2}), all = flow_.task("all", sees);
  auto slow = flow_.node("slow", acting([](Shared& shared) {
                           if (shared.get_or("turns", 0) < 3) throw Snooze(Duration{1});
                           shared.set("slow", true);
                           return "default";
                         }));
  auto begin = flow_.task("begin", [] {});
  begin >> (head_ | slow);
  slow >> (two | all);
  turn_.on("again") >> (two | all);
  turn_.on("done") >> (two | all);
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("seen"), json({true, true}));
}

TEST_P(Meetings, WaitForWhatComesFromALoopBehindTheLoop) {
  for (const std::string first : {"past", "loop"}) {
    Flow flow(first);
    auto begin = flow.node("begin", acting([first](Shared&) { return first; }));
    auto loop = flow.node("loop", turning());
    auto behind = flow.node("behind", acting([](Shared&) { return "done"; }));
    auto met = flow.task("met", [](Shared& shared) { shared.add("met", 1); });
    begin.on("loop") >> loop;
    begin.on("past") >> met;
    loop.on("again") >> (loop | behind);
    behind.on("again") >> behind;
    behind.on("done") >> met;
    flow.start(begin);
    EXPECT_EQ(run(flow).state, "succeeded");
    EXPECT_EQ(shared("met"), 1);
    stop();
  }
}

TEST_P(Meetings, WaitForALaterTurnOfALoopBehindTheLoop) {
  auto begin = flow_.task("begin", [] {});
  auto walk = flow_.node("walk", acting([](Shared& shared) {
                           shared.add("walked", 1);
                           return shared.get_or("walked", 0) < 3 ? "again" : "out";
                         }));
  auto step = flow_.task("step", [] {});
  auto met = flow_.task("met", [](Shared& shared) { shared.append("met", shared.at("walked")); });
  begin >> (head_ | met);
  turn_.on("done") >> walk;
  head_ >> flow_.task("side", [] {});
  walk.on("again") >> step >> walk;
  walk.on("out") >> met;
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("met"), json({3}));
}

TEST_P(Meetings, InALoopAreNotLostWhenASideBranchIsTheLast) {
  Flow flow("side");
  auto begin = flow.task("begin", [] {});
  auto outer = flow.task("outer", [] {});
  auto beside = flow.task("beside", [] {});
  auto inner = flow.task("inner", [] {});
  auto turn = flow.node("turn", turning());
  auto way = flow.node("way", acting([](Shared&) { return "stays"; }));
  auto side = flow.node("side", acting([](Shared& shared) {
                          if (shared.get_or("turns", 0) < 3) throw Snooze(Duration{1});
                          return "default";
                        }));
  auto met = flow.node("met", acting([](Shared& shared) {
                         shared.add("met", 1);
                         return shared.get_or("met", 0) < 2 ? "again" : "out";
                       }));
  begin >> outer >> (inner | beside);
  inner >> (turn | way);
  turn.on("again") >> inner;
  way.on("stays") >> side;
  way.on("leads") >> met;
  beside >> met;
  met.on("again") >> outer;
  met.on("out") >> flow.task("last", [](Shared& shared) { shared.add("last", 1); });
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("met"), 2);
  EXPECT_EQ(shared("last"), 1);
}

TEST_P(Meetings, DoNotWaitForWhatIsBehindTheLoopAndLeadsElsewhere) {
  auto met = meet(seeing("met", {"head"}));
  auto maybe = flow_.node("maybe", acting([](Shared&) { return "stays"; }));
  turn_.on("done") >> flow_.gate("asks", {});
  turn_.on("done") >> maybe;
  turn_.on("never") >> met;
  maybe.on("leads") >> met;
  work({flow_});
  id_ = client_.run(flow_, json::object()).value();
  await(id_, "met", "succeeded");
  EXPECT_EQ(node("asks").state, "waiting");
  client_.signal(id_, "asks", "true").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
}

TEST_P(Meetings, OfALoopThatNeverBeginsAreNotWaitedFor) {
  auto begin = flow_.node("begin", acting([](Shared&) { return "past"; }));
  auto met = seeing("met", {"beside"});
  begin.on("past") >> flow_.task("beside", [] {}) >> met;
  begin.on("loop") >> head_;
  head_ >> telling("way") >> met;
  turn_.on("done") >> met;
  met >> counting("behind");
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("met").size(), 1);
  EXPECT_EQ(shared("behind"), 1);
}

// The turns of the loop inside are under way at once, and the first is the slowest to leave.

TEST_P(Meetings, AreNoneWhereAllInputsComeFromALoopInside) {
  Flow flow("inner");
  auto outer = flow.task("outer", [] {});
  auto inner = flow.task("inner", [](Shared& shared) {
    shared.add("begun", 1);
    return shared.get_or("begun", 0);
  });
  const auto turn = [](Shared& shared) { return shared.result("inner")->get<int>(); };
  auto left = flow.task("left", turn);
  auto right = flow.node("right", acting([turn](Shared& shared) {
                           if (turn(shared) == 1 && shared.get_or("rights", 0) < 2) {
                             throw Snooze(Duration{1});
                           }
                           shared.add("rights", 1);
                           return "default";
                         }));
  auto on = flow.node(
      "on", acting([turn](Shared& shared) { return turn(shared) < 3 ? "again" : "done"; }));
  auto way = flow.task("way", turn);
  auto joins = flow.task("joins", [turn](Shared& shared) {
    shared.append("joined", {turn(shared), shared.result("way").value_or(0)});
  });
  outer >> inner >> (left | right | on);
  on.on("again") >> inner;
  on.on("restart") >> outer;
  right >> way >> joins;
  left >> joins;
  flow.start(outer);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(sorted("joined"), (std::vector<json>{{1, 1}, {2, 2}, {3, 3}}));
}

TEST_P(Meetings, AreJudgedAsAGroupAgainAfterARetry) {
  std::atomic<bool> mended{false};
  auto one = flow_.node("one", acting([&mended](Shared& shared) {
                          if (!mended) throw NoRetry("not yet");
                          shared.append("tried", shared.result("head").value_or(0));
                          return "too";
                        }));
  auto other = flow_.task("other", [] {});
  auto met = seeing("met", {"head"});
  auto begin = flow_.task("begin", [] {});
  begin >> head_ >> flow_.task("side", [] {});
  turn_.on("done") >> one;
  begin >> other;
  (one | other).with(Policy::at_least(2)) >> met;
  one.on("too") >> met;
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "failed");
  mended = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(shared("tried"), json({3}));
  EXPECT_EQ(shared("met"), json({{3}}));
}

}  // namespace
}  // namespace penstock::testing
