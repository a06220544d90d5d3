// SPDX-License-Identifier: MIT
//
// submit: all jobs of a call in one script, and what its reply means.
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "store/chance.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

#include <charconv>
#include <tuple>

namespace penstock::redis {
namespace {

constexpr std::size_t most_plain_payload = 16 << 10;  // Larger ones lie in the job's record.
constexpr std::string_view replica_patience_ms = "1000";

// Tells two bodies of one idempotency key apart; collisions only miss a user's mistake. FNV-1a,
// because every build on every machine has to find the same number.
std::uint64_t digest_of(const rules::NewJob& job) {
  std::uint64_t digest = 0xcbf29ce484222325ULL;
  for (const std::string_view text : {std::string_view(job.task), std::string_view(job.queue),
                                      std::string_view(job.pool), std::string_view(job.payload)}) {
    for (const char c : text) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    digest = (digest ^ 0x0aU) * 0x100000001b3ULL;
  }
  return digest;
}

// What can be run with nothing but task and payload lies in its lane's list and nowhere else.
bool is_plain(const rules::NewJob& job) {
  return job.first == JobState::ready && !job.expires_at && job.own_id.empty() &&
         job.unique_key.empty() && job.idempotency_key.empty() && job.tags.empty() &&
         job.own == rules::OwnOptions{} && job.payload.size() <= most_plain_payload;
}

void add_story(ScriptArguments& arguments, std::size_t lane, const rules::NewJob& job) {
  arguments.made(std::to_string(lane) + '*');
  arguments.add(job.task);
  arguments.add(job.payload);
  arguments.add(rules::to_text(job.first));
  arguments.add(job.due);
  arguments.add(job.expires_at);
  arguments.made(rules::write_options(job.own));
  arguments.made(job.tags.empty() ? std::string() : rules::write_string_map(job.tags));
  arguments.add(job.own_id);
  arguments.add(job.unique_key);
  arguments.add(job.unique_until);
  arguments.add(job.idempotency_key);
  arguments.add(digest_of(job));
  arguments.add(job.own.result_ttl ? std::optional(job.own.result_ttl->count()) : std::nullopt);
}

template <class T>
T take_number(std::string_view& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

void skip(std::string_view& text) {
  if (!text.empty()) text.remove_prefix(1);
}

// Reads the words of a reply (scripts/submit.lua) beside the jobs they are about.
class Answers {
 public:
  Answers(std::span<const rules::NewJob> jobs, const rules::IdMint& mint)
      : jobs_(jobs), mint_(mint) {}

  std::vector<Submitted> read(std::string_view reply) {
    while (!reply.empty() && answers_.size() < jobs_.size()) {
      const auto space = reply.find(' ');
      read_word(reply.substr(0, space));
      reply.remove_prefix(space == std::string_view::npos ? reply.size() : space + 1);
    }
    return std::move(answers_);
  }

 private:
  void read_word(std::string_view word) {
    const char kind = word.front();
    skip(word);
    const rules::NewJob& job = jobs_[answers_.size()];
    if (kind == 'r' || kind == 'x') {
      answers_.push_back({.error = kind == 'r' ? draining(job) : reused(job)});
      return;
    }
    rules::JobKey key{.lane = rules::Lane{take_number<std::uint32_t>(word)}};
    skip(word);
    key.sequence = take_number<std::uint64_t>(word);
    const bool has_more = !word.empty();
    skip(word);
    if (kind == 'd') {
      answers_.push_back(
          {.id = has_more ? JobId{std::string(word)} : mint_.make(key), .duplicate = true});
      return;
    }
    for (auto count = take_number<std::uint64_t>(word); count > 0; --count, ++key.sequence) {
      if (answers_.size() == jobs_.size()) return;
      const std::string& own_id = jobs_[answers_.size()].own_id;
      answers_.push_back({.id = own_id.empty() ? mint_.make(key) : JobId{own_id}});
    }
  }
  static Error draining(const rules::NewJob& job) {
    return {Errc::limited, "queue " + job.queue +
                               " is draining and takes no new jobs: penstock queue resume " +
                               job.queue};
  }
  static Error reused(const rules::NewJob& job) {
    return {Errc::invalid, "idempotency key \"" + job.idempotency_key +
                               "\" was used with another task, queue or payload in the last 24 h: "
                               "use a new key"};
  }

  std::span<const rules::NewJob> jobs_;
  const rules::IdMint& mint_;
  std::vector<Submitted> answers_;
};

}  // namespace

Result<std::vector<Submitted>> RedisStore::submit(const SubmitCall& call) {
  if (call.jobs.size() > rules::step_jobs) {
    return Error{Errc::too_large, std::to_string(call.jobs.size()) +
                                      " jobs in one call, the limit is " +
                                      std::to_string(rules::step_jobs) + ": split them"};
  }
  if (auto connected = ensure_connected(); !connected) return std::move(connected).error();
  std::map<std::tuple<std::string_view, std::string_view, int>, std::size_t> lanes;
  std::vector<const rules::NewJob*> first_of_lane;
  std::vector<std::size_t> lane_of_job;
  for (const rules::NewJob& job : call.jobs) {
    const auto [lane, is_new] =
        lanes.try_emplace({job.queue, job.pool, job.priority}, lanes.size() + 1);
    if (is_new) first_of_lane.push_back(&job);
    lane_of_job.push_back(lane->second);
  }
  ScriptArguments arguments;
  arguments.add("1");
  arguments.add(connection_->server().run_id);
  arguments.add(clock().now());
  arguments.add(call.request.nonce);
  arguments.add(static_cast<std::uint64_t>(call.request.call));
  arguments.add(random_number() % jump_range);
  arguments.add(first_of_lane.size());
  for (const rules::NewJob* job : first_of_lane) {
    arguments.add(job->queue);
    arguments.add(job->pool);
    arguments.add(job->priority);
    arguments.made(Keys::lists(job->queue, job->pool, job->priority));
    arguments.made(keys().wake(job->queue, job->pool));
  }
  for (std::size_t i = 0; i < call.jobs.size(); ++i) {
    const rules::NewJob& job = call.jobs[i];
    if (!is_plain(job)) {
      add_story(arguments, lane_of_job[i], job);
      continue;
    }
    arguments.add(lane_of_job[i]);
    arguments.made(job.task + ' ' + job.payload);
  }
  auto reply = run(scripts::submit, arguments);
  if (!reply) return std::move(reply).error();
  if (auto ours = wrong_layout(*reply); !ours) return std::move(ours).error();
  const std::int64_t answer = answer_of(*reply);
  if (answer == -8) {
    return Error{Errc::limited,
                 "the jobs would need more lanes than the 1048575 that a store can have: use fewer "
                 "queues and pools"};
  }
  if (answer < 0 && errc_of(answer) != Errc::conflict) {
    return Error{Errc::internal, "submit refused its arguments"};
  }
  if (answer < 0) {
    return Error{Errc::conflict, "call " +
                                     std::to_string(static_cast<std::uint64_t>(call.request.call)) +
                                     " of this client is older than its last one: it was answered"};
  }
  std::vector<Submitted> answers = Answers(call.jobs, *mint_).read((*reply)[1].text());
  if (answers.size() != call.jobs.size()) {
    return Error{Errc::internal, "the stored answer is for " + std::to_string(answers.size()) +
                                     " jobs, the call has " + std::to_string(call.jobs.size())};
  }
  const Ack reached = reach(call.ack);
  for (Submitted& one : answers) one.reached = reached;
  return answers;
}

// WAIT is about what this very connection has written, so it goes over it.
Ack RedisStore::reach(const Ack& asked) {
  if (asked.level == Ack::Level::replicated && asked.replicas > 0) {
    const std::string replicas = std::to_string(asked.replicas);
    connection_->command({"WAIT", replicas, replica_patience_ms});
    const auto reply = connection_->one();
    return reply && reply->integer() >= asked.replicas ? asked : Ack::received;
  }
  if (asked.level != Ack::Level::fsynced) return Ack::received;
  if (!syncs_always_) {
    connection_->command({"CONFIG", "GET", "append*"});
    const auto reply = connection_->one();
    if (!reply) return Ack::received;
    bool appends = false, always = false;
    for (std::size_t i = 0; i + 1 < reply->size(); i += 2) {
      const std::string_view name = (*reply)[i].text(), value = (*reply)[i + 1].text();
      if (name == "appendonly") appends = value == "yes";
      if (name == "appendfsync") always = value == "always";
    }
    syncs_always_ = appends && always;
  }
  if (*syncs_always_) return Ack::fsynced;
  // From Redis 7.2 on it can be waited for; before, the command does not exist.
  connection_->command({"WAITAOF", "1", "0", replica_patience_ms});
  const auto reply = connection_->one();
  return reply && reply->size() > 0 && (*reply)[0].integer() >= 1 ? Ack::fsynced : Ack::received;
}

}  // namespace penstock::redis
