// SPDX-License-Identifier: MIT
//
// The names of a text trace and what they stand for: contexts, locks, classes, sites. A name's first use makes its
// object, and the definition goes to the consumer before the event that needed it.
//
// Threading: one thread.  Allocation: names and objects of one case; reset() drops them.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "traces/event.h"
#include "traces/name_table.h"
#include "traces/text_arguments.h"

namespace crossdep::traces {

/// What a context, or one nested in it, is about to get.
struct TextLevel {
  InstanceId requested = kNone;
  ClassId requested_class = kNone;
  InstanceId nest = kNone;
  engine::Mode mode = engine::Mode::kWrite;
  std::uint8_t flags = 0;
  Site site = 0;
  InstanceId waits_for = kNone;
};

struct TextTask {
  ContextId id = kNone;
  std::string_view name;           // lives as long as the case
  std::uint64_t first_line = 0;
  bool exited = false;
  std::uint64_t joined_line = 0;   // 0: nobody has joined it
  std::string_view joiner;       // as long
  bool lost = false;            // events are missing: from then on what does not fit is no error
  std::vector<TextLevel> levels;
};

class TextState {
 public:
  explicit TextState(EventConsumer& consumer) : consumer_(consumer) {}

  /// Forgets everything: the next case begins.
  void reset();
  /// The line being read, for definitions and messages.
  std::uint64_t line = 0;

  /// The context of this name, begun now if it does not run: by `parent`, if that is not kNone; its end then is a
  /// crosslock of class `end_class`.
  TextTask& task(std::string_view name, ContextId parent, std::optional<std::string_view> end_class = {});
  TextTask* find_task(std::string_view name);
  /// The lock of this name, made now (of this kind unless the arguments say another) if there is none alive.
  InstanceId lock(std::string_view name, const TextArguments& from, engine::Kind kind);
  /// kNone if there is none alive.
  InstanceId find_lock(std::string_view name) const;
  std::string_view lock_name(InstanceId id) const { return lock_names_[id]; }
  void end_lock(InstanceId id) { locks_[id].alive = false; }
  void end_locks(std::uint64_t begin, std::uint64_t end);
  /// The class these arguments take the lock under; kNone: its own.
  ClassId class_asked_for(InstanceId id, const TextArguments& from);
  void set_class(InstanceId id, ClassId class_id) { locks_[id].class_id = class_id; }
  /// The class of this name, made now with these flags if it is new.
  ClassId lock_class(std::string_view name, unsigned subclass, engine::Kind kind, const TextArguments& from,
                     std::uint8_t flags);
  /// The line that made the class; 0 if there is none.
  std::uint64_t class_line(std::string_view name, unsigned subclass) const;
  Site site(std::string_view text);
  NameId name(std::string_view text);

 private:
  struct Lock {
    ClassId class_id = kNone;
    std::uint64_t address = 0;
    bool alive = false;
  };
  struct Class {
    ClassId id;
    std::uint64_t line;
  };
  void problem(const std::string& what, const std::string& why, std::uint64_t earlier, const char* consequence);
  static std::string class_key(std::string_view name, unsigned subclass);

  EventConsumer& consumer_;
  NameTable task_names_, lock_names_, site_names_, op_names_;
  std::vector<std::unique_ptr<TextTask>> tasks_;   // by number of the name
  std::vector<Lock> locks_;                        // by number of the name, which is the InstanceId too
  std::unordered_map<std::string, Class> classes_;
  struct ClassName {
    std::string name;
    unsigned subclass;
  };
  std::deque<ClassName> class_names_;              // by ClassId; never moves
  ContextId next_context_ = 0;
};

}  // namespace crossdep::traces
