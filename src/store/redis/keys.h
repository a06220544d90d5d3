// SPDX-License-Identifier: MIT
//
// The keys of a namespace, as far as the program names them: everything starts with PREFIX:{0}:,
// so that all keys of one script lie in one slot of a cluster. Scripts derive the others from the
// first part of their one key (docs/redis.md lists them all). In a key, ':' of a name is written
// %3A unless the name stands last, and no pool is '-'.
#pragma once

#include <string>
#include <string_view>

namespace penstock::redis {

class Keys {
 public:
  explicit Keys(std::string_view prefix)
      : root_(std::string(prefix) + ":meta"), shard_(std::string(prefix) + ":{0}:") {
    meta_ = shard_ + "meta";
  }

  /// HASH: layout and secret of the namespace, over all shards.
  [[nodiscard]] const std::string& root() const { return root_; }
  /// HASH: layout, run id and counters of the shard.
  [[nodiscard]] const std::string& meta() const { return meta_; }
  [[nodiscard]] std::string lanes() const { return shard_ + "lanes"; }
  [[nodiscard]] std::string queues() const { return shard_ + "queues"; }
  [[nodiscard]] std::string queue(std::string_view name) const { return of("queue:", name); }
  [[nodiscard]] std::string counts(std::string_view queue) const { return of("n:", queue); }
  [[nodiscard]] std::string sessions() const { return shard_ + "sessions"; }
  [[nodiscard]] std::string session(std::string_view number) const { return of("ses:", number); }
  [[nodiscard]] std::string alias(std::string_view own_id) const { return of("alias:", own_id); }
  [[nodiscard]] std::string log(std::string_view job) const { return of("log:", job); }
  [[nodiscard]] std::string job(std::string_view job) const { return of("job:", job); }
  [[nodiscard]] std::string events() const { return shard_ + "ev"; }
  [[nodiscard]] std::string wake_due() const { return shard_ + "wake_due"; }
  [[nodiscard]] std::string wake(std::string_view queue, std::string_view pool) const;
  /// The middle of the keys of a lane's lists: "queue:pool:priority".
  [[nodiscard]] static std::string lists(std::string_view queue, std::string_view pool,
                                         int priority);
  /// Everything of the shard begins so.
  [[nodiscard]] const std::string& shard() const { return shard_; }

 private:
  [[nodiscard]] std::string of(std::string_view kind, std::string_view name) const {
    return std::string(shard_).append(kind).append(name);
  }
  std::string root_, shard_, meta_;
};

}  // namespace penstock::redis
