// SPDX-License-Identifier: MIT
//
// Everything in one process, without a server and without a thread: submit, run by hand, read the
// result. The first attempt fails, so the job is seen waiting for its second.
#include <penstock/json.h>
#include <penstock/penstock.h>

#include <iostream>
#include <stdexcept>

int main() {
  const std::string store = "sqlite::memory:";
  penstock::Tasks tasks;
  tasks.add("shout", [](const std::string& text, penstock::JobContext& context) {
    if (context.job().attempt == 1) throw std::runtime_error("my voice is gone");
    std::string loud = text;
    for (char& c : loud) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return loud;
  });
  auto client = penstock::Client::open(store).value();
  auto worker = penstock::Worker::open(store, std::move(tasks)).value();
  const auto id = client
                      .submit("shout", std::string("hello"),
                              {.backoff = penstock::Backoff{.kind = penstock::Backoff::Kind::none}})
                      .value();
  while (worker.run_one().value()) {
    const penstock::Job job = client.find(id).value();
    if (!job.error.empty()) std::cout << "attempt " << job.attempt << ": " << job.error << '\n';
  }
  std::cout << client.wait<std::string>(id, penstock::Duration{1000}).value()
            << ", in the attempt number " << client.find(id).value().attempt << '\n';
  return 0;
}
