// SPDX-License-Identifier: MIT
//
// A job as a reader sees it, from whichever of its places it lies in (scripts/find.lua): an entry
// of a list, the hash of the session that runs it, a result, or a record.
#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

namespace penstock::redis {
namespace {

void read_body(Job& job, std::string_view text) {
  const Body body = split_body(text);
  job.task = body.task;
  job.payload = body.payload;
}

// attempt|task|created|started|finished|until|worker|result, as finish.lua writes it; the task of a
// step of a run is followed by an @.
void read_result(Job& job, std::string_view text) {
  job.attempt = read_number<int>(take_until(text, '|'));
  job.task = take_until(text, '|');
  if (job.task.ends_with('@')) job.task.pop_back();
  job.created_at = read_time(take_until(text, '|')).value_or(Time{});
  job.started_at = read_time(take_until(text, '|'));
  job.finished_at = read_time(take_until(text, '|'));
  take_until(text, '|');
  job.worker = take_until(text, '|');
  job.result = text;
  job.progress = 1;
}

void read_field(Job& job, std::string_view field, std::string_view value) {
  if (field == "task") job.task = value;
  if (field == "payload") job.payload = value;
  if (field == "attempt") job.attempt = read_number<int>(value);
  if (field == "crashes") job.crashes = read_number<int>(value);
  if (field == "created") job.created_at = read_time(value).value_or(Time{});
  if (field == "due") job.scheduled_at = read_time(value);
  if (field == "expires") job.expires_at = read_time(value);
  if (field == "started") job.started_at = read_time(value);
  if (field == "finished") job.finished_at = read_time(value);
  if (field == "worker") job.worker = value;
  if (field == "result") job.result = value;
  if (field == "error") job.error = value;
  if (field == "progress") job.progress = std::strtod(std::string(value).c_str(), nullptr);
  if (field == "message") job.progress_message = value;
  if (field == "unique") job.unique_key = value;
  if (field == "own_id") job.id = JobId{std::string(value)};
  if (field == "options") {
    const auto own = rules::read_options(value);
    job.max_attempts = rules::effective(own ? *own : rules::OwnOptions{}, {}, {}).max_attempts;
  }
  if (field == "tags") {
    if (auto tags = rules::read_string_map(value)) job.tags = *std::move(tags);
  }
}

std::optional<Job> read_found(const Reply& found) {
  const std::string_view letter = found.size() > 0 ? found[0].text() : std::string_view();
  const auto state = letter.size() == 1 ? state_of_letter(letter[0]) : std::nullopt;
  if (!state || found.size() < 2) return std::nullopt;
  Job job;
  job.state = *state;
  const auto number_at = [&](std::size_t i) {
    const std::string_view text = found[i].text();
    return text.empty() ? found[i].integer() : read_number<std::int64_t>(text);
  };
  if (letter == "u") {
    job.created_at = rules::from_ms(number_at(1));
    read_body(job, found[2].text());
  } else if (letter == "r") {
    job.attempt = 1;
    job.created_at = rules::from_ms(number_at(1));
    read_body(job, found[2].text());
    job.started_at = rules::from_ms(number_at(3));
    job.worker = found[4].text();
  } else if (letter == "s") {
    read_result(job, found[1].text());
  } else {
    const Reply& record = found[1];
    for (std::size_t i = 0; i + 1 < record.size(); i += 2) {
      read_field(job, record[i].text(), record[i + 1].text());
    }
    if (job.state == JobState::succeeded) job.progress = 1;
  }
  return job;
}

}  // namespace

Result<std::vector<RedisStore::Found>> RedisStore::read_jobs(std::span<const rules::JobKey> where) {
  std::vector<Found> jobs;
  while (!where.empty()) {
    const auto part = where.first(std::min(where.size(), rules::step_jobs));
    for (const rules::JobKey& key : part) {
      ScriptArguments arguments;
      arguments.add(static_cast<std::uint32_t>(key.lane));
      arguments.add(key.sequence);
      append(scripts::find, arguments);
    }
    auto replies = exchange();
    if (!replies) return std::move(replies).error();
    for (std::size_t i = 0; i < part.size(); ++i) {
      const Reply& reply = (*replies)[i];
      Found found{.job = read_found(reply), .gone = reply.size() > 0 && reply[0].text() == "x"};
      if (found.job && found.job->id.text.empty()) found.job->id = mint_->make(part[i]);
      jobs.push_back(std::move(found));
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      auto& job = jobs[jobs.size() - part.size() + i].job;
      if (!job) continue;
      auto row = lane(part[i].lane);
      if (!row) return std::move(row).error();
      if (!*row) continue;
      job->queue = (*row)->queue;
      job->pool = (*row)->pool;
      job->priority = (*row)->priority;
    }
    where = where.subspan(part.size());
  }
  return jobs;
}

}  // namespace penstock::redis
