// SPDX-License-Identifier: MIT
//
// What operators and producers do to jobs that exist: cancel, retry, remove, promote; and
// configure. One script each; it answers with a letter for each job, which becomes an error here.
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "rules/transition.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

#include <charconv>

namespace penstock::redis {
namespace {

Error unknown(const JobId& id) {
  return Error{Errc::not_found,
               "job " + rules::printable(id.text) + " does not exist: check the id and the store"};
}

Error older_call(const RequestId& request) {
  return Error{Errc::conflict, "call " + std::to_string(static_cast<std::uint64_t>(request.call)) +
                                   " of this client is older than its last one: it was answered"};
}

}  // namespace

// One of the verbs: its script, and what the script wants to know beside the jobs.
struct RedisStore::Verb {
  std::string_view name;
  const Script& script;
  std::string_view refusal = {};            // Why a job in another state is refused.
  std::optional<std::int64_t> ttl_ms = {};  // cancel: how long what ends is kept.
  std::string_view why = {};                // cancel: the error that is kept.
  std::optional<int> suspect_crashes = {};  // promote: from so many crashes on a job runs alone.
};

Result<std::vector<std::optional<rules::JobKey>>> RedisStore::resolve(std::span<const JobId> ids) {
  std::vector<std::optional<rules::JobKey>> found;
  std::vector<std::size_t> own;
  for (const JobId& id : ids) {
    found.push_back(mint_->read(id.text));
    if (found.back()) continue;
    own.push_back(found.size() - 1);
    connection_->command({"GET", keys().alias(id.text)});
  }
  if (own.empty()) return found;
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!(*replies)[i].is_nil()) found[own[i]] = read_job_key((*replies)[i].text());
  }
  return found;
}

Result<Changed> RedisStore::operate(const Selection& which, const RequestId& request,
                                    const Verb& verb) {
  if (which.ids.size() > rules::step_jobs) {
    return Error{Errc::too_large, std::to_string(which.ids.size()) +
                                      " ids in one call, the limit is " +
                                      std::to_string(rules::step_jobs) + ": split them"};
  }
  Changed changed;
  std::vector<rules::JobKey> chosen;
  std::vector<JobId> names;
  if (which.filter) {
    auto found = select(*which.filter, changed.next_cursor);
    if (!found) return std::move(found).error();
    chosen = *std::move(found);
  }
  auto resolved = resolve(which.ids);
  if (!resolved) return std::move(resolved).error();
  for (std::size_t i = 0; i < which.ids.size(); ++i) {
    if ((*resolved)[i]) {
      chosen.push_back(*(*resolved)[i]);
      names.push_back(which.ids[i]);
    } else {
      changed.refused.emplace_back(which.ids[i], unknown(which.ids[i]));
    }
  }
  ScriptArguments arguments;
  arguments.add(clock().now());
  arguments.add(request.nonce);
  arguments.add(static_cast<std::uint64_t>(request.call));
  arguments.add(which.running ? "r" : which.nodes ? "1" : "0");
  if (verb.ttl_ms) arguments.add(*verb.ttl_ms);
  arguments.add(changed.next_cursor);
  if (verb.ttl_ms) arguments.add(verb.why);
  if (verb.suspect_crashes) arguments.add(*verb.suspect_crashes);
  for (const rules::JobKey& key : chosen) {
    arguments.add(static_cast<std::uint32_t>(key.lane));
    arguments.add(key.sequence);
  }
  auto reply = run(verb.script, arguments);
  if (!reply) return std::move(reply).error();
  if (answer_of(*reply) < 0) return older_call(request);
  // "changed cursor letters", the letters of the chosen ones, then those of the ids.
  std::string_view text = (*reply)[1].text();
  const auto first = text.find(' '), last = text.rfind(' ');
  std::from_chars(text.data(), text.data() + text.size(), changed.changed);
  changed.next_cursor = text.substr(first + 1, last > first ? last - first - 1 : 0);
  std::string_view letters = text.substr(last + 1);
  if (letters.size() > names.size()) letters.remove_prefix(letters.size() - names.size());
  if (which.ids.empty()) letters = {};
  for (std::size_t i = 0; i < letters.size() && i < names.size(); ++i) {
    const char letter = letters[i];
    if (letter == '+') continue;
    Error why = unknown(names[i]);
    if (letter == 'x') {
      why = {Errc::gone, "job " + names[i].text + " is gone: it was removed, or retention took it"};
    } else if (letter == 'N') {
      why = {Errc::conflict,
             "it belongs to a run: use penstock flow cancel, retry or signal with the run"};
    } else if (letter == 'U') {
      why = {Errc::conflict, "cannot retry job " + names[i].text +
                                 ": another job holds its unique key, so wait for that one"};
    } else if (const auto state = state_of_letter(letter)) {
      why = {Errc::conflict, "cannot " + std::string(verb.name) + " a job that is " +
                                 std::string(rules::to_text(*state)) + ": " +
                                 std::string(verb.refusal)};
    }
    changed.refused.emplace_back(names[i], std::move(why));
  }
  return changed;
}

Result<Changed> RedisStore::cancel(const Selection& which, const RequestId& request) {
  return operate(which, request,
                 {.name = "cancel",
                  .script = scripts::cancel,
                  .refusal = "it has ended",
                  .ttl_ms = rules::effective({}, {}, {}).keep_succeeded.count(),
                  .why = "cancelled before it ran"});
}

Result<Changed> RedisStore::retry(const Selection& which, const RequestId& request) {
  return operate(which, request,
                 {.name = "retry",
                  .script = scripts::retry,
                  .refusal = "only failed and cancelled jobs can be retried"});
}

Result<Changed> RedisStore::remove(const Selection& which, const RequestId& request) {
  return operate(which, request,
                 {.name = "remove", .script = scripts::remove, .refusal = "cancel it first"});
}

Result<Step> RedisStore::promote(const Due& due, Time now, const Budget& budget) {
  const int suspect_crashes = rules::default_max_crashes - 1;
  if (due.chosen) {
    auto changed = operate(*due.chosen, due.request,
                           {.name = "promote",
                            .script = scripts::promote,
                            .refusal = "only scheduled jobs wait for a time",
                            .suspect_crashes = suspect_crashes});
    if (!changed) return std::move(changed).error();
    return Step{.done = changed->changed, .changed = *std::move(changed)};
  }
  ScriptArguments arguments;
  arguments.add(now);
  arguments.add(budget.jobs);
  arguments.add(rules::effective({}, {}, {}).keep_succeeded.count());
  arguments.add(suspect_crashes);
  auto reply = run(scripts::due, arguments);
  if (!reply) return std::move(reply).error();
  if (answer_of(*reply) < 0) return Error{Errc::internal, "due refused its arguments"};
  return Step{.done = (*reply)[1].integer(),
              .more = (*reply)[2].integer() != 0,
              .next_due = read_time((*reply)[3].text())};
}

Result<void> RedisStore::configure(const Setting& setting, const RequestId& request) {
  ScriptArguments arguments;
  arguments.add(clock().now());
  arguments.add(request.nonce);
  arguments.add(static_cast<std::uint64_t>(request.call));
  if (const auto* queue = std::get_if<QueueSetting>(&setting)) {
    const auto flag = [&](const std::optional<bool>& set) {
      arguments.add(!set ? "" : *set ? "1" : "0");
    };
    const bool opened =
        (queue->paused && !*queue->paused) || (queue->draining && !*queue->draining);
    arguments.add(queue->queue);
    flag(queue->paused);
    flag(queue->draining);
    flag(opened);
    arguments.add(opened ? "resumed" : queue->paused.value_or(false) ? "paused" : "draining");
  } else if (const auto* session = std::get_if<SessionSetting>(&setting)) {
    arguments.add("");
    arguments.add(static_cast<std::uint64_t>(session->session));
    arguments.add(static_cast<int>(session->order));
    arguments.add("0");
    arguments.add("");
  }
  auto reply = run(scripts::configure, arguments);
  if (!reply) return std::move(reply).error();
  const std::int64_t answer = answer_of(*reply);
  if (answer >= 0) return {};
  if (errc_of(answer) != Errc::not_found) return older_call(request);
  const auto number = static_cast<std::uint64_t>(std::get<SessionSetting>(setting).session);
  return Error{Errc::not_found,
               "session " + std::to_string(number) + " does not exist: see penstock workers"};
}

}  // namespace penstock::redis
