// SPDX-License-Identifier: MIT
//
// What the engine said of a trace, in words a test can compare: classes by name, dependencies with the origins of their
// witnesses, findings as `check verdict A -> B -> A`.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/sink.h"
#include "rules/catalogue.h"

namespace crossdep::traces_test {

struct Collector final : engine::Sink {
  struct Witness {
    engine::WitnessInfo info;
  };
  struct Finding {
    engine::FindingInfo info;
    std::vector<std::string> cycle;               // class names: links[0].from, then each link's to
    std::vector<engine::WitnessInfo> witnesses;   // of the links
  };

  std::map<engine::ClassId, std::string> classes;
  std::map<engine::InstanceId, engine::InstanceInfo> instances;
  std::map<engine::ContextId, std::string> contexts;
  std::map<engine::DependencyId, engine::DependencyInfo> dependencies;
  std::map<engine::DependencyId, std::vector<engine::WitnessInfo>> witnesses;
  std::map<engine::FindingId, Finding> findings;

  void on_class(const engine::ClassInfo& info) override {
    std::string name = info.name_length != 0 ? std::string(info.name, info.name_length) : "?" + std::to_string(info.id);
    if (info.subclass != 0) name += "/" + std::to_string(info.subclass);
    classes[info.id] = name;
  }
  void on_class_usage(engine::ClassId, std::uint8_t) override {}
  void on_instance(const engine::InstanceInfo& info) override { instances[info.id] = info; }
  void on_context(const engine::ContextInfo& info) override { contexts[info.id] = std::string(info.name, info.name_length); }
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo& info) override { dependencies[info.id] = info; }
  void on_witness(const engine::WitnessInfo& info) override { witnesses[info.dependency].push_back(info); }
  void on_finding(const engine::FindingInfo& info) override {
    Finding& finding = findings[info.id];
    finding.info = info;
    finding.cycle.clear();
    finding.witnesses.clear();
    for (std::uint32_t i = 0; i < info.link_count; ++i) {
      const engine::DependencyInfo& link = dependencies[info.links[i].dependency];
      if (i == 0) finding.cycle.push_back(classes[link.from]);
      finding.cycle.push_back(classes[link.to]);
      for (const engine::WitnessInfo& witness : witnesses[link.id]) {
        if (&witness - witnesses[link.id].data() == static_cast<std::ptrdiff_t>(info.links[i].witness))
          finding.witnesses.push_back(witness);
      }
    }
    if (info.link_count == 0) {
      const auto instance = instances.find(info.instance);
      finding.cycle.push_back(instance != instances.end() ? classes[instance->second.class_id] : "?");
    }
  }

  bool has_dependency(const std::string& from, const std::string& to) const {
    for (const auto& [id, link] : dependencies)
      if (classes.at(link.from) == from && classes.at(link.to) == to) return true;
    return false;
  }
  /// Origins of the witnesses of from -> to.
  std::set<engine::Origin> origins(const std::string& from, const std::string& to) const {
    std::set<engine::Origin> out;
    for (const auto& [id, link] : dependencies) {
      if (classes.at(link.from) != from || classes.at(link.to) != to) continue;
      const auto known = witnesses.find(id);
      if (known == witnesses.end()) continue;
      for (const engine::WitnessInfo& witness : known->second) out.insert(witness.origin);
    }
    return out;
  }
  /// `check verdict CYCLE` of each finding, in order of their ids; those below `least` left out.
  std::vector<std::string> summary(engine::Verdict least = engine::Verdict::kRefuted) const {
    static const char* const verdicts[] = {"refuted", "latent", "possible", "feasible", "confirmed", "deadlock"};
    std::vector<std::string> out;
    for (const auto& [id, finding] : findings) {
      if (finding.info.verdict < least) continue;
      std::string text = rules::check_id(finding.info.check);
      text += " ";
      text += verdicts[static_cast<int>(finding.info.verdict)];
      for (std::size_t i = 0; i < finding.cycle.size(); ++i) text += (i == 0 ? " " : " -> ") + finding.cycle[i];
      out.push_back(text);
    }
    return out;
  }
};

}  // namespace crossdep::traces_test
