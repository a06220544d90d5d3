// SPDX-License-Identifier: MIT
//
// finish: ends attempts and takes new jobs, in one script. Also how the jobs of a session that
// closes or died are given back: decided here, applied by the same script.
#include "rules/job_state.h"
#include "rules/limits.h"
#include "store/chance.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/run_words.h"
#include "store/redis/scripts.gen.h"

#include <algorithm>

namespace penstock::redis {
namespace {

std::int64_t default_ttl_ms() { return rules::effective({}, {}, {}).keep_succeeded.count(); }

void add_transition(ScriptArguments& arguments, const rules::Transition& next, Time now) {
  arguments.add(static_cast<std::uint32_t>(next.key.lane));
  arguments.add(next.key.sequence);
  // A move that no running job can make is refused like one of a stranger: no fence is zero.
  const bool legal = rules::is_legal(JobState::running, next.move, next.to);
  arguments.add(legal ? static_cast<std::uint64_t>(next.fence) : std::uint64_t{0});
  arguments.add(rules::to_text(next.to));
  arguments.add(next.attempt);
  arguments.add(next.crashes);
  arguments.add(next.misses);
  arguments.add(next.to == JobState::scheduled ? next.due : next.keep_until);
  arguments.add(next.to == JobState::succeeded ? next.result : next.error);
  std::string flags;
  if (next.keep_full) flags += 'k';
  if (next.alone) flags += 'a';
  if (next.move == rules::Move::give_back) flags += 'b';
  if (next.in_run) flags += 'r';
  arguments.made(std::move(flags));
  arguments.add(rules::to_ms(now) + default_ttl_ms());
}

}  // namespace

// {lane, sequence, [fence,] created_ms, body[, state of its run]}, or with a record {lane,
// sequence, [fence,] created_ms, @, task, payload, attempt, crashes, misses, options, tags, own_id,
// alone[, state of its run]}.
Reserved RedisStore::read_reserved(const Reply& job, Fence fence, bool has_fence) {
  Reserved read;
  std::size_t at = 0;
  const auto next = [&]() -> const Reply& { return job[at++]; };
  read.key.lane = rules::Lane{static_cast<std::uint32_t>(next().integer())};
  read.key.sequence = static_cast<std::uint64_t>(next().integer());
  read.fence = has_fence ? Fence{read_number<std::uint64_t>(next().text())} : fence;
  const Reply& created = next();
  read.created_at = rules::from_ms(
      created.text().empty() ? created.integer() : read_number<std::int64_t>(created.text()));
  const std::string_view text = next().text();
  if (text != "@") {
    const Body body = split_body(text);
    read.task = body.task;
    read.payload = body.payload;
    read.own = body.options;
    read.id = mint_->make(read.key);
  } else {
    read.task = next().text();
    read.payload = next().text();
    read.attempt = static_cast<int>(next().integer());
    read.crashes = static_cast<int>(next().integer());
    read.misses = static_cast<int>(next().integer());
    read.own = next().text();
    read.tags = next().text();
    const std::string_view own_id = next().text();
    read.id = own_id.empty() ? mint_->make(read.key) : JobId{std::string(own_id)};
    read.alone = next().integer() != 0;
  }
  if (at < job.size()) {
    const std::string_view run = next().text();
    const std::size_t space = std::min(run.find(' '), run.size());
    if (space > 0) read.run_until = read_time(run.substr(0, space));
    if (space < run.size()) read.run_state = run.substr(space + 1);
  }
  return read;
}

Result<Exchange> RedisStore::finish(const FinishCall& call) {
  return finish_as(call, "turn", clock().now());
}

Result<Exchange> RedisStore::finish_as(const FinishCall& call, std::string_view mode, Time now) {
  static const Want nothing;
  const Want& want = call.want ? *call.want : nothing;
  const auto number = static_cast<std::uint64_t>(call.session.number);
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  ScriptArguments arguments;
  arguments.add(number);
  arguments.add(call.session.nonce);
  arguments.add(static_cast<std::uint64_t>(call.call));
  arguments.add(mode);
  arguments.add(now);
  arguments.add(default_ttl_ms());
  arguments.add(std::min(want.jobs, rules::reserve_jobs));
  arguments.add(rules::step_bytes);
  arguments.add(rules::age_step.count());
  arguments.add(want.holds_nothing ? "1" : "0");
  arguments.add(want.queues.size());
  arguments.add(want.pools.size());
  arguments.add(connection_->server().run_id);
  arguments.add(random_number() % jump_range);
  arguments.add(call.transitions.size());
  arguments.add(rules::default_max_crashes - 1);
  for (const std::string& queue : want.queues) arguments.add(queue);
  for (const std::string& pool : want.pools) arguments.add(pool);
  for (const rules::Transition& next : call.transitions) {
    add_transition(arguments, next, now);
    add_changes(arguments, keys(), *mint_, next.runs);
  }
  auto reply = run(scripts::finish, arguments);
  if (!reply) return std::move(reply).error();
  const Errc refused = errc_of(answer_of(*reply));
  if (answer_of(*reply) < 0 && refused == Errc::conflict) {
    return Error{refused, "call " + std::to_string(static_cast<std::uint64_t>(call.call)) +
                              " of session " + std::to_string(number) +
                              " is not newer than its last one: ask what it holds"};
  }
  if (answer_of(*reply) < 0) {
    return Error{refused,
                 "session " + std::to_string(number) + " was declared dead: nothing was written"};
  }
  Exchange exchange;
  for (const char one : (*reply)[1].text()) exchange.accepted.push_back(one == '1');
  const Reply& conflicts = (*reply)[6];
  for (std::size_t at = 0; at + 1 < conflicts.size();) {
    const auto which = static_cast<std::size_t>(conflicts[at].integer());
    const std::size_t end = at + 2 + static_cast<std::size_t>(conflicts[at + 1].integer());
    exchange.conflicts[which - 1] = read_conflicts({conflicts, at + 2, end}, *mint_);
    at = end;
  }
  exchange.alone_waiting = (*reply)[2].integer() != 0;
  exchange.next_due = read_time((*reply)[3].text());
  const Fence fence{static_cast<std::uint64_t>((*reply)[4].integer())};
  for (const Reply& row : (*reply)[5].items()) {
    exchange.jobs.push_back(read_reserved(row, fence, false));
  }
  if (auto named = name_lanes(exchange.jobs); !named) return std::move(named).error();
  return exchange;
}

Result<void> RedisStore::name_lanes(std::span<Reserved> jobs) {
  for (Reserved& job : jobs) {
    auto row = lane(job.key.lane);
    if (!row) return std::move(row).error();
    if (!*row) continue;
    job.queue = (*row)->queue;
    job.pool = (*row)->pool;
    job.priority = (*row)->priority;
  }
  return {};
}

Result<std::int64_t> RedisStore::give_back(const SessionId& session, Call call,
                                           std::string_view mode, std::span<const Reserved> jobs,
                                           const rules::Outcome& outcome,
                                           const Retention& retention, Time now) {
  std::vector<rules::Transition> decided;
  for (const Reserved& job : jobs) {
    const rules::Attempted attempted{.key = job.key,
                                     .fence = job.fence,
                                     .attempt = job.attempt,
                                     .crashes = job.crashes,
                                     .misses = job.misses,
                                     .in_run = rules::is_of_run(job.own),
                                     .created_at = job.created_at};
    const auto own = rules::read_options(job.own);
    const auto policy = rules::effective(own ? *own : rules::OwnOptions{}, {}, retention);
    decided.push_back(rules::decide(attempted, outcome, policy, now, 0.5));
  }
  auto done = finish_as({.session = session, .call = call, .transitions = decided}, mode, now);
  if (!done) return std::move(done).error();
  return static_cast<std::int64_t>(std::ranges::count(done->accepted, true));
}

}  // namespace penstock::redis
