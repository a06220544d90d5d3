// SPDX-License-Identifier: MIT
//
// A store of a given kind for one test, and the two who talk to it: a producer that numbers its
// calls, and a session that numbers its own. They throw when the store answers with an error that
// the test did not ask for, so that a test reads as the story it tells.
#pragma once

#include "store/open.h"
#include "tests/support/temp_folder.h"

#include <penstock/testing.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace penstock::testing {

enum class StoreKind : std::uint8_t { sqlite_memory, sqlite_file, redis };
std::vector<StoreKind> all_store_kinds();
std::string to_text(StoreKind kind);

/// An empty store under a clock that stands still.
class StoreUnderTest {
 public:
  explicit StoreUnderTest(StoreKind kind);
  ~StoreUnderTest();
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }
  SimClock& clock() { return clock_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  /// For files: the database's path.
  [[nodiscard]] std::string path() const { return url_.substr(url_.find(':') + 1); }
  std::unique_ptr<Store> another() { return store_->another().value(); }
  /// Opens the URL anew, as another process would.
  Result<std::unique_ptr<Store>> reopen() { return open_store(url_, {.clock = &clock_}); }
  /// Closes every connection of the fixture, so that a test may touch the files.
  void close() { store_.reset(); }

 private:
  TempFolder folder_;
  std::string prefix_;  ///< Of its keys on a server.
  SimClock clock_;
  std::string url_;
  std::unique_ptr<Store> store_;
};

/// A job as rules::admit makes it: payload null unless given. Throws when it is refused.
rules::NewJob new_job(Clock& clock, std::string task, SubmitOptions options = {},
                      std::string payload = "null");

/// A JSON string of so many letters.
std::string quoted(std::size_t letters);

/// One client: a nonce and a call number that grows.
class Producer {
 public:
  explicit Producer(Store& store, std::string nonce = {});

  RequestId next() { return {nonce_, Call{++call_}}; }
  [[nodiscard]] RequestId last() const { return {nonce_, Call{call_}}; }
  void on(Store& store) { store_ = &store; }

  Submitted submit_one(const rules::NewJob& job);
  /// Submits one job that must be accepted as new or known.
  JobId add(std::string task, SubmitOptions options = {}, std::string payload = "null");
  /// "ok", or the name of the error with which the job was refused.
  std::string cancel(const JobId& id);
  std::string retry(const JobId& id);
  std::string remove(const JobId& id);
  std::string promote(const JobId& id);
  void configure(const Setting& setting);

 private:
  Store* store_;
  std::string nonce_;
  std::uint64_t call_ = 0;
};

/// One worker process as the store sees it.
class TestSession {
 public:
  explicit TestSession(Store& store, WorkerProfile profile = {});

  [[nodiscard]] const SessionId& id() const { return id_; }
  [[nodiscard]] SessionNumber number() const { return id_.number; }
  Call next_call() { return Call{++call_}; }
  void on(Store& store) { store_ = &store; }

  [[nodiscard]] Want want(std::size_t jobs) const;
  Result<Exchange> exchange(std::vector<rules::Transition> transitions,
                            std::optional<Want> want = {});
  std::vector<Reserved> reserve(std::size_t jobs = 1);
  /// Takes one job, which must be there.
  Reserved take();
  /// Ends one attempt the way rules::decide says; true when the store accepted it.
  bool end(const Reserved& job, const rules::Outcome& outcome);
  Orders beat();
  std::vector<Reserved> held();
  Result<void> close();

 private:
  Store* store_;
  WorkerProfile profile_;
  SessionId id_;
  std::uint64_t call_ = 0;
};

/// What rules::decide makes of an outcome, under the job's own options and the defaults.
rules::Transition decided(Store& store, const Reserved& job, const rules::Outcome& outcome,
                          bool cancel_requested = false);
/// The beat of a session, as a watcher sees it.
std::uint64_t beat_of(Store& store, SessionNumber session);
/// Retires a session through a watcher of its own and gives back all it held, a budget at a time.
std::int64_t rescue_all(Store& store, SessionNumber session, const std::string& certificate = {});
/// The job, which must exist.
Job find_job(Store& store, const JobId& id);
/// Its state, or "gone", or "none".
std::string state_of(Store& store, const JobId& id);
/// Every event from the beginning of the stream.
std::vector<Event> all_events(Store& store);

}  // namespace penstock::testing
