// SPDX-License-Identifier: MIT
//
// Values that are none: what a node writes, returns and names is refused with a sentence that says
// which, and is not tried again.
#include "tests/flows/flow_fixture.h"

#include <cmath>
#include <limits>

namespace penstock::testing {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

json nested(int levels) {
  json value = 1;
  for (int i = 0; i < levels; ++i) value = json::array({std::move(value)});
  return value;
}

class ValueTest : public FlowTest {
 protected:
  /// What a node that does this fails with; it is not run again.
  template <class F>
  std::string error_of(F function) {
    calls_ = 0;
    Flow flow("values");
    flow.task("t",
              [this, function](Shared& shared) {
                ++calls_;
                return function(shared);
              },
              {}, {.backoff = at_once});
    work({flow});
    const Run ended = run(flow);
    EXPECT_EQ(calls_, 1) << ended.error;
    return ended.error;
  }
  std::atomic<int> calls_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Stores, ValueTest, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(ValueTest, NumbersThatJsonDoesNotHaveAreNotWritten) {
  const std::string none = ", which JSON does not have";
  EXPECT_EQ(
      error_of([](Shared& s) {
        s.set("k", {{"rows", {1.5, nan}}});
      }),
      "node t#1: the value of \"k\" cannot be written as JSON: it holds NaN at /rows/1" + none);
  EXPECT_EQ(error_of([](Shared& s) { s.append("k", -infinity); }),
            "node t#1: the value of \"k\" cannot be written as JSON: it is -infinity" + none);
  EXPECT_EQ(error_of([](Shared& s) { s.add("n", infinity); }),
            "node t#1: what is added to \"n\" cannot be written as JSON: it is infinity" + none);
  EXPECT_EQ(error_of([](Shared& s) {
              s.next_iteration({{"n", nan}});
            }),
            "node t#1: the next iteration cannot be written as JSON: it holds NaN at /n" + none);
  EXPECT_EQ(error_of([](Shared&) {
              return json{{"mean", nan}};
            }),
            "node t#1: its result cannot be written as JSON: it holds NaN at /mean" + none);
  EXPECT_EQ(
      error_of([](Shared& s) { s.set("k", "\xff"); }),
      "node t#1: the value of \"k\" cannot be written as JSON: invalid UTF-8 byte at index 0: "
      "0xFF");
}

TEST_P(ValueTest, OfNodesAndTheirPartsToo) {
  struct Mean : Node {
    bool in_prep = false;
    json prep(Shared&) override { return in_prep ? json(nan) : json(); }
    json exec(const json&) override { return {nan}; }
  };
  Mean early;
  early.in_prep = true;
  Flow flow("means");
  flow.node("early", early);
  EXPECT_NE(run(flow).error.find("what prep returned cannot be written as JSON: it is NaN"),
            std::string::npos);
  stop();
  Flow late("late");
  late.node("late", Mean{});
  EXPECT_NE(run(late).error.find("its result cannot be written as JSON: it holds NaN at /0"),
            std::string::npos);
  const auto refused = client_.run(late, json{{"x", infinity}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "value cannot be written as JSON: it holds infinity at /x, which JSON does not have");
}

TEST_P(ValueTest, AreNestedAsDeepAsResultsMayBe) {
  EXPECT_EQ(error_of([](Shared& s) { s.set("k", nested(64)); }), "");
  EXPECT_EQ(error_of([](Shared& s) { s.set("k", nested(65)); }),
            "node t#1: the value of \"k\" cannot be written as JSON: it is nested deeper than 64 "
            "levels");
}

TEST_P(ValueTest, AListMayGrowBeyondWhatOneValueMayHave) {
  const std::string large(700'000, 'x');
  Flow flow("grows");
  const auto appends = [large](Shared& shared) {
    shared.append("list", large);
    shared.prepend("list", large);
  };
  flow.task("a", appends) >> flow.task("b", appends) >> flow.task("c", [](Shared& shared) {
    std::size_t bytes = 0;
    for (const json& text : shared.at("list")) bytes += text.get<std::string>().size();
    return bytes;
  });
  const Run ended = run(flow);
  EXPECT_EQ(ended.output, "2800000") << ended.error;
  EXPECT_EQ(shared("list").size(), 4U);
  stop();
  EXPECT_EQ(error_of([large](Shared& s) { s.append("list", large + large); }),
            "node t#1: the value of \"list\" has 1400002 bytes, the limit of the shared store is "
            "1048576: store it elsewhere and share where");
}

TEST_P(ValueTest, ASumThatIsNotExactIsRefusedWithItsBound) {
  const std::int64_t most = (std::int64_t{1} << 53) - 1;
  EXPECT_EQ(
      error_of([](Shared& s) {
        s.add("n", most);
        s.add("n", 1);
      }),
      "node t#1: cannot add 1 to \"n\", which is 9007199254740991: whole numbers have to stay "
      "below 2^53 (9007199254740992), to be exact");
  EXPECT_EQ(error_of([](Shared& s) {
              s.set("n", "x");
              s.add("n", 1);
            }),
            "node t#1: cannot add 1 to \"n\", which is \"x\"");
}

TEST_P(ValueTest, LocksAreNamed) {
  EXPECT_EQ(error_of([](Shared& s) { (void)s.try_lock(""); }),
            "node t#1: the name of a lock has 1 to 256 bytes, this one has 0");
  EXPECT_EQ(error_of([](Shared& s) { s.set("", 1); }),
            "node t#1: a key of the shared store has 1 to 256 bytes, this one has 0");
}

TEST_P(ValueTest, TheKeysOfAnInputAreKeysOfTheStore) {
  Flow inner("inner");
  inner.task("x", [] {});
  Flow flow("inputs");
  flow.run("in", inner, {{"", 1}}, {});
  const std::string rule =
      "keys of a run's input are in its shared store, where a key has 1 to 256 bytes, and one has ";
  for (const std::string& key : {std::string(), std::string(257, 'k')}) {
    const auto refused = client_.run(flow, json{{key, 1}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().message, rule + std::to_string(key.size()));
  }
  EXPECT_TRUE(client_.run(flow, json{{std::string(256, 'k'), ""}}));
  EXPECT_EQ(run(flow).error, "node in#1: " + rule + "0");
}

TEST_P(ValueTest, AnExceptionWithoutAMessageIsSaidToHaveNone) {
  EXPECT_EQ(error_of([](Shared&) { throw NoRetry(""); }),
            "node t#1: it threw an exception without a message");
  Flow flow("local");
  flow.task("a", [] {}) >>
      flow.task("b", [] { throw std::runtime_error(""); }, {}, {.max_attempts = 1, .local = true});
  work({flow});
  EXPECT_EQ(run(flow).error, "node b#1: it threw an exception without a message");
}

TEST_P(ValueTest, AnAnswerNamesItsActionAsText) {
  Flow flow("asks");
  flow.gate("ask", {.ask = GateOptions::Ask::event});
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "ask", "waiting");
  const auto answered = client_.signal(id_, "ask", R"({"$action":5})");
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().message, "the answer's $action has to be text, not 5");
}

TEST_P(ValueTest, AKeyThatIsSetAndAppendedToInOneStepIsSeenWhole) {
  Flow flow("whole");
  flow.task("writes", [](Shared& shared) {
    const int turn = shared.iteration().is_null() ? 1 : shared.iteration().get<int>();
    shared.set("list", {turn});
    shared.append("list", turn);
    shared.append("list", turn);
    if (turn < 100) shared.next_iteration(turn + 1);
  });
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  while (!client_.find_run(id_).value().ended()) {
    const auto seen = client_.shared(id_).value();
    if (!seen.contains("list")) continue;
    const json list = json::parse(seen.at("list"));
    EXPECT_EQ(list, json({list.at(0), list.at(0), list.at(0)}));
  }
  EXPECT_EQ(shared("list"), json({100, 100, 100}));
}

}  // namespace
}  // namespace penstock::testing
