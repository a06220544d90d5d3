// SPDX-License-Identifier: MIT
//
// Handlers that wait without holding a thread: coroutines, on Boost.Asio. Thousands of them are in
// flight on two threads of a worker, beside the plain handlers in its slots.
//
//   tasks.add("crawl", [](std::string site, penstock::AsyncContext context)
//                          -> penstock::Awaitable<int> {
//     co_await context.wait_for(std::chrono::seconds(1));
//     const auto page = co_await context.wait<int>(page_job, std::chrono::minutes(1));
//     co_return page.value();
//   });
//
// Payload and context come by value: a reference would not live as long as the coroutine. What runs
// between two awaits has to be short, for others wait for the thread; what blocks goes through
// in_background(). When a job is cancelled, timed out or given back, the await that its coroutine
// is in throws boost::system::system_error (operation_aborted), and so does every later one.
//
// With g++ 12, await named values: a lambda with captures or a braced temporary inside of a
// co_await expression is miscompiled.
#pragma once

#include <penstock/node.h>
#include <penstock/program.h>
#include <penstock/worker.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace penstock {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// What a worker's coroutines stand on. A worker is one; users see AsyncContext.
class AsyncLoop {
 public:
  using Tell = std::function<void(Result<std::string>)>;
  virtual ~AsyncLoop() = default;
  /// One thread, which all awaits of a coroutine resume on.
  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
  /// Threads that may block.
  [[nodiscard]] virtual boost::asio::any_io_executor background() = 0;
  /// Calls `tell` from any thread with the job's result once it has ended. Returns a ticket.
  virtual std::uint64_t watch(const JobId& id, Tell tell) = 0;
  /// `tell` is not called any more. For a ticket that is not known, nothing happens.
  virtual void forget(std::uint64_t ticket) = 0;
};

/// What a coroutine knows of its job, and what it may wait for. A small value, valid until the
/// coroutine ends.
class AsyncContext {
 public:
  AsyncContext(JobContext& job, AsyncLoop& loop) : job_(&job), loop_(&loop) {}

  [[nodiscard]] const Job& job() const { return job_->job(); }
  [[nodiscard]] std::stop_token stop() const { return job_->stop(); }
  [[nodiscard]] std::optional<SteadyTime> deadline() const { return job_->deadline(); }
  [[nodiscard]] Fence fence() const { return job_->fence(); }
  void progress(double share, std::string_view message = {}) { job_->progress(share, message); }
  void log(std::string_view line) { job_->log(line); }
  /// Its calls block for a round trip to the store: through in_background() when there are many.
  [[nodiscard]] Client& client() const { return job_->client(); }

  /// Holds nothing but memory for so long.
  [[nodiscard]] Awaitable<void> wait_for(Duration length);
  /// The result of another job, once it has ended. Errors: those of Client::wait.
  template <class T>
  [[nodiscard]] Awaitable<Result<T>> wait(JobId id, Duration patience) {
    auto waited = wait_text(std::move(id), patience);
    Result<std::string> text = co_await std::move(waited);
    if (!text) co_return std::move(text).error();
    co_return Codec<T>::decode(*text);
  }
  /// The same, as JSON text.
  [[nodiscard]] Awaitable<Result<std::string>> wait_text(JobId id, Duration patience);
  /// The result of a program that is run for this job: see run_program. At most 32 of a worker's
  /// coroutines run one at the same time; the others wait for their turn.
  [[nodiscard]] Awaitable<std::string> run(Program program, std::string input = "null") {
    auto work = [program = std::move(program), input = std::move(input), job = job_] {
      return run_program(program, input, *job);
    };
    auto ran = in_background(std::move(work));
    co_return co_await std::move(ran);
  }
  /// Runs `work`, which may block, on a thread that is made for that (a worker has 32), and gives
  /// what it returned or throws what it threw. It is not cut short: let it look at stop().
  template <class F>
  [[nodiscard]] Awaitable<std::invoke_result_t<F&>> in_background(F work) {
    using R = std::invoke_result_t<F&>;
    struct Answer {
      std::exception_ptr thrown;
      std::optional<std::conditional_t<std::is_void_v<R>, char, R>> value;
    };
    const auto answer = std::make_shared<Answer>();
    const auto shared = std::make_shared<F>(std::move(work));  // It may be one that only moves.
    std::function<void()> noted = [answer, shared] {
      try {
        if constexpr (std::is_void_v<R>) {
          (*shared)();
        } else {
          answer->value.emplace((*shared)());
        }
      } catch (...) {
        answer->thrown = std::current_exception();
      }
    };
    auto ran = block(std::move(noted));
    co_await std::move(ran);
    if (answer->thrown) std::rethrow_exception(answer->thrown);
    if constexpr (!std::is_void_v<R>) co_return std::move(*answer->value);
  }

 private:
  [[nodiscard]] Awaitable<void> block(std::function<void()> work);

  JobContext* job_;
  AsyncLoop* loop_;
};

namespace detail {

// Starts `body` on the loop; a stop request ends it at its await. `end` is told once.
void start_coroutine(AsyncLoop& loop, std::stop_token stop, Awaitable<std::string> body,
                     AsyncEnd end);

template <class R>
struct Asynchronous<Awaitable<R>> {
  static constexpr bool value = true;

  // Not a lambda: a coroutine has its arguments in its frame, a lambda its captures elsewhere.
  template <class F, class Payload>
  static Awaitable<std::string> body(F& handler, Payload payload, AsyncContext context) {
    auto called = call(handler, std::move(payload), context);
    if constexpr (std::is_void_v<R>) {
      co_await std::move(called);
      co_return "null";
    } else {
      R result = co_await std::move(called);
      co_return encoded(result);
    }
  }

  template <class F>
  static AsyncHandler handler(F function) {
    using Arguments = typename Signature<std::decay_t<F>>::arguments;
    using Payload = std::tuple_element_t<0, Arguments>;
    static_assert(!std::is_reference_v<Payload>,
                  "a coroutine takes its payload by value: it outlives what a reference names");
    return [function = std::move(function)](std::string_view text, JobContext& context,
                                            AsyncLoop& loop, AsyncEnd end) mutable {
      auto started =
          body<F, Payload>(function, decoded<Payload>(text, context), AsyncContext(context, loop));
      start_coroutine(loop, context.stop(), std::move(started), std::move(end));
    };
  }

 private:
  template <class F, class Payload>
  static Awaitable<R> call(F& handler, Payload payload, AsyncContext context) {
    if constexpr (std::is_invocable_v<F&, Payload, AsyncContext>) {
      return handler(std::move(payload), context);
    } else {
      return handler(std::move(payload));
    }
  }
};

}  // namespace detail

/// A node of a flow (node.h) whose parts may wait: thousands of them in flight on two threads,
/// beside plain nodes in the same flow. `shared` and the node live until post has ended.
class AsyncNode {
 public:
  virtual ~AsyncNode() = default;
  virtual Awaitable<json> prep(Shared& /*shared*/, AsyncContext /*context*/) { co_return nullptr; }
  virtual Awaitable<json> exec(json /*prepared*/, AsyncContext /*context*/) { co_return nullptr; }
  virtual Awaitable<json> exec_fallback(json /*prepared*/, std::exception_ptr thrown) {
    std::rethrow_exception(thrown);
    co_return nullptr;
  }
  virtual Awaitable<std::string> post(Shared& /*shared*/, json /*prepared*/, json /*result*/,
                                      AsyncContext /*context*/) {
    co_return "default";
  }
};

/// prep returns a list; exec waits once for each item of it, with tries of its own; post gets the
/// results in the list's order. `parallel_batch` lets the items wait at the same time.
class AsyncBatchNode : public AsyncNode {};

namespace detail {

// What exec threw that its fallback may answer; anything else goes on.
Awaitable<json> node_exec(AsyncNode& node, json prepared, AsyncContext context, bool last_try);
// All of a node; the action is what it returns, the result is left in `result`.
Awaitable<std::string> node_body(std::shared_ptr<AsyncNode> node, AsyncNodeCall call,
                                 std::shared_ptr<std::string> result);
void start_node(std::shared_ptr<AsyncNode> node, AsyncNodeCall call);

template <class T>
struct NodeCode<T, std::enable_if_t<std::is_base_of_v<AsyncNode, T>>> {
  static constexpr bool is_node = true;
  static constexpr bool is_batch = std::is_base_of_v<AsyncBatchNode, T>;
  template <class Make>
  static NodeSteps steps(Make make) {
    static_assert(has_parts_of<AsyncNode, T>());
    NodeSteps steps;
    steps.start = [make](AsyncNodeCall call) {
      start_node(std::shared_ptr<AsyncNode>(make()), std::move(call));
    };
    return steps;
  }
};

}  // namespace detail
}  // namespace penstock
