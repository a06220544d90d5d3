// SPDX-License-Identifier: MIT
#include "cli/flow_view.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/json_object.h"
#include "rules/name.h"

#include <algorithm>
#include <array>
#include <csignal>

#include <unistd.h>

namespace penstock::cli {
namespace {

constexpr std::size_t most_bars = 12;  // Lines that move: a terminal is not high.
constexpr Duration shortest_look{100}, longest_look{2000};

bool in_state(const RunNode& node, JobState state) { return node.state == rules::to_text(state); }

bool has_begun(const RunNode& node) {
  return in_state(node, JobState::running) || in_state(node, JobState::waiting);
}

std::string name_of(const RunNode& node) {
  return rules::printable(node.node) + (node.visit > 1 ? '#' + std::to_string(node.visit) : "");
}

Screen::Bar bar_of(const RunNode& node) {
  Screen::Bar bar{.title = name_of(node)};
  if (node.items && *node.items > 0) {
    bar.share = static_cast<double>(node.done.value_or(0)) / static_cast<double>(*node.items);
  }
  bar.note = note_of(node);
  if (bar.note.empty()) bar.note = node.state + (node.worker.empty() ? "" : " on " + node.worker);
  return bar;
}

// What Ctrl-C leaves behind: the run goes on, and whoever watched it learns how to come back.
std::array<char, 512> farewell{};  // Of the process, since a handler of signals has nothing else.
std::size_t farewell_size = 0;

extern "C" void leave(int /*number*/) {
  (void)!write(STDERR_FILENO, farewell.data(), farewell_size);
  _exit(128 + SIGINT);
}

class OnInterrupt {
 public:
  explicit OnInterrupt(const std::string& text) {
    farewell_size = text.copy(farewell.data(), farewell.size());
    sigaction(SIGINT, nullptr, &before_);
    if (before_.sa_handler == SIG_IGN) return;  // As a shell does for what runs in the background.
    struct sigaction action {};
    action.sa_handler = leave;
    sigaction(SIGINT, &action, nullptr);
  }
  ~OnInterrupt() { sigaction(SIGINT, &before_, nullptr); }
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  struct sigaction before_ {};
};

std::string wait_of(const RunNode& node) {
  std::string text = "waits for " + node.waits_for;
  if (!node.inside.empty()) text += ' ' + node.inside;
  if (!node.prompt.empty()) text += ": " + rules::printable(node.prompt);
  std::string choices;
  for (const std::string& choice : node.choices) {
    choices += (choices.empty() ? " (" : ", ") + rules::printable(choice);
  }
  if (!choices.empty()) text += choices + ')';
  if (node.until) text += ", until " + rules::format_time(*node.until);
  return text;
}

}  // namespace

std::string ran_for(const RunNode& node) {
  if (!node.started_at || !node.finished_at) return "-";
  return rules::format_duration(
      std::chrono::duration_cast<Duration>(*node.finished_at - *node.started_at));
}

std::string note_of(const RunNode& node) {
  if (!node.error.empty()) return rules::printable(node.error.substr(0, node.error.find('\n')));
  if (!node.waits_for.empty() && !node.finished_at) return wait_of(node);
  if (in_state(node, JobState::ready) || in_state(node, JobState::scheduled)) {
    return node.job.empty() ? "" : "penstock job explain " + node.job;
  }
  if (!node.items) return "";
  const std::int64_t failed = node.items_failed.value_or(0);
  return std::to_string(node.done.value_or(0)) + " of " + std::to_string(*node.items) + " items" +
         (failed > 0 ? ", " + std::to_string(failed) + " failed" : "");
}

std::string history_text(const std::string& entry) {
  constexpr std::size_t longest = 500;
  const auto parsed = rules::JsonObject::parse(entry);
  if (!parsed) return rules::printable(entry, longest);
  const auto at = parsed->number("at_ms");
  const auto text = parsed->text("text");
  if (!at || !*at || !text || !*text) return rules::printable(entry, longest);
  const Time time{Duration{static_cast<std::int64_t>(**at)}};
  return rules::format_time(time) + ' ' + rules::printable(**text, longest);
}

void FlowView::say_ended(const RunNode& node, std::vector<Line>& lines) {
  if (!told_.emplace(node.node, node.visit, node.state).second) return;
  std::string text = name_of(node) + ' ' + node.state;
  if (ran_for(node) != "-") text += " in " + ran_for(node);
  if (!node.action.empty() && node.action != "default") text += ", " + node.action;
  if (const std::string note = note_of(node); !note.empty()) text += ": " + note;
  const bool failed = in_state(node, JobState::failed);
  lines.push_back({std::move(text), failed ? Screen::Tone::bad : Screen::Tone::plain});
}

void FlowView::show(const Run& run) {
  std::vector<Line> lines;
  std::vector<Screen::Bar> bars;
  std::size_t more = 0, ready = 0;
  for (const RunNode& node : run.nodes) {
    if (node.finished_at) {
      say_ended(node, lines);
    } else if (in_state(node, JobState::ready)) {
      ++ready;
    } else if (has_begun(node)) {
      const bool asks =
          !node.waits_for.empty() && node.waits_for != "timer" && node.waits_for != "run";
      if (asks && told_.emplace(node.node, node.visit, node.waits_for).second) {
        lines.push_back({name_of(node) + ' ' + note_of(node) + " (penstock flow signal " +
                         run.id.text + ' ' + name_of(node) + " JSON)"});
      }
      if (bars.size() < most_bars) {
        bars.push_back(bar_of(node));
      } else {
        ++more;
      }
    }
  }
  if (more > 0) bars.push_back({.title = "and " + std::to_string(more) + " more"});
  if (ready > 0) {
    bars.push_back({.title = std::to_string(ready) + " wait for a worker"});
  }
  for (; history_told_ < run.history.size(); ++history_told_) {
    lines.push_back({"history  " + history_text(run.history[history_told_])});
  }
  if (!lines.empty()) screen_.clear();
  for (const Line& line : lines) screen_.say(line.text, line.tone);
  if (run.ended()) bars.clear();
  screen_.bars(std::move(bars));
}

// A look reads the whole run, which may be long: between two of them passes as much time as the
// look has taken, tenfold.
Result<Run> watch_run(Client& client, const RunId& id, Duration patience, bool quiet) {
  const OnInterrupt on_interrupt(
      quiet ? "" : "\nrun " + id.text + " goes on: penstock flow wait " + id.text + '\n');
  if (quiet) return client.wait_run(id, patience);
  FlowView view;
  const SteadyTime give_up = real_clock().steady() + patience;
  while (true) {
    const SteadyTime began = real_clock().steady();
    auto run = client.find_run(id);
    if (!run && run.error().code != Errc::unavailable) return run;
    if (run) view.show(*run);
    if (run && run->ended()) return run;
    const SteadyTime now = real_clock().steady();
    const auto took = std::chrono::duration_cast<Duration>(now - began);
    const auto left = std::chrono::duration_cast<Duration>(give_up - now);
    auto ended = client.wait_run(id, std::min(std::clamp(took * 10, shortest_look, longest_look),
                                              std::max(left, Duration{0})));
    if (ended) continue;
    const bool late = ended.error().code == Errc::timed_out;
    if (!late && ended.error().code != Errc::unavailable) return ended;
    if (real_clock().steady() < give_up) continue;
    if (!late) return ended;
    return Error{Errc::timed_out, "run " + id.text + " has not ended within " +
                                      rules::format_duration(patience) +
                                      ": it goes on, wait for it again"};
  }
}

}  // namespace penstock::cli
