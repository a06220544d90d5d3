// SPDX-License-Identifier: MIT
//
// Every single crash: for each of a set of small flows, the worker process stops at its first call
// of the store, at its second, and so on, once before the call has taken effect and once after;
// another process goes on. Whatever the moment, the run ends the same: the same store, the effect
// of each node once, each join once, what was done undone.
//
// In one thread: the real pump and nodes on a store whose process dies at a given call. From then
// on nothing of that process reaches the store.
#include "client/runs.h"
#include "tests/support/faulty_store.h"
#include "tests/support/store_fixture.h"
#include "worker/async_slots.h"
#include "worker/pump.h"

#include <penstock/flow.h>
#include <penstock/log.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace penstock::testing {
namespace {

// When and how a process dies.
struct Death {
  std::int64_t call = 0;  ///< 0: never.
  bool after = false;     ///< The call has taken effect.
};

// The calls of all connections of one process.
struct Life {
  Death death = {};
  std::int64_t calls = 0;
  bool over = false;

  Fault::Kind next() {
    if (over) return Fault::Kind::request_lost;
    if (++calls != death.call) return Fault::Kind::none;
    over = true;
    return death.after ? Fault::Kind::reply_lost : Fault::Kind::request_lost;
  }
};

class Process {
 public:
  Process(StoreUnderTest& store, const Tasks& tasks, Life& life)
      : store_(store.another()),
        slots_(store.clock(), nullptr, nullptr),
        pump_(store_, slots_, tasks, pulse_,
              {.profile = {.worker = "w", .queues = {"default"}, .concurrency = 1},
               .queues = {{}},
               .stop_patience = Duration{0}}) {
    store_.lose_by_all([&life](std::int64_t) { return life.next(); });
  }
  /// False: there is nothing to do.
  bool step() {
    pulse_.opened(store_.clock().steady());  // As good as a beat.
    pump_.woken(Woken::store);
    return pump_.step().again || !pump_.holds_nothing();
  }

 private:
  FaultyStore store_;
  Pulse pulse_;
  InlineSlots slots_;
  Pump pump_;
};

struct Ending {
  std::string state;
  std::map<std::string, std::string> shared;
  std::map<std::string, std::string> nodes;
  std::int64_t calls = 0;
  std::int64_t open_jobs = 0;
};

using Answers = std::map<std::string, std::string>;

class Scene {
 public:
  Scene(StoreKind kind, const Flow& flow, Answers answers)
      : kind_(kind), flow_(flow), answers_(std::move(answers)) {
    tasks_.add(flow).value();
  }

  Ending play(const Death& death) {
    StoreUnderTest store(kind_);
    Handles handles(store.another());
    Runs runs(handles, Duration{100});
    penstock::Producer producer;
    const RunId id =
        runs.start(producer, flow_.text().value(), R"({"n":3})", {.id = "run"}).value();
    Life life{.death = death}, second;
    auto process = std::make_unique<Process>(store, tasks_, life);
    Ending ending;
    int idle = 0;
    for (int steps = 0; steps < 5000 && idle < 3; ++steps) {
      const bool busy = process->step();
      if (life.over && !second.calls) {
        process.reset();
        bury(store);
        second.calls = 1;
        process = std::make_unique<Process>(store, tasks_, second);
        continue;
      }
      idle = busy || disturb(store, runs, producer, id) ? 0 : idle + 1;
    }
    const Run run = runs.find(id).value();
    ending.state = run.state;
    ending.calls = life.calls;
    for (const auto& [key, value] : runs.shared(id).value()) {
      json sorted = json::parse(value);
      if (sorted.is_array()) std::sort(sorted.begin(), sorted.end());
      ending.shared[key] = sorted.dump();
    }
    for (const RunNode& node : run.nodes) {
      ending.nodes[node.node + '#' + std::to_string(node.visit)] = node.state + ' ' + node.action;
    }
    const Counts counts = store->count({}).value();
    for (const JobState state :
         {JobState::waiting, JobState::scheduled, JobState::ready, JobState::running}) {
      ending.open_jobs += counts.of(state);
    }
    return ending;
  }

 private:
  // What the supervisor does that sees its child die.
  static void bury(StoreUnderTest& store) {
    const auto listing = store->list(SessionsQuery{}).value();
    for (const auto& session : std::get<Page<WorkerRecord>>(listing).items) {
      store->rescue(SessionNumber{session.session}, session.beat, {}, store.clock().now(), {})
          .value();
    }
  }
  // While the process has nothing to do: what is due comes, and a gate is answered. False: neither.
  bool disturb(StoreUnderTest& store, Runs& runs, penstock::Producer& producer, const RunId& id) {
    const auto due = store->promote({}, store.clock().now(), {}).value();
    if (due.done > 0) return true;
    for (const auto& [gate, answer] : answers_) {
      if (runs.signal(producer, id, gate, answer, "tester")) return true;
    }
    if (!due.next_due) return false;
    store.clock().advance(*due.next_due - store.clock().now());
    return true;
  }

  const StoreKind kind_;
  const Flow& flow_;
  const Answers answers_;
  Tasks tasks_;
};

// Notes the node's end in the run: once, if its effects are kept once.
auto noting(std::string name) {
  return [name](Shared& shared) {
    shared.append("ends", name);
    shared.add("count", 1);
    return name;
  };
}

class EveryCrash : public ::testing::TestWithParam<StoreKind> {
 protected:
  void survives(const Flow& flow, const std::string& state, const Answers& answers = {});
};
INSTANTIATE_TEST_SUITE_P(Stores, EveryCrash,
                         ::testing::Values(StoreKind::sqlite_memory, StoreKind::redis),
                         [](const auto& kind) { return to_text(kind.param); });

void EveryCrash::survives(const Flow& flow, const std::string& state, const Answers& answers) {
  set_log_level(LogLevel::off);
  Scene scene(GetParam(), flow, answers);
  const Ending undisturbed = scene.play({});
  ASSERT_EQ(undisturbed.state, state);
  EXPECT_EQ(undisturbed.open_jobs, 0);
  ASSERT_GT(undisturbed.calls, 5);
  for (std::int64_t call = 1; call <= undisturbed.calls; ++call) {
    for (const bool after : {false, true}) {
      const Ending ending = scene.play({.call = call, .after = after});
      const std::string when =
          (after ? "after call " : "before call ") + std::to_string(call) + " of " + flow.name();
      ASSERT_EQ(ending.state, undisturbed.state) << when;
      ASSERT_EQ(ending.shared, undisturbed.shared) << when;
      ASSERT_EQ(ending.nodes, undisturbed.nodes) << when;
      ASSERT_EQ(ending.open_jobs, 0) << when;
    }
  }
}

TEST_P(EveryCrash, OfAChainAndADiamond) {
  Flow flow("diamond");
  auto a = flow.task("a", noting("a")), b = flow.task("b", noting("b"));
  auto c = flow.task("c", noting("c")), d = flow.task("d", noting("d"));
  a >> (b | c) >> d >> flow.task("e", noting("e"));
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfALoopWithAForkInIt) {
  struct Turn : Node {
    std::string post(Shared& shared, const json&, const json&) override {
      shared.add("turns", 1);
      shared.append("ends", "turn");
      return shared.get_or("turns", 0) < 3 ? "again" : "out";
    }
  };
  Flow flow("loop");
  auto begin = flow.task("begin", noting("begin"));
  auto head = flow.task("head", noting("head"));
  auto left = flow.task("left", noting("left")), right = flow.task("right", noting("right"));
  auto turn = flow.node("turn", Turn{});
  begin >> head >> (left | right) >> turn;
  turn.on("again") >> head;
  turn.on("out") >> flow.task("after", noting("after"));
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfALoopThatIsLeftOnEachTurn) {
  struct Turn : Node {
    std::string post(Shared& shared, const json&, const json&) override {
      shared.add("turns", 1);
      return shared.get_or("turns", 0) < 3 ? "again" : "done";
    }
  };
  Flow flow("leaves");
  auto head = flow.task("head", [] { return json({1, 2}); });
  auto turn = flow.node("turn", Turn{});
  auto join = flow.task("join", noting("join"));
  head >> turn;
  turn.on("again") >> head;
  head >> flow.task("side", noting("side")) >> join;
  turn.on("done") >> flow.task("fin", noting("fin")) >> join;
  head >> flow.map("each", "$.nodes.head.result",
                   [](int n, Shared& shared) { shared.append("items", n); }) >>
      flow.task("behind", noting("behind"));
  flow.start(head);
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfAMapAndABatch) {
  struct Batch : BatchNode {
    json prep(Shared&) override { return {1, 2, 3}; }
    json exec(const json& n) override { return n.get<int>() * 2; }
    std::string post(Shared& shared, const json&, const json& results) override {
      shared.set("batch", results);
      shared.append("ends", "batch");
      return "default";
    }
  };
  Flow flow("maps");
  auto list = flow.task("list", [](Shared& shared) {
    shared.append("ends", "list");
    return json({1, 2, 3, 4});
  });
  auto each = flow.map("each", "$.nodes.list.result",
                       [](int n, Shared& shared) {
                         shared.append("ends", n);
                         return -n;
                       },
                       {.parallel = 2});
  auto sum = flow.task("sum",
                       [](const std::vector<int>& all, Shared& shared) {
                         shared.set("all", all);
                         shared.append("ends", "sum");
                       },
                       {"each"});
  list >> each >> sum >> flow.node("batch", Batch{});
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfAMapWhoseItemsOpenOthersNowAndThen) {
  Flow flow("wide");
  auto list = flow.task("list", [] {
    json items = json::array();
    for (int i = 0; i < 40; ++i) items.push_back(i);
    return items;
  });
  auto each = flow.map("each", "$.nodes.list.result", [](int n) { return -n; }, {.parallel = 24});
  auto sum = flow.task("sum",
                       [](const std::vector<int>& all, Shared& shared) {
                         shared.set("all", all);
                         shared.append("ends", "sum");
                       },
                       {"each"});
  list >> each >> sum;
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfFlowsInside) {
  Flow inner("inner");
  inner.task("x", noting("x")) >>
      inner.task("y", [](Shared& shared) { shared.append("ends", shared.params().at("n")); });
  Flow flow("outer");
  auto nested = flow.flow("nested", inner);
  auto passes = flow.batch_flow("passes", inner, [](Shared&) {
    return json::array({{{"m", 1}}, {{"m", 2}}});
  });
  nested >> passes >> flow.task("last", noting("last"));
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfGatesAndTimers) {
  Flow flow("gates");
  auto ask = flow.gate("ask", {.ask = GateOptions::Ask::approval, .deadline = Duration{60'000}});
  auto nap = flow.gate("nap", {.ask = GateOptions::Ask::timer, .deadline = Duration{5'000}});
  auto before = flow.task("before", noting("before"));
  before >> ask;
  ask.on("approved") >> flow.task("yes", noting("yes")) >> nap >> flow.task("late", noting("late"));
  ask.on("timed_out") >> flow.task("no", noting("no"));
  survives(flow, "succeeded", {{"ask", "true"}});
}

TEST_P(EveryCrash, OfARunInside) {
  Flow inner("child");
  inner.task("double",
             [](int n, Shared& shared) {
               shared.add("own", n);
               return 2 * n;
             },
             {"n"});
  Flow flow("parent");
  auto calls = flow.run("calls", inner, {{"n", "$.input.n"}});
  calls >> flow.task("after", [](int n, Shared& shared) { shared.append("ends", n); }, {"calls"});
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfASagaThatCompensates) {
  const auto undoing = [](std::string name) {
    return [name](Shared& shared) {
      shared.append("undone", name);
      shared.add("count", -1);
    };
  };
  Flow flow("saga");
  auto a = flow.task("a", noting("a")).undo(undoing("a"));
  auto b = flow.task("b", noting("b")).undo(undoing("b"));
  auto c = flow.task("c", noting("c")).undo(undoing("c"));
  auto d = flow.task("d", []() -> int { throw NoRetry("no"); }).undo(undoing("d"));
  a >> (b | c) >> d;
  survives(flow, "compensated");
}

// Nobody answers the gate inside: no job of it may be left when the run around it is undone.
TEST_P(EveryCrash, OfASagaWithARunInsideThatIsUnderWay) {
  Flow inner("inside");
  auto first =
      inner.task("first", noting("first")).undo([](Shared& shared) { shared.add("count", -1); });
  first >> inner.gate("never", {.ask = GateOptions::Ask::event});
  Flow flow("around");
  auto begin = flow.task("begin", noting("begin")).undo([](Shared& shared) {
    shared.append("undone", "begin");
  });
  auto go = flow.gate("go", {.ask = GateOptions::Ask::event});
  begin >> (flow.run("calls", inner) | go);
  go >> flow.task("bad", []() -> int { throw NoRetry("no"); });
  survives(flow, "compensated", {{"go", "1"}});
}

TEST_P(EveryCrash, OfGroupsThatTolerateAndOfRetries) {
  Flow flow("tolerant");
  auto split = flow.task("split", noting("split"));
  auto good = flow.task("good", noting("good"));
  auto bad = flow.task("bad", []() -> int { throw NoRetry("bad"); });
  auto join = flow.task("join", noting("join"));
  auto fragile =
      flow.task("fragile",
                [](Shared& shared) {
                  shared.append("ends", "fragile");
                  if (shared.job().job().attempt < 3) throw std::runtime_error("not yet");
                },
                {}, {.max_attempts = 3, .backoff = Backoff{.kind = Backoff::Kind::none}});
  split >> (good | bad | fragile).with(Policy::best_effort()) >> join;
  survives(flow, "succeeded");
}

TEST_P(EveryCrash, OfLocalAndDynamicSteps) {
  Flow flow("dynamic");
  auto a = flow.task("a", noting("a"));
  auto b = flow.task("b",
                     [](Shared& shared) {
                       shared.append("ends", "b");
                       shared.next_task("extra");
                     },
                     {}, {.local = true});
  auto c = flow.task("c", [](Shared& shared) {
    const json turn = shared.iteration();
    const int n = turn.is_null() ? 1 : turn.get<int>();
    shared.append("ends", n);
    if (n < 3) shared.next_iteration(n + 1);
  });
  auto extra = flow.task("extra", noting("extra"));
  a >> b >> c;
  c.on("never") >> extra;
  survives(flow, "succeeded");
}

}  // namespace
}  // namespace penstock::testing
