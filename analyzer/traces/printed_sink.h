// SPDX-License-Identifier: MIT
//
// Brings findings other tools printed (printed.h) to a Sink, as the engine brings its own: classes, instances, contexts
// and stacks are announced once, dependencies before the findings that name them. Equal words are one object: a class is
// its name, subclass and kind, an instance its class and address.
//
// Threading: one thread.  Allocation: the heap; O(distinct words).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/sink.h"
#include "traces/name_table.h"
#include "traces/printed.h"

namespace crossdep::traces {

class PrintedSink {
 public:
  /// `sink` must outlive this.
  explicit PrintedSink(engine::Sink& sink) : sink_(sink) {}

  /// Returns the number the finding has at the sink.
  engine::FindingId add(const PrintedFinding& finding);

  /// The text of a site or of a class's key as announced, empty if there is none.
  std::string_view site_text(engine::Site site) const;

 private:
  engine::Site site(std::string_view text);
  engine::Site place_key(const std::string& place);
  engine::StackId stack(const PrintedStack& stack);
  engine::ClassId lock_class(const PrintedLock& lock);
  engine::InstanceId instance(const PrintedLock& lock);
  engine::ContextId context(const PrintedContext& context);
  engine::LinkInfo link(const PrintedLink& link, const std::vector<engine::HeldInfo>& held);
  std::vector<engine::HeldInfo> held(const std::vector<PrintedLock>& locks);

  struct KnownClass {
    engine::ClassId id;
    std::uint8_t usage;
  };
  struct KnownDependency {
    engine::DependencyId id;
    std::uint32_t witnesses = 0;
  };

  engine::Sink& sink_;
  NameTable sites_;
  std::map<std::vector<engine::Site>, engine::StackId> stacks_;
  std::map<std::tuple<std::string, std::string, std::uint32_t, unsigned, engine::Kind>, KnownClass> classes_;
  std::map<std::pair<engine::ClassId, std::uint64_t>, engine::InstanceId> instances_;
  std::map<std::tuple<std::string, std::uint64_t, engine::ContextKind>, engine::ContextId> contexts_;
  std::map<std::pair<engine::ClassId, engine::ClassId>, KnownDependency> dependencies_;
  engine::FindingId next_finding_ = 0;
};

}  // namespace crossdep::traces
