// SPDX-License-Identifier: MIT
#include "worker/metrics_text.h"

#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

namespace penstock {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.type = type;
  return made;
}

MetricFamily gauge(std::string name, std::string help, double value) {
  MetricFamily made = family(std::move(name), std::move(help), MetricType::Gauge);
  made.metric.emplace_back().gauge.value = value;
  return made;
}

void count(MetricFamily& into, Labels labels, std::int64_t value) {
  ClientMetric& metric = into.metric.emplace_back();
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
}

void observe(MetricFamily& into, Labels labels, const rules::Histogram& seen) {
  ClientMetric& metric = into.metric.emplace_back();
  metric.label = std::move(labels);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < seen.counts.size(); ++i) {
    below += static_cast<std::uint64_t>(seen.counts[i]);
    const bool last = i == rules::Histogram::bounds_ms.size();
    metric.histogram.bucket.push_back(
        {.cumulative_count = below,
         .upper_bound = last ? std::numeric_limits<double>::infinity()
                             : seconds(rules::Histogram::bounds_ms[i])});
  }
  metric.histogram.sample_count = below;
  metric.histogram.sample_sum = seconds(seen.sum_ms);
}

}  // namespace

std::string metrics_text(const rules::Tally& tally, const WorkerGauges& gauges) {
  MetricFamily finished =
      family("penstock_jobs_finished_total", "Jobs that came to an end here", MetricType::Counter);
  MetricFamily retries =
      family("penstock_job_retries_total", "Attempts after which the job waits for another",
             MetricType::Counter);
  MetricFamily wait =
      family("penstock_job_wait_seconds", "From submit to the first start", MetricType::Histogram);
  MetricFamily run =
      family("penstock_job_run_seconds", "How long an attempt ran", MetricType::Histogram);
  for (const auto& [name, one] : tally.tasks()) {
    const Labels labels{{"queue", name.first}, {"task", name.second}};
    const std::pair<JobState, std::int64_t> outcomes[] = {{JobState::succeeded, one.succeeded},
                                                          {JobState::failed, one.failed},
                                                          {JobState::cancelled, one.cancelled}};
    for (const auto& [state, value] : outcomes) {
      Labels with_outcome = labels;
      with_outcome.push_back({"outcome", std::string(rules::to_text(state))});
      count(finished, std::move(with_outcome), value);
    }
    count(retries, labels, one.retried);
    observe(wait, labels, one.wait);
    observe(run, labels, one.run);
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(
      out,
      {finished, retries, wait, run,
       gauge("penstock_active_jobs", "Jobs that run here now", static_cast<double>(gauges.running)),
       gauge("penstock_worker_resident_bytes", "Memory of the worker and its programs",
             static_cast<double>(gauges.rss_bytes)),
       gauge("penstock_worker_uptime_seconds", "Since the worker started",
             seconds(gauges.uptime.count()))});
  return std::move(out).str();
}

}  // namespace penstock
