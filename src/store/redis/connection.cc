// SPDX-License-Identifier: MIT
#include "store/redis/connection.h"

#include "rules/name.h"
#include "store/redis/errors.h"

#include <algorithm>

namespace penstock::redis {
namespace {

Error outcome_unknown(Error error) {
  error.message += "; whether the call took effect is not known";
  return error;
}

}  // namespace

Connection::Connection(const Address& address, const Timeouts& timeouts, Clock& clock,
                       ConnectionPlace place)
    : address_(address),
      timeouts_(timeouts),
      clock_(clock),
      place_(std::move(place)),
      where_(redis::where(address)) {}

void Connection::command(Words words) {
  request_.begin(words.size());
  for (const std::string_view word : words) request_.word(word);
}

void Connection::call(const Script& script, Words keys, Words arguments) {
  request_.begin(3 + keys.size() + arguments.size(), &script);
  request_.word("EVALSHA");
  request_.word(script.sha1);
  request_.word(std::to_string(keys.size()));
  for (const std::string_view key : keys) request_.word(key);
  for (const std::string_view argument : arguments) request_.word(argument);
}

Result<std::span<const Reply>> Connection::exchange() {
  if (awaited_ > 0) drop();
  if (auto ok = ensure_connected(); !ok) {
    request_.clear();
    return std::move(ok).error();
  }
  reader_.reset();
  replies_.clear();
  auto ok = round_trip(request_, replies_);
  if (ok) ok = send_unknown_again();
  request_.clear();
  if (!ok) {
    drop();
    if (connecting_ || ok.error().code != Errc::unavailable) return std::move(ok).error();
    return outcome_unknown(std::move(ok).error());
  }
  return std::span<const Reply>(replies_);
}

Result<Reply> Connection::one() {
  CHECK(request_.size() == 1);
  const auto replies = exchange();
  if (!replies) return replies.error();
  const Reply& reply = replies->front();
  if (reply.is_error()) return to_error(reply, where_);
  return reply;
}

Result<void> Connection::round_trip(const Request& request, std::vector<Reply>& into) {
  if (request.size() == 0) return {};
  if (auto ok = transport_->write(request.bytes()); !ok) return ok;
  return read_replies(request.size(), into);
}

// A read waits for the call time-out at most; that it is over is looked at after each, so that a
// server that sends a byte now and then is given twice the time at most.
Result<void> Connection::read_replies(std::size_t count, std::vector<Reply>& into) {
  std::optional<SteadyTime> deadline;
  while (true) {
    while (count > 0) {
      auto reply = reader_.next();
      if (!reply) return Error{reply.error().code, where_ + ": " + reply.error().message};
      if (!*reply) break;
      into.push_back(**reply);
      --count;
    }
    if (count == 0) return {};
    if (!deadline) {
      deadline = clock_.steady() + timeouts_.call;
    } else if (clock_.steady() >= *deadline) {
      return Error{Errc::unavailable, where_ +
                                          " answers too slowly: look at its load, or raise "
                                          "REDIS_SOCKET_TIMEOUT"};
    }
    const auto got = transport_->read(buffer_);
    if (!got) return got.error();
    if (auto ok = reader_.feed({buffer_.data(), *got}); !ok) return ok;
  }
}

// The scripts and the calls that did not find theirs go out in one write: the server runs them in
// this order.
Result<void> Connection::send_unknown_again() {
  std::vector<std::size_t> calls;
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    if (request_.script_of(i) && is_unknown_script(replies_[i])) calls.push_back(i);
  }
  if (calls.empty()) return {};
  std::vector<const Script*> scripts;
  for (const std::size_t i : calls) {
    const Script* script = request_.script_of(i);
    if (std::find(scripts.begin(), scripts.end(), script) != scripts.end()) continue;
    scripts.push_back(script);
    spare_.begin(3);
    for (const std::string_view word :
         {std::string_view("SCRIPT"), std::string_view("LOAD"), script->text}) {
      spare_.word(word);
    }
  }
  for (const std::size_t i : calls) spare_.repeat(request_.bytes_of(i));
  again_.clear();
  auto ok = round_trip(spare_, again_);
  spare_.clear();
  if (!ok) return ok;
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    if (again_[i].is_error()) return to_error(again_[i], where_);
    if (again_[i].text() == scripts[i]->sha1) continue;
    return Error{Errc::internal, where_ + " gives the script " + std::string(scripts[i]->name) +
                                     " the hash " + rules::printable(again_[i].text()) +
                                     ", the program has " + std::string(scripts[i]->sha1)};
  }
  for (std::size_t i = 0; i < calls.size(); ++i) replies_[calls[i]] = again_[scripts.size() + i];
  return {};
}

Result<void> Connection::send() {
  for (std::size_t i = 0; i < request_.size(); ++i) CHECK(!request_.script_of(i));
  auto ok = ensure_connected();
  if (ok) {
    if (awaited_ == 0) reader_.reset();
    ok = transport_->write(request_.bytes());
    if (!ok) drop();
  }
  if (ok) awaited_ += request_.size();
  request_.clear();
  return ok;
}

Result<std::optional<Reply>> Connection::receive(SteadyTime deadline) {
  if (awaited_ == 0) {
    return Error{Errc::unavailable, where_ + ": the connection ended; send the command again"};
  }
  while (true) {
    auto reply = reader_.next();
    if (reply && *reply) {
      --awaited_;
      return reply;
    }
    auto got = reply ? transport_->read_now(buffer_) : Result<std::size_t>(reply.error());
    if (got && *got > 0) {
      if (auto ok = reader_.feed({buffer_.data(), *got}); !ok) got = ok.error();
    }
    if (!got) {
      drop();
      return std::move(got).error();
    }
    if (*got > 0) continue;
    const SteadyTime now = clock_.steady();
    if (now >= deadline) return std::optional<Reply>();
    wait_readable(transport_->fd(), deadline - now);
  }
}

}  // namespace penstock::redis
