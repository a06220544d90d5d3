// SPDX-License-Identifier: MIT
//
// What the steps of runs read while they run: fields and lists of a run, and compiled definitions.
// Slots read at the same time, each over a handle of its own.
#pragma once

#include "client/handles.h"
#include "rules/advance.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace penstock {

/// Thread-safe.
class RunReader {
 public:
  explicit RunReader(Handles& handles) : handles_(handles) {}

  using Fields = std::map<std::string, std::string>;
  /// The named fields that exist.
  Result<Fields> fields(const std::string& run, const std::vector<std::string>& names);
  /// All fields whose name begins so.
  Result<Fields> fields_of(const std::string& run, const std::string& prefix);
  Result<std::vector<std::string>> values(const std::string& run, const std::string& list);
  /// A key of the shared store that has a list, as it was at one moment. Nothing: it is gone.
  Result<std::optional<std::string>> list(const std::string& run, const std::string& key);
  /// An item of a staged list, which never changes: what was read lately is kept. Nothing: there is
  /// no such item.
  Result<std::optional<std::string>> item(const std::string& run, const rules::MapCell& map,
                                          std::int64_t number);
  /// Of a map of flows that has begun. Errors: not_found.
  Result<rules::MapCell> map(const std::string& run, const rules::Place& place);
  /// HASH, or HASH/NODE... for the flow of a run inside. Errors: not_found.
  Result<rules::PinnedGraph> graph(const std::string& name);
  /// Writes to a run outside of a job's end. Errors: conflict.
  Result<void> write(const rules::RunChange& change);
  /// Tells those of these jobs that run to stop.
  Result<void> stop(std::vector<JobId> jobs);
  Result<bool> is_live(SessionNumber session);
  [[nodiscard]] Clock& clock() { return handles_.clock(); }
  /// The session that holds what runs in this worker now.
  void use_session(SessionNumber session) { session_.store(session); }
  [[nodiscard]] SessionNumber session() const { return session_.load(); }

 private:
  using Items = std::vector<std::string>;
  Result<std::shared_ptr<const Items>> chunk(const std::string& run, const std::string& field);
  template <class Ask>
  auto with_store(Ask ask) -> decltype(ask(std::declval<Store&>()));

  Handles& handles_;
  std::atomic<SessionNumber> session_{};
  std::mutex mutex_;  // Guards what follows.
  std::map<std::string, std::shared_ptr<const rules::Graph>> graphs_;
  std::map<std::string, rules::MapCell> maps_;  // By run and place: where its list is staged.
  std::map<std::string, std::shared_ptr<const Items>> chunks_;  // By run and field.
  std::size_t chunk_bytes_ = 0;
};

}  // namespace penstock
