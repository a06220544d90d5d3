// SPDX-License-Identifier: MIT
#include "tests/store/model.h"

#include "rules/job_state.h"
#include "rules/limits.h"

#include <algorithm>

namespace penstock::testing {

std::string Model::submit(const rules::NewJob& job, Time now) {
  const auto known = [&](std::int64_t sequence) {
    const Entry* holder = at(sequence);
    return "dup " + (holder ? holder->spec.task : std::string("?"));
  };
  if (const auto own = own_ids_.find(job.own_id); own != own_ids_.end()) return known(own->second);
  if (const auto held = uniques_.find(job.unique_key); held != uniques_.end()) {
    const Entry* holder = at(held->second.sequence);
    const bool lives = holder && !ended(*holder);
    if (lives || (held->second.until && *held->second.until > now)) {
      return known(held->second.sequence);
    }
  }
  if (draining_.contains(job.queue)) return "limited";
  add(job, now);
  return "new";
}

void Model::add(const rules::NewJob& job, Time now) {
  Entry entry{.spec = job, .sequence = ++sequence_, .state = job.first, .created = now};
  entry.place = {Turn::fresh, entry.sequence};
  entry.ready_at = now;
  entry.due = job.due;
  entry.expires = job.expires_at;
  if (!job.own_id.empty()) own_ids_[job.own_id] = entry.sequence;
  if (!job.unique_key.empty()) uniques_[job.unique_key] = {entry.sequence, job.unique_until};
  if (std::ranges::find(lanes_, lane_of(entry)) == lanes_.end()) lanes_.push_back(lane_of(entry));
  ever_.insert(job.task);
  jobs_.push_back(std::move(entry));
}

void Model::wake(const std::string& task, Time now) {
  for (Entry& job : jobs_) {
    if (job.spec.task != task) continue;
    if (job.state != JobState::waiting && job.state != JobState::scheduled) return;
    return apply(job, rules::promote_scheduled({}, job.attempt, job.crashes, job.misses), now);
  }
}

Model::Entry* Model::at(std::int64_t sequence) {
  for (Entry& job : jobs_) {
    if (job.sequence == sequence) return &job;
  }
  return nullptr;
}

Model::Entry* Model::named(const std::string& ref) {
  if (const auto own = own_ids_.find(ref); own != own_ids_.end()) return at(own->second);
  for (Entry& job : jobs_) {
    if (job.spec.task == ref && job.spec.own_id.empty()) return &job;
  }
  return nullptr;
}

std::string Model::absent(const std::string& ref) const {
  return ever_.contains(ref) ? "gone" : "not_found";
}

std::string Model::cancel(const std::string& ref, Time now) {
  Entry* job = named(ref);
  if (!job) return absent(ref);
  if (ended(*job) || of_run(*job)) return "conflict";
  if (job->state == JobState::running) {
    job->cancel = true;
  } else {
    cancel_waiting(*job, now);
  }
  return "ok";
}

void Model::cancel_waiting(Entry& job, Time now) {
  apply(job, rules::cancel_waiting({}, job.attempt, job.crashes, policy_of(job), now, "x"), now);
}

std::string Model::retry(const std::string& ref, Time now) {
  Entry* job = named(ref);
  if (!job) return absent(ref);
  if (job->state != JobState::failed && job->state != JobState::cancelled) return "conflict";
  if (of_run(*job)) return "conflict";
  if (!job->spec.unique_key.empty()) {
    Hold& hold = uniques_[job->spec.unique_key];
    const Entry* rival = at(hold.sequence);
    if (rival && rival != job && !ended(*rival)) return "conflict";
    hold.sequence = job->sequence;
  }
  job->expires.reset();
  apply(*job, rules::revive({}), now);
  return "ok";
}

std::string Model::remove(const std::string& ref, Time now) {
  Entry* job = named(ref);
  if (!job) return absent(ref);
  if (job->state == JobState::running || of_run(*job)) return "conflict";
  forget(*job, now);
  return "ok";
}

void Model::forget(const Entry& job, Time now) {
  own_ids_.erase(job.spec.own_id);
  const auto held = uniques_.find(job.spec.unique_key);
  if (held != uniques_.end() && held->second.sequence == job.sequence &&
      (!held->second.until || *held->second.until <= now)) {
    uniques_.erase(held);
  }
  jobs_.remove_if([&](const Entry& one) { return &one == &job; });
}

std::string Model::promote(const std::string& ref, Time now) {
  Entry* job = named(ref);
  if (!job) return absent(ref);
  if (job->state != JobState::scheduled || of_run(*job)) return "conflict";
  apply(*job, rules::promote_scheduled({}, job->attempt, job->crashes, job->misses), now);
  return "ok";
}

void Model::apply(Entry& job, const rules::Transition& next, Time now) {
  job.state = next.to;
  job.attempt = next.attempt;
  if (next.to != JobState::scheduled && next.to != JobState::succeeded) job.crashes = next.crashes;
  job.misses = next.misses;
  job.due = next.to == JobState::scheduled ? next.due : std::nullopt;
  job.keep_until = rules::is_terminal(next.to) ? next.keep_until : std::nullopt;
  job.session = {};
  job.cancel = false;
  job.alone = next.alone;
  job.ready_at = now;
  if (next.to != JobState::ready) return;
  const bool back = next.move == rules::Move::give_back;
  job.place = {back ? Turn::rescued : Turn::again, back ? job.sequence : ++again_};
}

void Model::give_back(SessionNumber session, const rules::Outcome& outcome, Time now) {
  for (Entry& job : jobs_) {
    if (job.state != JobState::running || job.session != session) continue;
    const rules::Attempted attempted{.key = {},
                                     .attempt = job.attempt,
                                     .crashes = job.crashes,
                                     .misses = job.misses,
                                     .cancel_requested = job.cancel,
                                     .in_run = of_run(job),
                                     .created_at = job.created};
    apply(job, rules::decide(attempted, outcome, policy_of(job), now, 0.5), now);
  }
  sessions_.erase(session);
}

bool Model::finish(SessionNumber session, const std::string& task, rules::Transition next,
                   Time now) {
  for (Entry& job : jobs_) {
    if (job.spec.task != task) continue;
    if (job.state != JobState::running || job.session != session) return false;
    if (job.cancel) next = rules::overruled_by_cancel(next, policy_of(job), now);
    apply(job, next, now);
    return true;
  }
  return false;
}

void Model::take(Entry& job, SessionNumber session) {
  job.state = JobState::running;
  job.session = session;
  ++job.attempt;
  job.expires.reset();
}

bool Model::serves(const LaneName& lane, const std::string& queue, const Want& want) const {
  const auto& [of, pool, priority] = lane;
  if (of != queue || paused_.contains(queue)) return false;
  if (want.pools.empty()) return pool.empty();
  return std::ranges::find(want.pools, pool) != want.pools.end();
}

Model::Entry* Model::head(const LaneName& lane, bool alone) {
  Entry* first = nullptr;
  for (Entry& job : jobs_) {
    if (job.state != JobState::ready || job.alone != alone || lane_of(job) != lane) continue;
    if (!first || job.place < first->place) first = &job;
  }
  return first;
}

std::int64_t Model::rank(const Entry& job, Time now) {
  return job.spec.priority * rules::age_step.count() + (now - job.ready_at).count();
}

Model::Entry* Model::suspect(const Want& want) {
  for (const std::string& queue : want.queues) {
    for (const LaneName& lane : lanes_) {
      if (!serves(lane, queue, want)) continue;
      if (Entry* first = head(lane, true)) return first;
    }
  }
  return nullptr;
}

std::string Model::reserve(SessionNumber session, const Want& want, Time now) {
  const bool any = std::ranges::any_of(
      jobs_, [](const Entry& job) { return job.state == JobState::ready && job.alone; });
  if (any) {
    Entry* found = suspect(want);
    if (!found || want.holds_nothing) {
      if (found || told_ == session) told_ = {};
      if (found) {
        take(*found, session);
        return found->spec.task;
      }
    } else {
      if (!sessions_.contains(told_)) told_ = session;
      if (told_ == session) return "alone";
    }
  }
  std::string taken;
  std::size_t count = 0;
  for (const std::string& queue : want.queues) {
    const LaneName* last = nullptr;  // Of equal ranks, the lane in hand goes on.
    while (count < want.jobs) {
      const LaneName* best = nullptr;
      Entry* first = nullptr;
      for (const LaneName& lane : lanes_) {
        Entry* candidate = serves(lane, queue, want) ? head(lane, false) : nullptr;
        if (!candidate) continue;
        const std::int64_t lead = first ? rank(*candidate, now) - rank(*first, now) : 1;
        if (lead > 0 || (lead == 0 && &lane == last)) best = &lane, first = candidate;
      }
      if (!first) break;
      last = best;
      if (first->expires && *first->expires <= now) {
        cancel_waiting(*first, now);
        continue;
      }
      take(*first, session);
      taken += (taken.empty() ? "" : " ") + first->spec.task;
      ++count;
    }
  }
  return taken;
}

std::vector<std::string> Model::held(SessionNumber session) const {
  std::vector<std::string> tasks;
  for (const Entry& job : jobs_) {
    if (job.state == JobState::running && job.session == session) tasks.push_back(job.spec.task);
  }
  return tasks;
}

std::size_t Model::cancels(SessionNumber session) const {
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, [&](const Entry& job) {
    return job.state == JobState::running && job.session == session && job.cancel;
  }));
}

std::int64_t Model::promote_due(Time now) {
  std::vector<Entry*> due;
  for (Entry& job : jobs_) {
    if (job.state == JobState::scheduled && *job.due <= now) due.push_back(&job);
  }
  std::ranges::sort(due, {}, [](const Entry* job) { return std::pair(*job->due, job->sequence); });
  for (Entry* job : due) {
    apply(*job, rules::promote_scheduled({}, job->attempt, job->crashes, job->misses), now);
  }
  auto done = static_cast<std::int64_t>(due.size());
  for (Entry& job : jobs_) {
    const bool waits = job.state == JobState::ready || job.state == JobState::scheduled;
    if (!waits || !job.expires || *job.expires > now) continue;
    cancel_waiting(job, now);
    ++done;
  }
  return done;
}

std::int64_t Model::prune(Time now) {
  std::vector<const Entry*> old;
  for (const Entry& job : jobs_) {
    if (ended(job) && *job.keep_until <= now) old.push_back(&job);
  }
  for (const Entry* job : old) forget(*job, now);
  return static_cast<std::int64_t>(old.size());
}

std::vector<Job> Model::jobs() const {
  std::vector<Job> all;
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {
    Job one;
    one.task = job->spec.task;
    one.state = job->state;
    one.attempt = job->attempt;
    one.crashes = job->crashes;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace penstock::testing
