// SPDX-License-Identifier: MIT
#include "tests/simulation/history.h"

#include "rules/job_state.h"
#include "rules/limits.h"
#include "tests/support/store_fixture.h"

#include <map>

namespace penstock::testing {
namespace {

struct Story {
  std::optional<JobState> state;
  int endings = 0;
  std::string told;
};

void follow(const Event& event, Story& story, std::vector<std::string>& faults) {
  const auto name = [](const std::optional<JobState>& state) {
    return state ? std::string(rules::to_text(*state)) : std::string("-");
  };
  story.told += " " + name(event.to);
  if (story.state != event.from) {
    faults.push_back(event.job.text + ": moved from " + name(event.from) + " while it was " +
                     name(story.state) + ":" + story.told);
  }
  if (event.from && !rules::is_legal(*event.from, *event.to)) {
    faults.push_back(event.job.text + ": illegal move:" + story.told);
  }
  story.state = event.to;
  if (rules::is_terminal(*event.to)) ++story.endings;
}

}  // namespace

std::vector<std::string> faults_of_history(Store& store, const std::vector<JobId>& jobs) {
  std::vector<std::string> faults;
  std::map<std::string, Story> stories;
  for (const Event& event : all_events(store)) {
    if (event.type == Event::Type::job && event.to) follow(event, stories[event.job.text], faults);
  }
  for (const JobId& id : jobs) {
    const auto story = stories.find(id.text);
    if (story == stories.end()) {
      faults.push_back(id.text + ": lost, no event tells of it");
      continue;
    }
    if (story->second.endings != 1) {
      faults.push_back(id.text + ": ended " + std::to_string(story->second.endings) +
                       " times:" + story->second.told);
    }
    const Job job = find_job(store, id);
    if (job.state != story->second.state) faults.push_back(id.text + ": state and story differ");
    if (job.attempt > job.max_attempts) faults.push_back(id.text + ": too many attempts");
    if (job.crashes > rules::default_max_crashes) faults.push_back(id.text + ": too many crashes");
  }
  if (stories.size() != jobs.size()) {
    faults.push_back(std::to_string(stories.size()) + " jobs have a story, " +
                     std::to_string(jobs.size()) + " were submitted");
  }
  return faults;
}

}  // namespace penstock::testing
