// SPDX-License-Identifier: MIT
//
// The engine against a naive model: random acquisitions and releases of random modes in several contexts. After every
// step the dependencies are those of a model that remembers everything, and a cycle was reported exactly if a search from
// scratch over all of them finds a strong one. Also: the engine where memory runs out at any allocation.
#include <random>
#include <set>

#include "catch.hpp"
#include "unit/engine/fixture.h"

using namespace crossdep::engine;
using crossdep::engine::test::Stage;

namespace {

struct Model {
  static constexpr unsigned kLocks = 7;
  struct Entry {
    unsigned lock;
    Mode mode;
  };
  std::map<std::string, std::vector<Entry>> held;
  // (from, to) -> (held shared, asked for recursively) combinations
  std::map<std::pair<unsigned, unsigned>, std::set<std::pair<bool, bool>>> dependencies;

  void request(const std::string& who, unsigned lock, Mode mode, bool tried) {
    for (const Entry& entry : held[who])
      if (entry.lock != lock && !tried)
        dependencies[{entry.lock, lock}].insert({entry.mode != Mode::kWrite, mode == Mode::kRecursiveRead});
    held[who].push_back({lock, mode});
  }

  /// True if some closed walk has no recursive arrival followed by a shared holding.
  bool strong_cycle() const {
    // State: a dependency in one mode combination; a closed walk of states is a strong cycle.
    std::vector<std::tuple<unsigned, unsigned, bool, bool>> states;
    for (const auto& [ends, modes] : dependencies)
      for (const auto& [shared, recursive] : modes) states.emplace_back(ends.first, ends.second, shared, recursive);
    const auto follows = [&](std::size_t a, std::size_t b) {
      return std::get<1>(states[a]) == std::get<0>(states[b]) && !(std::get<3>(states[a]) && std::get<2>(states[b]));
    };
    for (std::size_t start = 0; start < states.size(); ++start) {
      std::vector<bool> reached(states.size());
      std::vector<std::size_t> work{start};
      while (!work.empty()) {
        const std::size_t here = work.back();
        work.pop_back();
        for (std::size_t next = 0; next < states.size(); ++next) {
          if (!follows(here, next)) continue;
          if (next == start) return true;
          if (!reached[next]) reached[next] = true, work.push_back(next);
        }
      }
    }
    return false;
  }
};

std::size_t cycles(const Stage& stage) {
  std::size_t count = 0;
  for (const auto& [id, finding] : stage.sink.findings) count += finding.info.check == Check::kLockOrderCycle;
  return count;
}

}  // namespace

TEST_CASE("random lock operations agree with the naive model", "[engine][model]") {
  const unsigned seed = GENERATE(range(1u, 61u));
  CAPTURE(seed);
  std::mt19937 random(seed);
  Stage stage;
  Model model;
  const unsigned reader_share = seed % 4;
  for (unsigned step = 0; step < 120; ++step) {
    const std::string who = "T" + std::to_string(random() % 3);
    auto& held = model.held[who];
    if (!held.empty() && (held.size() >= 4 || random() % 5 < 2)) {
      const std::size_t which = random() % 3 == 0 ? random() % held.size() : held.size() - 1;
      stage.release(who, "L" + std::to_string(held[which].lock));
      held.erase(held.begin() + static_cast<long>(which));
      continue;
    }
    const unsigned lock = random() % Model::kLocks;
    bool mine = false;
    for (const auto& entry : held) mine = mine || entry.lock == lock;
    if (mine) continue;
    const Mode mode = random() % 4 < reader_share ? (random() % 3 ? Mode::kRecursiveRead : Mode::kRead) : Mode::kWrite;
    const bool tried = random() % 8 == 0;
    stage.acquire(who, "L" + std::to_string(lock), mode, tried ? kTry : 0);
    model.request(who, lock, mode, tried);

    REQUIRE(stage.sink.dependencies.size() == model.dependencies.size());
    for (const auto& [ends, modes] : model.dependencies)
      REQUIRE(stage.sink.has_dependency("L" + std::to_string(ends.first), "L" + std::to_string(ends.second)));
    REQUIRE((cycles(stage) != 0) == model.strong_cycle());
    REQUIRE(stage.engine->check_invariants());
  }
}

TEST_CASE("memory may run out at any allocation", "[engine]") {
  for (long allowed = 0; allowed < 140; ++allowed) {
    crossdep::engine::test::CountingAllocator memory;
    crossdep::engine::test::KeepingSink sink;
    memory.fail_after = allowed;
    {
      Engine engine(memory, sink, {});
      LockInstance* locks[4];
      Context* contexts[3];
      for (unsigned i = 0; i < 4; ++i) {
        Engine::ClassSpec spec;
        const char name = static_cast<char>('A' + i);
        spec.name = &name;
        spec.name_length = 1;
        locks[i] = engine.create(engine.declare_class(spec), Kind::kMutex, i, 0);
      }
      for (unsigned i = 0; i < 3; ++i) contexts[i] = engine.begin_context(nullptr, ContextKind::kThread, i, "T", 1, nullptr);
      for (unsigned round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < 3; ++i) {
          for (unsigned k = 0; k < 3; ++k) {
            engine.request(contexts[i], locks[(i + k) % 4], Mode::kWrite, 0, 10 * i + k + 1);
            engine.acquired(contexts[i], locks[(i + k) % 4], Mode::kWrite, 0, 10 * i + k + 1);
          }
          for (unsigned k = 3; k-- > 0;) engine.release(contexts[i], locks[(i + k) % 4], 99);
          engine.wait_begin(contexts[i], locks[3], nullptr, 0, 98);
          engine.signal(contexts[(i + 1) % 3], locks[3], kNone, 97);
          engine.wait_end(contexts[i], locks[3], nullptr, true, 96);
        }
      }
      CHECK(engine.check_invariants());
      for (Context* context : contexts) engine.end_context(context, 0);
    }
    CHECK(memory.outstanding == 0);
  }
}
