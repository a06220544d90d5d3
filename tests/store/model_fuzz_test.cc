// SPDX-License-Identifier: MIT
//
// Random verbs on a store and on the model; after each the two must tell the same story. A failure
// prints the seed: PENSTOCK_SEED=... ./dev test model_fuzz repeats it, PENSTOCK_STEPS=... goes
// further than the fast suite does.
#include "rules/errc.h"
#include "rules/job_state.h"
#include "tests/store/conformance.h"
#include "tests/store/model.h"
#include "tests/store/run_fuzz.h"
#include "tests/support/environment.h"

#include <random>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Fuzz {
 public:
  Fuzz(StoreKind kind, std::uint64_t seed)
      : store_(kind), producer_(*store_), dice_(seed), runs_(store_, producer_, model_, dice_) {}

  // One random verb on both; what it did, for the message.
  std::string step() {
    const int verb = below(100);
    if (verb < 14) return submit();
    if (verb < 22) return runs_.signal();
    if (verb < 42) return reserve();
    if (verb < 62) return finish();
    if (verb < 70) return operate();
    if (verb < 76) return advance();
    if (verb < 81) return promote();
    if (verb < 84) return prune();
    if (verb < 87) return configure();
    if (verb < 93) return open();
    if (verb < 95) return close();
    if (verb < 98) return rescue();
    return beat();
  }

  void compare_runs() { runs_.compare(); }
  void compare() {
    ASSERT_EQ(describe(*store_), describe(model_.jobs()));
    ASSERT_EQ(describe(store_->count({}).value()), recount(*store_));
  }

 private:
  struct Worker {
    TestSession session;
    Want want;
    std::map<std::string, Reserved> held;
  };

  int below(int bound) { return static_cast<int>(dice_() % static_cast<unsigned>(bound)); }
  bool chance(int percent) { return below(100) < percent; }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<int>(choices.size())));
  }
  Time now() { return store_->clock().now(); }

  std::string submit() {
    const std::string task = "j" + std::to_string(++made_);
    SubmitOptions options{.queue = one_of<std::string>({"q", "r"})};
    if (chance(25)) options.pool = "gpu";
    options.priority = one_of({4, 5, 5, 6});
    if (chance(10)) options.id = "own" + std::to_string(below(6));
    if (chance(15)) options.start = one_of<Duration>({10ms, 1s, 90s});
    if (chance(10)) options.expires = one_of<Duration>({10ms, 30s, 2min});
    if (chance(15)) options.unique = Unique{"key" + std::to_string(below(4))};
    if (options.unique && chance(40)) options.unique->hold = one_of<Duration>({10ms, 1min, 3h});
    if (chance(20)) options.result_ttl = one_of<Duration>({10ms, 1min});
    if (chance(20)) options.max_attempts = one_of({1, 2});
    const rules::NewJob job = new_job(store_->clock(), task, options);
    const Submitted answer = producer_.submit_one(job);
    std::string story =
        answer.error ? std::string(rules::describe(answer.error->code).name) : "new";
    if (answer.duplicate) {
      const auto holder = store_->find(answer.id);
      story = "dup " + (holder && *holder ? std::get<Job>(**holder).task : std::string("?"));
    } else if (!answer.error) {
      refs_.emplace_back(options.id.empty() ? task : options.id, answer.id);
    }
    EXPECT_EQ(story, model_.submit(job, now()));
    return "submit " + task + " to " + options.queue + ": " + story;
  }

  Worker* worker() {
    if (workers_.empty()) return nullptr;
    return &workers_[static_cast<std::size_t>(below(static_cast<int>(workers_.size())))];
  }

  std::string open() {
    if (workers_.size() >= 4) return "nothing";
    WorkerProfile profile{.queues =
                              one_of<std::vector<std::string>>({{"q"}, {"q", "r"}, {"r", "q"}})};
    if (chance(40)) profile.pools = {"gpu"};
    if (chance(20)) profile.pools = {"gpu", ""};
    TestSession session(*store_, profile);
    model_.open(session.number());
    const Want want = session.want(1);
    workers_.push_back({std::move(session), want, {}});
    return "open";
  }

  std::string reserve() {
    Worker* who = worker();
    if (!who) return open();
    Want want = who->want;
    want.jobs = static_cast<std::size_t>(1 + below(3));
    want.holds_nothing = who->held.empty();
    const Exchange exchange = who->session.exchange({}, want).value();
    for (const Reserved& job : exchange.jobs) {
      who->held[job.task] = job;
      runs_.check_taken(job);
    }
    const std::string story = exchange.alone_waiting ? "alone" : tasks_of(exchange.jobs);
    EXPECT_EQ(story, model_.reserve(who->session.number(), want, now()));
    return "reserve: " + story;
  }

  rules::Outcome outcome() {
    switch (below(8)) {
      case 0:
        return rules::Failed{"x", false};
      case 1:
        return rules::Failed{"x"};
      case 2:
        return rules::Snoozed{one_of<Duration>({0ms, 10ms, 1min})};
      case 3:
        return rules::Cancelled{"x"};
      case 4:
        return rules::Interrupted{};
      case 5:
        return rules::NoSuchTask{.offered = chance(70)};
      default:
        return rules::Succeeded{"1"};
    }
  }

  std::string finish() {
    Worker* who = worker();
    if (!who || who->held.empty()) return reserve();
    auto job = std::next(who->held.begin(), below(static_cast<int>(who->held.size())));
    const rules::Transition next = decided(*store_, job->second, outcome());
    const bool accepted = who->session.exchange({next}).value().accepted.at(0);
    EXPECT_EQ(accepted, model_.finish(who->session.number(), job->first, next, now()));
    EXPECT_TRUE(accepted);
    const std::string story =
        "finish " + job->first + " by " + std::string(rules::to_text(next.move));
    // Late news of the same attempt is refused.
    EXPECT_FALSE(who->session.exchange({next}).value().accepted.at(0));
    who->held.erase(job);
    return story;
  }

  std::string operate() {
    if (!runs_.tasks().empty() && chance(20)) {
      const auto& [id, task] =
          *std::next(runs_.tasks().begin(), below(static_cast<int>(runs_.tasks().size())));
      return operate(task, JobId{id});
    }
    if (refs_.empty()) return submit();
    // Mostly of the newest, because the older ones are gone.
    const int back = below(std::min(static_cast<int>(refs_.size()), 40));
    const auto [ref, id] = refs_[refs_.size() - 1 - static_cast<std::size_t>(back)];
    return operate(ref, id);
  }

  std::string operate(const std::string& ref, const JobId& id) {
    switch (below(4)) {
      case 0:
        EXPECT_EQ(producer_.cancel(id), model_.cancel(ref, now()));
        return "cancel " + ref;
      case 1:
        EXPECT_EQ(producer_.retry(id), model_.retry(ref, now()));
        return "retry " + ref;
      case 2:
        EXPECT_EQ(producer_.remove(id), model_.remove(ref, now()));
        return "remove " + ref;
      default:
        EXPECT_EQ(producer_.promote(id), model_.promote(ref, now()));
        return "promote " + ref;
    }
  }

  std::string advance() {
    const auto by = one_of<Duration>({10ms, 10ms, 1s, 7s, 60s, 90s, 1h});
    store_.clock().advance(by);
    return "advance " + std::to_string(by.count()) + " ms";
  }

  std::string promote() {
    EXPECT_EQ(store_->promote({}, now(), {}).value().done, model_.promote_due(now()));
    return "promote";
  }

  std::string prune() {
    EXPECT_EQ(store_->prune({}, now(), {}).value().done, model_.prune(now()));
    runs_.prune();
    return "prune";
  }

  std::string configure() {
    const std::string queue = one_of<std::string>({"q", "r"});
    const bool on = chance(30);
    if (chance(50)) {
      producer_.configure(QueueSetting{.queue = queue, .paused = on});
      model_.pause(queue, on);
      return "pause " + queue;
    }
    producer_.configure(QueueSetting{.queue = queue, .draining = on});
    model_.drain(queue, on);
    return "drain " + queue;
  }

  template <class End>
  std::string end_worker(const char* story, End end) {
    Worker* who = worker();
    if (!who) return "nothing";
    end(who->session);
    workers_.erase(workers_.begin() + (who - workers_.data()));
    return story;
  }
  std::string close() {
    return end_worker("close", [&](TestSession& session) {
      session.close().value();
      model_.close(session.number(), now());
    });
  }
  std::string rescue() {
    return end_worker("rescue", [&](TestSession& session) {
      rescue_all(*store_, session.number());
      model_.rescue(session.number(), now());
    });
  }

  std::string beat() {
    Worker* who = worker();
    if (!who) return "nothing";
    const Orders orders = who->session.beat();
    EXPECT_TRUE(orders.alive);
    EXPECT_EQ(orders.cancels.size(), model_.cancels(who->session.number()));
    EXPECT_EQ(orders.held, static_cast<std::int64_t>(who->held.size()));
    EXPECT_EQ(who->session.held().size(), model_.held(who->session.number()).size());
    return "beat";
  }

  StoreUnderTest store_;
  Producer producer_;
  Model model_;
  std::mt19937_64 dice_;
  RunFuzz runs_;
  std::vector<Worker> workers_;
  std::vector<std::pair<std::string, JobId>> refs_;
  int made_ = 0;
};

class ModelFuzz : public ::testing::TestWithParam<StoreKind> {};

INSTANTIATE_STORE_SUITE(ModelFuzz);

TEST_P(ModelFuzz, StoreAndModelTellTheSameStory) {
  const std::uint64_t seed = number_from("PENSTOCK_SEED", std::random_device{}());
  const std::uint64_t steps =
      number_from("PENSTOCK_STEPS", GetParam() == StoreKind::sqlite_memory ? 4000 : 2000);
  Fuzz fuzz(GetParam(), seed);
  std::string story;
  for (std::uint64_t step = 0; step < steps; ++step) {
    story += std::to_string(step) + ": " + fuzz.step() + '\n';
    fuzz.compare();
    if (HasFailure()) {
      FAIL() << "PENSTOCK_SEED=" << seed << " ./dev test model_fuzz repeats it; the last steps:\n"
             << story.substr(story.size() > 1500 ? story.size() - 1500 : 0);
    }
  }
  fuzz.compare_runs();
}

}  // namespace
}  // namespace penstock::testing
