// SPDX-License-Identifier: MIT
#include "worker/node_run.h"

#include <penstock/async.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace penstock {
namespace {

namespace asio = boost::asio;

// One coroutine on its way. Owned by the completion of its coroutine.
struct Flight {
  asio::cancellation_signal signal;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  AsyncEnd end;
};

// A wait for a job: the timer is what the coroutine sleeps on, for its patience at most.
struct Waiting {
  explicit Waiting(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<Result<std::string>> answer;
};

[[noreturn]] void throw_stopped() {
  throw boost::system::system_error(asio::error::operation_aborted, "stopped");
}

}  // namespace

void detail::start_coroutine(AsyncLoop& loop, std::stop_token stop, Awaitable<std::string> body,
                             AsyncEnd end) {
  const auto flight = std::make_shared<Flight>();
  flight->end = std::move(end);
  const asio::any_io_executor executor = loop.executor();
  // Signals are not thread-safe: the request travels to the coroutine's own thread.
  const std::weak_ptr<Flight> seen = flight;
  flight->on_stop.emplace(std::move(stop), [seen, executor] {
    asio::post(executor, [seen] {
      if (const auto flying = seen.lock()) flying->signal.emit(asio::cancellation_type::terminal);
    });
  });
  asio::co_spawn(
      executor, std::move(body),
      asio::bind_cancellation_slot(flight->signal.slot(),
                                   [flight](const std::exception_ptr& thrown, std::string result) {
                                     flight->on_stop.reset();
                                     flight->end(thrown, std::move(result));
                                   }));
}

Awaitable<void> AsyncContext::wait_for(Duration length) {
  asio::steady_timer timer(co_await asio::this_coro::executor, length);
  boost::system::error_code stopped;
  auto token = asio::redirect_error(asio::use_awaitable, stopped);
  co_await timer.async_wait(token);
  if (stopped) throw_stopped();
}

// Not by co_spawn: in Boost 1.81 a cancelled coroutine that changes its executor ends the program.
Awaitable<void> AsyncContext::block(std::function<void()> work) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto waiting = std::make_shared<Waiting>(executor);
  asio::post(loop_->background(), [waiting, executor, work = std::move(work)]() mutable {
    work();
    work =
        nullptr;  // Before the coroutine goes on: what it holds may name what is the coroutine's.
    asio::post(executor, [waiting] {
      waiting->answer = std::string();
      waiting->timer.cancel();
    });
  });
  // The work may use what the coroutine holds: a cancel does not end this wait, but the next one.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!waiting->answer) {
    waiting->timer.expires_at(asio::steady_timer::time_point::max());
    boost::system::error_code ended;
    auto token = asio::redirect_error(asio::use_awaitable, ended);
    co_await waiting->timer.async_wait(token);
  }
  co_await asio::this_coro::throw_if_cancelled(true);
}

Awaitable<Result<std::string>> AsyncContext::wait_text(JobId id, Duration patience) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto waiting = std::make_shared<Waiting>(executor);
  waiting->timer.expires_after(patience);
  const std::uint64_t ticket =
      loop_->watch(id, [waiting, executor](Result<std::string> answer) mutable {
        asio::post(executor, [waiting, told = std::move(answer)]() mutable {
          waiting->answer = std::move(told);
          waiting->timer.cancel();
        });
      });
  boost::system::error_code stopped;
  auto token = asio::redirect_error(asio::use_awaitable, stopped);
  co_await waiting->timer.async_wait(token);
  if (waiting->answer) co_return *std::move(waiting->answer);
  loop_->forget(ticket);
  if (stopped) throw_stopped();
  co_return Error{Errc::timed_out, "job " + id.text + " has not ended within " +
                                       std::to_string(patience.count()) + "ms"};
}

namespace detail {

Awaitable<json> node_exec(AsyncNode& node, json prepared, AsyncContext context, bool last_try) {
  std::exception_ptr thrown;
  try {
    auto ran = node.exec(prepared, context);
    co_return co_await std::move(ran);
  } catch (const Snooze&) {
    throw;
  } catch (const Cancel&) {
    throw;
  } catch (const NoRetry&) {
    thrown = std::current_exception();
  } catch (...) {
    if (!last_try || context.stop().stop_requested()) throw;
    thrown = std::current_exception();
  }
  auto answered = node.exec_fallback(std::move(prepared), thrown);
  co_return co_await std::move(answered);
}

template <class T>
Awaitable<T> once(Awaitable<T> part, AsyncContext context) {
  try {
    co_return co_await std::move(part);
  } catch (...) {
    rethrow_for_good(context.stop());
  }
}

Awaitable<std::string> node_body(std::shared_ptr<AsyncNode> node, AsyncNodeCall call,
                                 std::shared_ptr<std::string> result) {
  Shared shared(*call.port);
  const AsyncContext context(call.port->context(), *call.loop);
  using Part = AsyncNodeCall::Part;
  if (call.part == Part::post) {
    auto post = node->post(shared, nullptr, json::parse(call.kept.value_or("null")), context);
    auto concluded = once(std::move(post), context);
    co_return co_await std::move(concluded);
  }
  json prepared;
  if (call.kept) {
    prepared = json::parse(*call.kept);
  } else {
    auto prep = node->prep(shared, context);
    auto ready = once(std::move(prep), context);
    prepared = co_await std::move(ready);
  }
  *result = json_text(prepared, "what prep returned");
  if (call.part == Part::prep) co_return "default";
  call.keep(*result);
  auto ran = node_exec(*node, prepared, context, call.last_try);
  json value = co_await std::move(ran);
  *result = json_text(value, "its result");
  if (call.part == Part::exec) co_return "default";
  auto post = node->post(shared, std::move(prepared), std::move(value), context);
  auto ended = once(std::move(post), context);
  co_return co_await std::move(ended);
}

void start_node(std::shared_ptr<AsyncNode> node, AsyncNodeCall call) {
  const auto result = std::make_shared<std::string>();
  AsyncEnd end = [end = call.end, result](const std::exception_ptr& thrown, std::string action) {
    end(thrown, std::move(*result), std::move(action));
  };
  AsyncLoop& loop = *call.loop;
  const std::stop_token stop = call.port->context().stop();
  auto body = node_body(std::move(node), std::move(call), result);
  start_coroutine(loop, stop, std::move(body), std::move(end));
}

}  // namespace detail

}  // namespace penstock
