// SPDX-License-Identifier: MIT
//
// Loops of nodes, in each other and behind each other, and what leaves them.
#include "tests/flows/three_turns.h"

namespace penstock::testing {
namespace {

class Loop : public FlowTest {
 protected:
  /// From a node's code: until that visit of another has failed.
  void await_failure(const std::string& node, int visit) {
    const auto has_failed = [&](const RunNode& one) {
      return one.node == node && one.visit == visit && one.state == "failed";
    };
    Client client = Client::open(url()).value();
    const auto ends = real_clock().steady() + flow_patience;
    while (real_clock().steady() < ends) {
      for (const Run& run : client.list_runs().value().items) {
        if (std::ranges::any_of(client.find_run(run.id).value().nodes, has_failed)) return;
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Loop, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Loop, NestedLoopsAndTheirJoinsKeepTheirTurnsApart) {
  // outer: a forks into b and c, which join in d; d goes round twice; in it b goes round itself.
  Flow flow("nests");
  auto begin = flow.node("begin", acting([](Shared&) { return "default"; }));
  auto a = flow.node("a", acting([](Shared& shared) { return shared.set("inner", 0), "default"; }));
  auto b = flow.node("b", acting([](Shared& shared) {
                       shared.add("inner", 1);
                       return shared.get_or("inner", 0) < 3 ? "again" : "default";
                     }));
  auto c = flow.node("c", acting([](Shared&) { return "default"; }));
  auto d = flow.node("d", acting([](Shared& shared) {
                       shared.add("turns", 1);
                       return shared.get_or("turns", 0) < 3 ? "round" : "out";
                     }));
  auto e = flow.node("e", acting([](Shared& shared) { return shared.add("ends", 1), "default"; }));
  begin >> a >> (b | c) >> d;
  b.on("again") >> b;
  d.on("round") >> a;
  d.on("out") >> e;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(shared("turns"), 3);
  EXPECT_EQ(shared("ends"), 1);
  EXPECT_EQ(node("d", 3).action, "out");
  EXPECT_EQ(node("b", 9).state, "succeeded");
}

TEST_P(Loop, AMapThatBeginsAgainReadsWhatItsTurnBeforeHadMade) {
  tasks_.add("more", [](const json& with) {
    const json& before = with.at("before");
    return before.is_null() ? 1 : before.at(0).get<int>() + 1;
  });
  Flow flow("turns");
  auto map = flow.map_jobs("map", "$.input.list", "more", {{"before", "$.nodes.map.result"}});
  auto turn = flow.node("turn", acting([](Shared& shared) {
                          shared.add("turns", 1);
                          return shared.get_or("turns", 0) < 3 ? "again" : "out";
                        }));
  map >> turn;
  turn.on("again") >> map;
  turn.on("out") >> flow.task("last", [](const json& made) { return made; }, {"map"});
  flow.start(map);
  EXPECT_EQ(run(flow, {{"list", {7}}}).output, "[3]");
}

/// Each turn goes out, too.
using LeftAgain = ThreeTurns;
INSTANTIATE_TEST_SUITE_P(Stores, LeftAgain, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(LeftAgain, AJoinWaitsForWhatLeftInTheSameTurnAndForNothingThatCannot) {
  const auto turn = [](Shared& shared) { return shared.get_or("turns", 0); };
  const auto seen = [](Shared& shared) {
    shared.append("joined", {shared.result("each").value_or(0), shared.result("last").value_or(0)});
  };
  auto join = flow_.task("join", seen);
  turn_.on("again") >> flow_.task("each", turn) >> join;
  turn_.on("done") >> flow_.task("last", turn) >> join;
  join >> counting("behind");
  EXPECT_EQ(run(flow_).state, "succeeded");
  auto joined = shared("joined").get<std::vector<json>>();
  ASSERT_EQ(joined.size(), 3);
  for (const json& one : joined) EXPECT_EQ(std::ranges::count(one, json(0)), 1) << one;
  EXPECT_EQ(shared("behind"), 3);
}

TEST_P(LeftAgain, WhatLeftInAnotherTurnIsNotSeenBehindIt) {
  const auto other = [](Shared& shared) { shared.set("seen", shared.result("each").has_value()); };
  turn_.on("again") >> flow_.task("each", [] {});
  turn_.on("done") >> flow_.task("other", other);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("seen"), false);
}

TEST_P(LeftAgain, JoinsWhatLeftTogether) {
  auto side = counting("side");
  head_ >> side >> (counting("left") | counting("right")) >> counting("join");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("left"), 3);
  EXPECT_EQ(shared("join"), 3);
}

TEST_P(LeftAgain, AnActionThatGoesOnAndLeavesMayLeadToAJoin) {
  auto join = counting("join");
  turn_.on("again") >> join;
  turn_.on("done") >> counting("last") >> join;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("join"), 3);
}

TEST_P(LeftAgain, MapsAndFlowsBehindItComeToTheirEnds) {
  Flow inner("inner");
  inner.task("one", [] {}) >> inner.task("two", [](Shared& shared) { shared.add("inner", 1); });
  auto list = flow_.task("list", [] { return json({1, 2}); });
  auto each =
      flow_.map("each", "$.nodes.list.result", [](int n, Shared& shared) { shared.add("sum", n); });
  head_ >> list >> (each | flow_.flow("flow", inner));
  each >> counting("behind");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("sum"), 9);
  EXPECT_EQ(shared("inner"), 3);
  EXPECT_EQ(shared("behind"), 3);
  EXPECT_EQ(node("each", 3).state, "succeeded");
}

TEST_P(LeftAgain, LoopsBehindItAreLoopsOfTheirOwn) {
  auto walk = flow_.node("walk", acting([](Shared& shared) {
                           const std::string at = shared.job().job().node;
                           return (at.back() - '0') % 2 == 1 ? "again" : "out";
                         }));
  head_ >> walk;
  walk.on("again") >> walk;
  walk.on("out") >> counting("out");
  walk.on("lost") >> counting("lost");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("out"), 3);
  EXPECT_FALSE(has("lost"));
}

TEST_P(Loop, AJoinOfAnyBehindExitsThatWereNeverTakenIsSkipped) {
  Flow flow("alarms");
  auto first = flow.task("first", [] {});
  auto second = flow.node("second", acting([](Shared& shared) {
                            shared.add("turns", 1);
                            return shared.get_or("turns", 0) < 3 ? "again" : "done";
                          }));
  auto alarm = flow.task("alarm", [] {}, {}, {.join = 1});
  first >> second;
  second.on("again") >> first;
  second.on("done") >> flow.task("after", [] {});
  first.on("broken") >> alarm;
  second.on("broken") >> alarm;
  flow.start(first);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(node("alarm").state, "skipped");
}

TEST_P(Loop, AFlowOfSeveralNodesIsANodeOfALoop) {
  Flow inner("inner");
  inner.task("one", [] {}) >> inner.task("two", [](Shared& shared) { shared.add("turns", 1); });
  Flow around("around");
  around.flow("inner", inner) >> around.task("three", [] {});
  for (const Flow& body : {inner, around}) {
    Flow flow("loop");
    auto begin = flow.task("begin", [] {});
    auto inside = flow.flow("inside", body);
    auto decide = flow.node("decide", acting([](Shared& shared) {
                              return shared.at("turns").get<int>() < 3 ? "again" : "done";
                            }));
    begin >> inside >> decide;
    (decide - "again") >> inside;
    (decide - "done") >> flow.task("end_of_it", [](Shared& shared) { return shared.at("turns"); });
    work({flow});
    EXPECT_EQ(run(flow).output, "3");
  }
}

TEST_P(Loop, ANodeThatGoesBackOutOfALoopInsideHasNotLeftTheOuter) {
  Flow flow("restarts");
  std::atomic<int> tries{0};
  auto outer = flow.task("outer", [&tries] { return ++tries; });
  auto inner = flow.task("inner", [](int turn) { return turn; }, {"outer"});
  auto last = flow.node("last", acting([](Shared& shared) {
                          shared.append("seen", shared.result("inner").value_or("nothing"));
                          return shared.result("outer") == json(3) ? "out" : "restart";
                        }));
  auto join = flow.task("join", [](Shared& shared) { shared.add("joined", 1); });
  outer >> inner >> last;
  last.on("restart") >> outer;
  last.on("restart") >> flow.task("beside", [] {});
  last.on("again") >> inner;
  last.on("out") >> (flow.task("left", [] {}) | flow.task("right", [] {})) >> join;
  flow.start(outer);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("seen"), json({1, 2, 3}));
  EXPECT_EQ(shared("joined"), 1);
  EXPECT_EQ(node("left").state, "succeeded");
}

TEST_P(LeftAgain, WhatLeftAfterALoopInsideInAnotherTurnOfThatIsNotSeenEither) {
  Flow flow("lines");
  auto outer = flow.task("outer", [] {});
  auto count = flow.task("count", [](Shared& shared) {
    shared.add("begun", 1);
    return shared.get_or("begun", 0);
  });
  auto inner = flow.node("inner", acting([](Shared& shared) {
                           return shared.result("count") == json(3) ? "stop" : "go";
                         }));
  auto way = flow.task("way", [](int turn) { return turn; }, {"count"});
  auto leaf = flow.task("leaf",
                        [](int turn, Shared& shared) {
                          shared.add("leaves", 1);
                          return turn;
                        },
                        {"way"});
  // The second line waits for the leaf of the first.
  auto last = flow.node("last", acting([](Shared& shared) {
                          if (shared.get_or("leaves", 0) < 2) throw Snooze(Duration{1});
                          return shared.result("way") == json(1) ? "none" : "out";
                        }));
  auto behind = flow.task("behind", [](Shared& shared) {
    shared.set("seen", shared.result("leaf").value_or("nothing"));
  });
  outer >> count >> inner;
  inner.on("go") >> (count | way);
  way >> (leaf | last);
  last.on("out") >> behind;
  last.on("never") >> outer;
  flow.start(outer);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("seen"), 2);
}

TEST_P(LeftAgain, WhatRanInALaterTurnIsNotSaidToBeSkippedByTheFirst) {
  auto chooses = flow_.node("chooses", acting([](Shared& shared) {
                              if (shared.result("head") != json(1)) return "runs";
                              if (!shared.contains("ran")) throw Snooze(Duration{1});
                              return "skips";
                            }));
  head_ >> chooses;
  chooses.on("runs") >> flow_.task("way", [](Shared& shared) { shared.set("ran", true); });
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(node("way", 1).state, "succeeded");
  EXPECT_EQ(node("way", 2).state, "succeeded");
}

TEST_P(LeftAgain, ARetryInALoopBehindItSeesTheTurnBefore) {
  std::atomic<bool> mended{false};
  auto counts = flow_.node("counts", [&mended] {
    Step step;
    step.prepares = [&mended](Shared& shared) {
      const json before = shared.result("counts").value_or(json(0));
      if (before == 1 && !mended) throw NoRetry("not yet");
      return json(before.get<int>() + 1);
    };
    step.executes = [](const json& turn) { return turn; };
    step.posts = [](Shared&, const json& turn, const json&) { return turn < 3 ? "again" : "done"; };
    return step;
  }());
  head_ >> flow_.task("side", [] {});
  turn_.on("done") >> counts;
  counts.on("again") >> counts;
  EXPECT_EQ(run(flow_).state, "failed");
  mended = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(node("counts", 3).action, "done");
}

TEST_P(Loop, MayEndInTheStepThatItBeginsIn) {
  Flow flow("short");
  auto begin = flow.task("begin", [] {});
  auto loop = flow.node("loop", acting([](Shared&) { return "neither"; }), {.local = true});
  auto join = flow.task("join", [](Shared& shared) { shared.add("joined", 1); });
  begin >> (loop | join);
  loop.on("again") >> loop;
  loop.on("done") >> join;
  flow.start(begin);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("joined"), 1);
}

TEST_P(Loop, WhoLooksMeanwhileMissesNoVisit) {
  Flow flow("watched");
  auto head = flow.node("head", acting([](Shared& shared) {
                          shared.add("turns", 1);
                          return shared.get_or("turns", 0) < 60 ? "again" : "done";
                        }));
  auto next = flow.task("next", [] {});
  head.on("again") >> next >> head;
  flow.start(head);
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  Run seen;
  while (!seen.ended()) {
    seen = client_.find_run(id_).value();
    std::map<std::string, std::set<int>> visits;
    for (const RunNode& one : seen.nodes) visits[one.node].insert(one.visit);
    for (const auto& [node, those] : visits) {
      EXPECT_EQ(*those.rbegin(), static_cast<int>(those.size())) << node;
    }
  }
  EXPECT_EQ(seen.state, "succeeded");
}

TEST_P(Loop, WhatRunsBesideANodeThatFailsInALaterTurnSeesTheTurnBefore) {
  for (const bool branches : {false, true}) {
    Flow flow("beside" + std::to_string(branches));
    std::atomic<bool> mended{false};
    auto head = flow.task("head", [](Shared& shared) { shared.add("turns", 1); });
    auto fails = flow.node("fails", [&mended] {
      Step step;
      step.prepares = [&mended](Shared& shared) {
        if (shared.get_or("turns", 0) == 2 && !mended) throw NoRetry("not yet");
        return shared.at("turns");
      };
      step.executes = [](const json& turn) { return turn; };
      return step;
    }());
    auto beside = flow.task("beside", [&](Shared& shared) {
      if (shared.get_or("turns", 0) == 2 && !mended) await_failure("fails", 2);
      shared.append("seen", shared.result("fails").value_or("nothing"));
    });
    auto turn = flow.node("turn", acting([](Shared& shared) {
                            return shared.get_or("turns", 0) < 2 ? "again" : "done";
                          }));
    head >> fails >> turn;
    if (branches) head >> beside;
    if (!branches) head >> beside >> turn;
    turn.on("again") >> head;
    flow.start(head);
    work({flow});
    EXPECT_EQ(run(flow).state, "failed");
    mended = true;
    client_.retry_run(id_).value();
    EXPECT_EQ(wait(id_).state, "succeeded");
    EXPECT_EQ(shared("seen")[1], 1);
    stop();
  }
}

}  // namespace
}  // namespace penstock::testing
