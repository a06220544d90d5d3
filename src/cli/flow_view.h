// SPDX-License-Identifier: MIT
//
// A run as somebody who waits for it sees it: a line for each node that ends, and below them, on a
// terminal, what runs and waits now, with bars for maps.
#pragma once

#include "cli/screen.h"

#include <penstock/client.h>

#include <set>
#include <tuple>

namespace penstock::cli {

class FlowView {
 public:
  /// Shows what is new since the last time.
  void show(const Run& run);

 private:
  struct Line {
    std::string text;
    Screen::Tone tone = Screen::Tone::plain;
  };
  void say_ended(const RunNode& node, std::vector<Line>& lines);

  Screen screen_{{.to_stderr = true}};  // Standard output is for the run's output.
  /// Nodes, visits and how they ended, or what they wait for: behind a loop what was skipped may
  /// run yet.
  std::set<std::tuple<std::string, int, std::string>> told_ = {};
  std::size_t history_told_ = 0;
};

/// Waits for the end of a run and shows how it goes on. SIGINT ends the process with 130, the run
/// goes on. Errors: timed_out, those of the client.
Result<Run> watch_run(Client& client, const RunId& id, Duration patience, bool quiet);

/// "312ms"; "-" when it has not both begun and ended.
std::string ran_for(const RunNode& node);
/// Why it failed, what it waits for, or how far it is; may be empty.
std::string note_of(const RunNode& node);
/// "2026-01-31T10:00:00.000Z gate review#1 was answered by ada", of an entry of Run::history.
std::string history_text(const std::string& entry);

}  // namespace penstock::cli
