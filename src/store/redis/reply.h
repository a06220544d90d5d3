// SPDX-License-Identifier: MIT
//
// What a Redis answers, and how it is read: bytes go into a ReplyReader, replies come out. Replies
// lie in the reader's arena, so that reading allocates nothing once the arena has grown to the size
// of the usual answer; all of them are void after the next reset().
//
// Protocol (RESP 2, the reader of hiredis):  +text  -error  :integer  $length text  *count replies.
#pragma once

#include "rules/check.h"

#include <penstock/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

struct redisReader;

namespace penstock::redis {

/// One reply: a small value that points into its connection's arena. Text is also what a status
/// ("OK") is. Asking for another kind than it is gives 0, "" or no items: a script of ours answers
/// in the shape it documents, and what answers otherwise is found out by kind().
class Reply {
 public:
  enum class Kind : std::uint8_t { nil, integer, text, error, array };

  Reply() = default;
  static Reply of_integer(std::int64_t value) {
    Reply reply(Kind::integer);
    reply.number_ = value;
    return reply;
  }
  /// `kind` is text or error; the bytes must live as long as the reply.
  static Reply of_text(Kind kind, std::string_view text) {
    Reply reply(kind);
    reply.text_ = text.data();
    reply.size_ = text.size();
    return reply;
  }
  static Reply of_items(const Reply* items, std::size_t count) {
    Reply reply(Kind::array);
    reply.items_ = items;
    reply.size_ = count;
    return reply;
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_nil() const { return kind_ == Kind::nil; }
  [[nodiscard]] bool is_error() const { return kind_ == Kind::error; }
  [[nodiscard]] std::int64_t integer() const { return kind_ == Kind::integer ? number_ : 0; }
  /// Of a text or an error.
  [[nodiscard]] std::string_view text() const {
    const bool has = kind_ == Kind::text || kind_ == Kind::error;
    return has ? std::string_view(text_, size_) : std::string_view();
  }
  [[nodiscard]] std::span<const Reply> items() const {
    if (kind_ != Kind::array) return {};
    return {items_, size_};
  }
  [[nodiscard]] std::size_t size() const { return items().size(); }
  /// REQUIRES: i < size().
  const Reply& operator[](std::size_t i) const {
    CHECK(kind_ == Kind::array && i < size_);
    return items_[i];
  }

 private:
  explicit Reply(Kind kind) : kind_(kind) {}

  union {
    std::int64_t number_ = 0;
    const char* text_;
    const Reply* items_;
  };
  std::size_t size_ = 0;
  Kind kind_ = Kind::nil;
};

/// Memory that is handed out in one direction and taken back all at once.
class Arena {
 public:
  /// Aligned for a Reply. Null when `bytes` is more than a reply may have.
  char* take(std::size_t bytes);
  /// Voids everything; keeps up to a megabyte for the next time.
  void reset();

 private:
  struct Block {
    std::unique_ptr<char[]> bytes = {};
    std::size_t size = 0;
  };
  std::vector<Block> blocks_ = {};
  std::size_t block_ = 0, used_ = 0;
};

class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Errors (of both): unavailable, when what came is no reply or larger than a reply may be. Then
  /// nothing more can be read: start over().
  Result<void> feed(std::string_view bytes);
  /// The next whole reply, if all of it is there.
  Result<std::optional<Reply>> next();

  /// Voids the replies that were read. A reply that is half read stays so.
  void reset();
  /// Forgets all bytes and replies, for another connection.
  void over();

 private:
  redisReader* reader_ = nullptr;
  Arena arena_ = {};
  std::size_t waiting_bytes_ = 0;  // Fed since the last whole reply.
};

}  // namespace penstock::redis
