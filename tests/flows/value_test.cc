// SPDX-License-Identifier: MIT
//
// Values that are none: what a node writes, returns and names is refused with a sentence that says
// which, and is not tried again.
#include "tests/flows/flow_fixture.h"

namespace penstock::testing {
namespace {

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

}  // namespace
}  // namespace penstock::testing
