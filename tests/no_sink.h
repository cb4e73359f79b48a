// SPDX-License-Identifier: MIT
//
// A sink that hears everything and keeps nothing: for what measures or fuzzes the way to it.
#pragma once

#include "engine/sink.h"

namespace crossdep::tests {

class NoSink final : public engine::Sink {
 public:
  void on_class(const engine::ClassInfo&) override {}
  void on_class_usage(engine::ClassId, std::uint8_t) override {}
  void on_instance(const engine::InstanceInfo&) override {}
  void on_context(const engine::ContextInfo&) override {}
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo&) override {}
  void on_witness(const engine::WitnessInfo&) override {}
  void on_finding(const engine::FindingInfo&) override {}
};

}  // namespace crossdep::tests
