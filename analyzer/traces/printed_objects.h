// SPDX-License-Identifier: MIT
//
// Lock objects of user-space programs as ThreadSanitizer and valgrind describe them -> classes, named by the best thing in
// the text, in the order of reports/names.h: the symbol of the object, the place that initialised it, the place that first
// used it, the address.
//
// Threading: one thread.  Allocation: the heap, O(objects of one process).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/printed.h"

namespace crossdep::traces {

/// What is said of one object; `made` is the stack of its creation or first use, as printed.
struct PrintedObject {
  std::uint64_t address = 0;
  std::uint64_t number = 0;      // the tool's own for it, where it prints no address
  std::string symbol;            // "g_table"
  std::uint64_t offset = 0;      // into the symbol
  PrintedStack made;
  PrintedStack allocated;        // the memory it lies in, at `offset_in_block`
  std::uint64_t offset_in_block = 0;
  std::string maker;             // the tool's or library's function on top of it: pthread_mutex_init
};

class PrintedObjects {
 public:
  /// Its class and instance.
  PrintedLock lock(const PrintedObject& object);
  /// Another process: addresses mean other objects.
  void forget() { first_used_.clear(); }

 private:
  std::map<std::string, std::vector<std::uint64_t>> first_used_;   // addresses by place, in the order of their reports
};

/// "pthread_rwlock_rdlock" -> kRwlock; kMutex unless the name says otherwise.
engine::Kind kind_of_call(std::string_view function);
/// Calls of the tool and of the thread library, which stand on top of every stack; also std::'s and libstdc++'s.
bool is_user_carrier(std::string_view frame);
/// The stack from the program's own frame on.
PrintedStack from_own_frame(const PrintedStack& stack);

}  // namespace crossdep::traces
