// SPDX-License-Identifier: MIT
//
// Graphs for tests from real engine runs: a few contexts that take named locks, in the order written.
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "reports/graph_builder.h"
#include "reports/site_text.h"

namespace crossdep::reports::test {

class TestHeap final : public engine::Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override { return std::calloc(1, bytes == 0 ? 1 : bytes); }
  void deallocate(void* memory, std::size_t) noexcept override { std::free(memory); }
};

/// One run: `take("T1", {"a", "b"})` takes a, then b under it, then releases both.
class EngineRun {
 public:
  explicit EngineRun(std::string source, std::uint64_t pid = 1, engine::ClassKey key = engine::ClassKey::kNamed)
      : resolver_([this](engine::Site site) { return std::string_view(sites_[site % sites_.size()]); }),
        builder_(resolver_), engine_(std::make_unique<engine::Engine>(heap_, builder_, engine::Options())), key_(key) {
    run_.source = std::move(source);
    run_.pid = pid;
  }
  void take(const std::string& who, const std::vector<std::string>& locks, engine::Mode mode = engine::Mode::kWrite) {
    engine::Context* context = context_of(who);
    for (const std::string& name : locks) {
      const engine::Site site = 1 + (name.size() * 7 + static_cast<unsigned char>(name[0])) % (sites_.size() - 1);
      engine_->request(context, lock(name), mode, 0, site);
      engine_->acquired(context, lock(name), mode, 0, site);
    }
    for (std::size_t i = locks.size(); i-- > 0;) engine_->release(context, lock(locks[i]), 1);
  }
  Graph graph() {
    run_.requests = engine_->request_count();
    builder_.set_run(run_);
    return builder_.build();
  }

 private:
  engine::Context* context_of(const std::string& who) {
    engine::Context*& at = contexts_[who];
    if (at == nullptr)
      at = engine_->begin_context(nullptr, engine::ContextKind::kThread, contexts_.size(), who.data(), static_cast<std::uint32_t>(who.size()), nullptr);
    return at;
  }
  engine::LockInstance* lock(const std::string& name) {
    engine::LockInstance*& at = locks_[name];
    if (at != nullptr) return at;
    engine::Engine::ClassSpec spec;
    spec.key_kind = key_;
    spec.key = key_ == engine::ClassKey::kNamed ? 0 : 0x1000 + locks_.size();
    spec.name = name.data();
    spec.name_length = static_cast<std::uint32_t>(name.size());
    at = engine_->create(engine_->declare_class(spec), engine::Kind::kMutex, 0x1000 + 64 * locks_.size(), 0);
    return at;
  }

  std::vector<std::string> sites_ = {"?", "work.c:10", "work.c:20", "f+0x10/0x40", "g+0x8/0x20", "h+0x4/0x20"};
  TestHeap heap_;
  SiteTextResolver resolver_;
  GraphBuilder builder_;
  std::unique_ptr<engine::Engine> engine_;
  engine::ClassKey key_;
  Run run_;
  std::map<std::string, engine::Context*> contexts_;
  std::map<std::string, engine::LockInstance*> locks_;
};

}  // namespace crossdep::reports::test
