// SPDX-License-Identifier: MIT
//
// Names of lock classes, by what made the class (engine::ClassKey):
//
//   named      as given                                          (complete)&req.done
//   static     the object's symbol                               g_lock, Foo::mu_
//   init-site  kind@function that initialised it                 mutex@conn_new
//              if that does so for several callers               mutex@lock_new<-conn_new, mutex@lock_new<-log_open
//   first-site kind@function that first requested it #ordinal    mutex@conn_use#0
//   heap       kind@function that allocated its memory +offset   mutex@conn_new+8, mutex@conn_new+8#2
//   stack      kind@function in whose frame it lies #ordinal     mutex@main#0
//   function   (kind)function                                    (thread)worker, (work)flush_fn
//              if several callers have threads run it            (thread)run<-log_open, (thread)run<-cache_new
//   instance   the name given, else kind@address                 mutex@0x7f5c
//
// Things waited for carry their kind in front ((complete)g_done) unless the name was given. A hint given along with an
// init site (the expression of the annotation) is used as the name. Two classes that would have the same name are told
// apart by source file or module if they are static objects, else by ":2", ":3" in the order of their addresses; a given
// name always stays as it is.
//
// Threading: none of its own.  Allocation: the heap.
#pragma once

#include <string>
#include <vector>

#include "reports/graph_builder.h"

namespace crossdep::reports {

struct NamedClass {
  engine::ClassInfo info{};
  std::string hint;       // info.name, copied
  std::vector<engine::Site> callers;   // info.callers, copied
};

/// What the user says of names (rule files); asked once for each class and frame.
class NameRules {
 public:
  virtual ~NameRules() = default;
  /// The name that the class gets instead of `name`, empty for none. `frames` is the place that made or first used it,
  /// innermost first; empty if no place did.
  virtual std::string rename(const std::string& name, engine::Kind kind, const std::vector<Frame>& frames) const = 0;
  /// A function that only wraps others: like a library's, it is neither shown nor does it give names.
  virtual bool is_wrapper(const Frame& frame) const = 0;
};

/// One base name for each class, in order; classes of equal identity (name, kind, subclass) never share one unless
/// they differ in subclass only.
std::vector<std::string> name_classes(const std::vector<NamedClass>& classes, FrameResolver& resolver,
                                      const NameRules* rules = nullptr);

/// The class as printed: base and, as the kernel does, "/subclass" unless it is 0.
std::string display_name(const std::string& base, unsigned subclass);

/// What stands in brackets before the name of something waited for; empty for a lock.
const char* kind_tag(engine::Kind kind);

/// The frame of the caller's own code nearest to the place: the first that is no library's, else the first.
const Frame& own_frame(const std::vector<Frame>& frames);

}  // namespace crossdep::reports
