// SPDX-License-Identifier: MIT
//
// What joins with inputs from before a loop see, and what follows them.
#include "tests/flows/meetings.h"

namespace penstock::testing {
namespace {

using MeetingSight = Meetings;
INSTANTIATE_TEST_SUITE_P(Stores, MeetingSight, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(MeetingSight, SeeWhatLedToTheirInputInAnEarlierTurnOfALoopBehindTheLoop) {
  auto walk = flow_.node("walk", acting([](Shared& shared) {
                           return shared.result("step").has_value() ? "out" : "again";
                         }));
  auto met = meet(seeing("met", {"step"}));
  turn_.on("done") >> walk;
  head_ >> flow_.task("side", [] {});
  walk.on("again") >> telling("step") >> walk;
  walk.on("out") >> met;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("met"), json({{3}}));
}

TEST_P(MeetingSight, WhatHasNotComeToThemDoesNotSeeThem) {
  auto way = flow_.node("way", acting([](Shared& shared) {
                          if (shared.result("head") == json(1)) return "leads";
                          if (!shared.contains("met")) throw Snooze(Duration{1});
                          shared.append("seen", shared.result("met").has_value());
                          return "leads";
                        }));
  auto met = meet(flow_.task("met", [](Shared& shared) {
    shared.set("met", true);
    return 1;
  }));
  head_ >> way;
  way.on("leads") >> met;
  met >> flow_.task("on", [] {});
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("seen"), json({false, false}));
}

TEST_P(MeetingSight, SeeWhatEachOfTheirInputsHasSeen) {
  auto first = flow_.node("first", acting([](Shared& shared) {
                            return shared.result("head") == json(1) ? "leads" : "stays";
                          }));
  auto deed = telling("deed"), last = telling("last");
  auto met = meet(seeing("met", {"deed", "last", "beside"}));
  auto behind = seeing("behind", {"deed", "last", "met"});
  head_ >> first;
  first.on("leads") >> deed >> met;
  first.on("stays") >> telling("stays");
  turn_.on("done") >> last >> met;
  met >> telling("between") >> behind;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("met"), json({{1, 3, nullptr}}));
  EXPECT_EQ(shared("behind"), json({{1, 3, {1, 3, nullptr}}}));
}

TEST_P(MeetingSight, SeeWhatLedToWhatDidNotComeInTheEnd) {
  auto maybe = flow_.node("maybe", acting([](Shared&) { return "stays"; }));
  auto met = meet(seeing("met", {"maybe", "head", "deed"}));
  turn_.on("done") >> telling("deed") >> maybe;
  maybe.on("leads") >> met;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("met"), json({{nullptr, 3, 3}}));
}

TEST_P(MeetingSight, SeeTheLaterTurnWhereTheirInputsDiffer) {
  for (const bool leads : {false, true}) {
    Flow flow("later" + std::to_string(leads));
    auto begin = flow.task("begin", [] {});
    auto head = flow.task("head", [](Shared& shared) { return shared.get_or("turns", 0); });
    auto turn = flow.node("turn", turning());
    auto early = flow.node("early", acting([leads](Shared&) { return leads ? "leads" : "stays"; }));
    auto late =
        flow.task("late", [](Shared& shared) { return shared.result("head").value_or(json()); });
    begin >> (head | early);
    head >> (turn | early);
    turn.on("again") >> head;
    turn.on("done") >> late;
    early.on("leads") >> late;
    EXPECT_EQ(run(flow).output, "2");
    stop();
  }
}

TEST_P(MeetingSight, SeeWhatOnlyTheEarlierTurnHasSeen) {
  auto deed = flow_.node("deed", acting([](Shared& shared) {
                           return shared.result("head") == json(1) ? "leads" : "stays";
                         }));
  auto met = meet(seeing("met", {"before", "head"}));
  head_ >> flow_.task("asks", [](int turn) { return turn; }, {"head"}) >> deed;
  deed.on("leads") >> telling("before") >> telling("after") >> met;
  turn_.on("done") >> met;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("met"), json({{1, 3}}));
}

TEST_P(MeetingSight, SeeWhatRanBehindALoopInside) {
  Flow flow("inside");
  auto begin = flow.task("begin", [] {});
  auto outer = flow.task("outer", [] {});
  auto inner = flow.node("inner", acting([](Shared&) { return "out"; }));
  auto behind = flow.task("behind", [] { return 1; });
  auto last = flow.node("last", acting([](Shared&) { return "out"; }));
  auto met =
      flow.task("met", [](Shared& shared) { return shared.result("behind").value_or(json()); });
  begin >> (outer | met);
  outer >> inner;
  inner.on("again") >> inner;
  inner.on("out") >> (behind | met);
  behind >> last;
  last.on("again") >> outer;
  last.on("out") >> met;
  EXPECT_EQ(run(flow).output, "1");
}

}  // namespace
}  // namespace penstock::testing
