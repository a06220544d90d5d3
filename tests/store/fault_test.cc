// SPDX-License-Identifier: MIT
//
// Every point at which a call can get lost, one at a time, over a workload of submits, reserves,
// finishes, operators' verbs and closes. Whoever was not answered does what the seam asks for: a
// producer sends the same call again, a session asks what it holds. The jobs then stand exactly
// where they stand when nothing is lost.
#include "tests/support/faulty_store.h"

#include "rules/job_state.h"
#include "tests/store/conformance.h"

#include <map>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

// Sends the same call until it is answered.
template <class Verb>
auto insist(Verb verb) {
  while (true) {
    auto answer = verb();
    if (answer || answer.error().code != Errc::unavailable) return answer;
  }
}

// A worker that runs one job after the other and recovers from unanswered calls with `held`.
class CarefulWorker {
 public:
  CarefulWorker(Store& store, WorkerProfile profile) : store_(store), profile_(profile) {
    id_ = insist([&] { return store_.open(profile_); }).value();
  }

  /// Finishes what ended and takes more, until nothing is ready.
  void run() {
    bool answered = false;
    do {
      answered =
          exchange({.queues = profile_.queues, .jobs = 2, .holds_nothing = running_.empty()});
      for (auto& [key, job] : running_) ended_.emplace(key, outcome(job));
    } while (!answered || !running_.empty());
  }

  /// Takes jobs and closes with them in hand.
  void take_and_close() {
    exchange({.queues = profile_.queues, .jobs = 2, .holds_nothing = true});
    while (true) {
      const auto closed = store_.close(id_, Call{++call_});
      if (closed) return;
      // Not answered, then refused as dead: the first one closed it.
      if (closed.error().code == Errc::lease_lost) return;
    }
  }

  std::map<std::string, int> starts;  // By task.

 private:
  static rules::Outcome outcome(const Reserved& job) {
    if (job.task.starts_with("fail")) return rules::Failed{"boom", false};
    if (job.task.starts_with("twice") && job.attempt == 1) return rules::Failed{"once"};
    return rules::Succeeded{'"' + job.task + '"'};
  }

  /// False when it was not answered and had to be reconciled.
  bool exchange(const Want& want) {
    std::vector<rules::Transition> transitions;
    for (const auto& [key, how] : ended_) {
      transitions.push_back(decided(store_, running_.at(key), how));
    }
    auto answer = store_.finish(
        {.session = id_, .call = Call{++call_}, .transitions = transitions, .want = want});
    if (answer) {
      for (const rules::Transition& sent : transitions) forget(sent.key);
      for (const Reserved& job : answer->jobs) begin(job);
      return true;
    }
    EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
    reconcile();
    return false;
  }

  void reconcile() {
    Result<std::vector<Reserved>> held = store_.held(id_, Call{++call_});
    while (!held) {
      ASSERT_EQ(held.error().code, Errc::unavailable) << held.error().message;
      held = store_.held(id_, Call{++call_});
    }
    std::map<rules::JobKey, Reserved> holds;
    for (const Reserved& job : *held) holds.emplace(job.key, job);
    // Sent and not held: it was finished. Sent and held: it is sent again.
    for (auto job = running_.begin(); job != running_.end();) {
      const rules::JobKey key = job->first;
      ++job;
      if (!holds.contains(key)) forget(key);
    }
    for (const auto& [key, job] : holds) {
      if (!running_.contains(key)) begin(job);
    }
  }

  void begin(const Reserved& job) {
    running_.emplace(job.key, job);
    ++starts[job.task];
  }
  void forget(const rules::JobKey& key) {
    running_.erase(key);
    ended_.erase(key);
  }

  Store& store_;
  WorkerProfile profile_;
  SessionId id_;
  std::uint64_t call_ = 0;
  std::map<rules::JobKey, Reserved> running_;
  std::map<rules::JobKey, rules::Outcome> ended_;
};

class Faults : public ::testing::TestWithParam<StoreKind> {
 protected:
  struct Ending {
    std::string jobs = {}, results = {}, starts = {};
    std::int64_t calls = 0, submitted = 0;
  };

  static Ending workload(StoreKind kind, Fault fault) {
    StoreUnderTest fixture(kind);
    FaultyStore store(fixture.another());
    store.lose(fault);
    Clock& clock = fixture.clock();
    std::uint64_t call = 0;
    const auto next = [&] { return RequestId{"producer", Call{++call}}; };
    const auto submit = [&](std::vector<rules::NewJob> jobs) {
      const SubmitCall one{.request = next(), .jobs = jobs};
      return insist([&] { return store.submit(one); }).value();
    };
    const auto first = submit({new_job(clock, "a"), new_job(clock, "fail"), new_job(clock, "twice"),
                               new_job(clock, "b", {.priority = 9})});
    submit({new_job(clock, "u", {.unique = Unique{"k"}}),
            new_job(clock, "v", {.unique = Unique{"k"}})});
    const auto drop = submit({new_job(clock, "drop"), new_job(clock, "gone")});
    CarefulWorker(store, {.worker = "brief", .queues = {"default"}}).take_and_close();
    const RequestId cancel = next(), remove = next();
    insist([&] { return store.cancel({.ids = {drop[0].id}}, cancel); }).value();
    insist([&] { return store.remove({.ids = {drop[1].id}}, remove); }).value();
    CarefulWorker worker(store, {.worker = "long", .queues = {"default"}});
    worker.run();
    fixture.clock().advance(1min);
    insist([&] { return store.promote({}, clock.now(), {}); }).value();
    worker.run();
    const RequestId retry = next();
    EXPECT_EQ(insist([&] { return store.retry({.ids = {first[1].id}}, retry); }).value().changed,
              1);
    worker.run();
    Ending ending{.jobs = describe(*fixture), .calls = store.calls()};
    for (const Job& job : all_jobs(*fixture)) ending.results += job.result.value_or("-") + ' ';
    for (const auto& [task, times] : worker.starts) {
      ending.starts += task + ':' + std::to_string(times) + ' ';
    }
    ending.submitted = fixture->count({}).value().submitted;
    EXPECT_EQ(describe(fixture->count({}).value()), recount(*fixture));
    expect_one_end_each(*fixture);
    return ending;
  }

  // Between two ends of a job lies an operator's retry.
  static void expect_one_end_each(Store& store) {
    std::map<std::string, bool> ended;
    for (const Event& event : all_events(store)) {
      if (event.type != Event::Type::job || !event.to) continue;
      const bool ends = rules::is_terminal(*event.to);
      EXPECT_FALSE(ends && ended[event.job.text]) << event.task << " ended twice";
      ended[event.job.text] = ends;
    }
  }
};

INSTANTIATE_STORE_SUITE(Faults);

TEST_P(Faults, EveryLostCallLeadsToTheSameEnd) {
  const Ending clean = workload(GetParam(), {});
  EXPECT_EQ(clean.jobs, "succeeded: a(1) b(1) twice(2) u(1) | failed: fail(1) | cancelled: drop");
  EXPECT_EQ(clean.submitted, 7);
  ASSERT_GT(clean.calls, 15);
  for (std::int64_t call = 1; call <= clean.calls; ++call) {
    for (const auto kind : {Fault::Kind::request_lost, Fault::Kind::reply_lost}) {
      SCOPED_TRACE((kind == Fault::Kind::request_lost ? "request of call " : "reply of call ") +
                   std::to_string(call));
      const Ending ending = workload(GetParam(), {.kind = kind, .call = call});
      EXPECT_EQ(ending.jobs, clean.jobs);
      EXPECT_EQ(ending.results, clean.results);
      EXPECT_EQ(ending.starts, clean.starts);
      EXPECT_EQ(ending.submitted, clean.submitted);
      EXPECT_GT(ending.calls, clean.calls);
    }
  }
}

}  // namespace
}  // namespace penstock::testing
