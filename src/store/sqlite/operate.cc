// SPDX-License-Identifier: MIT
//
// What operators and producers do to jobs that exist: cancel, retry, remove; and configure.
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "store/event_text.h"
#include "store/sqlite/job_scan.h"
#include "store/sqlite/reply_text.h"
#include "store/sqlite/sqlite_store.h"

namespace penstock::sqlite {
namespace {

Error wrong_state(std::string_view verb, const JobRow& row, std::string_view what) {
  return Error{Errc::conflict, "cannot " + std::string(verb) + " a job that is " +
                                   std::string(rules::to_text(row.state)) + ": " +
                                   std::string(what)};
}

}  // namespace

Result<std::optional<std::string>> SqliteStore::known_reply(WriteStep& step,
                                                            const RequestId& request) {
  Statement& read = step.connection().statement("operate.reply").start(request.nonce);
  if (!read.row()) return std::optional<std::string>();
  const Call last{static_cast<std::uint64_t>(read.integer(0))};
  std::string reply(read.text(1));
  read.end();
  if (request.call == last) return std::optional(std::move(reply));
  if (request.call < last) {
    return Error{Errc::conflict, "call " +
                                     std::to_string(static_cast<std::uint64_t>(request.call)) +
                                     " of this client is older than its last one: it was answered"};
  }
  return std::optional<std::string>();
}

void SqliteStore::remember_reply(WriteStep& step, const RequestId& request,
                                 std::string_view reply) {
  step.connection()
      .statement("operate.remember")
      .start(request.nonce, static_cast<std::uint64_t>(request.call), reply, step.now())
      .run();
}

Result<std::optional<rules::JobKey>> SqliteStore::resolve(const JobId& id) {
  if (const auto key = database_->mint->read(id.text)) return std::optional(*key);
  Statement& read = db().statement("submit.alias").start(id.text);
  std::optional<rules::JobKey> key;
  if (read.row()) {
    key = rules::JobKey{.lane = rules::Lane{static_cast<std::uint32_t>(read.integer(0))},
                        .sequence = static_cast<std::uint64_t>(read.integer(1))};
  }
  read.end();
  if (db().failed()) return db().take_error();
  return key;
}

// Why a job that an id names is not there. An id carries a MAC, so one that can be read was issued
// by this namespace: retention or remove took its job, or a power cut its commit.
Error SqliteStore::absent(const JobId& id) {
  const Error unknown{Errc::not_found, "job " + rules::printable(id.text) +
                                           " does not exist: check the id and the store"};
  const auto key = database_->mint->read(id.text);
  if (!key) return unknown;
  Statement& gap = db().statement("meta.in_gap").start(key->sequence);
  const bool lost = gap.row();
  gap.end();
  Statement& issued = db().statement("meta.read").start("sequence");
  const bool future = issued.row() && static_cast<std::uint64_t>(issued.integer(0)) < key->sequence;
  issued.end();
  if (lost || future) return unknown;
  return Error{Errc::gone, "job " + id.text + " is gone: it was removed, or retention took it"};
}

// A job of a run is ended by the run's steps, so that none of them waits for ever.
std::optional<Error> belongs_to_run(const JobRow& row, bool allowed) {
  if (allowed || !rules::is_of_run(row.options)) return std::nullopt;
  return Error{Errc::conflict,
               "it belongs to a run: use penstock flow cancel, retry or signal with the run"};
}

template <class Act>
Result<Changed> SqliteStore::operate(const Selection& which, const RequestId& request, Act act) {
  const Lock lock = guard();
  if (which.ids.size() > rules::step_jobs) {
    return Error{Errc::too_large, std::to_string(which.ids.size()) +
                                      " ids in one call, the limit "
                                      "is " +
                                      std::to_string(rules::step_jobs) + ": split them"};
  }
  if (which.filter) {
    if (auto ok = JobScan::check_cursor(which.filter->cursor); !ok) return std::move(ok).error();
  }
  auto step = begin();
  if (!step) return std::move(step).error();
  auto known = known_reply(*step, request);
  if (!known) return std::move(known).error();
  if (*known) return read_changed(**known);
  Changed changed;
  for (const JobId& id : which.ids) {
    auto key = resolve(id);
    if (!key) return std::move(key).error();
    const auto row = *key ? step->job(**key) : std::nullopt;
    std::optional<Error> refused = row ? belongs_to_run(*row, which.nodes) : absent(id);
    if (row && !refused) refused = act(*step, *row);
    if (refused) {
      changed.refused.emplace_back(id, *std::move(refused));
    } else {
      ++changed.changed;
    }
  }
  if (which.filter) {
    for (const rules::JobKey& key : select(*which.filter, changed.next_cursor)) {
      // A filter means what can be changed; the others are passed over.
      const auto row = step->job(key);
      if (row && !belongs_to_run(*row, which.nodes) && !act(*step, *row)) ++changed.changed;
    }
  }
  remember_reply(*step, request, write_changed(changed));
  if (auto done = step->commit(); !done) return std::move(done).error();
  return changed;
}

Result<Changed> SqliteStore::cancel(const Selection& which, const RequestId& request) {
  const auto act = [&](WriteStep& step, const JobRow& row) -> std::optional<Error> {
    if (rules::is_terminal(row.state)) return wrong_state("cancel", row, "it has ended");
    if (which.running && row.state != JobState::running) {
      return wrong_state("stop", row, "it does not run");
    }
    if (row.state == JobState::running) {
      step.connection()
          .statement("operate.tell")
          .start(static_cast<std::uint32_t>(row.key.lane), row.key.sequence)
          .run();
      return std::nullopt;
    }
    step.move(row,
              rules::cancel_waiting(row.key, row.attempt, row.crashes, policy_of(row), step.now(),
                                    "cancelled before it ran"),
              {});
    return std::nullopt;
  };
  return operate(which, request, act);
}

Result<Changed> SqliteStore::retry(const Selection& which, const RequestId& request) {
  return operate(which, request, [](WriteStep& step, const JobRow& row) -> std::optional<Error> {
    if (!rules::is_legal(row.state, rules::Move::revive, JobState::ready)) {
      return wrong_state("retry", row, "only failed and cancelled jobs can be retried");
    }
    if (!row.unique_key.empty()) {
      const auto lane = static_cast<std::uint32_t>(row.key.lane);
      Statement& rival = step.connection()
                             .statement("operate.rival")
                             .start(row.unique_key, lane, row.key.sequence);
      const bool taken = rival.row();
      rival.end();
      if (taken) {
        return wrong_state("retry", row,
                           "another job holds its unique key \"" + row.unique_key + "\"");
      }
      step.connection()
          .statement("operate.regain_unique")
          .start(row.unique_key, lane, row.key.sequence)
          .run();
    }
    step.connection()
        .statement("operate.restart")
        .start(static_cast<std::uint32_t>(row.key.lane), row.key.sequence)
        .run();
    step.move(row, rules::revive(row.key), {});
    return std::nullopt;
  });
}

Result<Changed> SqliteStore::remove(const Selection& which, const RequestId& request) {
  return operate(which, request, [](WriteStep& step, const JobRow& row) -> std::optional<Error> {
    if (row.state == JobState::running) return wrong_state("remove", row, "cancel it first");
    step.forget(row);
    step.event_line("r\t" + job_text(row.key, row.own_id) + "\tremoved");
    return std::nullopt;
  });
}

Result<Step> SqliteStore::promote_chosen(const Selection& which, const RequestId& request) {
  auto changed =
      operate(which, request, [](WriteStep& step, const JobRow& row) -> std::optional<Error> {
        if (row.state != JobState::scheduled) {
          return wrong_state("promote", row, "only scheduled jobs wait for a time");
        }
        step.move(row, rules::promote_scheduled(row.key, row.attempt, row.crashes, row.misses), {});
        return std::nullopt;
      });
  if (!changed) return std::move(changed).error();
  return Step{.done = changed->changed, .changed = *std::move(changed)};
}

Result<void> SqliteStore::configure(const Setting& setting, const RequestId& request) {
  const Lock lock = guard();
  auto step = begin();
  if (!step) return std::move(step).error();
  auto known = known_reply(*step, request);
  if (!known) return std::move(known).error();
  if (*known) return {};
  Connection& db = step->connection();
  if (const auto* queue = std::get_if<QueueSetting>(&setting)) {
    db.statement("operate.set_queue").start(queue->queue, queue->paused, queue->draining).run();
    const bool opened =
        (queue->paused && !*queue->paused) || (queue->draining && !*queue->draining);
    if (opened) step->concerns_work();
    const char* what = opened ? "resumed" : queue->paused.value_or(false) ? "paused" : "draining";
    step->event_line("q\t" + queue->queue + "\t" + what);
  } else if (const auto* session = std::get_if<SessionSetting>(&setting)) {
    const auto number = static_cast<std::uint64_t>(session->session);
    db.statement("operate.tell_session").start(number, static_cast<int>(session->order)).run();
    if (sqlite3_changes(db.raw()) == 0 && !db.failed()) {
      return Error{Errc::not_found,
                   "session " + std::to_string(number) + " does not exist: see penstock workers"};
    }
  }
  remember_reply(*step, request, "ok");
  return step->commit();
}

}  // namespace penstock::sqlite
