// SPDX-License-Identifier: MIT
//
// A session from its opening to its end: open, extend (one beat), held, note, close; and rescue,
// which ends that of another.
#include "rules/limits.h"
#include "store/chance.h"
#include "store/redis/errors.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

#include <algorithm>

namespace penstock::redis {
namespace {

constexpr int watchers = 32;  // The oldest sessions watch all, the others watch these.
constexpr std::uint64_t slots = 65'535;
constexpr std::string_view vital_states[] = {"starting",
                                             "running",  // lint: state-text, the state of a worker
                                             "quiet", "draining"};

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) (text += line) += '\n';
  return text;
}

Error refused(std::int64_t answer, SessionNumber session, Call call = {}) {
  const std::string name = std::to_string(static_cast<std::uint64_t>(session));
  if (errc_of(answer) == Errc::conflict) {
    return {Errc::conflict, "call " + std::to_string(static_cast<std::uint64_t>(call)) +
                                " of session " + name +
                                " is not newer than its last one: ask what it holds"};
  }
  return {errc_of(answer), "session " + name + " was declared dead: nothing was written"};
}

}  // namespace

Result<SessionId> RedisStore::open(const WorkerProfile& profile) {
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  SessionId session{.nonce = std::to_string(random_number())};
  ScriptArguments arguments;
  arguments.add("1");
  arguments.add(connection_->server().run_id);
  arguments.add(clock().now());
  arguments.add(random_number() % jump_range);
  arguments.add(session.nonce);
  arguments.add(random_number() % slots);
  arguments.add(profile.worker);
  arguments.add(profile.host);
  arguments.add(profile.pid);
  arguments.made(join_lines(profile.queues));
  arguments.made(join_lines(profile.pools));
  arguments.made(join_lines(profile.tasks));
  arguments.add(profile.concurrency);
  auto reply = run(scripts::open, arguments);
  if (!reply) return std::move(reply).error();
  if (auto ours = wrong_layout(*reply); !ours) return std::move(ours).error();
  if (answer_of(*reply) < 0) {
    return Error{Errc::limited, "the store has " + std::to_string(slots) +
                                    " live workers, which is its limit: give them more slots each"};
  }
  session.number = SessionNumber{static_cast<std::uint64_t>((*reply)[1].integer())};
  return session;
}

Result<Orders> RedisStore::extend(const SessionId& session, const Vitals& vitals) {
  const auto known = lives_.find({session.number, session.nonce});
  if (known != lives_.end() && !known->second) return Orders{.alive = false};
  ScriptArguments arguments;
  arguments.add(static_cast<std::uint64_t>(session.number));
  arguments.add(session.nonce);
  arguments.add(known != lives_.end() ? "1" : "0");
  arguments.add(clock().now());
  arguments.add(watchers);
  arguments.add(vital_states[static_cast<std::size_t>(vitals.state)]);
  arguments.add(vitals.running);
  arguments.add(vitals.processed);
  arguments.add(vitals.failed);
  arguments.add(vitals.rss_bytes);
  arguments.add(vitals.tally);
  const SteadyTime sent = real_clock().steady();
  append(scripts::extend, arguments);
  const bool asks_time = space_->server_clock.due(sent);
  if (asks_time) connection_->command({"TIME"});
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  if (asks_time) space_->server_clock.sample((*replies)[1], sent, real_clock().steady());
  const Reply& reply = (*replies)[0];
  Orders orders;
  if (answer_of(reply) < 0) {
    orders.alive = false;  // Nobody comes back from the dead.
    lives_[{session.number, session.nonce}] = false;
    return orders;
  }
  lives_[{session.number, session.nonce}] = true;
  orders.held = reply[1].integer();
  orders.order = static_cast<Order>(reply[2].integer());
  orders.next_due = read_time(reply[3].text());
  orders.work_waiting = reply[4].integer() != 0;
  orders.upkeep = SessionNumber{read_number<std::uint64_t>(reply[5].text())};
  for (const Reply& job : reply[6].items()) orders.cancels.push_back(read_job_key(job.text()));
  const Reply& watch = reply[7];
  for (std::size_t i = 0; i + 1 < watch.size(); i += 2) {
    const SessionNumber peer{read_number<std::uint64_t>(watch[i].text())};
    if (peer == session.number) continue;
    const bool retired = watch[i + 1].integer() < 0;
    orders.watch.push_back({.session = peer,
                            .beat = read_number<std::uint64_t>(watch[i + 1].text()),
                            .retired = retired});
  }
  orders.news = read_bell(reply[8].text());
  orders.oldest_ended = read_time(reply[9].text());
  return orders;
}

Result<std::vector<Reserved>> RedisStore::held(const SessionId& session, Call call) {
  return held_as(session, call, "own", rules::scan_jobs);
}

Result<std::vector<Reserved>> RedisStore::held_as(const SessionId& session, Call call,
                                                  std::string_view mode, std::size_t most) {
  ScriptArguments arguments;
  arguments.add(static_cast<std::uint64_t>(session.number));
  arguments.add(session.nonce);
  arguments.add(static_cast<std::uint64_t>(call));
  arguments.add(mode);
  arguments.add(most);
  auto reply = run(scripts::held, arguments);
  if (!reply) return std::move(reply).error();
  if (answer_of(*reply) < 0) return refused(answer_of(*reply), session.number, call);
  std::vector<Reserved> jobs;
  for (const Reply& row : (*reply)[1].items()) jobs.push_back(read_reserved(row, {}, true));
  if (auto named = name_lanes(jobs); !named) return std::move(named).error();
  std::ranges::sort(jobs, {}, [](const Reserved& job) { return std::pair(job.fence, job.key); });
  return jobs;
}

Result<void> RedisStore::note(const SessionId& session, std::span<const Note> notes) {
  ScriptArguments arguments;
  arguments.add(static_cast<std::uint64_t>(session.number));
  arguments.add(session.nonce);
  arguments.add(clock().now());
  arguments.add(rules::max_log_bytes);
  arguments.add(notes.size());
  for (const Note& note : notes) {
    arguments.add(static_cast<std::uint32_t>(note.key.lane));
    arguments.add(note.key.sequence);
    arguments.add(static_cast<std::uint64_t>(note.fence));
    arguments.made(note.progress ? std::to_string(*note.progress) : std::string());
    arguments.add(note.message);
    arguments.add(note.lines.size());
    for (const LogLine& line : note.lines) {
      arguments.add(line.number);
      arguments.add(line.at);
      arguments.add(line.attempt);
      arguments.add(std::string_view(line.text).substr(0, rules::max_log_line_bytes));
    }
  }
  auto reply = run(scripts::note, arguments);
  if (!reply) return std::move(reply).error();
  if (answer_of(*reply) < 0) return refused(answer_of(*reply), session.number);
  const std::int64_t strangers = (*reply)[1].integer();
  if (strangers == 0) return {};
  return Error{Errc::lease_lost, std::to_string(strangers) + " of " + std::to_string(notes.size()) +
                                     " notes were for jobs that the session does not hold"};
}

Result<bool> RedisStore::leave(SessionNumber session, std::string_view nonce, Time now) {
  ScriptArguments arguments;
  arguments.add(static_cast<std::uint64_t>(session));
  arguments.add(nonce);
  arguments.add(now);
  auto reply = run(scripts::leave, arguments);
  if (!reply) return std::move(reply).error();
  if (answer_of(*reply) < 0) return refused(answer_of(*reply), session);
  return answer_of(*reply) == 1;
}

Result<void> RedisStore::close(const SessionId& session, Call call) {
  auto jobs = held(session, call);
  while (jobs && !jobs->empty()) {
    const std::span part = std::span(*jobs).first(std::min(jobs->size(), rules::step_jobs));
    auto done = give_back(session, call, "close", part, rules::Interrupted{}, {}, clock().now());
    if (!done) return std::move(done).error();
    jobs->erase(jobs->begin(), jobs->begin() + static_cast<std::ptrdiff_t>(part.size()));
  }
  if (!jobs) return std::move(jobs).error();
  auto left = leave(session.number, session.nonce, clock().now());
  if (!left) return std::move(left).error();
  return {};
}

Result<Step> RedisStore::rescue(SessionNumber session, std::uint64_t seen, const Death& death,
                                Time now, const Budget& budget) {
  ScriptArguments arguments;
  arguments.add(static_cast<std::uint64_t>(session));
  arguments.add(seen);
  arguments.add(now);
  arguments.add(death.certificate);
  auto retired = run(scripts::retire, arguments);
  if (!retired) return std::move(retired).error();
  if (answer_of(*retired) != 1) return Step{};
  const std::string worker((*retired)[1].text());
  // What the first of its rescuers knew: another may be giving its jobs back.
  const std::string known((*retired)[2].text());
  const SessionId dead{.number = session};
  auto jobs = held_as(dead, {}, "rescue", std::min(budget.jobs, rules::step_jobs));
  if (!jobs && jobs.error().code == Errc::lease_lost) return Step{};  // Another was quicker.
  if (!jobs) return std::move(jobs).error();
  Step step;
  const std::string certificate =
      "worker " + worker + " died: " + (known.empty() ? "no beat" : known);
  auto done =
      give_back(dead, {}, "rescue", *jobs, rules::Crashed{certificate}, death.retention, now);
  if (!done && done.error().code == Errc::lease_lost) return Step{};
  if (!done) return std::move(done).error();
  step.done = *done;
  step.more = jobs->size() >= std::min(budget.jobs, rules::step_jobs);
  if (!step.more) {
    auto left = leave(session, {}, now);
    if (!left && left.error().code != Errc::lease_lost) return std::move(left).error();
  }
  return step;
}

}  // namespace penstock::redis
