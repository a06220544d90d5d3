// SPDX-License-Identifier: MIT
//
// A store that loses one call: its request, so that nothing happened, or its reply, so that all of
// it happened; either way the caller is told `unavailable` and cannot know which. Calls are
// numbered from 1; a Fault names the one to lose. Connections that are made by another() count on
// their own and lose nothing unless told to.
#pragma once

#include "store/store.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace penstock::testing {

struct Fault {
  enum class Kind : std::uint8_t { none, request_lost, reply_lost };
  Kind kind = Kind::none;
  std::int64_t call = 0;
};

class FaultyStore : public Store {
 public:
  explicit FaultyStore(std::unique_ptr<Store> inner) : inner_(std::move(inner)) {}

  /// Loses the call with that number, counted from now on.
  void lose(Fault fault) {
    fault_ = fault;
    calls_ = 0;
  }
  /// Asked before every call, with its number; for faults by chance.
  void lose_by(std::function<Fault::Kind(std::int64_t call)> chance) {
    chance_ = std::move(chance);
  }
  /// The same, and of every connection that is made by another() from now on.
  void lose_by_all(std::function<Fault::Kind(std::int64_t call)> chance) {
    chance_ = std::move(chance);
    inherited_ = true;
  }
  [[nodiscard]] std::int64_t calls() const { return calls_; }
  Store& inner() { return *inner_; }

  Result<std::vector<Submitted>> submit(const SubmitCall& call) override {
    return pass([&] { return inner_->submit(call); });
  }
  Result<Changed> cancel(const Selection& which, const RequestId& request) override {
    return pass([&] { return inner_->cancel(which, request); });
  }
  Result<Changed> retry(const Selection& which, const RequestId& request) override {
    return pass([&] { return inner_->retry(which, request); });
  }
  Result<Changed> remove(const Selection& which, const RequestId& request) override {
    return pass([&] { return inner_->remove(which, request); });
  }
  Result<Signalled> signal(const SignalCall& call) override {
    return pass([&] { return inner_->signal(call); });
  }
  Result<void> configure(const Setting& setting, const RequestId& request) override {
    return pass([&] { return inner_->configure(setting, request); });
  }
  Result<SessionId> open(const WorkerProfile& profile) override {
    return pass([&] { return inner_->open(profile); });
  }
  Result<Orders> extend(const SessionId& session, const Vitals& vitals) override {
    return pass([&] { return inner_->extend(session, vitals); });
  }
  Result<Exchange> finish(const FinishCall& call) override {
    return pass([&] { return inner_->finish(call); });
  }
  Result<std::vector<Reserved>> held(const SessionId& session, Call call) override {
    return pass([&] { return inner_->held(session, call); });
  }
  Result<void> note(const SessionId& session, std::span<const Note> notes) override {
    return pass([&] { return inner_->note(session, notes); });
  }
  Result<void> close(const SessionId& session, Call call) override {
    return pass([&] { return inner_->close(session, call); });
  }
  Result<Woken> wait(const WaitFor& what, SteadyTime deadline, Ring& ring) override {
    return inner_->wait(what, deadline, ring);
  }
  Result<Step> promote(const Due& due, Time now, const Budget& budget) override {
    return pass([&] { return inner_->promote(due, now, budget); });
  }
  Result<Step> rescue(SessionNumber session, std::uint64_t seen, const Death& death, Time now,
                      const Budget& budget) override {
    return pass([&] { return inner_->rescue(session, seen, death, now, budget); });
  }
  Result<Step> prune(const PruneCall& call, Time now, const Budget& budget) override {
    return pass([&] { return inner_->prune(call, now, budget); });
  }
  Result<std::optional<Record>> find(const Ref& ref) override {
    return pass([&] { return inner_->find(ref); });
  }
  Result<Listing> list(const Query& query) override {
    return pass([&] { return inner_->list(query); });
  }
  Result<Counts> count(const CountQuery& query) override {
    return pass([&] { return inner_->count(query); });
  }
  Result<EventPage> events(const EventQuery& query) override {
    return pass([&] { return inner_->events(query); });
  }
  Result<Health> check() override {
    return pass([&] { return inner_->check(); });
  }
  Result<std::unique_ptr<Store>> another() override {
    auto opened = inner_->another();
    if (!opened) return std::move(opened).error();
    auto another = std::make_unique<FaultyStore>(*std::move(opened));
    if (inherited_) another->lose_by_all(chance_);
    return std::unique_ptr<Store>(std::move(another));
  }
  std::unique_ptr<Ring> make_ring() override { return inner_->make_ring(); }
  Clock& clock() override { return inner_->clock(); }
  [[nodiscard]] const std::string& name() const override { return inner_->name(); }

 private:
  template <class Verb>
  auto pass(Verb verb) -> decltype(verb()) {
    const std::int64_t number = ++calls_;
    Fault::Kind kind = chance_ ? chance_(number) : Fault::Kind::none;
    if (fault_.call == number) kind = fault_.kind;
    if (kind == Fault::Kind::request_lost) return lost("request", number);
    auto answer = verb();
    if (kind == Fault::Kind::reply_lost) return lost("reply", number);
    return answer;
  }
  static Error lost(const char* what, std::int64_t number) {
    return {Errc::unavailable,
            std::string(what) + " of call " + std::to_string(number) + " was lost on purpose"};
  }

  std::unique_ptr<Store> inner_;
  Fault fault_;
  std::function<Fault::Kind(std::int64_t)> chance_;
  bool inherited_ = false;
  std::int64_t calls_ = 0;
};

}  // namespace penstock::testing
