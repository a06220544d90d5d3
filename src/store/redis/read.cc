// SPDX-License-Identifier: MIT
//
// find, list, count, events, check. Nothing here writes.
#include "rules/job_state.h"
#include "rules/name.h"
#include "store/redis/check.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

#include <algorithm>

namespace penstock::redis {
namespace {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) lines.emplace_back(take_until(text, '\n'));
  return lines;
}

Error bad_cursor(std::string_view cursor) {
  return Error{Errc::invalid, "cursor \"" + rules::printable(cursor) +
                                  "\" is not one of ours: begin again without it"};
}

// The fields of a hash, as HGETALL answers them.
class Fields {
 public:
  explicit Fields(const Reply& reply) : reply_(reply) {}
  [[nodiscard]] std::string_view text(std::string_view name) const {
    for (std::size_t i = 0; i + 1 < reply_.size(); i += 2) {
      if (reply_[i].text() == name) return reply_[i + 1].text();
    }
    return {};
  }
  [[nodiscard]] std::int64_t number(std::string_view name) const {
    return read_number<std::int64_t>(text(name));
  }

 private:
  const Reply& reply_;
};

bool is_position(std::string_view text) {
  const auto is_digits = [](std::string_view part) {
    return !part.empty() && part.size() < 20 &&
           std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  const auto dash = text.find('-');
  return is_digits(text.substr(0, dash)) &&
         (dash == std::string_view::npos || is_digits(text.substr(dash + 1)));
}

std::pair<std::uint64_t, std::uint64_t> read_position(std::string_view text) {
  const std::string_view ms = take_until(text, '-');
  return {read_number<std::uint64_t>(ms), read_number<std::uint64_t>(text)};
}

}  // namespace

Result<std::optional<Record>> RedisStore::find(const Ref& ref) {
  if (const auto* id = std::get_if<JobId>(&ref)) {
    auto keys = resolve({id, 1});
    if (!keys) return std::move(keys).error();
    if (!keys->front()) return std::optional<Record>();
    auto found = read_jobs({&*keys->front(), 1});
    if (!found) return std::move(found).error();
    if (found->front().job) return std::optional<Record>(*std::move(found->front().job));
    if (!found->front().gone) return std::optional<Record>();
    return Error{Errc::gone, "job " + id->text + " is gone: it was removed, or retention took it"};
  }
  const auto* queue = std::get_if<QueueRef>(&ref);
  auto listed = list(queue ? Query{QueuesQuery{}} : Query{SessionsQuery{}});
  if (!listed) return std::move(listed).error();
  if (queue) {
    for (Queue& one : std::get<Page<Queue>>(*listed).items) {
      if (one.queue == queue->queue) return std::optional<Record>(std::move(one));
    }
    return std::optional<Record>();
  }
  for (WorkerRecord& one : std::get<Page<WorkerRecord>>(*listed).items) {
    if (SessionNumber{one.session} == std::get<SessionNumber>(ref)) {
      return std::optional<Record>(std::move(one));
    }
  }
  return std::optional<Record>();
}

Result<Page<LogLine>> RedisStore::list_logs(const LogQuery& query) {
  auto resolved = resolve({&query.id, 1});
  if (!resolved) return std::move(resolved).error();
  const Error unknown{Errc::not_found, "job " + rules::printable(query.id.text) +
                                           " does not exist: check the id and the store"};
  if (!resolved->front()) return unknown;
  std::pair<std::uint64_t, std::uint64_t> after{0, 0};
  if (!query.cursor.empty()) {
    const auto dot = query.cursor.find('.');
    if (dot == std::string::npos || !is_position(query.cursor.substr(0, dot)) ||
        !is_position(query.cursor.substr(dot + 1))) {
      return bad_cursor(query.cursor);
    }
    after = {read_number<std::uint64_t>(query.cursor.substr(0, dot)),
             read_number<std::uint64_t>(query.cursor.substr(dot + 1))};
  }
  // The whole log is at most 64 KiB, so it is read as a whole.
  connection_->command({"LRANGE", keys().log(key_text(*resolved->front())), "0", "-1"});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  Page<LogLine> page;
  const auto limit = static_cast<std::size_t>(std::clamp(query.limit, 1, 1000));
  for (const Reply& entry : reply->items()) {
    std::string_view text = entry.text();
    const auto fence = read_number<std::uint64_t>(take_until(text, '|'));
    const auto number = read_number<std::uint64_t>(take_until(text, '|'));
    if (std::pair(fence, number) <= after) continue;
    if (page.items.size() == limit) return page;
    LogLine line{.number = static_cast<std::int64_t>(number)};
    line.at = read_time(take_until(text, '|')).value_or(Time{});
    line.attempt = read_number<int>(take_until(text, '|'));
    line.text = text;
    page.items.push_back(std::move(line));
    page.next_cursor = std::to_string(fence) + '.' + std::to_string(number);
  }
  if (page.items.size() < limit) page.next_cursor.clear();
  return page;
}

Result<std::vector<std::string>> RedisStore::queue_names() {
  connection_->command({"SMEMBERS", keys().queues()});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  std::vector<std::string> names;
  for (const Reply& name : reply->items()) names.emplace_back(name.text());
  std::ranges::sort(names);
  return names;
}

Result<Page<Queue>> RedisStore::list_queues() {
  auto names = queue_names();
  if (!names) return std::move(names).error();
  if (auto read = read_lanes(); !read) return std::move(read).error();
  Page<Queue> page;
  if (names->empty()) return page;
  for (const std::string& name : *names) {
    connection_->command({"HMGET", keys().queue(name), "paused", "draining"});
    connection_->command({"HGETALL", keys().counts(name)});
  }
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  std::map<std::string, Queue*> by_name;
  page.items.resize(names->size());
  for (std::size_t i = 0; i < names->size(); ++i) {
    const Reply& settings = (*replies)[2 * i];
    const Fields counts((*replies)[2 * i + 1]);
    Queue& queue = page.items[i];
    by_name[(*names)[i]] = &queue;
    queue.queue = (*names)[i];
    queue.paused = settings[0].text() == "1";
    queue.draining = settings[1].text() == "1";
    queue.ready = counts.number(rules::to_text(JobState::ready));
    queue.scheduled = counts.number(rules::to_text(JobState::scheduled));
    queue.running = counts.number(rules::to_text(JobState::running));
    queue.waiting = counts.number(rules::to_text(JobState::waiting));
    queue.failed = counts.number(rules::to_text(JobState::failed));
  }
  for (const auto& [number, lane] : lanes_) {
    ScriptArguments arguments;
    arguments.add(static_cast<std::uint32_t>(number));
    append(scripts::oldest, arguments);
  }
  if (lanes_.empty()) return page;
  auto heads = exchange();
  if (!heads) return std::move(heads).error();
  std::size_t at = 0;
  const Time now = clock().now();
  for (const auto& [number, lane] : lanes_) {
    const auto since = read_time((*heads)[at++].text());
    const auto queue = by_name.find(lane.queue);
    if (!since || queue == by_name.end()) continue;
    queue->second->oldest_ready = std::max(queue->second->oldest_ready, now - *since);
  }
  return page;
}

Result<Page<WorkerRecord>> RedisStore::list_sessions() {
  connection_->command({"HGETALL", keys().sessions()});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  Page<WorkerRecord> page;
  for (std::size_t i = 0; i + 1 < reply->size(); i += 2) {
    page.items.push_back({.session = read_number<std::uint64_t>((*reply)[i].text()),
                          .beat = read_number<std::uint64_t>((*reply)[i + 1].text())});
  }
  if (page.items.empty()) return page;
  std::ranges::sort(page.items, {}, &WorkerRecord::session);
  for (const WorkerRecord& worker : page.items) {
    connection_->command({"HGETALL", keys().session(std::to_string(worker.session))});
  }
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  for (std::size_t i = 0; i < page.items.size(); ++i) {
    const Fields fields((*replies)[i]);
    WorkerRecord& worker = page.items[i];
    worker.worker = fields.text("worker");
    worker.host = fields.text("host");
    worker.pid = static_cast<int>(fields.number("pid"));
    worker.state = fields.text("state");
    worker.queues = split_lines(fields.text("queues"));
    worker.pools = split_lines(fields.text("pools"));
    worker.tasks = split_lines(fields.text("tasks"));
    worker.concurrency = static_cast<int>(fields.number("concurrency"));
    worker.running = static_cast<int>(fields.number("running"));  // lint: state-text, a count
    worker.tasks_processed = fields.number("processed");
    worker.tasks_failed = fields.number("failed");  // lint: state-text, a count
    worker.rss_bytes = fields.number("rss");
    worker.tally = fields.text("tally");
    worker.last_seen_at = rules::from_ms(fields.number("seen"));
    worker.uptime = clock().now() - rules::from_ms(fields.number("opened"));
  }
  return page;
}

Result<Listing> RedisStore::list(const Query& query) {
  const auto widen = [](auto page) -> Result<Listing> {
    if (!page) return std::move(page).error();
    return Listing(*std::move(page));
  };
  if (const auto* filter = std::get_if<Filter>(&query)) return widen(list_jobs(*filter));
  if (const auto* logs = std::get_if<LogQuery>(&query)) return widen(list_logs(*logs));
  if (std::holds_alternative<QueuesQuery>(query)) return widen(list_queues());
  if (const auto* runs = std::get_if<RunsQuery>(&query)) return widen(list_runs(*runs));
  if (const auto* fields = std::get_if<FieldsQuery>(&query)) return widen(list_fields(*fields));
  if (const auto* values = std::get_if<ValuesQuery>(&query)) return widen(list_values(*values));
  return widen(list_sessions());
}

Result<Counts> RedisStore::count(const CountQuery& query) {
  std::vector<std::string> names{query.queue};
  if (query.queue.empty()) {
    auto all = queue_names();
    if (!all) return std::move(all).error();
    names = *std::move(all);
  }
  Counts counts;
  if (names.empty()) return counts;
  for (const std::string& name : names) connection_->command({"HGETALL", keys().counts(name)});
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  for (const Reply& reply : *replies) {
    const Fields fields(reply);
    for (const JobState state : rules::all_states) {
      counts.jobs[static_cast<std::size_t>(state)] += fields.number(rules::to_text(state));
    }
    counts.submitted += fields.number("submitted");
  }
  return counts;
}

Result<EventPage> RedisStore::events(const EventQuery& query) {
  EventPage page;
  if (!query.after.empty() && !is_position(query.after)) return bad_cursor(query.after);
  connection_->command({"XREVRANGE", keys().events(), "+", "-", "COUNT", "1"});
  if (query.after.empty()) {
    auto newest = connection_->one();
    if (!newest) return std::move(newest).error();
    page.next = newest->size() > 0 ? std::string((*newest)[0][0].text()) : "0";
    page.seen = read_bell(page.next);
    return page;
  }
  connection_->command({"HGET", keys().meta(), "ev_trimmed"});
  const std::string from = '(' + query.after;
  const std::string limit = std::to_string(std::clamp(query.limit, 1, 1000));
  connection_->command({"XRANGE", keys().events(), from, "+", "COUNT", limit});
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  page.next = query.after;
  const Reply& newest = (*replies)[0];
  const std::string_view trimmed = (*replies)[1].text();
  page.seen = read_bell(newest.size() > 0 ? newest[0][0].text() : std::string_view("0"));
  page.reset = !trimmed.empty() && read_position(query.after) < read_position(trimmed);
  std::vector<std::pair<Time, std::string>> bodies;  // What asks for lanes voids the replies.
  std::vector<std::string> positions;
  for (const Reply& entry : (*replies)[2].items()) {
    if (entry.size() < 2 || entry[1].size() < 4) continue;
    positions.emplace_back(entry[0].text());
    bodies.emplace_back(read_time(entry[1][1].text()).value_or(Time{}), entry[1][3].text());
  }
  const QueueOf queue = [this](rules::Lane lane) { return queue_of(lane); };
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    page.next = positions[i];
    std::string_view body = bodies[i].second;
    while (!body.empty()) {
      auto event = read_event(take_until(body, '\n'), *mint_, queue);
      if (!event) continue;
      event->id = page.next;
      event->at = bodies[i].first;
      page.events.push_back(*std::move(event));
    }
  }
  return page;
}

Result<Health> RedisStore::check() {
  auto health = check_server(*connection_, space_->address, space_->server_clock);
  if (!health) return health;
  health->store = name();
  connection_->command(
      {"HMGET", keys().meta(), "sessions_lost", "stale_writes_refused", "false_alarms"});
  connection_->command({"HLEN", keys().sessions()});
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  const Reply& counters = (*replies)[0];
  health->sessions_lost = read_number<std::int64_t>(counters[0].text());
  health->stale_writes_refused = read_number<std::int64_t>(counters[1].text());
  health->false_alarms = read_number<std::int64_t>(counters[2].text());
  health->sessions = (*replies)[1].integer();
  return health;
}

}  // namespace penstock::redis
