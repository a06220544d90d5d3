// SPDX-License-Identifier: MIT
//
// Runs in pages. The store lists them with their state and flow; what does not fit the filter is
// passed over here, so that a page goes on exactly behind the last run that was looked at.
#include "client/runs.h"
#include "rules/advance.h"
#include "rules/name.h"

namespace penstock {
namespace {

constexpr int most_listed = 1000;
constexpr int most_at_once = 250;
constexpr int most_looked_at = 10'000;  // By one call; what is behind them has a cursor.

Result<void> check_filter(const RunFilter& which) {
  if (which.state.empty() || rules::parse_run_state(which.state)) return {};
  return Error{Errc::invalid, "there is no state \"" + rules::printable(which.state) +
                                  "\" of runs in a list: use " + rules::run_state_names() +
                                  " (one that waits is running)"};
}

bool fits(const RunFilter& which, std::string_view state, std::string_view flow) {
  return (which.state.empty() || which.state == state) &&
         (which.flow.empty() || which.flow == flow);
}

}  // namespace

Result<Page<Run>> Runs::list(const std::string& cursor, int limit, const RunFilter& which) {
  if (limit < 1 || limit > most_listed) {
    return Error{Errc::invalid, "a limit of " + std::to_string(limit) + " runs: use 1 to " +
                                    std::to_string(most_listed)};
  }
  if (auto ok = check_filter(which); !ok) return std::move(ok).error();
  auto store = handles_.lend();
  if (!store) return std::move(store).error();
  const bool all = which.state.empty() && which.flow.empty();
  Page<Run> page{.next_cursor = cursor};
  int looked_at = 0;
  do {
    auto listing =
        (*store)->list(RunsQuery{.cursor = page.next_cursor, .limit = all ? limit : most_at_once});
    if (!listing) return std::move(listing).error();
    const auto& listed = std::get<Page<RunListed>>(*listing);
    page.next_cursor = listed.next_cursor;
    for (const RunListed& one : listed.items) {
      ++looked_at;
      if (!fits(which, one.state, one.flow)) continue;
      auto run = brief({one.run});
      // It may have gone, or gone on, since.
      if (!run || !fits(which, run->state, run->flow)) continue;
      page.items.push_back(*std::move(run));
      const bool last = &one == &listed.items.back();
      if (page.items.size() < static_cast<std::size_t>(limit) || last) continue;
      page.next_cursor = one.cursor;
      return page;
    }
  } while (!all && !page.next_cursor.empty() && looked_at < most_looked_at &&
           page.items.size() < static_cast<std::size_t>(limit));
  return page;
}

}  // namespace penstock
