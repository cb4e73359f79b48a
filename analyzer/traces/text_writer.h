// SPDX-License-Identifier: MIT
//
// Writes any trace as a text trace (`crossdep report --format cdt`): an EventConsumer that prints what it is given, so
// that reading it back gives the same events.
//
// Names: a context or lock keeps its name where it is unique among the living, else its number is put behind it; blanks
// become `_` in context names. A lock known by address is called by it. Classes made of sites or addresses are named
// `KIND@PLACE`. A site that is a plain address is printed as one. A join is printed at its end; one that never ended
// at finish(), with `failed`.
//
// Threading: one thread.  Allocation: names of what lives; the text goes out in blocks.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "traces/event.h"

namespace crossdep::traces {

class TextWriter final : public EventConsumer {
 public:
  /// `put` is given the text piece by piece; false stops further output (a full disk): see failed().
  explicit TextWriter(std::function<bool(std::string_view)> put);

  /// Writes what is still held back. Call it when the trace has been read.
  void finish();
  bool failed() const { return failed_; }

  void on_class(const ClassDefinition&) override;
  void on_lock(const LockDefinition&) override;
  void on_context(const ContextDefinition&) override;
  void on_event(const Event&) override;
  void on_name(NameId, std::string_view) override;
  void on_site(Site, std::string_view) override;
  void on_case(std::string_view) override;
  void on_expect(std::string_view) override;
  void on_note(std::string_view) override;

 private:
  struct Class {
    std::string name;
    std::uint8_t subclass = 0, wait_outer = 0, wait_inner = 0, flags = 0;
  };
  struct Lock {
    std::string name;
    ClassId class_id = kNone;
    engine::Kind kind = engine::Kind::kMutex;
    std::uint8_t flags = 0;
    Site site = 0;
    bool printed = false;       // its `init` line is behind us
  };
  struct Context {
    std::string name;
    ContextId joins = kNone;    // the context it waits for
    Event join;
    bool ended = false;
  };

  void print(const Event& event);
  void print_acquisition(const Event& event, std::string_view name);
  void print_nested(const Event& event, std::string_view name);
  void begin_line(ContextId context, std::string_view event);
  void put_word(std::string_view word);
  void put_key(std::string_view key, std::string_view value);
  void put_number(std::string_view key, std::uint64_t number);
  void put_lock(InstanceId id);
  void put_class(ClassId id);
  void put_site(Site site);
  void end_line();
  void release_held_back();
  /// Prints the lock's `init` line if it has not been printed; `context` is who uses it first.
  void introduce(InstanceId id, ContextId context);
  static std::string unique(std::string wish, std::uint64_t number, std::unordered_set<std::string>& taken);

  std::function<bool(std::string_view)> put_;
  std::string out_;
  bool failed_ = false;
  bool started_ = false;
  bool holds_back_ = false;     // a request, which becomes `acquire` if its acquisition is the next event
  Event held_back_;
  std::vector<Class> classes_;
  std::vector<Lock> locks_;
  std::vector<Context> contexts_;
  std::unordered_map<std::string, std::string> class_bases_;   // identity -> name, for classes that are not named
  std::unordered_map<Site, std::string> sites_;
  std::unordered_map<NameId, std::string> names_;
  std::unordered_set<std::string> class_names_, lock_names_, context_names_;
};

}  // namespace crossdep::traces
