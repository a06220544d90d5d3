// SPDX-License-Identifier: MIT
//
// What a step sees of nodes that other branches of a loop run again meanwhile.
#include "tests/flows/three_turns.h"

namespace penstock::testing {
namespace {

/// What is made by `late` begins when the loop has ended.
class Turns : public ThreeTurns {
 protected:
  static bool loop_has_ended(Shared& shared) { return shared.get_or("turns", 0) == 3; }
  static void await_end(Shared& shared) {
    if (!loop_has_ended(shared)) throw Snooze(Duration{1});
  }
  // Appends to the list of its own name what it sees of `node`.
  static auto seeing(const std::string& name, const std::string& node) {
    return acting([name, node](Shared& shared) {
      await_end(shared);
      shared.append(name, shared.result(node).value_or("nothing"));
      return "default";
    });
  }
  Nodes late(const std::string& name, const std::string& node = "head") {
    return flow_.node(name, seeing(name, node));
  }
  std::vector<json> sorted(const std::string& key) {
    auto values = shared(key).get<std::vector<json>>();
    std::ranges::sort(values);
    return values;
  }

  const std::vector<json> each_turn_ = {1, 2, 3};
};
INSTANTIATE_TEST_SUITE_P(Stores, Turns, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Turns, ABranchOutOfALoopSeesTheTurnThatItLeft) {
  head_ >> late("late");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("late"), each_turn_);
}

TEST_P(Turns, SoDoesWhatFollowsBehindTheLoop) {
  auto second = flow_.task("second", [](int seen) { return seen * 10; }, {"head"});
  head_ >> flow_.task("first", [](int seen) { return seen; }, {"head"}) >> second >> late("late") >>
      late("last", "second");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("late"), each_turn_);
  EXPECT_EQ(sorted("last"), (std::vector<json>{10, 20, 30}));
}

TEST_P(Turns, AJoinBehindTheLoopSeesTheTurnOfItsInputs) {
  auto left = flow_.task("left", [](int seen) { return -seen; }, {"head"});
  auto right = flow_.task("right", [] {});
  head_ >> (left | right) >> late("late") >> late("last", "left");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("late"), each_turn_);
  EXPECT_EQ(sorted("last"), (std::vector<json>{-3, -2, -1}));
}

TEST_P(Turns, ItemsAndFlowsBehindTheLoopSeeIt) {
  Flow inner("inner");
  inner.task("one", [] {}) >> inner.node("two", seeing("two", "head"));
  auto sets = flow_.batch_flow("sets", inner, [](Shared&) { return json::array({{{"a", 1}}}); });
  auto item = [](int, Shared& shared) {
    await_end(shared);
    shared.append("item", *shared.result("head"));
  };
  head_ >> (flow_.map("each", "$.input.list", item) | flow_.flow("flow", inner) | sets);
  EXPECT_EQ(run(flow_, {{"list", {7}}}).state, "succeeded");
  EXPECT_EQ(sorted("item"), each_turn_);
  EXPECT_EQ(sorted("two"), (std::vector<json>{1, 1, 2, 2, 3, 3}));
}

TEST_P(Turns, AMapBehindTheLoopIsConcludedWithItsOwnItems) {
  tasks_.add("copy", [](int n) { return n; });
  auto list = flow_.task("list", [](int seen) { return json::array({seen}); }, {"head"});
  auto each = flow_.map_jobs("each", "$.nodes.list.result", "copy");
  head_ >> list >> each >> late("late", "each");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("late"), (std::vector<json>{{1}, {2}, {3}}));
}

TEST_P(Turns, ABranchThatStaysInTheLoopSeesItsOwnTurn) {
  Flow flow("staying");
  auto head = flow.task("head", [](Shared& shared) {
    shared.add("begun", 1);
    return shared.get_or("begun", 0);
  });
  auto join = flow.node("join", acting([](Shared& shared) {
                          shared.add("turns", 1);
                          return shared.get_or("turns", 0) < 3 ? "again" : "done";
                        }),
                        {.join = 1});
  head >> (flow.node("slow", seeing("slow", "head")) | flow.task("fast", [] {})) >> join;
  join.on("again") >> head;
  flow.start(head);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(sorted("slow"), each_turn_);
}

TEST_P(Turns, WhatHasNotRunInATurnIsSeenAsAnEarlierOneLeftItAndNeverALater) {
  Flow flow("picks");
  auto head = flow.task("head", [](Shared& shared) { shared.add("begun", 1); });
  auto pick = flow.node("pick", acting([](Shared& shared) {
                          return shared.get_or("begun", 0) == 2 ? "second" : "other";
                        }));
  auto join = flow.node("join", acting([](Shared& shared) {
                          shared.add("turns", 1);
                          return shared.get_or("turns", 0) < 3 ? "again" : "done";
                        }));
  head >> pick;
  pick.on("second") >> flow.task("second", [] { return 2; }) >> join;
  pick.on("other") >> flow.task("other", [] {}) >> join;
  join.on("again") >> head;
  head >> flow.node("side", seeing("side", "second"));
  flow.start(head);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(sorted("side"), (std::vector<json>{2, 2, "nothing"}));
}

TEST_P(Turns, AnUndoSeesTheTurnOfWhatItUndoes) {
  auto seen = flow_.task("seen", [] {}).undo([](Shared& shared) {
    shared.append("undone", *shared.result("head"));
  });
  auto fails = flow_.node("fails", acting([](Shared& shared) -> std::string {
                            await_end(shared);
                            if (shared.result("head") == json(3)) throw NoRetry("in the last turn");
                            return "default";
                          }));
  head_ >> seen >> fails;
  const Run ended = run(flow_);
  EXPECT_EQ(ended.state, "compensated") << ended.error;
  EXPECT_EQ(sorted("undone"), each_turn_);
}

TEST_P(Turns, ARetryAndAForkSeeWhatTheirTurnWas) {
  std::atomic<bool> mended{false};
  auto fails = flow_.node("fails", acting([&mended](Shared& shared) {
                            await_end(shared);
                            if (!mended) throw NoRetry("not yet");
                            shared.append("fails", *shared.result("head"));
                            return "default";
                          }));
  head_ >> flow_.task("first", [] {}) >> fails;
  EXPECT_EQ(run(flow_).state, "failed");
  mended = true;
  const RunId failed = id_;
  id_ = client_.fork_run({.run = failed, .node = "fails"}).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(sorted("fails"), each_turn_);
  id_ = failed;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(sorted("fails"), each_turn_);
}

TEST_P(Turns, LoopsBehindEachOtherThatGoOnKeepTheirLeavingsApart) {
  auto walk = flow_.task("walk", [](Shared& shared) {
    shared.add("walks", 1);
    return shared.job().job().node;
  });
  auto more = flow_.node("more", acting([](Shared& shared) {
                           const std::string at = shared.job().job().node;
                           return (at.back() - '0') % 2 == 1 ? "again" : "out";
                         }));
  auto await_walks = [](Shared& shared) {
    if (shared.get_or("walks", 0) < 6) throw Snooze(Duration{1});
  };
  auto copy = [&](const std::string& name) {
    return flow_.task(name,
                      [await_walks](const json& seen, Shared& shared) {
                        await_walks(shared);
                        return seen;
                      },
                      {"walk"});
  };
  auto join = flow_.task("join",
                         [](const json& left, const json& right, Shared& shared) {
                           shared.append(left == right ? "joined" : "mixed", left);
                         },
                         {"left", "right"});
  head_ >> walk >> more;
  more.on("again") >> walk;
  walk >> (copy("left") | copy("right")) >> join;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_FALSE(has("mixed"));
  const auto joined = sorted("joined");
  EXPECT_EQ(std::set(joined.begin(), joined.end()).size(), 6);
}

TEST_P(Turns, TurnsThatTwoBranchesOfOneTurnBeginAreTwo) {
  Flow flow("twice");
  const auto copy = [&flow](const std::string& name) {
    return flow.task(name, [](int turn) { return turn; }, {"head"});
  };
  auto head = flow.task("head", [](Shared& shared) {
    shared.add("begun", 1);
    return shared.job().job().node.back() - '0';
  });
  auto slow = flow.node("slow", [] {
    Step step;
    step.prepares = [](Shared& shared) {
      // The first goes ahead; the others wait for each other.
      const int turn = shared.result("head")->get<int>();
      if (turn > 1 && shared.get_or("begun", 0) < 3) throw Snooze(Duration{1});
      return json(turn);
    };
    step.executes = [](const json& turn) { return turn; };
    return step;
  }());
  auto join =
      flow.node("join", acting([](Shared& shared) {
                  const json turn = *shared.result("head");
                  shared.append("joined", {turn, *shared.result("quick"), *shared.result("slow")});
                  return turn == 1 ? "again" : "done";
                }));
  head >> (copy("quick") | slow) >> join;
  join.on("again") >> (flow.task("one", [] {}) | flow.task("other", [] {})) >> head;
  flow.start(head);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(sorted("joined"), (std::vector<json>{{1, 1, 1}, {2, 2, 2}, {3, 3, 3}}));
}

TEST_P(Turns, LinesThatLeaveAnInnerLoopStayApartInTheOuter) {
  // The inner loop is left in both of its turns, and each line goes on to another turn of the
  // outer, where a join waits for its own inputs.
  Flow flow("lines");
  auto outer = flow.node("outer", acting([](Shared&) { return "default"; }), {});
  const auto place = [](Shared& shared) { return shared.job().job().node; };
  auto head = flow.task("head", place);
  auto inner = flow.task("inner",
                         [](const std::string& line, Shared& shared) {
                           shared.add(line, 1);
                           return line;
                         },
                         {"head"});
  auto again = flow.node("again", acting([](Shared& shared) {
                           const std::string line = shared.result("inner")->get<std::string>();
                           return shared.get_or(line, 0) < 2 ? "again" : "stop";
                         }));
  auto tail = flow.node("tail", acting([](Shared& shared) {
                          const bool same = shared.result("inner") == shared.result("head");
                          shared.append(same ? "same" : "mixed", *shared.result("head"));
                          shared.add("tails", 1);
                          return shared.get_or("tails", 0) <= 6 ? "again" : "stop";
                        }));
  auto join = flow.task("join", [] {});
  outer >> head >> (flow.task("left", [] {}) | flow.task("right", [] {})) >> join;
  join >> inner >> again;
  again.on("again") >> inner;
  inner >> flow.task("out", [] {}) >> tail;
  tail.on("again") >> head;
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_FALSE(has("mixed")) << shared("mixed");
  EXPECT_GE(shared("same").size(), 14);
}

TEST_P(Turns, BehindALoopNothingOfWhatLeftItAnotherTimeIsSeen) {
  auto pick = flow_.node("pick", acting([](Shared& shared) {
                           return shared.result("head") == json(1) ? "first" : "other";
                         }));
  head_ >> pick;
  pick.on("first") >> flow_.task("first", [] { return "first"; });
  pick.on("other") >> late("late", "first");
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("late"), (std::vector<json>{"nothing", "nothing"}));
}

TEST_P(Turns, WhatLiesBetweenTwoLoopsIsSeenBehindTheSecond) {
  auto between = flow_.task("between", [](int turn) { return turn; }, {"head"});
  auto walk = flow_.task("walk", [](int turn) { return turn; }, {"between"});
  auto more = flow_.node("more", acting([](Shared& shared) {
                           const std::string key = "walked" + shared.result("walk")->dump();
                           shared.add(key, 1);
                           return shared.get_or(key, 0) < 2 ? "again" : "out";
                         }));
  auto behind = flow_.node("behind", acting([](Shared& shared) {
                             await_end(shared);
                             const json walked = *shared.result("walk");
                             const bool same = walked == *shared.result("between") &&
                                               walked == *shared.result("head");
                             shared.append(same ? "same" : "mixed", walked);
                             return "default";
                           }));
  head_ >> between >> walk >> more;
  more.on("again") >> walk;
  walk >> behind;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_FALSE(has("mixed"));
  EXPECT_EQ(sorted("same"), (std::vector<json>{1, 1, 2, 2, 3, 3}));
}

TEST_P(Turns, AnInputThatComesTooLateForItsJoinIsNotTheOutput) {
  auto join = flow_.task("join", [] { return "joined"; });
  head_ >> late("late") >> join;
  turn_.on("done") >> flow_.task("first", [] {}) >> join;
  EXPECT_EQ(run(flow_).output, "\"joined\"");
}

TEST_P(Turns, EdgesOfOneNodeOutOfALoopThatLeadToOneNodeAreOneInput) {
  auto pick = flow_.node(
      "pick", acting([](Shared& shared) { return shared.result("head") == json(2) ? "b" : "a"; }));
  auto behind =
      flow_.task("behind", [](int turn, Shared& shared) { shared.append("seen", turn); }, {"head"});
  head_ >> pick;
  pick.on("a") >> behind;
  pick.on("b") >> behind;
  pick.on("never") >> head_;
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(sorted("seen"), each_turn_);
}

TEST_P(Turns, AJoinOfAnyWithInputsFromOutsideFiresOnce) {
  auto begin = flow_.task("begin", [] {});
  auto join = flow_.task("join", [](Shared& shared) { shared.add("joined", 1); }, {}, {.join = 1});
  begin >> (head_ | flow_.task("beside", [] {}));
  begin >> flow_.task("other", [] {}) >> join;
  head_ >> flow_.task("out", [] {}) >> join;
  flow_.start(begin);
  EXPECT_EQ(run(flow_).state, "succeeded");
  EXPECT_EQ(shared("joined"), 1);
}

TEST_P(Turns, ARetryOfANodeSeesWhatItsFirstTrySaw) {
  std::atomic<bool> mended{false};
  Flow flow("counts");
  auto head = flow.node("head", [&mended] {
    Step step;
    step.prepares = [&mended](Shared& shared) {
      const json before = shared.result("head").value_or(json(0));
      if (before == 2 && !mended) throw NoRetry("not yet");
      return json(before.get<int>() + 1);
    };
    step.executes = [](const json& turn) { return turn; };
    step.posts = [](Shared&, const json& turn, const json&) { return turn < 4 ? "again" : "done"; };
    return step;
  }());
  head.on("again") >> head;
  head.on("again") >> flow.task("side", [] {});
  flow.start(head);
  EXPECT_EQ(run(flow).state, "failed");
  mended = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(node("head", 4).action, "done");
}

TEST_P(Turns, ARetryRunsTheMembersOfAGroupThatFailedInThatTurn) {
  std::atomic<bool> mended{false};
  const auto member = [this, &mended](const std::string& name, int bad) {
    return flow_.task(name,
                      [this, &mended, name, bad](int turn) {
                        if (turn == bad && !mended) throw NoRetry("bad");
                        trace_.add(name + std::to_string(turn));
                      },
                      {"head"});
  };
  // In the first turn both fail, in the third one does, which is enough.
  auto one = member("one", 1), other = member("other", 1), third = member("third", 3);
  head_ >> (one | other | third).with(Policy::at_least(2)) >>
      flow_.task("judges", [](int turn, Shared& shared) { shared.append("judged", turn); },
                 {"head"});
  EXPECT_EQ(run(flow_).state, "failed");
  mended = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(sorted("judged"), each_turn_);
  for (const char* turn : {"one1", "other1", "one2", "other2", "third1"}) {
    EXPECT_EQ(trace_.count(turn), 1) << turn;
  }
}

}  // namespace
}  // namespace penstock::testing
