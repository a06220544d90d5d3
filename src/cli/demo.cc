// SPDX-License-Identifier: MIT
//
// The show. The main thread keeps the worker processes (they die with it), a second one tells the
// story: submit, follow the events, kill a worker in the middle, count.
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/demo_stage.h"
#include "cli/demo_watch.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/name.h"

#include <penstock/log.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>

#include <unistd.h>

namespace penstock {
namespace cli {
namespace {

using Tone = Screen::Tone;

constexpr int processes = 2, slots = 4, small_jobs = 200, interrupted_code = 130;
constexpr std::size_t kill_after = 60;  // Small jobs that have ended by then.
constexpr std::string_view queue = "demo";
constexpr Duration look_again{200}, longest_silence{60'000};

// Most only take a moment; every tenth fails once or twice before it succeeds.
std::vector<JobSpec> small_specs() {
  std::vector<JobSpec> specs;
  for (int i = 0; i < small_jobs; ++i) {
    JobSpec spec{.task = "sleep", .payload = "{\"ms\":" + std::to_string(40 + i * 37 % 160) + "}"};
    if (i % 10 == 3) {
      spec.task = "fail";
      spec.payload = "{\"times\":" + std::to_string(1 + i % 20 / 10) + "}";
    }
    spec.options = {.queue = std::string(queue),
                    .max_attempts = 3,
                    .backoff = Backoff{.kind = Backoff::Kind::fixed, .first = Duration{150}}};
    specs.push_back(std::move(spec));
  }
  return specs;
}

class Show {
 public:
  Show(const Arguments& arguments, const DemoPart& part, Client client, Supervisor& workers,
       Screen& screen)
      : arguments_(arguments),
        part_(part),
        client_(std::move(client)),
        workers_(workers),
        screen_(screen) {}

  /// Plays until every job has ended. True when all went well. Errors: timed_out (nothing happens),
  /// those of the store; conflict when `stop` came first.
  Result<bool> play(const std::stop_token& stop);

 private:
  Result<void> wait_for_workers(const std::stop_token& stop);
  Result<void> submit_all();
  Result<void> follow(const std::stop_token& stop);
  Result<void> kill_one();
  Result<bool> conclude();
  void hear(const Event& event);
  void draw();
  [[nodiscard]] bool describe_part();

  const Arguments& arguments_;
  const DemoPart& part_;
  Client client_;
  Supervisor& workers_;
  Screen& screen_;
  DemoWatch watch_;
  std::string position_ = {};
  std::vector<JobId> part_ids_ = {};
  bool killed_ = false, told_rescue_ = false;
  std::size_t held_ = 0;  // Jobs of the killed worker.
};

Result<bool> Show::play(const std::stop_token& stop) {
  auto now = client_.events("", Duration{0});
  if (!now) return std::move(now).error();
  position_ = now->second;
  if (auto ok = wait_for_workers(stop); !ok) return std::move(ok).error();
  if (auto ok = submit_all(); !ok) return std::move(ok).error();
  if (auto ok = follow(stop); !ok) return std::move(ok).error();
  return conclude();
}

Result<void> Show::wait_for_workers(const std::stop_token& stop) {
  const SteadyTime give_up = real_clock().steady() + longest_silence;
  std::string position = position_;
  while (real_clock().steady() < give_up && !stop.stop_requested()) {
    auto live = client_.workers();
    if (!live) return std::move(live).error();
    const std::vector<int> own = workers_.children();
    const auto up = std::ranges::count_if(*live, [&](const WorkerRecord& worker) {
      return std::ranges::find(own, worker.pid) != own.end();
    });
    if (up == processes) return {};
    auto page = client_.events(position, look_again);
    if (!page) return std::move(page).error();
    position = page->second;
  }
  return Error{Errc::timed_out, "the worker processes did not come up: try penstock doctor"};
}

Result<void> Show::submit_all() {
  std::vector<JobSpec> specs = part_.jobs;
  for (JobSpec& spec : specs) spec.options.queue = queue;
  const std::size_t own = specs.size();
  for (JobSpec& spec : small_specs()) specs.push_back(std::move(spec));
  auto answers = client_.submit(specs);
  if (!answers) return std::move(answers).error();
  for (std::size_t i = 0; i < answers->size(); ++i) {
    const Submitted& answer = (*answers)[i];
    if (answer.error) return *answer.error;
    watch_.add(answer.id, i >= own);
    if (i < own) part_ids_.push_back(answer.id);
  }
  std::string what = std::to_string(small_jobs) + " small jobs";
  if (own > 0) what = part_.title + " and " + what;
  screen_.say("Submitted " + what + " to queue " + std::string(queue) +
              ". Every tenth small job fails at first and is tried again.");
  return {};
}

Result<void> Show::follow(const std::stop_token& stop) {
  SteadyTime silent_since = real_clock().steady();
  while (!watch_.all_ended()) {
    if (stop.stop_requested()) return Error{Errc::conflict, "stopped before every job had ended"};
    auto page = client_.events(position_, look_again, 1000);
    if (!page) return std::move(page).error();
    position_ = page->second;
    const SteadyTime now = real_clock().steady();
    for (const Event& event : page->first) {
      if (!watch_.take(event)) continue;
      silent_since = now;
      hear(event);
    }
    if (now - silent_since > longest_silence) {
      return Error{Errc::timed_out,
                   "no job has moved for " + rules::format_duration(longest_silence) +
                       ": look with penstock doctor --store " + arguments_.store()};
    }
    if (!killed_ && watch_.ended(true) >= kill_after) {
      if (auto ok = kill_one(); !ok) return ok;
    }
    draw();
  }
  screen_.clear();
  return {};
}

void Show::hear(const Event& event) {
  const bool of_part = std::ranges::find(part_ids_, event.job) != part_ids_.end();
  if (of_part && event.type == Event::Type::log) {
    screen_.say("  " + part_.title + ": " + event.message);
  }
  if (!killed_ || told_rescue_ || watch_.running_again() == 0) return;
  if (watch_.running_again() < watch_.given_back()) return;
  told_rescue_ = true;
  screen_.say("Its " + std::to_string(watch_.given_back()) +
                  " jobs were taken back and run again elsewhere.",
              Tone::good);
}

// The worker with the most of our small jobs, rather not the one that runs another part.
Result<void> Show::kill_one() {
  auto live = client_.workers();
  if (!live) return std::move(live).error();
  const std::vector<int> own = workers_.children();
  const auto running = watch_.running();
  const WorkerRecord* victim = nullptr;
  std::size_t most = 0;
  for (const WorkerRecord& worker : *live) {
    const auto jobs = running.find(worker.worker);
    if (jobs == running.end() || std::ranges::find(own, worker.pid) == own.end()) continue;
    const auto is_small = [&](const JobId& id) { return watch_.seen(id).small; };
    const bool all_small = std::ranges::all_of(jobs->second, is_small);
    const std::size_t worth = jobs->second.size() + (all_small ? 1000 : 0);
    if (worth <= most) continue;
    most = worth;
    victim = &worker;
    held_ = jobs->second.size();
  }
  if (!victim) return {};  // Between two jobs; the next event brings another chance.
  killed_ = true;
  watch_.killed(victim->worker, client_.clock().now());
  kill(victim->pid, SIGKILL);
  screen_.say("Killed worker process " + std::to_string(victim->pid) +
                  " with SIGKILL while it held " + std::to_string(held_) + " jobs.",
              Tone::bad);
  return {};
}

void Show::draw() {
  std::vector<Screen::Bar> bars;
  const std::size_t all = watch_.count(true), done = watch_.ended(true);
  bars.push_back({.title = "small jobs",
                  .share = static_cast<double>(done) / static_cast<double>(all),
                  .note = std::to_string(done) + " of " + std::to_string(all) + " ended, " +
                          std::to_string(watch_.retries()) + " retries"});
  if (!part_ids_.empty()) {
    double share = 0;
    std::string note;
    for (const JobId& id : part_ids_) {
      const DemoWatch::Seen& seen = watch_.seen(id);
      share += seen.ends > 0 ? 1 : seen.progress;
      note = seen.ends > 0 ? "ended" : seen.message;
    }
    bars.push_back({part_.title, share / static_cast<double>(part_ids_.size()), note});
  }
  screen_.bars(std::move(bars));
}

bool Show::describe_part() {
  bool well = true;
  for (const JobId& id : part_ids_) {
    const auto job = client_.find(id);
    Result<std::string> text = std::string(rules::to_text(JobState::succeeded));
    if (!job) {
      text = job.error();
    } else if (job->state != JobState::succeeded) {
      text = Error{Errc::job_failed, "job " + id.text + " did not succeed: " + job->error};
    } else if (part_.describe) {
      text = part_.describe(*job);
    }
    well = well && text;
    screen_.say(part_.title + ": " + (text ? *text : text.error().message),
                text ? Tone::good : Tone::bad);
  }
  return well;
}

Result<bool> Show::conclude() {
  const bool part_well = describe_part();
  auto tally = watch_.tally(client_);
  if (!tally) return std::move(tally).error();
  std::cout << (arguments_.json() ? to_json(*tally, rules::without_password(client_.store_name()))
                                  : to_text(*tally))
            << std::flush;
  return part_well && tally->lost == 0 && tally->ended_twice == 0 && killed_ &&
         tally->succeeded == tally->submitted;
}

SupervisorOptions worker_processes(const Arguments& arguments, const std::string& url) {
  SupervisorOptions options{.store = url,
                            .command = {arguments.program(),
                                        "worker",
                                        "--store",
                                        url,
                                        "--queues",
                                        std::string(queue),
                                        "--concurrency",
                                        std::to_string(slots),
                                        "--processes",
                                        "1",
                                        "--index",
                                        "{index}",
                                        "--builtin-tasks",
                                        "--max-jobs",
                                        "0",
                                        "--grace",
                                        "5s",
                                        "--log-level",
                                        "error",
                                        "--quiet"},
                            .processes = processes,
                            .grace = Duration{5000}};
  if (const std::string file = arguments.text("--config"); !file.empty()) {
    options.command.insert(options.command.end(), {"--config", file});
  }
  return options;
}

void say_how_to_look(const Arguments& arguments, const std::string& url, Screen& screen) {
  const std::string program = arguments.program();
  screen.say("\nThe workers stay up. In another terminal:\n  export PENSTOCK_STORE=" + url +
             "\n  " + program + " job list\n  " + program + " workers\n  " + program +
             " submit sleep '{\"ms\":3000}' --queue " + std::string(queue) +
             " --wait\nCtrl+C ends them.");
}

int play_on(const DemoStage& stage, const Arguments& arguments, const DemoPart& part) {
  Screen screen({.quiet = arguments.quiet(), .to_stderr = arguments.json()});
  std::stop_source stop;
  std::atomic<bool> interrupted = false;
  SignalThread signals([&](int number) {
    if (number != SIGTERM && number != SIGINT) return;
    interrupted = true;
    stop.request_stop();
  });
  screen.say("Store: " + rules::without_password(stage.url()) + " (from " +
             (stage.own() ? "demo, a fresh file" : arguments.origin("--store")) + ")");
  auto client = Client::open(stage.url());
  if (!client) return fail(arguments, client.error());
  auto workers = Supervisor::open(worker_processes(arguments, stage.url()));
  if (!workers) return fail(arguments, workers.error());
  set_log_sink([&](LogLevel, std::string_view line) { screen.say(std::string(line)); });
  screen.say("Starting " + std::to_string(processes) + " worker processes with " +
             std::to_string(slots) + " slots each.");
  Result<bool> outcome = false;
  std::jthread story([&] {
    Show show(arguments, part, *std::move(client), *workers, screen);
    outcome = show.play(stop.get_token());
    screen.clear();
    if (!outcome || !*outcome || arguments.has("--once")) {
      stop.request_stop();
    } else {
      say_how_to_look(arguments, stage.url(), screen);
    }
  });
  const auto ended = workers->run(stop.get_token());
  stop.request_stop();
  story.join();
  set_log_sink({});
  signals.end();
  if (!ended) return fail(arguments, ended.error());
  if (!outcome && interrupted) return interrupted_code;
  if (!outcome) return fail(arguments, outcome.error());
  return *outcome ? 0 : 1;
}

}  // namespace

Command demo_command() {
  return {.name = "demo",
          .summary = "The show: 200 small jobs, two worker processes, one of them killed",
          .flags = demo_flags(),
          .run = [](const Arguments& arguments) { return run_demo(arguments, {}); }};
}

}  // namespace cli

std::vector<Flag> demo_flags() {
  return {{"--once", "", "end when every job has ended, instead of on Ctrl+C"}};
}

int run_demo(const Arguments& arguments, const DemoPart& part) {
  auto stage = cli::DemoStage::open(arguments);
  if (!stage) return cli::fail(arguments, stage.error());
  const int code = cli::play_on(*stage, arguments, part);
  if (code == 1 && stage->own()) {
    std::cerr << "note: the store is kept in " << stage->url() << '\n';
  } else {
    stage->remove();
  }
  return code;
}

}  // namespace penstock
