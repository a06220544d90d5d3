// SPDX-License-Identifier: MIT
#include "rules/tally.h"

#include "rules/json.h"

#include <algorithm>

namespace penstock::rules {

void Histogram::add(Duration length) {
  const auto bound = std::ranges::lower_bound(bounds_ms, length.count());
  ++counts[static_cast<std::size_t>(bound - bounds_ms.begin())];
  sum_ms += length.count();
}

void Tally::count(const std::string& queue, const std::string& task, const Transition& decided,
                  std::optional<Duration> wait, std::optional<Duration> run) {
  if (decided.move == Move::give_back && !run) return;  // It was never started.
  ++version_;
  TaskTally& tally = tasks_[{queue, task}];
  if (decided.move == Move::succeed) ++tally.succeeded;
  if (decided.move == Move::fail) ++tally.failed;
  if (decided.move == Move::cancel) ++tally.cancelled;
  if (decided.move == Move::retry) ++tally.retried;
  if (wait) tally.wait.add(*wait);
  if (run) tally.run.add(*run);
}

namespace {

void add(JsonWriter& out, std::string_view name, const Histogram& histogram) {
  out.key(name).begin_object().key("sum_ms").number(histogram.sum_ms).key("counts").begin_array();
  for (const std::int64_t count : histogram.counts) out.number(count);
  out.end_array().end_object();
}

}  // namespace

std::string Tally::json_with(bool histograms) const {
  JsonWriter out;
  out.begin_array();
  for (const auto& [name, tally] : tasks_) {
    out.begin_object().key("queue").text(name.first).key("task").text(name.second);
    out.key(to_text(JobState::succeeded)).number(tally.succeeded);
    out.key(to_text(JobState::failed)).number(tally.failed);
    out.key(to_text(JobState::cancelled)).number(tally.cancelled);
    out.key("retried").number(tally.retried);
    if (histograms) {
      add(out, "wait", tally.wait);
      add(out, "run", tally.run);
    }
    out.end_object();
  }
  return out.end_array().take();
}

std::string Tally::json(std::size_t most_bytes) const {
  if (tasks_.empty()) return {};
  for (const bool histograms : {true, false}) {
    std::string text = json_with(histograms);
    if (text.size() <= most_bytes) return text;
  }
  return {};
}

}  // namespace penstock::rules
