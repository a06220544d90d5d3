// SPDX-License-Identifier: MIT
//
// Opening, greeting the server, and calling scripts.
#include "store/redis/redis_store.h"

#include "store/chance.h"
#include "store/redis/errors.h"
#include "store/redis/scripts.gen.h"

#include <charconv>

namespace penstock::redis {
namespace {

constexpr std::string_view layout = "1";

Error other_layout(const Connection& connection, std::string_view found) {
  return Error{Errc::conflict, connection.where() + " keeps " + connection.address().prefix +
                                   " in layout " + std::string(found) +
                                   ", this program knows layout " + std::string(layout) +
                                   ": use a matching version of penstock, or another ?prefix="};
}

}  // namespace

Errc errc_of(std::int64_t answer) {
  const std::int64_t last = static_cast<std::int64_t>(Errc::internal);
  return answer < 0 && answer >= -last - 1 ? static_cast<Errc>(-answer - 1) : Errc::internal;
}

std::int64_t answer_of(const Reply& reply) {
  return reply.size() > 0 ? reply[0].integer() : reply.integer();
}

Result<std::unique_ptr<Store>> RedisStore::open(std::shared_ptr<Namespace> space) {
  auto connection = Connection::open(space->address, space->timeouts);
  if (!connection) return std::move(connection).error();
  std::unique_ptr<RedisStore> store(new RedisStore(std::move(space)));
  store->connection_ = *std::move(connection);
  auto greeted = store->connection_->greet(
      [raw = store.get()](Connection& fresh) { return raw->greet(fresh); });
  if (!greeted) return std::move(greeted).error();
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> RedisStore::another() { return open(space_); }

Result<void> RedisStore::greet(Connection& connection) {
  syncs_always_.reset();
  lanes_are_old_ = lanes_are_old_ || run_id_ != connection.server().run_id;
  run_id_ = connection.server().run_id;
  const auto look = [&]() -> Result<bool> {
    const SteadyTime sent = connection.clock().steady();
    connection.command({"HMGET", keys().root(), "layout", "secret"});
    connection.command({"HGET", keys().meta(), "layout"});
    connection.command({"TIME"});
    auto replies = connection.exchange();
    if (!replies) return std::move(replies).error();
    for (const Reply& reply : replies->first(2)) {
      if (reply.is_error()) return to_error(reply, connection.where());
    }
    space_->server_clock.sample((*replies)[2], sent, connection.clock().steady());
    const Reply& root = (*replies)[0];
    const Reply& shard = (*replies)[1];
    for (const Reply& found : {root[0], shard}) {
      if (!found.is_nil() && found.text() != layout) return other_layout(connection, found.text());
    }
    if (root[0].is_nil() || root[1].is_nil() || shard.is_nil()) return false;
    const std::string_view secret = root[1].text();
    mint_.emplace(read_hex(secret));
    return true;
  };
  auto known = look();
  if (!known) return std::move(known).error();
  if (*known) return {};
  // An empty namespace: whoever comes first makes it, the others find it.
  lanes_.clear();
  connection.command({"HSETNX", keys().root(), "layout", layout});
  connection.command({"HSETNX", keys().root(), "secret", to_hex(new_secret())});
  connection.command({"HSETNX", keys().meta(), "layout", layout});
  auto made = connection.exchange();
  if (!made) return std::move(made).error();
  for (const Reply& reply : *made) {
    if (reply.is_error()) return to_error(reply, connection.where());
  }
  known = look();
  if (!known) return std::move(known).error();
  if (*known) return {};
  return Error{Errc::unavailable, connection.where() +
                                      " forgot what was just written: is somebody "
                                      "flushing it?"};
}

Result<void> RedisStore::ensure_connected() {
  if (connection_->connected()) return {};
  connection_->command({"PING"});
  if (auto connected = connection_->one(); !connected) return std::move(connected).error();
  return {};
}

void RedisStore::append(const Script& script, const ScriptArguments& arguments) {
  const std::string_view key[] = {keys().meta()};
  connection_->call(script, key, arguments.words());
}

Result<Reply> RedisStore::run(const Script& script, const ScriptArguments& arguments) {
  append(script, arguments);
  return connection_->one();
}

Result<std::span<const Reply>> RedisStore::exchange() {
  auto replies = connection_->exchange();
  if (!replies) return replies;
  for (const Reply& reply : *replies) {
    if (reply.is_error()) return to_error(reply, connection_->where());
  }
  return replies;
}

// The reply {-7, layout} of submit and open: somebody has changed the namespace under us.
Result<void> RedisStore::wrong_layout(const Reply& reply) {
  if (reply.size() < 2 || answer_of(reply) >= 0) return {};
  Error error = other_layout(*connection_, reply[1].text());
  if (reply[1].text() == "none") {
    error = {Errc::unavailable, connection_->where() + " has lost everything of " +
                                    space_->address.prefix +
                                    " (flushed?); nothing was written, try again to start anew"};
  }
  connection_->drop();  // The next call greets it anew.
  return error;
}

Result<void> RedisStore::read_lanes() {
  connection_->command({"HGETALL", keys().lanes()});
  auto reply = connection_->one();
  if (!reply) return std::move(reply).error();
  if (std::exchange(lanes_are_old_, false)) lanes_.clear();
  for (std::size_t i = 0; i + 1 < reply->size(); i += 2) {
    const std::string_view name = (*reply)[i].text(), text = (*reply)[i + 1].text();
    const auto first = name.find('|'), second = name.rfind('|');
    if (first == second) continue;
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    LaneRow row{.lane = rules::Lane{number},
                .queue = std::string(name.substr(0, first)),
                .pool = std::string(name.substr(first + 1, second - first - 1))};
    std::from_chars(name.data() + second + 1, name.data() + name.size(), row.priority);
    lanes_[row.lane] = std::move(row);
  }
  return {};
}

Result<const LaneRow*> RedisStore::lane(rules::Lane number) {
  auto found = lanes_.find(number);
  if (found == lanes_.end() || lanes_are_old_) {
    if (auto read = read_lanes(); !read) return std::move(read).error();
    found = lanes_.find(number);
  }
  return found == lanes_.end() ? nullptr : &found->second;
}

std::string RedisStore::queue_of(rules::Lane number) {
  auto row = lane(number);
  return row && *row ? (*row)->queue : std::string();
}

}  // namespace penstock::redis
