// SPDX-License-Identifier: MIT
//
// A worker with real threads and real time on a database in memory, and a client of it. Nothing
// sleeps: tests wait for ends of jobs and for what handlers signal.
#pragma once

#include <penstock/json.h>
#include <penstock/log.h>
#include <penstock/worker.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace penstock::testing {

inline constexpr Duration patience{20'000};

/// A database of its own, a client, and a worker that runs until the test ends.
class WorkerFixture : public ::testing::Test {
 protected:
  WorkerFixture()
      : url_("sqlite::memory:?prefix=worker" + std::to_string(++count_)),
        client_(Client::open(url_).value()) {
    set_log_level(LogLevel::off);
  }
  // Twice: what still runs is given back.
  ~WorkerFixture() override {
    if (!worker_) return;
    worker_->stop();
    worker_->stop();
  }

  void start(WorkerOptions options = {}) {
    if (options.concurrency == 0) options.concurrency = 2;
    worker_ = std::make_unique<Worker>(Worker::open(url_, tasks_, options).value());
    thread_ = std::jthread([this] { ended_ = worker_->run(); });
  }
  void join() { thread_.join(); }
  JobId submit(std::string task, SubmitOptions options = {}) {
    return client_.submit(std::move(task), json(), std::move(options)).value();
  }
  Job find(const JobId& id) { return client_.find(id).value(); }
  std::string wait(const JobId& id) { return client_.wait_text(id, patience).value(); }
  Errc wait_error(const JobId& id) {
    const auto result = client_.wait_text(id, patience);
    return result ? Errc::internal : result.error().code;
  }
  Job failed(const JobId& id) {
    EXPECT_EQ(wait_error(id), Errc::job_failed);
    return find(id);
  }

  static inline int count_ = 0;
  std::string url_;
  Client client_;
  Tasks tasks_;
  std::unique_ptr<Worker> worker_;
  Result<void> ended_;
  std::jthread thread_;
};

}  // namespace penstock::testing
