// SPDX-License-Identifier: MIT
//
// See printed_objects.h.
#include "traces/printed_objects.h"

#include <algorithm>

#include <fmt/format.h>

#include "symbols/module_map.h"
#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

bool initialises(std::string_view function) { return has(function, "_init") || has(function, "Create"); }

// "take (abba.c:7:60)" -> "take (abba.c:7)": not every compiler tells the column.
std::string without_column(const std::string& place) {
  const std::size_t last = place.rfind(':');
  const std::size_t before = last == std::string::npos || last == 0 ? std::string::npos : place.rfind(':', last - 1);
  const bool numbers = before != std::string::npos && before + 1 < last && place.ends_with(")") &&
                       place.find_first_not_of("0123456789:", before) == place.size() - 1;
  return numbers ? place.substr(0, last) + ")" : place;
}

// "lock (std_mutex.h:100)": what is inlined has a function's bare name and, from valgrind, a file's without its folder.
bool in_library_header(std::string_view frame) {
  const std::size_t open = frame.rfind(" (");
  if (open == std::string_view::npos || !frame.ends_with(")")) return false;
  std::string_view file = frame.substr(open + 2, frame.find(':', open) - open - 2);
  if (symbols::is_library_file(std::string(file))) return true;
  constexpr std::string_view kHeaders[] = {"std_mutex.h", "unique_lock.h", "gthr-default.h", "gthr-posix.h", "std_thread.h", "invoke.h", "mutex",
                                           "shared_mutex", "condition_variable", "future", "thread", "semaphore", "latch", "barrier"};
  return std::ranges::find(kHeaders, file) != std::end(kHeaders);
}

// The stack from whoever asked for memory on; not all tools name the library malloc is in.
PrintedStack behind_allocator(const PrintedStack& stack) {
  constexpr std::string_view kAllocators[] = {"malloc", "calloc", "realloc", "operator new", "posix_memalign", "aligned_alloc", "memalign", "std::", "__gnu_cxx::"};
  const auto own = std::find_if_not(stack.begin(), stack.end(), [&](const std::string& frame) {
    return is_user_carrier(frame) || std::any_of(std::begin(kAllocators), std::end(kAllocators), [&](std::string_view a) { return frame.starts_with(a); });
  });
  return {own, stack.end()};
}

}  // namespace

engine::Kind kind_of_call(std::string_view function) {
  if (has(function, "rwlock") || has(function, "shared_mutex")) return engine::Kind::kRwlock;
  if (has(function, "spin")) return engine::Kind::kSpin;
  if (has(function, "sem_")) return engine::Kind::kSemaphore;
  if (has(function, "barrier")) return engine::Kind::kBarrier;
  if (has(function, "cond_")) return engine::Kind::kCond;
  return engine::Kind::kMutex;
}

bool is_user_carrier(std::string_view frame) {
  constexpr std::string_view kFronts[] = {"pthread_", "__pthread_", "___pthread_", "__interceptor_", "___interceptor_", "sem_", "std::", "void std::",
                                          "__gthread", "__glibcxx_", "__gnu_cxx::", "mtx_", "???", "operator new", "futex_", "__futex_", "__lll_", "lll_"};
  for (const std::string_view front : kFronts)
    if (frame.starts_with(front)) return true;
  return has(frame, "hg_intercepts.c") || has(frame, "drd_pthread_intercepts.c") || has(frame, "/libsanitizer/") ||
         has(frame, "sanitizer_common") || has(frame, "vgpreload_") || has(frame, "libtsan.so") || in_library_header(frame);
}

PrintedStack from_own_frame(const PrintedStack& stack) {
  const auto own = std::find_if_not(stack.begin(), stack.end(), [](const std::string& frame) { return is_user_carrier(frame); });
  return own == stack.end() ? stack : PrintedStack(own, stack.end());
}

PrintedLock PrintedObjects::lock(const PrintedObject& object) {
  PrintedLock out;
  out.address = object.address;
  out.kind = kind_of_call(object.maker);
  if (!object.symbol.empty()) {
    out.name = object.symbol;
    if (object.offset != 0) out.name += fmt::format("+{:#x}", object.offset);
    out.key_kind = engine::ClassKey::kStatic;
    return out;
  }
  const PrintedStack made = from_own_frame(object.made);
  if (made.empty()) {
    out.name = fmt::format("lock@{:#x}", object.address);
    return out;
  }
  out.made_at = without_column(made.front());
  if (initialises(object.maker)) {
    out.key_kind = engine::ClassKey::kInitSite;
    return out;
  }
  if (const PrintedStack allocated = behind_allocator(object.allocated); !allocated.empty()) {
    out.key_kind = engine::ClassKey::kHeap;
    out.made_at = without_column(allocated.front());
    out.ordinal = static_cast<std::uint32_t>(object.offset_in_block) & 0xffffff;
    return out;
  }
  out.key_kind = engine::ClassKey::kFirstSite;
  std::vector<std::uint64_t>& users = first_used_[out.made_at];
  const std::uint64_t self = object.address != 0 ? object.address : object.number;
  const auto known = std::find(users.begin(), users.end(), self);
  out.ordinal = static_cast<std::uint32_t>(known - users.begin()) + 1;
  if (known == users.end()) users.push_back(self);
  return out;
}

}  // namespace crossdep::traces
