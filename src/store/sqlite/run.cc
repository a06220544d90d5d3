// SPDX-License-Identifier: MIT
//
// Runs of flows: comparing what a step was decided on, and applying it. Everything is compared
// before the first write. Also signal, and reading runs.
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "store/event_text.h"
#include "store/sqlite/run_field.h"

#include <charconv>
#include <limits>

namespace penstock::sqlite {
namespace {

constexpr std::string_view conflicted = "conflict";

// A field as the changes before it in the same call will have left it.
class RunFields {
 public:
  RunFields(Connection& db, const std::string& run) : db_(db), run_(run) {}
  std::optional<std::string> at(const std::string& field) {
    const auto own = changed_.find(field);
    return own != changed_.end() ? own->second : read_run_field(db_, run_, field);
  }
  void put(const std::string& field, std::optional<std::string> value) {
    changed_[field] = std::move(value);
  }

 private:
  Connection& db_;
  const std::string& run_;
  std::map<std::string, std::optional<std::string>> changed_ = {};
};

Result<std::int64_t> read_cursor(const std::string& cursor, std::int64_t first) {
  if (cursor.empty()) return first;
  std::int64_t place = 0;
  const char* end = cursor.data() + cursor.size();
  const auto [stop, error] = std::from_chars(cursor.data(), end, place);
  if (error == std::errc{} && stop == end) return place;
  return Error{Errc::invalid, "cursor \"" + rules::printable(cursor) +
                                  "\" is not one of ours: begin again without it"};
}

}  // namespace

std::optional<std::string> read_run_field(Connection& db, std::string_view run,
                                          std::string_view field) {
  Statement& read = db.statement("run.field").start(run, field);
  std::optional<std::string> value;
  if (read.row()) value = std::string(read.text(0));
  read.end();
  return value;
}

std::vector<rules::RunConflict> SqliteStore::compare_runs(WriteStep& step,
                                                          std::span<const rules::RunChange> runs) {
  Connection& db = step.connection();
  std::vector<rules::RunConflict> conflicts;
  for (const rules::RunChange& run : runs) {
    rules::RunConflict conflict{.run = run.run};
    for (const rules::RunField& expected : run.expect) {
      auto actual = read_run_field(db, run.run, expected.name);
      if (actual != expected.value) {
        conflict.actual.push_back({.name = expected.name, .value = std::move(actual)});
      }
    }
    RunFields fields(db, run.run);
    for (const rules::RunField& field : run.set) fields.put(field.name, field.value);
    for (const rules::RunAdd& add : run.add) {
      const auto known = fields.at(add.name);
      auto sum = rules::sum_of(known, add);
      if (!sum) conflict.actual.push_back({.name = add.name, .value = known});
      if (sum) fields.put(add.name, std::move(sum));
    }
    if (!conflict.actual.empty()) conflicts.push_back(std::move(conflict));
  }
  return conflicts;
}

Result<void> SqliteStore::apply_runs(WriteStep& step, std::span<const rules::RunChange> runs) {
  for (const rules::RunChange& run : runs) {
    if (auto applied = apply_run(step, run); !applied) return applied;
  }
  return {};
}

Result<void> SqliteStore::apply_run(WriteStep& step, const rules::RunChange& run) {
  Connection& db = step.connection();
  for (const std::string& field : run.wake) {
    const auto value = read_run_field(db, run.run, field);
    if (!value) continue;
    if (auto woken = wake_job(step, value->substr(value->rfind('|') + 1)); !woken) return woken;
  }
  for (const rules::RunField& field : run.set) {
    if (field.value) {
      db.statement("run.set").start(run.run, field.name, *field.value).run();
    } else {
      db.statement("run.erase").start(run.run, field.name).run();
    }
    db.statement("run.erase_list").start(run.run, field.name).run();
  }
  for (const rules::RunAdd& add : run.add) {
    const auto sum = rules::sum_of(read_run_field(db, run.run, add.name), add);
    if (sum) db.statement("run.set").start(run.run, add.name, *sum).run();
  }
  for (const rules::RunAppend& one : run.append) {
    db.statement("run.append").start(run.run, one.list, one.value).run();
  }
  if (!run.jobs.empty()) {
    Statement& take = db.statement("meta.take_sequences").start(run.jobs.size());
    std::uint64_t sequence =
        take.row() ? static_cast<std::uint64_t>(take.integer(0)) - run.jobs.size() : 0;
    take.end();
    for (const rules::RunJob& one : run.jobs) {
      const rules::NewJob& job = one.job;
      auto lane = lanes_.find_or_add(db, job.queue, job.pool, job.priority);
      if (!lane) return std::move(lane).error();
      const rules::JobKey key{.lane = *lane, .sequence = ++sequence};
      if (auto in = insert_job(step, job, key); !in) return in;
      db.statement("submit.count").start(job.queue, std::int64_t{1}).run();
      if (one.field.empty()) continue;
      const std::string value = one.prefix + database_->mint->make(key).text;
      db.statement("run.set").start(run.run, one.field, value).run();
    }
  }
  if (run.mark) {
    db.statement("run.mark").start(run.run, step.now(), run.mark->keep_until).run();
    step.event_line("f\t" + escape_field(run.run) + '\t' + run.mark->state);
  }
  return {};
}

Result<void> SqliteStore::wake_job(WriteStep& step, std::string_view id) {
  const auto key = database_->mint->read(id);
  const auto row = key ? step.job(*key) : std::nullopt;
  if (!row) return {};
  rules::Transition next =
      rules::promote_scheduled(row->key, row->attempt, row->crashes, row->misses);
  if (row->state == JobState::waiting) next.move = rules::Move::release;
  if (rules::is_legal(row->state, next.move, next.to)) step.move(*row, next, {});
  return {};
}

Result<Signalled> SqliteStore::signal(const SignalCall& call) {
  const Lock lock = guard();
  auto step = begin();
  if (!step) return std::move(step).error();
  auto known = known_reply(*step, call.request);
  if (!known) return std::move(known).error();
  Signalled signalled;
  if (*known && **known != conflicted) return signalled;
  signalled.conflicts = compare_runs(*step, call.runs);
  if (*known) {
    // What it conflicted with then is not kept; whoever asks again decides anew either way.
    if (signalled.conflicts.empty()) signalled.conflicts.push_back({.run = call.runs[0].run});
    return signalled;
  }
  if (signalled.conflicts.empty()) {
    if (auto applied = apply_runs(*step, call.runs); !applied) return std::move(applied).error();
  }
  remember_reply(*step, call.request, signalled.conflicts.empty() ? "ok" : conflicted);
  if (auto done = step->commit(); !done) return std::move(done).error();
  return signalled;
}

Result<Page<RunListed>> SqliteStore::list_runs(const RunsQuery& query) {
  const Lock lock = guard();
  const auto before = read_cursor(query.cursor, std::numeric_limits<std::int64_t>::max());
  if (!before) return before.error();
  Page<RunListed> page;
  Statement& read = db().statement("run.page").start(*before, query.limit);
  while (read.row()) {
    page.items.push_back({.run = std::string(read.text(1)),
                          .state = std::string(read.text(2)),
                          .flow = std::string(read.text(3)),
                          .cursor = std::to_string(read.integer(0))});
  }
  if (!page.items.empty() && page.items.size() == static_cast<std::size_t>(query.limit)) {
    page.next_cursor = page.items.back().cursor;
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return page;
}

Result<Page<rules::RunField>> SqliteStore::list_fields(const FieldsQuery& query) {
  const Lock lock = guard();
  Page<rules::RunField> page;
  // Of one moment: a step of the run may end between two of them.
  if (query.names.size() > 1) db().execute("BEGIN");
  for (const std::string& name : query.names) {
    auto value = read_run_field(db(), query.run, name);
    if (value) page.items.push_back({.name = name, .value = std::move(value)});
  }
  if (query.names.size() > 1) db().execute("COMMIT");
  if (query.names.empty()) {
    const std::string from = query.cursor.empty() ? query.prefix : query.cursor + '\x01';
    const std::string below = query.prefix + "\xff";
    Statement& read = db().statement("run.fields").start(query.run, from, below, query.limit);
    while (read.row()) {
      page.items.push_back({.name = std::string(read.text(0)), .value = std::string(read.text(1))});
    }
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = page.items.back().name;
    }
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return page;
}

Result<Page<std::string>> SqliteStore::list_values(const ValuesQuery& query) {
  const Lock lock = guard();
  const auto after = read_cursor(query.cursor, 0);
  if (!after) return after.error();
  Page<std::string> page;
  std::int64_t last = 0;
  Statement& read = db().statement("run.values").start(query.run, query.list, *after, query.limit);
  while (read.row()) {
    last = read.integer(0);
    page.items.emplace_back(read.text(1));
  }
  if (page.items.size() == static_cast<std::size_t>(query.limit)) {
    page.next_cursor = std::to_string(last);
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return page;
}

}  // namespace penstock::sqlite
