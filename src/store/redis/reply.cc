// SPDX-License-Identifier: MIT
#include "store/redis/reply.h"

#include "rules/name.h"

#include <hiredis/read.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

namespace penstock::redis {
namespace {

// Far above what a bounded step can answer: what exceeds it is no answer to us.
constexpr std::size_t max_reply_bytes = std::size_t{512} << 20;
constexpr std::size_t max_items = std::size_t{1} << 20;
constexpr std::size_t block_bytes = std::size_t{64} << 10;
constexpr std::size_t kept_bytes = std::size_t{1} << 20;

Arena& arena_of(const redisReadTask* task) { return *static_cast<Arena*>(task->privdata); }

// The place of a reply: its own in its array, else a new one. Null: there is no more memory for it.
void* place(const redisReadTask* task, const Reply& reply) {
  Reply* at = nullptr;
  if (task->parent) {
    const auto items = static_cast<Reply*>(task->parent->obj)->items();
    at = const_cast<Reply*>(items.data()) + task->idx;
  } else {
    char* memory = arena_of(task).take(sizeof(Reply));
    if (!memory) return nullptr;
    at = reinterpret_cast<Reply*>(memory);
  }
  return new (at) Reply(reply);
}

void* make_text(const redisReadTask* task, char* text, std::size_t size) {
  char* copy = arena_of(task).take(size);
  if (!copy) return nullptr;
  if (size > 0) std::memcpy(copy, text, size);
  const bool error = task->type == REDIS_REPLY_ERROR;
  return place(task, Reply::of_text(error ? Reply::Kind::error : Reply::Kind::text, {copy, size}));
}

void* make_array(const redisReadTask* task, int count) {
  const auto items = static_cast<std::size_t>(count);
  // The count is only announced; memory for it is taken before a single item has come.
  if (items > max_items) return nullptr;
  char* memory = arena_of(task).take(items * sizeof(Reply));
  if (!memory) return nullptr;
  auto* first = reinterpret_cast<Reply*>(memory);
  std::uninitialized_default_construct_n(first, items);
  return place(task, Reply::of_items(first, items));
}

void* make_integer(const redisReadTask* task, long long value) {
  return place(task, Reply::of_integer(value));
}
void* make_nil(const redisReadTask* task) { return place(task, Reply()); }
void forget(void*) {}  // The arena does.

redisReplyObjectFunctions functions = {make_text, make_array, make_integer, make_nil, forget};

}  // namespace

static_assert(std::is_trivially_destructible_v<Reply>);

char* Arena::take(std::size_t bytes) {
  if (bytes > max_reply_bytes) return nullptr;
  bytes = (bytes + alignof(Reply) - 1) / alignof(Reply) * alignof(Reply);
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t size = std::max(bytes, block_bytes);
    blocks_.push_back({std::unique_ptr<char[]>(new char[size]), size});
  }
  char* memory = blocks_[block_].bytes.get() + used_;
  used_ += bytes;
  return memory;
}

void Arena::reset() {
  block_ = used_ = 0;
  std::size_t kept = 0;
  const auto full = [&](const Block& block) {
    kept += block.size;
    return kept > kept_bytes;
  };
  blocks_.erase(std::find_if(blocks_.begin(), blocks_.end(), full), blocks_.end());
}

ReplyReader::ReplyReader() { over(); }
ReplyReader::~ReplyReader() { redisReaderFree(reader_); }

void ReplyReader::over() {
  if (reader_) redisReaderFree(reader_);
  reader_ = redisReaderCreateWithFunctions(&functions);
  CHECK(reader_);
  reader_->privdata = &arena_;
  // It would give back its buffer after every answer above 16 KiB, and take it again for the next.
  reader_->maxbuf = kept_bytes;
  waiting_bytes_ = 0;
  arena_.reset();
}

Result<void> ReplyReader::feed(std::string_view bytes) {
  waiting_bytes_ += bytes.size();
  if (waiting_bytes_ > max_reply_bytes) {
    return Error{Errc::unavailable,
                 "the reply is larger than " + std::to_string(max_reply_bytes >> 20) + " MiB"};
  }
  if (redisReaderFeed(reader_, bytes.data(), bytes.size()) == REDIS_OK) return {};
  return Error{Errc::unavailable, std::string("the reply is too large: ") + reader_->errstr};
}

Result<std::optional<Reply>> ReplyReader::next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_, &reply) != REDIS_OK) {
    return Error{Errc::unavailable, "what came is no reply that a Redis would give (" +
                                        rules::printable(reader_->errstr, 120) + ")"};
  }
  if (!reply) return std::optional<Reply>();
  waiting_bytes_ = 0;
  return std::optional<Reply>(*static_cast<Reply*>(reply));
}

void ReplyReader::reset() {
  // A reply that is half read lies in the arena already.
  if (reader_->ridx < 0) arena_.reset();
}

}  // namespace penstock::redis
