// SPDX-License-Identifier: MIT
//
// A node of a flow: prep reads the run's shared store, exec works without it, post writes what came
// of it and names the action that picks the next node. Only exec is tried again, with what prep
// returned, wrote and locked; what prep or post throws fails the node. So what is outside the run
// belongs into exec.
//
//   struct Upper : penstock::Node {
//     json prep(Shared& shared) override { return shared.at("input"); }
//     json exec(const json& text) override { return upper(text.get<std::string>()); }
//     std::string post(Shared& shared, const json&, const json& result) override {
//       shared.set("output", result);
//       return "done";
//     }
//   };
//
// What prep and post write is kept with the end of the node, or not at all. A node is copied for
// each job that runs it, so its members are its own.
#pragma once

#include <penstock/json.h>
#include <penstock/worker.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace penstock {

namespace detail {

// JSON text of what is called "the value of "k""; throws NoRetry, naming it, when it is none.
inline std::string json_text(const json& value, std::string_view what, std::string_view name = {}) {
  auto text = write_json(value);
  if (text) return *std::move(text);
  const std::string quoted = name.empty() ? "" : " \"" + std::string(name) + '"';
  throw NoRetry(std::string(what) + quoted + " cannot be written as JSON: " + text.error().message);
}

}  // namespace detail

/// The run's store as one node sees it: what others have committed, and its own writes over it.
/// Values are JSON of any kind; null is a value. Keys: 1-256 bytes. Not thread-safe.
/// When the store does not answer, its methods throw and the node is tried again.
class Shared {
 public:
  explicit Shared(NodePort& port) : port_(port) {}

  /// Nothing when there is no such key.
  [[nodiscard]] std::optional<json> get(std::string_view key) const {
    auto text = port_.read(key);
    if (!text) return std::nullopt;
    return json::parse(*text);
  }
  template <class T>
  [[nodiscard]] T get_or(std::string_view key, T otherwise) const {
    auto value = get(key);
    return value ? value->get<T>() : std::move(otherwise);
  }
  /// Throws NoRetry, naming the key, when there is none.
  [[nodiscard]] json at(std::string_view key) const {
    auto value = get(key);
    if (!value) throw NoRetry("the shared store has no key \"" + std::string(key) + "\"");
    return *std::move(value);
  }
  [[nodiscard]] bool contains(std::string_view key) const { return port_.read(key).has_value(); }
  /// Sorted.
  [[nodiscard]] std::vector<std::string> keys() const { return port_.keys(); }
  /// Throws NoRetry, naming the key, when the value cannot be JSON: NaN, more than 64 levels.
  void set(std::string_view key, const json& value) { port_.write(key, text_of(key, value)); }
  void erase(std::string_view key) { port_.erase(key); }
  void clear() {
    for (const std::string& key : port_.keys()) port_.erase(key);
  }
  /// Adds to a number, whatever other nodes add at the same time; an absent key is 0. Whole numbers
  /// stay exact below 2^53. Throws NoRetry when the key holds something else, or the sum is beyond.
  void add(std::string_view key, std::int64_t by) { port_.add(key, std::to_string(by)); }
  void add(std::string_view key, int by) { add(key, std::int64_t{by}); }
  void add(std::string_view key, double by) {
    port_.add(key, detail::json_text(by, "what is added to", key));
  }
  /// Appends to a list, beside whatever other nodes append at the same time; an absent key is an
  /// empty one. The list may grow beyond 1 MiB. Throws NoRetry when the key holds something else.
  void append(std::string_view key, const json& value) { port_.append(key, text_of(key, value)); }
  /// The same before what is there.
  void prepend(std::string_view key, const json& value) { port_.prepend(key, text_of(key, value)); }

  /// What the run was started with.
  [[nodiscard]] json input() const { return json::parse(port_.input()); }
  /// Parameters: those of the node, then of the flows around it, each over the one before.
  [[nodiscard]] json params() const { return json::parse(port_.params()); }
  /// What the turn before has handed to next_iteration; null in the first.
  [[nodiscard]] json iteration() const { return json::parse(port_.iteration()); }
  /// The latest result of a node, in and behind a loop that goes on by several branches that of
  /// this one's turn; nothing when it has none.
  [[nodiscard]] std::optional<json> result(std::string_view node) const {
    auto text = port_.result(node);
    if (!text) return std::nullopt;
    return json::parse(*text);
  }

  /// The job that runs this node.
  [[nodiscard]] JobContext& job() const { return port_.context(); }
  [[nodiscard]] const std::string& run() const { return port_.run(); }

  // What comes next, beside what the action says. Decided with the node's end.

  /// Runs another node of the flow too, or (`instead`) in place of those that the edges name. A
  /// node that nothing else leads to needs an edge, too: `(a - "never") >> it`.
  void next_task(std::string_view node, bool instead = false) { port_.next(node, instead); }
  /// Runs this node again, with `value` as its iteration(); bounded by the flow's max_cycles.
  void next_iteration(const json& value = nullptr) {
    port_.iterate(detail::json_text(value, "the next iteration"));
  }
  /// Ends the run here; it has succeeded.
  void terminate(std::string_view why) { port_.terminate(why); }
  /// Ends the run here; it is cancelled.
  void cancel(std::string_view why) { port_.cancel(why); }

  /// Takes a lock of the run; false while another node holds it. It is free again when the node
  /// has ended, or its worker has died.
  [[nodiscard]] bool try_lock(std::string_view name) { return port_.try_lock(name); }

 private:
  static std::string text_of(std::string_view key, const json& value) {
    return detail::json_text(value, "the value of", key);
  }

  NodePort& port_;
};

/// A key of the shared store whose values are of one type; what does not fit is refused.
template <class T>
class Channel {
 public:
  Channel(Shared& shared, std::string key) : shared_(shared), key_(std::move(key)) {}
  void send(const T& value) { shared_.append(key_, json(value)); }
  /// All that was sent. Throws NoRetry naming the key when one is of another type.
  [[nodiscard]] std::vector<T> receive() const {
    std::vector<T> values;
    const json list = shared_.get_or<json>(key_, json::array());
    for (const json& one : list) {
      auto value = Codec<T>::decode(one.dump());
      if (!value) throw NoRetry("channel " + key_ + ": a value " + value.error().message);
      values.push_back(*std::move(value));
    }
    return values;
  }

 private:
  Shared& shared_;
  std::string key_;
};

/// Each part is called on a copy of the prototype of its own, and maybe on another machine than the
/// one before it: what prep, exec and post pass on, they return; what they keep is in the store.
class Node {
 public:
  virtual ~Node() = default;
  virtual json prep(Shared& /*shared*/) { return nullptr; }
  virtual json exec(const json& /*prepared*/) { return nullptr; }
  /// After the last failed try; what it returns is the result. Throws on by default.
  virtual json exec_fallback(const json& /*prepared*/, std::exception_ptr thrown) {
    std::rethrow_exception(std::move(thrown));
  }
  /// The action; "default" by default.
  virtual std::string post(Shared& /*shared*/, const json& /*prepared*/, const json& /*result*/) {
    return "default";
  }
};

/// prep returns a list; exec runs once for each item, with tries of its own; post gets the results
/// in the list's order. What failed for good fails the run, unless exec_fallback answers.
class BatchNode : public Node {};

namespace detail {

inline json parsed(std::string_view text) { return json::parse(text); }

/// A node behind its codec. `make` copies the node.
template <class Make>
NodeSteps node_steps(Make make) {
  NodeSteps steps;
  steps.prep = [make](NodePort& port) {
    Shared shared(port);
    return json_text(make()->prep(shared), "what prep returned");
  };
  steps.exec = [make](std::string_view prepared, NodePort&) {
    return json_text(make()->exec(parsed(prepared)), "its result");
  };
  steps.fallback = [make](std::string_view prepared, std::exception_ptr thrown) {
    return json_text(make()->exec_fallback(parsed(prepared), std::move(thrown)), "its result");
  };
  steps.post = [make](NodePort& port, std::string_view prepared, std::string_view result) {
    Shared shared(port);
    return make()->post(shared, parsed(prepared), parsed(result));
  };
  return steps;
}

// The type of a member function, whatever its class.
template <class M>
struct Part {
  using type = void;
};
template <class R, class C, class... A>
struct Part<R (C::*)(A...)> {
  using type = R(A...);
};
template <class R, class C, class... A>
struct Part<R (C::*)(A...) noexcept> : Part<R (C::*)(A...)> {};
template <class A, class B>
constexpr bool is_same_part = std::is_same_v<typename Part<A>::type, typename Part<B>::type>;

// A part with other parameters than the base's would never be called, and nobody told. Of one that
// cannot be named, because it is private or there are several, nothing is known.
template <class Base, class T>
constexpr bool has_parts_of() {
  if constexpr (requires { &T::prep; }) {
    static_assert(is_same_part<decltype(&T::prep), decltype(&Base::prep)>,
                  "this prep hides that of its base instead of overriding it: give it the same "
                  "parameters, and write override");
  }
  if constexpr (requires { &T::exec; }) {
    static_assert(is_same_part<decltype(&T::exec), decltype(&Base::exec)>,
                  "this exec hides that of its base instead of overriding it: give it the same "
                  "parameters, and write override");
  }
  if constexpr (requires { &T::exec_fallback; }) {
    static_assert(is_same_part<decltype(&T::exec_fallback), decltype(&Base::exec_fallback)>,
                  "this exec_fallback hides that of its base instead of overriding it: give it the "
                  "same parameters, and write override");
  }
  if constexpr (requires { &T::post; }) {
    static_assert(is_same_part<decltype(&T::post), decltype(&Base::post)>,
                  "this post hides that of its base instead of overriding it: give it the same "
                  "parameters, and write override");
  }
  return true;
}

/// How the class of a node becomes code; async.h says it of AsyncNode.
template <class T, class = void>
struct NodeCode {
  static constexpr bool is_node = std::is_base_of_v<Node, T>;
  static constexpr bool is_batch = std::is_base_of_v<BatchNode, T>;
  template <class Make>
  static NodeSteps steps(Make make) {
    static_assert(has_parts_of<Node, T>());
    return node_steps(std::move(make));
  }
};

template <class T>
constexpr bool can_be_node() {
  static_assert(NodeCode<T>::is_node,
                "a node is a class derived from Node, BatchNode or, of async.h, AsyncNode or "
                "AsyncBatchNode; for a function there is task()");
  static_assert(std::is_copy_constructible_v<T>,
                "a node is copied for each job that runs it: give it members that can be");
  return NodeCode<T>::is_node && std::is_copy_constructible_v<T>;
}

template <class Arguments>
constexpr bool takes_shared() {
  if constexpr (std::tuple_size_v<Arguments> == 0) {
    return false;
  } else {
    using Last = std::tuple_element_t<std::tuple_size_v<Arguments> - 1, Arguments>;
    return std::is_same_v<Last, Shared&>;
  }
}

template <class T>
concept ReadFromJson = requires(const json& value) {
  value.template get<T>();
};

template <class Arguments, std::size_t... I>
constexpr bool are_read_from_json(std::index_sequence<I...>) {
  return (ReadFromJson<std::decay_t<std::tuple_element_t<I, Arguments>>> && ...);
}

// What flow.h makes nodes of: functions of values, and maybe of a Shared& behind them.
template <class F>
constexpr bool can_be_task() {
  if constexpr (has_signature<F>()) {
    using Taken = typename Signature<F>::arguments;
    using Result = typename Signature<F>::result;
    constexpr std::size_t named = std::tuple_size_v<Taken> - (takes_shared<Taken>() ? 1 : 0);
    constexpr bool takes = are_read_from_json<Taken>(std::make_index_sequence<named>{});
    constexpr bool waits = Asynchronous<Result>::value;
    constexpr bool gives = std::is_void_v<Result> || std::is_constructible_v<json, Result>;
    static_assert(takes,
                  "a parameter of this function is no type that JSON converts to: give it a "
                  "from_json (NLOHMANN_DEFINE_TYPE_...); a Shared& comes last");
    static_assert(!waits,
                  "a task of a flow cannot be waited for: make it an AsyncNode, or a task of its "
                  "own (Tasks::add) that job() names");
    static_assert(gives || waits,
                  "the result of this function is no type that converts to JSON: give it a to_json "
                  "(NLOHMANN_DEFINE_TYPE_...)");
    return takes && gives && !waits;
  }
  return false;
}

}  // namespace detail
}  // namespace penstock
