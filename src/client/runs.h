// SPDX-License-Identifier: MIT
//
// Starting, reading and changing runs. Every change is decided in src/rules on what is known of the
// run, and decided again when the store says that this was wrong.
#pragma once

#include "client/handles.h"
#include "client/producer.h"
#include "client/run_reader.h"
#include "rules/run_log.h"

#include <penstock/client.h>

#include <functional>

namespace penstock {

/// Not thread-safe but for the reading methods: the client calls the others under its lock.
class Runs {
 public:
  Runs(Handles& handles, Duration patience)
      : handles_(handles), reader_(handles), patience_(patience) {}

  Result<FlowText> definition(std::string_view flow);
  Result<RunId> start(Producer& producer, const FlowText& flow, std::string input,
                      RunOptions options);
  Result<void> publish(Producer& producer, const FlowText& flow);
  Result<void> signal(Producer& producer, const RunId& run, std::string_view node,
                      std::string_view answer, std::string_view by);
  Result<void> cancel(Producer& producer, const RunId& run, std::string_view why);
  Result<void> retry(Producer& producer, const RunId& run);
  Result<RunId> fork(Producer& producer, const ForkSpec& spec);

  Result<Run> find(const RunId& id);
  Result<Run> brief(const RunId& id);
  Result<Run> wait(const RunId& id, Duration patience);
  Result<Page<Run>> list(const std::string& cursor, int limit, const RunFilter& which);
  Result<std::map<std::string, std::string>> shared(const RunId& id);

 private:
  using Decide = std::function<Result<void>(rules::RunEdit&, const rules::EditOf&)>;
  Result<void> change(Producer& producer, const std::string& run, const Decide& decide);
  Result<rules::PinnedGraph> graph_of(const std::string& run);
  Result<void> add_nodes(Run& run);
  /// What is open in a run: whether all of it waits for somebody, and the places that run.
  struct Open {
    bool only_waits = false;
    std::set<std::string> running = {};
  };
  std::optional<Job> find_job(const std::string& id);
  Result<Open> add_open(const Run& run, const RunReader::Fields& open,
                        std::map<std::string, RunNode>& nodes);
  Result<RunId> write_fork(Producer& producer, const rules::PinnedGraph& pinned,
                           rules::RunImage image);

  Handles& handles_;
  RunReader reader_;
  const Duration patience_;
};

}  // namespace penstock
