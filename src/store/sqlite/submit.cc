// SPDX-License-Identifier: MIT
//
// submit: all jobs of a call in one transaction, and the answer kept with the producer's call
// number.
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "store/event_text.h"
#include "store/sqlite/large_text.h"
#include "store/sqlite/reply_text.h"
#include "store/sqlite/sqlite_store.h"

#include <functional>

namespace penstock::sqlite {
namespace {

// Tells two bodies of one idempotency key apart; collisions only miss a user's mistake.
std::string digest_of(const rules::NewJob& job) {
  return std::to_string(
      std::hash<std::string>{}(job.task + '\n' + job.queue + '\n' + job.pool + '\n' + job.payload));
}

std::optional<std::string_view> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

bool may_be_known(const rules::NewJob& job) {
  return !job.own_id.empty() || !job.unique_key.empty() || !job.idempotency_key.empty();
}

}  // namespace

Result<std::vector<Submitted>> SqliteStore::submit(const SubmitCall& call) {
  const Lock lock = guard();
  if (call.jobs.size() > rules::step_jobs) {
    return Error{Errc::too_large, std::to_string(call.jobs.size()) +
                                      " jobs in one call, the limit is " +
                                      std::to_string(rules::step_jobs) + ": split them"};
  }
  auto connection = connection_for(call.ack);
  if (!connection) return std::move(connection).error();
  auto step = WriteStep::begin(**connection, lanes_, live(), clock().now());
  if (!step) return std::move(step).error();
  auto known = known_reply(*step, call.request);
  if (!known) return std::move(known).error();
  const auto reached = [&](std::vector<Submitted> answers) {
    const bool synced = call.ack.level != Ack::Level::received && !database_->in_memory();
    for (Submitted& answer : answers) answer.reached = synced ? Ack::fsynced : Ack::received;
    return answers;
  };
  if (*known) return reached(read_submitted(**known, *database_->mint));
  auto answers = insert_all(*step, call);
  if (!answers) return answers;
  if (auto done = step->commit(); !done) return std::move(done).error();
  return reached(*std::move(answers));
}

Result<Connection*> SqliteStore::connection_for(const Ack& ack) {
  if (ack.level == Ack::Level::received || database_->in_memory()) return connection_.get();
  if (!full_) {
    auto opened = Connection::open(database_->path, Connection::Sync::full);
    if (!opened) return std::move(opened).error();
    full_ = *std::move(opened);
  }
  return full_.get();
}

Result<std::vector<Submitted>> SqliteStore::insert_all(WriteStep& step, const SubmitCall& call) {
  std::vector<Submitted> answers;
  answers.reserve(call.jobs.size());
  Statement& take = step.connection().statement("meta.take_sequences").start(call.jobs.size());
  std::uint64_t sequence =
      take.row() ? static_cast<std::uint64_t>(take.integer(0)) - call.jobs.size() : 0;
  take.end();
  std::map<std::string, std::int64_t> accepted;  // By queue; -1: it drains.
  std::string reply;
  for (const rules::NewJob& job : call.jobs) {
    ++sequence;
    if (may_be_known(job)) {
      if (auto known = known_job(step, job)) {
        append_submitted(reply, *known);
        answers.push_back(*std::move(known));
        continue;
      }
    }
    const auto [count, first_of_queue] = accepted.try_emplace(job.queue, 0);
    if (first_of_queue) {
      Statement& queue = step.connection().statement("submit.queue").start(job.queue);
      if (queue.row() && queue.integer(0) != 0) count->second = -1;
      queue.end();
    }
    if (count->second < 0) {
      Submitted refused;
      refused.error = Error{Errc::limited, "queue " + job.queue +
                                               " is draining and takes no new "
                                               "jobs: penstock queue resume " +
                                               job.queue};
      append_submitted(reply, refused);
      answers.push_back(std::move(refused));
      continue;
    }
    auto lane = lanes_.find_or_add(step.connection(), job.queue, job.pool, job.priority);
    if (!lane) return std::move(lane).error();
    const rules::JobKey key{.lane = *lane, .sequence = sequence};
    if (auto in = insert_job(step, job, key); !in) return std::move(in).error();
    ++count->second;
    answers.push_back({.id = job.own_id.empty() ? database_->mint->make(key) : JobId{job.own_id}});
    append_accepted(reply, key, job.own_id);
  }
  for (const auto& [queue, count] : accepted) {
    if (count > 0) step.connection().statement("submit.count").start(queue, count).run();
  }
  remember_reply(step, call.request, reply);
  return answers;
}

std::optional<Submitted> SqliteStore::known_job(WriteStep& step, const rules::NewJob& job) {
  Connection& db = step.connection();
  const auto holder = [&](Statement& read) {
    return rules::JobKey{.lane = rules::Lane{static_cast<std::uint32_t>(read.integer(0))},
                         .sequence = static_cast<std::uint64_t>(read.integer(1))};
  };
  const auto answer = [&](const rules::JobKey& key) {
    Submitted known;
    known.duplicate = true;
    const auto row = step.job(key);
    known.id = row && !row->own_id.empty() ? JobId{row->own_id} : database_->mint->make(key);
    return known;
  };
  if (!job.own_id.empty()) {
    Statement& read = db.statement("submit.alias").start(job.own_id);
    if (read.row()) {
      const auto key = holder(read);
      read.end();
      return answer(key);
    }
  }
  if (!job.idempotency_key.empty()) {
    Statement& read = db.statement("submit.idempotent")
                          .start(job.idempotency_key, step.now() - rules::idempotency_window);
    if (read.row()) {
      const auto key = holder(read);
      const bool same = read.text(2) == digest_of(job);
      read.end();
      if (same) return answer(key);
      Submitted refused;
      refused.error = Error{Errc::invalid, "idempotency key \"" + job.idempotency_key +
                                               "\" was used with another task, queue or payload "
                                               "within 24h: use a new key"};
      return refused;
    }
  }
  if (!job.unique_key.empty()) {
    Statement& read = db.statement("submit.unique").start(job.unique_key);
    if (read.row()) {
      const auto key = holder(read);
      const auto until = read.maybe(2);
      read.end();
      const auto row = step.job(key);
      const bool lives = row && !rules::is_terminal(row->state);
      if (lives || (until && *until > rules::to_ms(step.now()))) return answer(key);
    }
  }
  return std::nullopt;
}

Result<void> SqliteStore::insert_job(WriteStep& step, const rules::NewJob& job,
                                     const rules::JobKey& key) {
  Connection& db = step.connection();
  const auto lane = static_cast<std::uint32_t>(key.lane);
  const std::string options = rules::write_options(job.own);
  const std::string tags = job.tags.empty() ? std::string() : rules::write_string_map(job.tags);
  const bool ready = job.first == JobState::ready;
  std::optional<std::uint64_t> place;
  std::optional<Time> ready_at;
  if (ready) {
    place = key.sequence;
    ready_at = step.now();
  }
  const RowText payload(job.payload);
  db.statement("submit.job")
      .start(lane, key.sequence, rules::to_text(job.first), job.task, payload.in_row, place,
             step.now(), ready_at, job.due, job.expires_at, unless_empty(options),
             unless_empty(tags), unless_empty(job.own_id), unless_empty(job.unique_key),
             payload.large_bytes)
      .run();
  if (payload.large_bytes) LargeText{key.sequence}.write(db, job.payload);
  if (!job.own_id.empty()) {
    db.statement("submit.add_alias").start(job.own_id, lane, key.sequence).run();
  }
  if (!job.unique_key.empty()) {
    db.statement("submit.add_unique")
        .start(job.unique_key, lane, key.sequence, job.unique_until)
        .run();
  }
  if (!job.idempotency_key.empty()) {
    const std::string digest = digest_of(job);
    db.statement("submit.add_idempotent")
        .start(job.idempotency_key, digest, lane, key.sequence, step.now())
        .run();
  }
  step.counted(job.queue, job.first, 1, 0);
  step.event({.key = key, .own_id = job.own_id, .to = job.first, .task = job.task});
  if (ready) step.concerns_work();
  if (job.due || job.expires_at) step.concerns_due();
  return {};
}

}  // namespace penstock::sqlite
