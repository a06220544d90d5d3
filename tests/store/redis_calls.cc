// SPDX-License-Identifier: MIT
#include "tests/store/redis_calls.h"

#include "store/redis/scripts.gen.h"
#include "tests/support/losing_proxy.h"
#include "tests/support/store_fixture.h"

#include <map>
#include <set>
#include <stdexcept>
#include <string_view>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t calls_kept = 6;  // Of one script, each with another number of arguments.

constexpr const char* snapshot_script =
    "local all = {} for _, key in ipairs(redis.call('KEYS', '*')) do "
    "all[#all + 1] = key all[#all + 1] = redis.call('DUMP', key) end return all";
constexpr const char* restore_script =
    "redis.call('FLUSHALL') for i = 1, #KEYS do redis.call('RESTORE', KEYS[i], 0, ARGV[i]) end";

// The commands of a piece of RESP: *2 $4 ECHO $1 x.
std::vector<std::vector<std::string>> parse_commands(std::string_view bytes) {
  std::vector<std::vector<std::string>> commands;
  const auto number = [&](char kind) {
    if (bytes.empty() || bytes.front() != kind) throw std::runtime_error("no whole commands");
    const std::size_t end = bytes.find("\r\n");
    const std::size_t value = std::stoul(std::string(bytes.substr(1, end - 1)));
    bytes.remove_prefix(end + 2);
    return value;
  };
  while (!bytes.empty()) {
    std::vector<std::string> words(number('*'));
    for (std::string& word : words) {
      const std::size_t length = number('$');
      word = std::string(bytes.substr(0, length));
      bytes.remove_prefix(length + 2);
    }
    commands.push_back(std::move(words));
  }
  return commands;
}

class Recorder {
 public:
  explicit Recorder(const RedisServer& server) : server_(server) {
    load_scripts(server);
    for (const redis::Script* script : redis::scripts::all) {
      names_[std::string(script->sha1)] = script->name;
    }
  }

  // On the proxy's thread, before the server sees the request: the store waits meanwhile.
  LosingProxy::Fate see(std::string_view request) {
    for (auto& words : parse_commands(request)) {
      if (words.at(0) != "EVALSHA") continue;
      const std::string name = names_.at(words.at(1));
      auto& shapes = shapes_[name];
      if (shapes.size() >= calls_kept || !shapes.insert(words.size()).second) continue;
      calls.push_back({name, std::move(words), take_snapshot(server_)});
    }
    return LosingProxy::Fate::pass;
  }

  std::vector<RecordedCall> calls;

 private:
  const RedisServer& server_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::set<std::size_t>> shapes_;
};

void live_as_producer(Store& store, Producer& producer, SimClock& clock) {
  for (int i = 0; i < 12; ++i) producer.add("plain");
  producer.add("urgent", {.priority = 9});
  producer.add("later", {.start = Duration(1h)});
  const JobId sooner = producer.add("sooner", {.start = Duration(2h)});
  producer.add("expiring", {.expires = Duration(1min)});
  producer.add("named", {.id = "order-7", .unique = Unique{"key"}, .tags = {{"a", "b"}}});
  (void)producer.submit_one(new_job(clock, "again", {.unique = Unique{"key"}}));
  producer.add("keyed", {.result_ttl = Duration(1min), .idempotency_key = "once"});
  producer.promote(sooner);
  producer.configure(QueueSetting{.queue = "default", .paused = true});
  producer.configure(QueueSetting{.queue = "default", .paused = false, .draining = false});
  const JobId unwanted = producer.add("unwanted");
  producer.cancel(unwanted);
  producer.retry(unwanted);
  producer.cancel(unwanted);
  producer.remove(unwanted);
  const std::vector<JobId> two{producer.add("x"), producer.add("y", {.max_attempts = 1})};
  store.cancel({.ids = two}, producer.next()).value();
  store.retry({.ids = two}, producer.next()).value();
  store.cancel({.filter = Filter{.task = "x"}}, producer.next()).value();
  store.remove({.filter = Filter{.task = "x"}}, producer.next()).value();
  rules::RunJob step{.job = new_job(clock, "step"), .field = "j:a#1", .prefix = "|main|"};
  step.job.own.node = "r|hash|main||a#1";
  rules::RunJob gate = step;
  gate.field = "j:g#1";
  gate.job.first = JobState::waiting;
  gate.job.queue = "gates";
  rules::RunChange change{.run = "r",
                          .expect = {{"state", std::nullopt}},
                          .add = {{.name = "n", .by = "1", .at_least = 0, .at_most = 5}},
                          .set = {{"state", "running"}, {"gone", std::nullopt}},
                          .append = {{"log", "one"}},
                          .jobs = {step, gate},
                          .mark = rules::RunMark{.state = "running"}};
  store.signal({.request = producer.next(), .runs = {&change, 1}}).value();
  change = {.run = "r", .wake = {"j:g#1"}};
  store.signal({.request = producer.next(), .runs = {&change, 1}}).value();
}

void live_as_worker(Store& store, Producer& producer, SimClock& clock) {
  TestSession watcher(store), session(store, {.worker = "w", .host = "h", .pools = {""}});
  producer.configure(SessionSetting{session.number(), Order::quiet});
  auto jobs = session.reserve(9);
  const Note note{.key = jobs.at(0).key,
                  .fence = jobs[0].fence,
                  .progress = 0.5,
                  .message = "half",
                  .lines = {{1, clock.now(), 1, "one"}, {2, clock.now(), 1, "two"}}};
  store.note(session.id(), {&note, 1}).value();
  const Note silent{.key = jobs[1].key, .fence = jobs[1].fence, .progress = 0.1};
  store.note(session.id(), {&silent, 1}).value();
  producer.cancel(jobs[2].id);
  session.beat();
  session.end(jobs[0], rules::Succeeded{"[1]"});
  session.end(jobs[1], rules::Failed{"no", false});
  rules::Transition of_run = decided(store, jobs[6], rules::Succeeded{});
  of_run.runs = {{.run = "r", .expect = {{"n", "1"}}, .set = {{"n", "2"}}}};
  rules::Transition refused = decided(store, jobs[7], rules::Succeeded{});
  refused.runs = {{.run = "r", .expect = {{"n", "7"}}}};
  session.exchange({of_run, refused}).value();
  session
      .exchange({decided(store, jobs[3], rules::Succeeded{}),
                 decided(store, jobs[4], rules::Failed{"try again"}),
                 decided(store, jobs[5], rules::Snoozed{Duration(1s)})},
                session.want(2))
      .value();
  session.held();
  for (const Reserved& job : jobs) (void)store.find(job.id).value();
  (void)store.list(Filter{}).value();
  (void)store.list(Filter{.state = JobState::failed}).value();
  (void)store.list(QueuesQuery{}).value();
  (void)store.count({}).value();
  clock.advance(Duration(2h));
  store.promote({}, clock.now(), {}).value();
  rescue_all(store, session.number(), "signal 9");
  TestSession last(store);
  while (!last.reserve(4).empty()) {
    for (const Reserved& job : last.held()) last.end(job, rules::Failed{"no", false});
  }
  producer.add("left");
  last.reserve(1);
  last.close().value();
  store.prune({.state = JobState::failed}, clock.now(), {}).value();
  clock.advance(Duration(2h));
  store.prune({}, clock.now(), {}).value();
}

}  // namespace

void load_scripts(const RedisServer& server) {
  for (const redis::Script* script : redis::scripts::all) {
    (void)server.command({"SCRIPT", "LOAD", std::string(script->text)});
  }
}

Snapshot take_snapshot(const RedisServer& server) {
  const auto rows = server.list({"EVAL", snapshot_script, "0"});
  Snapshot snapshot;
  for (std::size_t i = 0; i + 1 < rows.size(); i += 2) {
    snapshot.keys.push_back(rows[i]);
    snapshot.dumps.push_back(rows[i + 1]);
  }
  return snapshot;
}

void restore(const RedisServer& server, const Snapshot& snapshot) {
  std::vector<std::string> words{"EVAL", restore_script, std::to_string(snapshot.keys.size())};
  words.insert(words.end(), snapshot.keys.begin(), snapshot.keys.end());
  words.insert(words.end(), snapshot.dumps.begin(), snapshot.dumps.end());
  const std::string answer = server.command(words);
  if (answer != "(nil)") throw std::runtime_error("cannot restore: " + answer);
}

std::string digest(const RedisServer& server) { return server.command({"DEBUG", "DIGEST"}); }

std::string difference(const RedisServer& server, const Snapshot& before) {
  const Snapshot now = take_snapshot(server);
  std::map<std::string, std::string> values;
  for (std::size_t i = 0; i < before.keys.size(); ++i) values[before.keys[i]] = before.dumps[i];
  std::string text;
  for (std::size_t i = 0; i < now.keys.size(); ++i) {
    const auto old = values.find(now.keys[i]);
    if (old == values.end() || old->second != now.dumps[i]) text += " " + now.keys[i];
    if (old != values.end()) values.erase(old);
  }
  for (const auto& [key, dump] : values) text += " -" + key;
  return text;
}

std::size_t RecordedCall::first_argument() const { return 3 + std::stoul(words.at(2)); }

std::vector<RecordedCall> record_calls(const RedisServer& server, const std::string& prefix) {
  Recorder recorder(server);
  const LosingProxy proxy(server.socket(),
                          [&](std::string_view request) { return recorder.see(request); });
  SimClock clock;
  const auto store = open_store(proxy.url(prefix), {.clock = &clock}).value();
  Producer producer(*store);
  live_as_producer(*store, producer, clock);
  live_as_worker(*store, producer, clock);
  return std::move(recorder.calls);
}

}  // namespace penstock::testing
