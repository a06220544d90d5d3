// SPDX-License-Identifier: MIT
//
// signal, and reading runs.
#include "rules/job_state.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "store/chance.h"
#include "store/redis/errors.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/run_words.h"
#include "store/redis/scripts.gen.h"

namespace penstock::redis {

namespace {

// A field as it lies in the run.
void add_run_value(ScriptArguments& arguments, const std::optional<std::string>& value,
                   const rules::IdMint& mint) {
  const auto bar = value ? value->rfind('|') : std::string::npos;
  const auto key =
      bar == std::string::npos ? std::nullopt : mint.read(std::string_view(*value).substr(bar + 1));
  if (!key) return arguments.add(value);
  arguments.made(value->substr(0, bar + 1) + '@' +
                 std::to_string(static_cast<std::uint32_t>(key->lane)) + '.' +
                 std::to_string(key->sequence));
}

}  // namespace

std::string read_run_value(std::string_view value, const rules::IdMint& mint) {
  const auto bar = value.rfind("|@");
  if (bar == std::string_view::npos) return std::string(value);
  std::string_view number = value.substr(bar + 2);
  const std::string_view lane = take_until(number, '.');
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.size() < 16 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(lane) || !digits(number)) return std::string(value);
  const rules::JobKey key{.lane = rules::Lane{read_number<std::uint32_t>(lane)},
                          .sequence = read_number<std::uint64_t>(number)};
  return std::string(value.substr(0, bar + 1)) + mint.make(key).text;
}

void add_changes(ScriptArguments& arguments, const Keys& keys, const rules::IdMint& mint,
                 std::span<const rules::RunChange> runs) {
  arguments.add(runs.size());
  for (const rules::RunChange& run : runs) {
    arguments.add(run.run);
    for (const auto* fields : {&run.expect, &run.set}) {
      if (fields == &run.set) {
        arguments.add(run.add.size());
        for (const rules::RunAdd& add : run.add) {
          arguments.add(add.name);
          arguments.add(add.by);
          arguments.add(add.at_least);
          arguments.add(add.at_most);
        }
      }
      arguments.add(fields->size());
      for (const rules::RunField& field : *fields) {
        arguments.add(field.name);
        arguments.add(field.value ? "1" : "0");
        add_run_value(arguments, field.value, mint);
      }
    }
    arguments.add(run.append.size());
    for (const rules::RunAppend& one : run.append) {
      arguments.add(one.list);
      arguments.add(one.value);
    }
    arguments.add(run.jobs.size());
    for (const rules::RunJob& one : run.jobs) {
      const rules::NewJob& job = one.job;
      arguments.add(one.field);
      arguments.add(one.prefix);
      arguments.add(job.queue);
      arguments.add(job.pool);
      arguments.add(job.priority);
      arguments.made(Keys::lists(job.queue, job.pool, job.priority));
      arguments.made(keys.wake(job.queue, job.pool));
      arguments.add(job.task);
      arguments.add(job.payload);
      arguments.add(rules::to_text(job.first));
      arguments.add(job.due);
      arguments.made(rules::write_options(job.own));
    }
    arguments.add(run.wake.size());
    for (const std::string& field : run.wake) arguments.add(field);
    arguments.made(run.mark ? "=" + run.mark->state : std::string());
    arguments.add(run.mark ? run.mark->keep_until : std::nullopt);
  }
}

std::vector<rules::RunConflict> read_conflicts(const ConflictWords& from,
                                               const rules::IdMint& mint) {
  auto [words, at, end] = from;
  std::vector<rules::RunConflict> conflicts;
  const auto number = [](const Reply& word) {
    return word.text().empty() ? static_cast<std::size_t>(word.integer())
                               : read_number<std::size_t>(word.text());
  };
  while (at + 1 < end) {
    rules::RunConflict conflict{.run = std::string(words[at].text())};
    const std::size_t fields = number(words[at + 1]);
    at += 2;
    for (std::size_t i = 0; i < fields && at + 2 < end; ++i, at += 3) {
      rules::RunField field{.name = std::string(words[at].text())};
      if (words[at + 1].text() == "1") field.value = read_run_value(words[at + 2].text(), mint);
      conflict.actual.push_back(std::move(field));
    }
    conflicts.push_back(std::move(conflict));
  }
  return conflicts;
}

Result<Signalled> RedisStore::signal(const SignalCall& call) {
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  ScriptArguments arguments;
  arguments.add(clock().now());
  arguments.add(call.request.nonce);
  arguments.add(static_cast<std::uint64_t>(call.request.call));
  arguments.add(connection_->server().run_id);
  arguments.add(random_number() % jump_range);
  arguments.add(rules::default_max_crashes - 1);
  add_changes(arguments, keys(), *mint_, call.runs);
  auto reply = run(scripts::signal, arguments);
  if (!reply) return std::move(reply).error();
  const std::int64_t answer = answer_of(*reply);
  if (answer < 0) {
    return Error{Errc::conflict, "call " +
                                     std::to_string(static_cast<std::uint64_t>(call.request.call)) +
                                     " of this client is older than its last one: it was answered"};
  }
  Signalled signalled;
  if (answer == 1) {
    signalled.conflicts = read_conflicts({.words = (*reply)[1], .end = (*reply)[1].size()}, *mint_);
  } else if ((*reply)[1].text() == "conflict" && !call.runs.empty()) {
    signalled.conflicts.push_back({.run = call.runs[0].run});
  }
  return signalled;
}

Result<Page<RunListed>> RedisStore::list_runs(const RunsQuery& query) {
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  const std::string limit = std::to_string(query.limit);
  const std::string from = query.cursor.empty() ? "+inf" : "(" + query.cursor;
  if (query.cursor.find_first_not_of("0123456789") != std::string::npos) {
    return Error{Errc::invalid, "cursor \"" + rules::printable(query.cursor) +
                                    "\" is not one of ours: begin again without it"};
  }
  const std::string index = keys().shard() + "runs";
  connection_->command(
      {"ZREVRANGEBYSCORE", index, from, "-inf", "WITHSCORES", "LIMIT", "0", limit});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  Page<RunListed> page;
  for (std::size_t i = 0; i + 1 < reply->size(); i += 2) {
    page.items.push_back(
        {.run = std::string((*reply)[i].text()), .cursor = std::string((*reply)[i + 1].text())});
  }
  if (page.items.empty()) return page;
  if (page.items.size() == static_cast<std::size_t>(query.limit)) {
    page.next_cursor = page.items.back().cursor;
  }
  for (const RunListed& one : page.items) {
    const std::string key = keys().shard() + "run:" + one.run;
    connection_->command({"HMGET", key, "state", "flow"});
  }
  auto fields = connection_->exchange();
  if (!fields) return std::move(fields).error();
  for (std::size_t i = 0; i < page.items.size(); ++i) {
    const Reply& pair = (*fields)[i];
    if (pair.is_error()) return to_error(pair, connection_->where());
    if (pair.size() != 2) continue;
    if (!pair[0].is_nil()) page.items[i].state = std::string(pair[0].text());
    if (!pair[1].is_nil()) page.items[i].flow = std::string(pair[1].text());
  }
  return page;
}

Result<Page<rules::RunField>> RedisStore::list_fields(const FieldsQuery& query) {
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  const std::string key = keys().shard() + "run:" + query.run;
  Page<rules::RunField> page;
  if (!query.names.empty()) {
    std::vector<std::string_view> words{"HMGET", key};
    words.insert(words.end(), query.names.begin(), query.names.end());
    connection_->command(words);
    auto reply = connection_->one();
    if (!reply) return std::move(reply).error();
    for (std::size_t i = 0; i < query.names.size() && i < reply->size(); ++i) {
      if ((*reply)[i].is_nil()) continue;
      page.items.push_back(
          {.name = query.names[i], .value = read_run_value((*reply)[i].text(), *mint_)});
    }
    return page;
  }
  std::string pattern;
  for (const char c : query.prefix) {
    if (std::string_view("*?[]\\^").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  pattern += '*';
  const std::string limit = std::to_string(query.limit);
  const std::string cursor = query.cursor.empty() ? "0" : query.cursor;
  connection_->command({"HSCAN", key, cursor, "MATCH", pattern, "COUNT", limit});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  page.next_cursor = (*reply)[0].text();
  if (page.next_cursor == "0") page.next_cursor.clear();
  const Reply& pairs = (*reply)[1];
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    page.items.push_back({.name = std::string(pairs[i].text()),
                          .value = read_run_value(pairs[i + 1].text(), *mint_)});
  }
  return page;
}

Result<Page<std::string>> RedisStore::list_values(const ValuesQuery& query) {
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  const std::string key = keys().shard() + "run:" + query.run + ":l:" + query.list;
  const auto from = query.cursor.empty() ? 0 : read_number<std::int64_t>(query.cursor);
  const std::string first = std::to_string(from), last = std::to_string(from + query.limit - 1);
  connection_->command({"LRANGE", key, first, last});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  Page<std::string> page;
  for (const Reply& value : reply->items()) page.items.emplace_back(value.text());
  if (page.items.size() == static_cast<std::size_t>(query.limit)) {
    page.next_cursor = std::to_string(from + query.limit);
  }
  return page;
}

Result<void> RedisStore::forget_runs(Time now) {
  ScriptArguments arguments;
  arguments.add(now);
  arguments.add(10);
  auto reply = run(scripts::runs, arguments);
  if (!reply) return std::move(reply).error();
  return {};
}

}  // namespace penstock::redis
