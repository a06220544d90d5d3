// SPDX-License-Identifier: MIT
//
// One store, one client, and a worker with the flows of a test. A test starts a run, waits for its
// end, and looks at what it left.
#pragma once

#include "tests/support/store_fixture.h"

#include <penstock/client.h>
#include <penstock/flow.h>
#include <penstock/log.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace penstock::testing {

constexpr Duration flow_patience{5'000};
/// Retries at once.
inline const Backoff at_once{.kind = Backoff::Kind::none};

/// What nodes did, in order; thread-safe.
class Trace {
 public:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(what));
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    lines_.clear();
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  [[nodiscard]] std::string joined() const {
    std::string text;
    for (const std::string& line : lines()) text += (text.empty() ? "" : " ") + line;
    return text;
  }
  [[nodiscard]] int count(const std::string& what) const {
    const auto all = lines();
    return static_cast<int>(std::ranges::count(all, what));
  }
  [[nodiscard]] std::size_t place(const std::string& what) const {
    const auto all = lines();
    return static_cast<std::size_t>(std::ranges::find(all, what) - all.begin());
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class FlowTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  using Run = penstock::Run;  // Not the base's function of that name.

  FlowTest() : client_(Client::open(url()).value()) { set_log_level(LogLevel::off); }
  ~FlowTest() override { stop(); }

  void stop() {
    if (!worker_) return;
    worker_->stop();
    thread_.join();
    worker_.reset();
  }
  /// A worker that offers these flows and `tasks`.
  void work(std::initializer_list<std::reference_wrapper<const Flow>> flows,
            WorkerOptions options = {}) {
    stop();
    Tasks tasks = tasks_;
    for (const Flow& flow : flows) tasks.add(flow).value();
    if (options.concurrency == 0) options.concurrency = 3;
    if (options.grace == WorkerOptions().grace) options.grace = Duration{1000};
    worker_ = std::make_unique<Worker>(Worker::open(url(), tasks, options).value());
    thread_ = std::jthread([this] { (void)worker_->run(); });
  }
  Run wait(const RunId& id) { return client_.wait_run(id, flow_patience).value(); }
  /// Runs to its end with a worker of its own.
  Run run(const Flow& flow, const json& input = json::object()) {
    if (!worker_) work({flow});
    id_ = client_.run(flow, input).value();
    return wait(id_);
  }
  json shared(const std::string& key) { return json::parse(client_.shared(id_).value().at(key)); }
  bool has(const std::string& key) { return client_.shared(id_).value().contains(key); }
  RunNode node(const std::string& name, int visit = 1) {
    const Run run = client_.find_run(id_).value();
    for (const RunNode& one : run.nodes) {
      if (one.node == name && one.visit == visit) return one;
    }
    return {};
  }
  std::string history() {
    std::string text;
    const Run run = client_.find_run(id_).value();
    for (const std::string& line : run.history) text += line + '\n';
    return text;
  }
  /// Waits until a node of the run is in this state.
  void await(const RunId& id, const std::string& node, const std::string& state) {
    const auto ends = real_clock().steady() + flow_patience;
    std::string position;
    while (real_clock().steady() < ends) {
      const Run run = client_.find_run(id).value();
      for (const RunNode& one : run.nodes) {
        if (one.node == node && one.state == state) return;
      }
      position = client_.events(position, Duration{100}).value().second;
    }
    FAIL() << "node " << node << " did not become " << state;
  }

  /// Under the real clock: what is due comes.
  const std::string& url() {
    if (!url_.empty()) return url_;
    static std::atomic<int> count{0};
    url_ = "sqlite::memory:?prefix=flow" + std::to_string(++count);
    if (GetParam() == StoreKind::redis) url_ = server_.emplace(GetParam()).url();
    return url_;
  }

  std::string url_;
  std::optional<StoreUnderTest> server_;
  Client client_;
  Tasks tasks_;
  Trace trace_;
  RunId id_;
  std::unique_ptr<Worker> worker_;
  std::jthread thread_;
};

inline std::vector<StoreKind> flow_stores() { return {StoreKind::sqlite_memory, StoreKind::redis}; }
inline std::string flow_store_name(const ::testing::TestParamInfo<StoreKind>& info) {
  return to_text(info.param);
}

}  // namespace penstock::testing
