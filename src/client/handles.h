// SPDX-License-Identifier: MIT
//
// A Store is for one thread at a time. A client is for many: each call borrows a handle, and a new
// one is opened when all are lent out. At most as many as there were calls at the same time.
#pragma once

#include "store/store.h"

#include <memory>
#include <mutex>
#include <vector>

namespace penstock {

class Handles {
 public:
  explicit Handles(std::unique_ptr<Store> first) : first_(std::move(first)) {}

  /// A lent handle; goes back when it is destroyed.
  class Lent {
   public:
    Lent(Handles& owner, std::unique_ptr<Store> store) : owner_(&owner), store_(std::move(store)) {}
    Lent(Lent&& other) noexcept : owner_(other.owner_), store_(std::move(other.store_)) {}
    Lent& operator=(Lent&&) = delete;
    ~Lent() {
      if (store_) owner_->give_back(std::move(store_));
    }
    Store& operator*() const { return *store_; }
    Store* operator->() const { return store_.get(); }

   private:
    Handles* owner_;
    std::unique_ptr<Store> store_;
  };

  /// Errors: those of Store::another().
  Result<Lent> lend();
  [[nodiscard]] const std::string& name() const { return first_->name(); }
  [[nodiscard]] Clock& clock() const { return first_->clock(); }

 private:
  void give_back(std::unique_ptr<Store> store);

  const std::unique_ptr<Store> first_;  // Never lent: asked for others, under the mutex.
  std::mutex mutex_;                    // Guards idle_ and calls of first_->another().
  std::vector<std::unique_ptr<Store>> idle_;
};

}  // namespace penstock
