// SPDX-License-Identifier: MIT
//
// Building a flow:
//
//   penstock::Flow flow("etl");
//   auto extract = flow.node("extract", Extract{});
//   auto clean = flow.task("clean", [](const json& rows) { ... }, {"extract"});
//   auto load = flow.node("load", Load{});
//   extract >> clean >> load;
//   (load - "again") >> extract;
//
//   tasks.add(flow);                                 // a worker that offers its nodes
//   auto run = client.run(flow, json{{"path", "a.csv"}}).value();
//
// Every node is a job that any worker of its pool may take; what a run is made of is in the store.
// Names are like those of tasks; `end` is no name of a node. Mistakes (an unknown node, a loop with
// two entries) are found by check(), which tasks.add and client.run call.
#pragma once

#include <penstock/node.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace penstock {

/// Where and how a node runs; what is left out is the task's or the flow's.
struct NodeOptions {
  std::string queue = "default", pool = {};
  std::optional<int> max_attempts = {};
  std::optional<Backoff> backoff = {};
  std::optional<Duration> timeout = {};
  bool local = false;  ///< Runs in the worker that ended the node before it, with the same commit.
  int join = 0;        ///< With several inputs: fires when so many have arrived; 0: all.
  json params = nullptr;  ///< Parameters; those of flows around it win.
};

/// Which members of a group, or items of a map, may fail without failing the run.
struct Policy {
  enum class Kind : std::uint8_t { strict, best_effort, at_least, critical };
  Kind kind = Kind::strict;
  int need = 0;
  std::vector<std::string> nodes = {};
  static Policy strict() { return {}; }
  static Policy best_effort() { return {.kind = Kind::best_effort}; }
  static Policy at_least(int n) { return {.kind = Kind::at_least, .need = n}; }
  static Policy critical(std::vector<std::string> nodes) {
    return {.kind = Kind::critical, .nodes = std::move(nodes)};
  }
};

struct MapOptions {
  int parallel = 0;  ///< Items at once; 0: 100.
  Policy policy = {};
};

/// What a gate waits for.
struct GateOptions {
  enum class Ask : std::uint8_t { approval, text, selection, selections, custom, event, timer };
  Ask ask = Ask::approval;
  std::string prompt = {};
  std::vector<std::string> choices = {};
  /// Without an answer by then its action is timed_out. A timer has to have one: it waits so long,
  /// and its action is default.
  std::optional<Duration> deadline = {};
};

struct FlowOptions {
  std::int64_t max_steps = 10'000;  ///< Nodes that fire in a run; one more fails it.
  int max_visits = 0;               ///< Of any one node; 0: only max_steps bounds a loop.
  int max_cycles = 100;  ///< Turns that a node may ask for with next_iteration, in a row.
  std::optional<Duration> timeout = {};
  bool fail_on_missing = false;  ///< An action without an edge fails the run.
};

class Flow;

/// Nodes that edges begin or end at: one, or a group. A value; valid as long as its flow.
class Nodes {
 public:
  /// The edges that begin here are taken on this action.
  [[nodiscard]] Nodes on(std::string action) const;
  /// How failures of a group are judged, by the nodes behind it.
  Nodes with(const Policy& policy, std::string name = {}) const;
  /// What compensates a node when the run fails later: a task of its own.
  template <class F>
  Nodes undo(F handler) const {
    static_assert(std::is_invocable_v<F&, Shared&>, "an undo is called with a Shared&");
    add_undo(detail::node_steps([handler] { return std::make_unique<Undo<F>>(handler); }));
    return *this;
  }

 private:
  friend class Flow;
  friend Nodes operator>>(const Nodes&, const Nodes&);
  friend Nodes operator|(const Nodes&, const Nodes&);

  template <class F>
  struct Undo : Node {
    explicit Undo(F f) : handler(std::move(f)) {}
    std::string post(Shared& shared, const json&, const json&) override {
      handler(shared);
      return "default";
    }
    F handler;
  };
  void add_undo(NodeSteps steps) const;

  std::shared_ptr<struct FlowParts> parts_;
  std::vector<int> first_, last_;  // Edges to it end at `first_`, edges from it begin at `last_`.
  std::string action_ = "default";
};

Nodes operator>>(const Nodes& from, const Nodes& to);
inline Nodes operator<<(const Nodes& to, const Nodes& from) { return from >> to; }
Nodes operator|(const Nodes& a, const Nodes& b);
inline Nodes operator-(const Nodes& from, std::string action) { return from.on(std::move(action)); }
template <class... More>
Nodes chain(const Nodes& first, const More&... more) {
  Nodes all = first;
  ((all = all >> more), ...);
  return all;
}
template <class... More>
Nodes parallel(const Nodes& first, const More&... more) {
  return (first | ... | more);
}

class Flow {
 public:
  explicit Flow(std::string name, FlowOptions options = {});

  /// A node with code. Each of its parts runs on a copy.
  template <class T>
  Nodes node(std::string name, T prototype, NodeOptions options = {}) {
    if constexpr (!detail::can_be_node<T>()) {
      return {};
    } else if constexpr (detail::NodeCode<T>::is_batch) {
      return parallel_batch(std::move(name), std::move(prototype), {.parallel = 1},
                            std::move(options));
    } else {
      return add_node(std::move(name), steps_of(std::move(prototype)), std::move(options));
    }
  }
  /// A batch node whose items run at the same time.
  template <class T>
  Nodes parallel_batch(std::string name, T prototype, MapOptions map, NodeOptions options = {}) {
    if constexpr (detail::can_be_node<T>()) {
      static_assert(detail::NodeCode<T>::is_batch,
                    "a batch is a class derived from BatchNode or, of async.h, AsyncBatchNode");
      return add_batch(std::move(name), steps_of(std::move(prototype)), std::move(options),
                       std::move(map));
    } else {
      return {};
    }
  }
  /// A function of named parameters: each is the result of the node of that name, else the key of
  /// the shared store, else the member of the run's input. One that has no value fails the node,
  /// naming both. The function may take a Shared& behind them.
  template <class F>
  Nodes task(std::string name, F function, std::vector<std::string> parameters = {},
             NodeOptions options = {}) {
    if constexpr (detail::can_be_task<F>()) {
      check_names(name, named_parameters<F>(), parameters.size());
      return add_node(name, task_steps(name, std::move(function), std::move(parameters)),
                      std::move(options));
    } else {
      return {};
    }
  }
  /// A function of one item, once for each item of what `over` names: a path such as
  /// "$.nodes.list.result" or "$.shared.rows"; nothing there is an empty list.
  template <class F>
  Nodes map(std::string name, std::string over, F function, MapOptions map = {},
            NodeOptions options = {}) {
    if constexpr (detail::can_be_task<F>()) {
      constexpr bool of_one_item = named_parameters<F>() == 1;
      static_assert(of_one_item,
                    "the function of a map takes one item, and maybe a Shared& behind");
      if constexpr (of_one_item) {
        return add_map(name, std::move(over), item_steps(name, std::move(function)),
                       std::move(options), std::move(map));
      }
    }
    return {};
  }
  /// A task that workers offer under its own name; `with` is its payload, JSON with paths in it.
  Nodes job(std::string name, std::string task, const json& with = nullptr,
            NodeOptions options = {});
  /// The same once for each item of what `over` names; without `with` the item is the payload.
  Nodes map_jobs(std::string name, std::string over, std::string task, const json& with = nullptr,
                 const MapOptions& map = {}, NodeOptions options = {});
  Nodes gate(std::string name, GateOptions gate, NodeOptions options = {});
  /// The nodes of another flow, in this run and with its shared store. Its last action picks the
  /// edge.
  Nodes flow(std::string name, const Flow& inner, NodeOptions options = {});
  /// The same once for each set of parameters that `sets` returns (a JSON list of objects).
  template <class F>
  Nodes batch_flow(std::string name, const Flow& inner, F sets, MapOptions map = {.parallel = 1},
                   NodeOptions options = {}) {
    constexpr bool gives_sets = std::is_invocable_r_v<json, F&, Shared&>;
    static_assert(gives_sets,
                  "the sets of a batch flow are a function of a Shared& that returns a list of "
                  "objects, as json");
    if constexpr (gives_sets) {
      auto steps = detail::node_steps([sets] { return std::make_unique<Sets<F>>(sets); });
      return add_batch_flow(std::move(name), inner, std::move(steps), std::move(options),
                            std::move(map));
    }
    return {};
  }
  /// A run of its own, with a store of its own; `with` is its input, its output the result here.
  Nodes run(std::string name, const Flow& inner, const json& with = nullptr,
            NodeOptions options = {});
  /// A run of its own for each item of what `over` names; without `with` the item is its input.
  Nodes map_runs(std::string name, std::string over, const Flow& inner, const json& with = nullptr,
                 const MapOptions& map = {}, NodeOptions options = {});

  /// Where a run begins; without it at the one node that has no input.
  void start(const Nodes& node);
  /// Errors: invalid, with every mistake, a line each.
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] const std::string& name() const;
  /// JSON; equal flows have equal definitions. Errors: as check().
  [[nodiscard]] Result<std::string> definition() const;
  /// The same with its name, for those that start runs. Errors: as check().
  [[nodiscard]] Result<FlowText> text() const {
    auto json_text = definition();
    if (!json_text) return std::move(json_text).error();
    return FlowText{.flow = name(), .definition = *std::move(json_text)};
  }

 private:
  friend class Tasks;

  template <class F>
  static constexpr std::size_t named_parameters();
  template <class F>
  static NodeSteps task_steps(const std::string& name, F function,
                              std::vector<std::string> parameters);
  template <class F>
  static NodeSteps item_steps(const std::string& name, F function);

  template <class F>
  struct Sets : Node {
    explicit Sets(F f) : function(std::move(f)) {}
    json prep(Shared& shared) override { return function(shared); }
    F function;
  };
  template <class T>
  static NodeSteps steps_of(T prototype) {
    auto make = [prototype = std::move(prototype)] { return std::make_unique<T>(prototype); };
    return detail::NodeCode<T>::steps(std::move(make));
  }

  void check_names(const std::string& node, std::size_t taken, std::size_t named);
  [[nodiscard]] Nodes newest() const;
  Nodes add_node(std::string name, NodeSteps steps, NodeOptions options);
  Nodes add_batch(std::string name, NodeSteps steps, NodeOptions options, MapOptions map);
  Nodes add_map(std::string name, std::string over, NodeSteps steps, NodeOptions options,
                MapOptions map);
  Nodes make_map(const Nodes& node, std::string over, const MapOptions& map);
  Nodes add_batch_flow(std::string name, const Flow& inner, NodeSteps sets, NodeOptions options,
                       MapOptions map);

  std::shared_ptr<struct FlowParts> parts_;
};

/// The value of a parameter by its name: a node's result, a key, a member of the input. Throws
/// NoRetry naming the task and the parameter.
json bound_parameter(NodePort& port, std::string_view task, std::string_view parameter);

namespace detail {

/// Throws NoRetry, naming task and parameter, when the value is of another type.
template <class T>
T parameter(const json& value, const std::string& task, const std::vector<std::string>& names,
            std::size_t at) {
  std::string why;
  try {
    if (fits<T>(value)) return value.template get<T>();
  } catch (const json::exception& e) {
    why = e.what();
  }
  const std::string what = at < names.size() ? "parameter \"" + names[at] + '"' : "its item";
  throw NoRetry("task " + task + ": " + what + ' ' + misfit(json_kind<T>(), value, why));
}

/// Calls with the parameters that a JSON list holds, and with `shared` when it takes one.
template <class F, class Arguments, std::size_t... I>
json call_with(F& function, const json& list, Shared* shared, const std::string& task,
               const std::vector<std::string>& names, std::index_sequence<I...>) {
  using Result = typename Signature<F>::result;
  auto call = [&]() -> decltype(auto) {
    if constexpr (std::tuple_size_v < Arguments >> sizeof...(I)) {
      return function(parameter<std::decay_t<std::tuple_element_t<I, Arguments>>>(list.at(I), task,
                                                                                  names, I)...,
                      *shared);
    } else {
      (void)shared;
      return function(parameter<std::decay_t<std::tuple_element_t<I, Arguments>>>(list.at(I), task,
                                                                                  names, I)...);
    }
  };
  if constexpr (std::is_void_v<Result>) {
    call();
    return nullptr;
  } else {
    return json(call());
  }
}

}  // namespace detail

template <class F>
constexpr std::size_t Flow::named_parameters() {
  using Taken = typename detail::Signature<F>::arguments;
  return std::tuple_size_v<Taken> - (detail::takes_shared<Taken>() ? 1 : 0);
}

template <class F>
NodeSteps Flow::task_steps(const std::string& name, F function,
                           std::vector<std::string> parameters) {
  using Taken = typename detail::Signature<F>::arguments;
  constexpr std::size_t count = named_parameters<F>();
  NodeSteps steps;
  steps.prep = [name, parameters](NodePort& port) {
    json list = json::array();
    for (const std::string& one : parameters) list.push_back(bound_parameter(port, name, one));
    return list.dump();
  };
  steps.exec = [function, name, parameters](std::string_view prepared, NodePort& port) mutable {
    Shared store(port);
    return detail::json_text(
        detail::call_with<F, Taken>(function, json::parse(prepared), &store, name, parameters,
                                    std::make_index_sequence<count>{}),
        "its result");
  };
  return steps;
}

template <class F>
NodeSteps Flow::item_steps(const std::string& name, F function) {
  using Taken = typename detail::Signature<F>::arguments;
  NodeSteps steps;
  steps.exec = [function, name](std::string_view item, NodePort& port) mutable {
    Shared store(port);
    const json list = json::array({json::parse(item)});
    return detail::json_text(detail::call_with<F, Taken>(function, list, &store, name, {},
                                                         std::make_index_sequence<1>{}),
                             "its result");
  };
  return steps;
}

}  // namespace penstock
