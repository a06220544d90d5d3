// SPDX-License-Identifier: MIT
//
// A worker's counters in the text form of Prometheus. Names: docs/operating.md.
#pragma once

#include "rules/tally.h"

#include <string>

namespace penstock {

struct WorkerGauges {
  std::int64_t running = 0, rss_bytes = 0;
  Duration uptime{0};
};

std::string metrics_text(const rules::Tally& tally, const WorkerGauges& gauges);

}  // namespace penstock
