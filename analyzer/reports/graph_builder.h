// SPDX-License-Identifier: MIT
//
// Builds a Graph from the engine's output. It takes everything down as it comes (numbers only) and resolves names when
// asked for the graph: a run has far more instances and stacks than its evidence mentions.
//
//   GraphBuilder builder(resolver);
//   Engine engine(memory, builder, options);   // or a journal reader that replays Sink calls
//   ... builder.set_run(run); Graph graph = builder.build();
//
// Names of classes: reports/names.h. Ids of findings: reports/finding_id.h. Both see names only, never addresses.
//
// Threading: as Sink, one caller at a time.  Allocation: the heap; strings are copied during the call.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/sink.h"
#include "reports/graph.h"

namespace crossdep::reports {

/// What turns numbers into names: symbols::Symbolizer for native recordings, SiteTextResolver (site_text.h) for text.
class FrameResolver {
 public:
  virtual ~FrameResolver() = default;
  /// Appends the frames of this place, innermost (inlined) first: at least one, however little is known. For native
  /// code `site` is a return address: the call is the instruction before it.
  virtual void frames(engine::Site site, std::vector<Frame>& out) = 0;
  /// A static object's name (`g_lock`, `Foo::mu_`, `table+0x18`), empty if unknown.
  virtual std::string object_name(std::uint64_t address) = 0;
  /// What tells a static object from another of the same name: its source file or module; empty if unknown.
  virtual std::string object_file(std::uint64_t address) = 0;
  /// The name of the function that begins here, empty if unknown.
  virtual std::string function_name(std::uint64_t address) = 0;
};

class GraphBuilder final : public engine::Sink {
 public:
  /// `resolver` must outlive build().
  explicit GraphBuilder(FrameResolver& resolver) : resolver_(resolver) {}

  void on_class(const engine::ClassInfo& info) override;
  void on_class_usage(engine::ClassId id, std::uint8_t usage) override;
  void on_instance(const engine::InstanceInfo& info) override;
  void on_context(const engine::ContextInfo& info) override;
  void on_stack(engine::StackId id, const engine::Site* frames, unsigned count) override;
  void on_dependency(const engine::DependencyInfo& info) override;
  void on_witness(const engine::WitnessInfo& info) override;
  void on_finding(const engine::FindingInfo& info) override;

  /// The run these calls come from; `id` is made if empty, `contexts` and `instances` are counted here.
  void set_run(Run run) { run_ = std::move(run); }

  /// Names by rule files; must outlive build().
  void set_name_rules(const class NameRules* rules) { name_rules_ = rules; }

  /// The graph as of now, in canonical order (equal input gives an equal graph). May be called again later.
  Graph build();

  /// The stable id of the engine's finding; empty if there is none such. Valid after build().
  std::string finding_id(engine::FindingId id) const;
  /// An earlier finding has the same stable id and a verdict at least as grave: it is the same one again. After build().
  bool repeats(engine::FindingId id) const;

  std::size_t finding_count() const { return findings_.size(); }

 private:
  struct RawClass {
    engine::ClassInfo info;
    std::string name;
    std::vector<engine::Site> callers;
    std::uint8_t usage = 0;
  };
  struct RawContext {
    engine::ContextInfo info;
    std::string name;
  };
  /// An instance id is used again after the instance's death; evidence therefore names lives, numbered as they are
  /// first mentioned.
  struct RawInstance {
    engine::InstanceInfo info;
    std::uint32_t life = engine::kNone;
  };
  struct RawWitness {
    engine::WitnessInfo info;
    std::vector<engine::HeldInfo> held;
  };
  struct RawDependency {
    engine::DependencyInfo info;
    std::vector<RawWitness> witnesses;
  };
  struct RawFinding {
    engine::FindingInfo info;
    std::vector<engine::HeldInfo> held;
    std::vector<engine::LinkInfo> links;
    std::string said;
  };
  class Assembly;   // one build(), in graph_builder.cpp

  std::uint32_t life_of(engine::InstanceId id);
  std::vector<engine::HeldInfo> take_held(const engine::HeldInfo* held, std::uint32_t count);

  FrameResolver& resolver_;
  const class NameRules* name_rules_ = nullptr;
  Run run_;
  std::uint64_t instance_count_ = 0;
  // Ordered, so that what is made from them does not depend on a hash.
  std::map<engine::ClassId, RawClass> classes_;
  std::map<engine::ContextId, RawContext> contexts_;
  std::map<engine::DependencyId, RawDependency> dependencies_;
  std::map<engine::FindingId, RawFinding> findings_;
  std::unordered_map<engine::InstanceId, RawInstance> instances_;
  std::vector<engine::InstanceInfo> lives_;
  std::unordered_map<engine::StackId, std::vector<engine::Site>> stacks_;
  std::map<engine::FindingId, std::string> ids_;   // of the last build()
};

}  // namespace crossdep::reports
