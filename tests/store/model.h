// SPDX-License-Identifier: MIT
//
// The seam as naively as it can be said: every job in one list, every question answered by looking
// at all of them. What a store does is compared with this, verb by verb. Decisions come from
// src/rules here too; what the model checks is what a store remembers, orders and refuses. It knows
// no idempotency keys, no call numbers and no lost replies: those have cases of their own.
#pragma once

#include "rules/admission.h"
#include "rules/transition.h"
#include "store/store.h"

#include <list>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace penstock::testing {

class Model {
 public:
  /// "new", "dup NAME", or the error's name. The job goes by its task, which is unique.
  std::string submit(const rules::NewJob& job, Time now);
  /// "ok", or the error's name. `ref` is an own id, or the task.
  std::string cancel(const std::string& ref, Time now);
  std::string retry(const std::string& ref, Time now);
  std::string remove(const std::string& ref, Time now);
  std::string promote(const std::string& ref, Time now);
  /// A job that came with a change of a run; it is not refused.
  void add(const rules::NewJob& job, Time now);
  /// What waits or is scheduled is ready; of anything else nothing is changed.
  void wake(const std::string& task, Time now);
  void pause(const std::string& queue, bool on) { set(paused_, queue, on); }
  void drain(const std::string& queue, bool on) { set(draining_, queue, on); }

  void open(SessionNumber session) { sessions_.insert(session); }
  void close(SessionNumber session, Time now) { give_back(session, rules::Interrupted{}, now); }
  void rescue(SessionNumber session, Time now) { give_back(session, rules::Crashed{"x"}, now); }
  /// False when the session does not hold the job.
  bool finish(SessionNumber session, const std::string& task, rules::Transition next, Time now);
  /// The tasks taken, in order; "alone" when the session is to wait for a suspect.
  std::string reserve(SessionNumber session, const Want& want, Time now);
  [[nodiscard]] std::vector<std::string> held(SessionNumber session) const;
  [[nodiscard]] std::size_t cancels(SessionNumber session) const;

  std::int64_t promote_due(Time now);
  std::int64_t prune(Time now);
  /// Newest first, with what describe() shows.
  [[nodiscard]] std::vector<Job> jobs() const;

 private:
  // Given back, back from elsewhere, fresh: in this order, and by number within.
  enum class Turn : std::uint8_t { rescued, again, fresh };
  struct Entry {
    rules::NewJob spec;
    std::int64_t sequence = 0;
    JobState state = JobState::ready;
    int attempt = 0, crashes = 0, misses = 0;
    std::pair<Turn, std::int64_t> place = {};
    Time created{}, ready_at{};
    std::optional<Time> due = {}, expires = {}, keep_until = {};
    bool alone = false, cancel = false;
    SessionNumber session{};
  };
  struct Hold {
    std::int64_t sequence = 0;
    std::optional<Time> until;
  };
  using LaneName = std::tuple<std::string, std::string, int>;

  static void set(std::set<std::string>& in, const std::string& what, bool on) {
    on ? static_cast<void>(in.insert(what)) : static_cast<void>(in.erase(what));
  }
  static LaneName lane_of(const Entry& job) {
    return {job.spec.queue, job.spec.pool, job.spec.priority};
  }
  static bool of_run(const Entry& job) { return !job.spec.own.node.empty(); }
  void forget(const Entry& job, Time now);
  static bool ended(const Entry& job) { return rules::is_terminal(job.state); }
  static rules::Policy policy_of(const Entry& job) {
    return rules::effective(job.spec.own, {}, {});
  }
  Entry* at(std::int64_t sequence);
  Entry* named(const std::string& ref);
  std::string absent(const std::string& ref) const;
  void apply(Entry& job, const rules::Transition& next, Time now);
  void cancel_waiting(Entry& job, Time now);
  void give_back(SessionNumber session, const rules::Outcome& outcome, Time now);
  void take(Entry& job, SessionNumber session);
  Entry* suspect(const Want& want);
  /// The first of a lane, and the best lane of a queue.
  Entry* head(const LaneName& lane, bool alone);
  bool serves(const LaneName& lane, const std::string& queue, const Want& want) const;
  static std::int64_t rank(const Entry& job, Time now);

  std::list<Entry> jobs_;
  std::vector<LaneName> lanes_;  // In the order in which they came to be.
  std::map<std::string, std::int64_t> own_ids_;
  std::map<std::string, Hold> uniques_;
  std::set<std::string> paused_, draining_, ever_;
  std::set<SessionNumber> sessions_;
  SessionNumber told_{};
  std::int64_t sequence_ = 0, again_ = 0;
};

}  // namespace penstock::testing
