// SPDX-License-Identifier: MIT
//
// A node of a flow as a worker runs it: its parts behind their codec, and what they can reach.
// node.h, flow.h and async.h make them of a user's classes and functions.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

class JobContext;
/// Where coroutines run; only async.h looks into it.
class AsyncLoop;

/// What a node of a flow can reach in its run; node.h gives it types. Texts are JSON. The worker is
/// one; so is a test.
class NodePort {
 public:
  virtual ~NodePort() = default;
  virtual std::optional<std::string> read(std::string_view key) = 0;
  virtual void write(std::string_view key, std::string value) = 0;
  virtual void erase(std::string_view key) = 0;
  virtual void add(std::string_view key, std::string by) = 0;
  virtual void append(std::string_view key, std::string value) = 0;
  virtual void prepend(std::string_view key, std::string value) = 0;
  virtual std::vector<std::string> keys() = 0;
  virtual std::string input() = 0;
  virtual std::string params() = 0;
  virtual std::string iteration() = 0;
  virtual std::optional<std::string> result(std::string_view node) = 0;
  virtual void next(std::string_view node, bool instead) = 0;
  virtual void iterate(std::string value) = 0;
  virtual void terminate(std::string_view why) = 0;
  virtual void cancel(std::string_view why) = 0;
  virtual bool try_lock(std::string_view name) = 0;
  [[nodiscard]] virtual const std::string& run() const = 0;
  virtual JobContext& context() = 0;
};

/// One try of a node whose parts may wait (async.h).
struct AsyncNodeCall {
  /// Of a batch each part is a job of its own: `prep` results in the list, `exec` in what it makes
  /// of an item, `post` in the action.
  enum class Part : std::uint8_t { whole, prep, exec, post };
  NodePort* port = nullptr;
  AsyncLoop* loop = nullptr;
  Part part = Part::whole;
  /// What prep returned before an earlier try of exec; the item of a batch; for its post the
  /// results.
  std::optional<std::string> kept = {};
  bool last_try = false;
  std::function<void(std::string prepared)> keep = {};
  /// Told once: what it threw, or its result and its action.
  std::function<void(std::exception_ptr thrown, std::string result, std::string action)> end = {};
};

/// A node of a flow behind its codec (node.h): JSON text in, JSON text out. `exec` is what is
/// retried; of a mapped node it runs for each item. `post` returns the action.
struct NodeSteps {
  std::function<std::string(NodePort&)> prep = {};
  std::function<std::string(std::string_view prepared, NodePort&)> exec = {};
  std::function<std::string(std::string_view prepared, std::exception_ptr)> fallback = {};
  std::function<std::string(NodePort&, std::string_view prepared, std::string_view result)> post =
      {};
  std::function<void(AsyncNodeCall)> start = {};  ///< Instead of the others.
};

}  // namespace penstock
