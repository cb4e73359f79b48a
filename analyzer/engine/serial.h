// SPDX-License-Identifier: MIT
//
// The scope in which the engine's shared part is held; private to the engine's own files.
#pragma once

#include "engine/engine.h"

namespace crossdep::engine {

class Engine::Lock {
 public:
  explicit Lock(Engine& engine) noexcept : serialiser_(engine.options_.serialiser) {
    if (serialiser_ != nullptr) serialiser_->lock();
  }
  ~Lock() {
    if (serialiser_ != nullptr) serialiser_->unlock();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Serialiser* serialiser_;
};

}  // namespace crossdep::engine
