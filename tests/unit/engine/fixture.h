// SPDX-License-Identifier: MIT
//
// A small stage for engine tests: contexts and locks by name, a sink that keeps what it is told.
//
// Threading: single-threaded.  Allocation: the heap, through a counting Allocator that can be told to fail.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace crossdep::engine::test {

/// The heap; counts what is out, fails from the n-th allocation on if told to.
class CountingAllocator final : public Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override {
    if (fail_after >= 0 && allocations >= fail_after) return nullptr;
    ++allocations;
    outstanding += static_cast<long>(bytes);
    return std::calloc(1, bytes == 0 ? 1 : bytes);
  }
  void deallocate(void* memory, std::size_t bytes) noexcept override {
    if (memory == nullptr) return;
    outstanding -= static_cast<long>(bytes);
    std::free(memory);
  }
  long allocations = 0;
  long outstanding = 0;
  long fail_after = -1;
};

struct KeptFinding {
  FindingInfo info;
  std::vector<std::string> classes;   // cycle order: to of each link
  std::vector<LinkInfo> links;
  std::vector<HeldInfo> held;
};

class KeepingSink final : public Sink {
 public:
  void on_class(const ClassInfo& info) override { classes[info.id] = std::string(info.name, info.name_length); }
  void on_class_usage(ClassId id, std::uint8_t usage) override { usages[id] = usage; }
  void on_instance(const InstanceInfo& info) override { instances[info.id] = info; }
  void on_context(const ContextInfo& info) override { contexts[info.id] = std::string(info.name, info.name_length); }
  void on_stack(StackId id, const Site* frames, unsigned count) override { stacks[id].assign(frames, frames + count); }
  void on_dependency(const DependencyInfo& info) override { dependencies[info.id] = info; }
  void on_witness(const WitnessInfo& info) override { witnesses.push_back(info); }
  void on_finding(const FindingInfo& info) override {
    KeptFinding kept{info, {}, {info.links, info.links + info.link_count}, {info.held, info.held + info.held_count}};
    for (const LinkInfo& link : kept.links) kept.classes.push_back(classes[dependencies[link.dependency].to]);
    told.push_back(kept);
    findings[info.id] = kept;
  }

  bool has_dependency(const std::string& from, const std::string& to) const {
    for (const auto& [id, info] : dependencies)
      if (classes.at(info.from) == from && classes.at(info.to) == to) return true;
    return false;
  }
  const WitnessInfo* witness(const std::string& from, const std::string& to) const {
    for (const WitnessInfo& info : witnesses) {
      const DependencyInfo& dependency = dependencies.at(info.dependency);
      if (classes.at(dependency.from) == from && classes.at(dependency.to) == to) return &info;
    }
    return nullptr;
  }
  std::vector<KeptFinding> at_least(Verdict verdict) const {
    std::vector<KeptFinding> out;
    for (const auto& [id, finding] : findings)
      if (finding.info.verdict >= verdict) out.push_back(finding);
    return out;
  }

  std::map<ClassId, std::string> classes;
  std::map<ClassId, std::uint8_t> usages;
  std::map<InstanceId, InstanceInfo> instances;
  std::map<ContextId, std::string> contexts;
  std::map<StackId, std::vector<Site>> stacks;
  std::map<DependencyId, DependencyInfo> dependencies;
  std::vector<WitnessInfo> witnesses;
  std::map<FindingId, KeptFinding> findings;
  std::vector<KeptFinding> told;
};

class Stage {
 public:
  explicit Stage(Options options = {}) : engine(std::make_unique<Engine>(memory, sink, options)) {}
  ~Stage() {
    engine.reset();
    if (memory.outstanding != 0) std::abort();  // every byte goes back to the allocator it came from
  }

  Context* context(const std::string& name, Context* parent = nullptr, LockInstance* end = nullptr) {
    Context*& found = contexts_[name];
    if (found == nullptr)
      found = engine->begin_context(parent, ContextKind::kThread, contexts_.size(), name.data(),
                                    static_cast<std::uint32_t>(name.size()), end);
    return found;
  }
  /// The lock `name`; its class is `name` up to a '.', so that a.1 and a.2 are instances of class a.
  LockInstance* lock(const std::string& name, Kind kind = Kind::kMutex, std::uint8_t flags = 0) {
    LockInstance*& found = locks_[name];
    if (found == nullptr) {
      const std::string class_name = name.substr(0, name.find('.'));
      Engine::ClassSpec spec;
      spec.kind = kind;
      spec.name = class_name.data();
      spec.name_length = static_cast<std::uint32_t>(class_name.size());
      found = engine->create(engine->declare_class(spec), kind, 0x1000 + 0x10 * locks_.size(), flags);
    }
    return found;
  }
  void acquire(const std::string& who, const std::string& what, Mode mode = Mode::kWrite, std::uint8_t flags = 0) {
    ++site_;
    engine->request(context(who), lock(what), mode, flags, site_);
    engine->acquired(context(who), lock(what), mode, flags, site_);
  }
  void release(const std::string& who, const std::string& what) { engine->release(context(who), lock(what), ++site_); }
  void wait(const std::string& who, const std::string& what, const std::string& mutex = "") {
    engine->wait_begin(context(who), lock(what, Kind::kCompletion), mutex.empty() ? nullptr : lock(mutex), 0, ++site_);
  }
  void wake(const std::string& who, const std::string& what) {
    engine->wait_end(context(who), lock(what), nullptr, true, ++site_);
  }
  void signal(const std::string& who, const std::string& what, std::uint32_t count = kNone) {
    engine->signal(context(who), lock(what, Kind::kCompletion), count, ++site_);
  }
  /// acquire(a), acquire(b), ..., then release all, newest first.
  void nest(const std::string& who, const std::vector<std::string>& what) {
    for (const std::string& name : what) acquire(who, name);
    for (auto name = what.rbegin(); name != what.rend(); ++name) release(who, *name);
  }

  CountingAllocator memory;
  KeepingSink sink;
  std::unique_ptr<Engine> engine;

 private:
  std::map<std::string, Context*> contexts_;
  std::map<std::string, LockInstance*> locks_;
  Site site_ = 0x400000;
};

}  // namespace crossdep::engine::test
