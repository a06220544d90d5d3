// SPDX-License-Identifier: MIT
#include "cli/demo_watch.h"

#include "cli/table.h"
#include "rules/job_state.h"
#include "rules/json.h"

#include <algorithm>
#include <cstdlib>

namespace penstock::cli {

void DemoWatch::add(const JobId& id, bool small) { jobs_[id].small = small; }

void DemoWatch::killed(const std::string& worker, Time at) {
  dead_worker_ = worker;
  killed_at_ = at;
}

bool DemoWatch::take(const Event& event) {
  const auto found = jobs_.find(event.job);
  if (found == jobs_.end()) return false;
  Seen& seen = found->second;
  if (event.type == Event::Type::progress) {
    // "0.75 what it says"
    char* end = nullptr;
    seen.progress = std::strtod(event.message.c_str(), &end);
    seen.message = *end == ' ' ? end + 1 : end;
  }
  if (event.type != Event::Type::job || !event.to) return true;
  const bool was_running = event.from == JobState::running;
  if (was_running && event.to == JobState::scheduled) ++retries_;
  if (was_running && event.to == JobState::ready && seen.worker == dead_worker_) {
    given_back_.insert(event.job);
  }
  if (event.to == JobState::running && given_back_.contains(event.job)) {
    reruns_.emplace(event.job, std::max(event.at - killed_at_, Duration{0}));
  }
  seen.state = *event.to;
  seen.worker = event.to == JobState::running ? event.worker : "";
  if (rules::is_terminal(*event.to)) ++seen.ends;
  return true;
}

std::size_t DemoWatch::ended(bool small) const {
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, [&](const auto& job) {
    return job.second.small == small && rules::is_terminal(job.second.state);
  }));
}

std::size_t DemoWatch::count(bool small) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(jobs_, [&](const auto& job) { return job.second.small == small; }));
}

bool DemoWatch::all_ended() const { return ended(true) + ended(false) == jobs_.size(); }

std::map<std::string, std::vector<JobId>> DemoWatch::running() const {
  std::map<std::string, std::vector<JobId>> by_worker;
  for (const auto& [id, seen] : jobs_) {
    if (seen.state == JobState::running) by_worker[seen.worker].push_back(id);
  }
  return by_worker;
}

Result<DemoTally> DemoWatch::tally(Client& client) const {
  DemoTally tally{.submitted = static_cast<std::int64_t>(jobs_.size())};
  for (const auto& [id, seen] : jobs_) {
    if (seen.ends > 1) ++tally.ended_twice;
    const auto job = client.find(id);
    if (!job && job.error().code != Errc::not_found && job.error().code != Errc::gone) {
      return job.error();
    }
    if (!job || !rules::is_terminal(job->state)) {
      ++tally.lost;
      continue;
    }
    if (job->state == JobState::succeeded) ++tally.succeeded;
    if (job->state == JobState::failed) ++tally.failed;
    if (job->state == JobState::cancelled) ++tally.cancelled;
    if (job->attempt > 1) ++tally.retried;
    if (job->crashes > 0) ++tally.rescued;
  }
  for (const auto& [id, after] : reruns_) tally.reruns.push_back(after);
  std::ranges::sort(tally.reruns);
  return tally;
}

std::string to_text(const DemoTally& tally) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  const auto state = [](JobState one) { return std::string(rules::to_text(one)); };
  Table table({"RESULT", "JOBS", ""});
  table.row({"submitted", number(tally.submitted), ""});
  table.row({state(JobState::succeeded), number(tally.succeeded), ""});
  table.row({state(JobState::failed), number(tally.failed + tally.cancelled), ""});
  table.row({"retried", number(tally.retried), "failed at first, tried again"});
  table.row({"rescued", number(tally.rescued), "held by the killed worker, ended elsewhere"});
  table.row({"lost", number(tally.lost), ""});
  std::string text = table.text();
  if (!tally.reruns.empty()) {
    text += "kill to re-run: first job after " + number(tally.reruns.front().count()) +
            " ms, last after " + number(tally.reruns.back().count()) + " ms\n";
  }
  return text + number(tally.submitted - tally.lost - tally.ended_twice) + " of " +
         number(tally.submitted) + " jobs ended exactly once, lost " + number(tally.lost) + '\n';
}

std::string to_json(const DemoTally& tally, const std::string& store) {
  rules::JsonWriter json;
  json.begin_object().key("store").text(store).key("submitted").number(tally.submitted);
  json.key(rules::to_text(JobState::succeeded)).number(tally.succeeded);
  json.key(rules::to_text(JobState::failed)).number(tally.failed + tally.cancelled);
  json.key("retried").number(tally.retried).key("rescued").number(tally.rescued);
  json.key("lost").number(tally.lost).key("ended_twice").number(tally.ended_twice);
  if (!tally.reruns.empty()) {
    json.key("rerun_first_ms").number(tally.reruns.front().count());
    json.key("rerun_last_ms").number(tally.reruns.back().count());
  }
  return json.end_object().take() + '\n';
}

}  // namespace penstock::cli
