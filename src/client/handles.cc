// SPDX-License-Identifier: MIT
#include "client/handles.h"

namespace penstock {

Result<Handles::Lent> Handles::lend() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) {
    auto opened = first_->another();
    if (!opened) return std::move(opened).error();
    return Lent(*this, *std::move(opened));
  }
  std::unique_ptr<Store> store = std::move(idle_.back());
  idle_.pop_back();
  return Lent(*this, std::move(store));
}

void Handles::give_back(std::unique_ptr<Store> store) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(store));
}

}  // namespace penstock
