// SPDX-License-Identifier: MIT
//
// A thousand jobs that wait, in flight together on two threads, beside a plain handler: each
// coroutine holds a little memory while it sleeps, and no thread. The last one waits for a job of
// its own and for a program that blocks.
#include <penstock/async.h>
#include <penstock/json.h>
#include <penstock/penstock.h>

#include <iostream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

penstock::Awaitable<int> sum(std::vector<int> numbers, penstock::AsyncContext context) {
  // Another job, run by a slot or a coroutine of any worker.
  penstock::JobId square = context.client().submit("square", numbers.front()).value();
  auto waiting = context.wait<int>(square, 30s);
  const penstock::Result<int> squared = co_await std::move(waiting);
  // What would block this thread goes to another.
  auto adding = [&numbers] {
    int total = 0;
    for (const int number : numbers) total += number;
    return total;
  };
  auto background = context.in_background(adding);
  const int total = co_await std::move(background);
  co_return squared.value() + total;
}

int main() {
  const std::string store = "sqlite::memory:";
  penstock::Tasks tasks;
  tasks.add("nap", [](int number, penstock::AsyncContext context) -> penstock::Awaitable<int> {
    co_await context.wait_for(200ms);
    co_return number;
  });
  tasks.add("sum", sum);
  tasks.add("square", [](int number) { return number * number; });

  auto client = penstock::Client::open(store).value();
  auto worker = penstock::Worker::open(store, std::move(tasks), {.concurrency = 1}).value();
  std::jthread running([&worker] { worker.run().value(); });

  std::vector<penstock::JobSpec> naps(1000, penstock::JobSpec{.task = "nap", .payload = "1"});
  int ended = 0;
  for (const auto& nap : client.submit(naps).value()) {
    ended += client.wait<int>(nap.id, 30s).value();
  }
  const auto id = client.submit("sum", std::vector<int>{5, 6, 7}).value();
  std::cout << ended << " naps, and " << client.wait<int>(id, 30s).value() << '\n';
  worker.stop();
  return 0;
}
