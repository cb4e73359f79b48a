// SPDX-License-Identifier: MIT
//
// Walks by the rules of frame_rules.h against the unwinder of the compiler's library, which knows all there is: through
// recursion, large frames, variable ones, callbacks of the C library, threads. The walk itself needs the runtime's own
// thread block; here it is made over by hand.
#include "catch.hpp"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#include <alloca.h>
#include <pthread.h>
#include <unwind.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/frame_rules.cpp"   // the runtime's parts are linked into libcrossdep.so only

using crossdep::runtime::frame_rule;
using crossdep::runtime::FrameRule;

namespace {

struct Frame {
  std::uint64_t address, function;
  friend bool operator==(const Frame&, const Frame&) = default;
};
using Frames = std::vector<Frame>;

_Unwind_Reason_Code note(_Unwind_Context* context, void* data) {
  if (_Unwind_GetIP(context) == 0) return _URC_END_OF_STACK;
  static_cast<Frames*>(data)->push_back({_Unwind_GetIP(context), _Unwind_GetRegionStart(context)});
  return _URC_NO_REASON;
}

Frames by_rules() {
  std::uint64_t at, stack, pointer;
  asm volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2" : "=&r"(at), "=&r"(stack), "=&r"(pointer));
  Frames out;
  for (++at; at != 0 && out.size() < 10000;) {
    std::uint64_t function = 0;
    const FrameRule rule = FrameRule::unpack(frame_rule(at - 1, function).pack());
    out.push_back({at, function});
    if (rule.pointer == FrameRule::kUnknown) return {};
    if (rule.pointer == FrameRule::kEnd) break;
    const auto* const end = reinterpret_cast<const std::uint64_t*>((rule.from_pointer ? pointer : stack) + rule.offset);
    if (rule.pointer != FrameRule::kSame) pointer = end[-2 - (rule.pointer - FrameRule::kSaved)];
    at = end[-1];
    stack = reinterpret_cast<std::uint64_t>(end);
  }
  return out;
}

Frames ours, theirs;

__attribute__((noinline)) void look() {
  ours = by_rules();
  theirs.clear();
  _Unwind_Backtrace(note, &theirs);
  ours.erase(ours.begin());      // each is called from another place here
  if (!ours.empty()) ours.erase(ours.begin());
  theirs.erase(theirs.begin());
  asm volatile("" ::: "memory");
}

__attribute__((noinline)) void deeper(int depth) {
  volatile char here[200];
  here[depth % 200] = 1;
  if (depth == 0) look();
  else deeper(depth - 1);
  asm volatile("" : : "r"(&here) : "memory");
}

__attribute__((noinline, optimize("O2", "no-omit-frame-pointer"))) void variable(std::size_t size) {
  auto* const memory = static_cast<char*>(alloca(size));
  std::memset(memory, 0, size);
  deeper(3);
  asm volatile("" : : "r"(memory) : "memory");
}

__attribute__((noinline, optimize("O2"))) int large(int value) {
  volatile char here[60000];
  here[value] = 1;
  deeper(2);
  return here[value];
}

int compare(const void* a, const void* b) {
  look();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

void* thread(void*) {
  deeper(5);
  return nullptr;
}

}  // namespace

TEST_CASE("a walk by frame rules meets the frames that the unwinder meets", "[runtime]") {
  SECTION("recursion") { deeper(100); }
  SECTION("frames of variable size") { variable(4096 + 8); }
  SECTION("large frames") { large(7); }
  SECTION("called back by the C library") {
    int numbers[] = {3, 1, 2};
    std::qsort(numbers, 3, sizeof numbers[0], compare);
  }
  SECTION("from a new thread, to its end") {
    pthread_t made;
    REQUIRE(pthread_create(&made, nullptr, thread, nullptr) == 0);
    pthread_join(made, nullptr);
  }
  REQUIRE(!ours.empty());
  REQUIRE(theirs.size() > 2);
  CHECK(ours.size() == theirs.size());
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    INFO("frame " << i);
    CHECK(ours[i].address == theirs[i].address);
    if (theirs[i].function != 0) CHECK(ours[i].function == theirs[i].function);
  }
}

TEST_CASE("code without a description has no caller", "[runtime]") {
  std::uint64_t function = 1;
  CHECK(frame_rule(0x10, function).pointer == FrameRule::kEnd);
  CHECK(function == 0);
}

TEST_CASE("frame rules are packed without loss", "[runtime]") {
  for (const std::uint64_t offset : {std::uint64_t{8}, std::uint64_t{16}, std::uint64_t{60016}, FrameRule::kMostOffset})
    for (const bool from_pointer : {false, true})
      for (int pointer = FrameRule::kSame; pointer <= FrameRule::kUnknown; ++pointer) {
        const FrameRule rule{offset, from_pointer, static_cast<FrameRule::Pointer>(pointer)};
        CHECK(rule.pack() < 1u << FrameRule::kBits);
        const FrameRule back = FrameRule::unpack(rule.pack());
        CHECK(back.offset == offset);
        CHECK(back.from_pointer == from_pointer);
        CHECK(back.pointer == pointer);
      }
}
#endif
