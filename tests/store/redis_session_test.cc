// SPDX-License-Identifier: MIT
//
// Sessions while their server, its clock or they themselves stand still: nobody who lives is
// declared dead. Real hearts, real servers and real time; the tests wait for beats, not for time.
#include "rules/duration.h"
#include "rules/limits.h"
#include "store/open.h"
#include "tests/support/describe.h"
#include "tests/support/redis_server.h"
#include "tests/support/server_time.h"
#include "tests/support/store_fixture.h"
#include "worker/heart.h"

#include <penstock/log.h>
#include <penstock/worker.h>

#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <map>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

// Beats that are enough for a watch to conclude whatever it is going to conclude.
constexpr int enough = rules::watch_answers + 2;

/// Looks again and again until it is so; throws when that takes too long.
void await(const std::string& what, const std::function<bool()>& is_so) {
  const SteadyTime until = real_clock().steady() + 30s;
  while (!is_so()) {
    if (real_clock().steady() > until) throw std::runtime_error("in vain: " + what);
    real_clock().wait_until(real_clock().steady() + 20ms, {});
  }
}

/// A session with a heart of its own, which rescues whom it sees dead if it is told to.
class Beating {
 public:
  enum class Duty : std::uint8_t { beats, rescues };

  /// `store` is for what the test does with the session; it must outlive it.
  Beating(Store& store, Duty duty)
      : store_(store.another().value()),
        session_(*store_),
        heart_(
            *store_, pulse_, [] {}, [this, duty] { found(duty); }) {
    session_.on(store);
    pulse_.set_own({.session = session_.id()});
    thread_ = std::jthread([this](const std::stop_token& stop) { heart_.run(stop); });
  }
  TestSession* operator->() { return &session_; }
  [[nodiscard]] bool alive() const { return pulse_.heard().alive; }
  [[nodiscard]] std::string name() const {
    return std::to_string(static_cast<std::uint64_t>(session_.number()));
  }

 private:
  void found(Duty duty) {
    const Findings findings = pulse_.take_findings();
    for (const Watched& dead : findings.dead) {
      if (duty == Duty::rescues) (void)penstock::rescue_all(*store_, dead, {});
    }
  }

  std::unique_ptr<Store> store_;
  TestSession session_;
  Pulse pulse_;
  Heart heart_;
  std::jthread thread_;
};

/// A server and those who beat on it.
class Crowd {
 public:
  explicit Crowd(RedisOptions options = {}) : server_(std::move(options)) {
    set_log_level(LogLevel::off);
  }
  RedisServer& server() { return server_; }
  [[nodiscard]] std::string url() const { return server_.url("p"); }
  Store& store() {
    if (!store_) store_ = open_store(url()).value();
    return *store_;
  }
  Beating& join(Beating::Duty duty = Beating::Duty::rescues) {
    return *beating_.emplace_back(std::make_unique<Beating>(store(), duty));
  }
  void join(int sessions) {
    for (int i = 0; i < sessions; ++i) join();
  }

  /// How often each session that was not declared dead has beaten.
  [[nodiscard]] std::map<std::string, int> beats() const {
    std::map<std::string, int> all;
    const auto words = server_.list({"HGETALL", "p:{0}:sessions"});
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) all[words[i]] = std::stoi(words[i + 1]);
    return all;
  }
  /// Until every session of ours has beaten so often from now on; one that is dead is passed over.
  void await_beats(int count) const {
    const auto before = beats();
    await("beats", [&] {
      const auto now = beats();
      return std::ranges::all_of(beating_, [&](const auto& one) {
        const auto then = before.find(one->name()), last = now.find(one->name());
        return then == before.end() || last == now.end() || last->second >= then->second + count;
      });
    });
  }
  void expect_nobody_lost() {
    const Health health = store().check().value();
    EXPECT_EQ(health.sessions_lost, 0);
    EXPECT_EQ(health.false_alarms, 0);
    EXPECT_EQ(health.stale_writes_refused, 0);
    EXPECT_GE(health.sessions, static_cast<std::int64_t>(beating_.size()));
    for (const auto& one : beating_) EXPECT_TRUE(one->alive());
  }

 private:
  RedisServer server_;
  std::unique_ptr<Store> store_;
  std::vector<std::unique_ptr<Beating>> beating_;
};

TEST(RedisSession, IsRescuedWhenItAloneStopsBeating) {
  Crowd crowd;
  Producer producer(crowd.store());
  const JobId id = producer.add("a");
  TestSession silent(crowd.store());
  silent.take();
  silent.beat();
  crowd.join(2);
  await("the rescue", [&] { return state_of(crowd.store(), id) == "ready"; });
  EXPECT_EQ(crowd.store().check()->sessions_lost, 1);
  EXPECT_FALSE(silent.beat().alive);
  EXPECT_EQ(crowd.store().check()->false_alarms, 1);
}

TEST(RedisSession, FiftySurviveAServerThatStandsStillForFiveSeconds) {
  Crowd crowd;
  crowd.join(50);
  crowd.await_beats(2);
  EXPECT_EQ(crowd.server().command({"DEBUG", "SLEEP", "5"}), "OK");
  crowd.await_beats(enough);
  crowd.expect_nobody_lost();
}

// A job that is due in a second becomes ready in about a second.
void expect_promoted_in_time(Store& store, const std::string& task) {
  Producer producer(store);
  const SteadyTime begun = real_clock().steady();
  const JobId id = producer.add(task, {.start = Duration(1s)});
  EXPECT_EQ(state_of(store, id), "scheduled");
  await("the promotion", [&] {
    store.promote({}, store.clock().now(), {}).value();
    return state_of(store, id) == "ready";
  });
  const auto took = real_clock().steady() - begun;
  EXPECT_GE(took, 990ms);
  EXPECT_LE(took, 10s);
}

TEST(RedisSession, LosesNothingWhenTheClockOfTheServerIsSet) {
  ServerTime time;
  Crowd crowd({.environment = time.environment()});
  const auto told = [&] { return std::stoll(crowd.server().list({"TIME"}).at(0)); };
  Producer producer(crowd.store());
  producer.add("held");
  Beating& holder = crowd.join();
  const Reserved held = holder->take();
  crowd.join(3);
  const std::int64_t before = told();
  std::string tasks;
  for (const auto& [ahead, task] : {std::pair(3600s, "forth"), std::pair(-3600s, "back")}) {
    time.step(ahead);
    EXPECT_NEAR(static_cast<double>(told() - before), static_cast<double>(ahead.count()), 60);
    crowd.await_beats(enough);
    // The store's clock is the median of three samples, one in ten seconds; a connect takes one.
    for (int sample = 0; sample < 2; ++sample) crowd.store().another().value();
    EXPECT_LE(std::abs(rules::to_ms(crowd.store().clock().now()) / 1000 - told()), 2);
    expect_promoted_in_time(crowd.store(), task);
  }
  EXPECT_TRUE(holder->end(held, rules::Succeeded{}));
  EXPECT_EQ(describe(crowd.store()), "ready: back forth | succeeded: held(1)");
  crowd.expect_nobody_lost();
}

TEST(RedisSession, KeepsWhatItHoldsWhileItsServerReadsItsFilesForSeconds) {
  Crowd crowd({.appendfsync = "always"});
  Producer producer(crowd.store());
  for (const char* task : {"a", "b", "c"}) producer.add(task);
  Beating& holder = crowd.join();
  const auto held = holder->reserve(3);
  crowd.join(3);
  crowd.await_beats(2);
  // A server that reads answers LOADING once in 1024 commands, and waits before each.
  const std::string fill = "for i = 1, 12000 do redis.call('SET', 'filler', i) end return 1";
  EXPECT_EQ(crowd.server().command({"EVAL", fill, "0"}), "1");
  crowd.server().options().config = {"key-load-delay 200"};
  crowd.server().kill();
  const SteadyTime begun = real_clock().steady();
  crowd.server().launch();
  Errc refused{};
  await("LOADING", [&] {
    const auto count = crowd.store().count({});
    if (!count) refused = count.error().code;
    return !count && count.error().message.find("reading its files") != std::string::npos;
  });
  EXPECT_EQ(refused, Errc::unavailable);
  crowd.server().await_ready();
  EXPECT_GE(real_clock().steady() - begun, rules::watch_span);
  crowd.await_beats(enough);
  crowd.expect_nobody_lost();
  await("the store's next connect", [&] { return crowd.store().count({}).has_value(); });
  EXPECT_EQ(describe(crowd.store()), "running: a(1) b(1) c(1)");
  for (const Reserved& job : held) EXPECT_TRUE(holder->end(job, rules::Succeeded{}));
}

/// A worker in a process of its own, made before this one has threads.
class Child {
 public:
  explicit Child(const std::string& url) : pid_(fork()) {
    if (pid_ != 0) return;
    set_log_level(LogLevel::off);
    auto worker = Worker::open(url, {}, {.name = "child"});
    _exit(worker && worker->run() ? 0 : 1);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void stop() const {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    waitpid(pid_, &status, WUNTRACED);
  }
  void go_on() const { ::kill(pid_, SIGCONT); }

 private:
  pid_t pid_;
};

TEST(RedisSession, RescuesNobodyAfterItsProcessWasStopped) {
  Crowd crowd;
  const Child child(crowd.url());
  await("the child", [&] { return crowd.beats().size() == 1; });
  const std::string watcher = crowd.beats().begin()->first;
  for (int i = 0; i < 5; ++i) crowd.join(Beating::Duty::beats);
  const auto await_the_child = [&] {
    const auto last = [&] { return crowd.beats().at(watcher); };
    await("the child's beats", [&, before = last()] { return last() >= before + enough; });
  };
  await_the_child();
  child.stop();
  crowd.await_beats(10);  // Five seconds.
  child.go_on();
  await_the_child();
  crowd.await_beats(1);
  crowd.expect_nobody_lost();
}

TEST(RedisSession, IsRefusedWhenItsProcessGoesOnAfterItWasDeclaredDead) {
  Crowd crowd;
  const Child child(crowd.url());
  await("the child", [&] { return crowd.beats().size() == 1; });
  const std::string first = crowd.beats().begin()->first;
  crowd.join(2);
  crowd.await_beats(1);
  child.stop();
  await("the rescue", [&] { return !crowd.beats().contains(first); });
  child.go_on();
  await("its next session", [&] { return crowd.beats().size() == 3; });
  const Health health = crowd.store().check().value();
  EXPECT_EQ(health.sessions_lost, 1);
  EXPECT_EQ(health.false_alarms, 1);
}

}  // namespace
}  // namespace penstock::testing
