// SPDX-License-Identifier: MIT
//
// See releasers.h.
#include "engine/releasers.h"

namespace crossdep::engine {

bool Releasers::released(InstanceId object, ContextId context, Site site) noexcept {
  const std::uint32_t* known = object_ids_.find(std::uint64_t{object} + 1);
  if (known == nullptr) {
    if (objects_.size() == kMostObjects || !objects_.make_room()) return false;
    std::uint32_t* slot = object_ids_.insert(std::uint64_t{object} + 1);
    if (slot == nullptr || !objects_.push(Object{})) return false;
    *slot = objects_.size() - 1;
    known = slot;
  }
  Object& entry = objects_[*known];
  for (std::uint32_t i = 0; i < entry.count; ++i) {
    if (entry.contexts[i] != context) continue;
    if (entry.sites[i] == 0) entry.sites[i] = site;
    return false;
  }
  if (entry.count == kMostContexts) return false;
  entry.contexts[entry.count] = context;
  entry.sites[entry.count++] = site;
  return true;
}

bool Releasers::asked(DependencyId dependency, ContextId context) noexcept {
  if (full_ || requests_.find(key(dependency, context)) != nullptr) return false;
  bool* slot = requests_.size() == kMostRequests ? nullptr : requests_.insert(key(dependency, context));
  full_ = slot == nullptr;
  if (!full_) *slot = true;
  return true;
}

const Releasers::Object* Releasers::of(InstanceId object) const noexcept {
  const std::uint32_t* known = object_ids_.find(std::uint64_t{object} + 1);
  return known == nullptr || objects_[*known].count < 2 ? nullptr : &objects_[*known];
}

}  // namespace crossdep::engine
