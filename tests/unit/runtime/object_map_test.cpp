// SPDX-License-Identifier: MIT
//
// The runtime's address map against a naive one: random insertions, look-ups and removals with fixed seeds, few and many
// keys, so that tables grow, fill with tombstones, are rebuilt and come back from retirement. And the memory below it.
#include "core/object_map.h"

#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "core/memory.cpp"   // the runtime's parts are linked into libcrossdep.so only

using crossdep::runtime::Memory;
using crossdep::runtime::ObjectMap;

TEST_CASE("the address map agrees with a naive map", "[runtime]") {
  const unsigned key_space = GENERATE(16u, 700u, 20'000u);
  std::mt19937_64 random(key_space);
  ObjectMap<int> map;
  std::map<std::uint64_t, int*> naive;
  std::vector<int> values(1000);
  for (unsigned step = 0; step < 200'000; ++step) {
    const std::uint64_t key = 0x7f00'0000'0000u + 40 * (random() % key_space);
    int* value = &values[random() % values.size()];
    const auto known = naive.find(key);
    REQUIRE(map.find(key) == (known == naive.end() ? nullptr : known->second));
    if (known == naive.end()) {
      REQUIRE(map.insert(key, value));
      naive.emplace(key, value);
    } else if (random() % 2 == 0) {
      map.erase(key);
      naive.erase(known);
    }
    REQUIRE(map.size() == naive.size());
  }
  std::size_t visited = 0;
  map.each([&](std::uint64_t key, int* value) {
    ++visited;
    REQUIRE(naive.at(key) == value);
  });
  REQUIRE(visited == naive.size());
}

TEST_CASE("removing while visiting leaves the rest", "[runtime]") {
  ObjectMap<int> map;
  int value = 0;
  for (std::uint64_t key = 8; key <= 8000; key += 8) map.insert(key, &value);
  map.each([&](std::uint64_t key, int*) {
    if (key % 16 == 0) map.erase(key);
  });
  for (std::uint64_t key = 8; key <= 8000; key += 8) REQUIRE((map.find(key) != nullptr) == (key % 16 != 0));
}

TEST_CASE("readers always find what stays while others come and go", "[runtime]") {
  ObjectMap<int> map;
  int stays = 0, comes = 0;
  for (std::uint64_t key = 64; key <= 6400; key += 64) map.insert(key, &stays);
  std::atomic<bool> done{false};
  std::atomic<unsigned> wrong{0};
  // A miss is allowed (it is looked up again under the lock), another key's value is not.
  std::thread reader([&] {
    while (!done.load())
      for (std::uint64_t key = 64; key <= 6400; key += 64)
        if (int* found = map.find(key); found != nullptr && found != &stays) ++wrong;
  });
  for (unsigned round = 0; round < 200; ++round) {
    for (std::uint64_t key = 100'000; key < 104'000; key += 8) map.insert(key + round, &comes);
    for (std::uint64_t key = 100'000; key < 104'000; key += 8) map.erase(key + round);
  }
  done = true;
  reader.join();
  REQUIRE(wrong == 0);
  for (std::uint64_t key = 64; key <= 6400; key += 64) REQUIRE(map.find(key) == &stays);
}

TEST_CASE("blocks are zeroed, aligned and do not overlap", "[runtime]") {
  static constinit Memory memory;
  std::mt19937_64 random(7);
  struct Block { unsigned char* at; std::size_t size; unsigned char mark; };
  std::vector<Block> blocks;
  for (unsigned step = 0; step < 20'000; ++step) {
    if (blocks.size() > 300 || (!blocks.empty() && random() % 3 == 0)) {
      const std::size_t i = random() % blocks.size();
      for (std::size_t j = 0; j < blocks[i].size; ++j) REQUIRE(blocks[i].at[j] == blocks[i].mark);
      memory.deallocate(blocks[i].at, blocks[i].size);
      blocks[i] = blocks.back();
      blocks.pop_back();
      continue;
    }
    const std::size_t size = 1 + random() % (std::size_t{1} << (random() % 18));
    auto* at = static_cast<unsigned char*>(memory.allocate(size));
    REQUIRE(at != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(at) % 16 == 0);
    bool zero = true;
    for (std::size_t j = 0; j < size; ++j) zero = zero && at[j] == 0;
    REQUIRE(zero);
    const auto mark = static_cast<unsigned char>(1 + random() % 255);
    std::memset(at, mark, size);
    blocks.push_back({at, size, mark});
  }
}
