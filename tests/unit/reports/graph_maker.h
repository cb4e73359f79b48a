// SPDX-License-Identifier: MIT
//
// Makes graphs for the reports' tests by hand: the Sink calls an engine would make, in a few words each. Sites are
// written as text ("lu+0x1e/0x40 [ldtest]", "main.c:12").
//
// Threading: one thread.  Allocation: the heap.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "reports/graph_builder.h"
#include "reports/site_text.h"

namespace crossdep::reports::test {

struct HeldLock {
  engine::InstanceId instance;
  engine::ClassId class_id;
  std::string site;
  engine::Mode mode = engine::Mode::kWrite;
};

/// Lines of a stack, innermost first.
using Lines = std::vector<std::string>;

class GraphMaker {
 public:
  GraphMaker() : resolver_([this](engine::Site site) { return text_of(site); }), builder_(resolver_) {}

  engine::ClassId lock_class(const std::string& name, engine::Kind kind = engine::Kind::kMutex, unsigned wait = 0,
                             std::uint8_t usage = engine::kEnabledHard | engine::kEnabledSoft) {
    engine::ClassInfo info{};
    info.id = next_class_++;
    info.key_kind = engine::ClassKey::kNamed;
    info.kind = kind;
    info.wait_outer = info.wait_inner = static_cast<std::uint8_t>(wait);
    info.name = name.data();
    info.name_length = static_cast<std::uint32_t>(name.size());
    builder_.on_class(info);
    builder_.on_class_usage(info.id, usage);
    kinds_[info.id] = kind;
    return info.id;
  }
  engine::InstanceId instance(engine::ClassId class_id, std::uint64_t address) {
    builder_.on_instance({next_instance_, class_id, kinds_[class_id], 0, address});
    return next_instance_++;
  }
  engine::ContextId context(const std::string& name, std::uint64_t tid, engine::ContextKind kind = engine::ContextKind::kThread) {
    builder_.on_context({next_context_, engine::kNone, kind, tid, name.data(), static_cast<std::uint32_t>(name.size())});
    return next_context_++;
  }
  engine::Site site(const std::string& text) {
    if (text.empty()) return 0;
    const auto [at, fresh] = number_of_.try_emplace(text, texts_.size() + 1);
    if (fresh) texts_.push_back(text);
    return at->second;
  }
  engine::StackId stack(const Lines& lines) {
    if (lines.empty()) return 0;
    std::vector<engine::Site> sites;
    for (const std::string& line : lines) sites.push_back(site(line));
    builder_.on_stack(++last_stack_, sites.data(), static_cast<unsigned>(sites.size()));
    return last_stack_;
  }

  /// A witness with nothing in it but its dependency, which is made on first use.
  engine::WitnessInfo witness(engine::ClassId from, engine::ClassId to, engine::ContextId context) {
    const auto [at, fresh] = dependency_of_.try_emplace({from, to}, static_cast<engine::DependencyId>(dependency_of_.size()));
    if (fresh) builder_.on_dependency({at->second, from, to});
    engine::WitnessInfo info{};
    info.dependency = at->second;
    info.context = context;
    info.from = info.to = engine::kNone;
    info.waiter = engine::kNone;
    return info;
  }
  /// Announces it; the link that names it.
  engine::LinkInfo add(engine::WitnessInfo info, const std::vector<HeldLock>& held = {}) {
    const std::vector<engine::HeldInfo> list = held_list(held);
    info.held = list.data();
    info.held_count = static_cast<std::uint32_t>(list.size());
    builder_.on_witness(info);
    return {info.dependency, witnesses_of_[info.dependency]++};
  }

  engine::FindingInfo finding(engine::Check check, engine::Verdict verdict, engine::Reason reason, engine::ContextId context) {
    engine::FindingInfo info{};
    info.id = next_finding_++;
    info.check = check;
    info.verdict = verdict;
    info.reason = reason;
    info.reason_instance = info.instance = info.other = engine::kNone;
    info.context = context;
    return info;
  }
  void add(engine::FindingInfo info, const std::vector<engine::LinkInfo>& links, const std::vector<HeldLock>& held) {
    const std::vector<engine::HeldInfo> list = held_list(held);
    info.held = list.data();
    info.held_count = static_cast<std::uint32_t>(list.size());
    info.links = links.data();
    info.link_count = static_cast<std::uint32_t>(links.size());
    builder_.on_finding(info);
  }

  GraphBuilder& builder() { return builder_; }
  Graph graph() { return builder_.build(); }
  /// As graph(), of a run of its own.
  Graph graph(const std::string& source, std::uint64_t pid) {
    Run run;
    run.source = source;
    run.pid = pid;
    run.executable = "/usr/bin/" + source;
    run.requests = 10;
    builder_.set_run(run);
    return builder_.build();
  }

 private:
  std::string_view text_of(engine::Site site) const {
    return site == 0 || site > texts_.size() ? std::string_view() : std::string_view(texts_[site - 1]);
  }
  std::vector<engine::HeldInfo> held_list(const std::vector<HeldLock>& held) {
    std::vector<engine::HeldInfo> out;
    for (const HeldLock& h : held) out.push_back({h.instance, h.class_id, h.mode, 0, false, site(h.site)});
    return out;
  }

  SiteTextResolver resolver_;
  GraphBuilder builder_;
  std::vector<std::string> texts_;
  std::map<std::string, engine::Site> number_of_;
  std::map<engine::ClassId, engine::Kind> kinds_;
  std::map<std::pair<engine::ClassId, engine::ClassId>, engine::DependencyId> dependency_of_;
  std::map<engine::DependencyId, std::uint32_t> witnesses_of_;
  engine::ClassId next_class_ = 0;
  engine::InstanceId next_instance_ = 0;
  engine::ContextId next_context_ = 0;
  engine::StackId last_stack_ = 0;
  engine::FindingId next_finding_ = 0;
};

}  // namespace crossdep::reports::test
