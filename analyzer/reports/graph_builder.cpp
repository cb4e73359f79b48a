// SPDX-License-Identifier: MIT
//
// See graph_builder.h. The calls below only copy numbers; Assembly turns them into a Graph: classes get their names,
// sites their frames, findings their sentence and id; then the graph is brought into canonical order.
//
// Threading: as Sink, one caller at a time.  Allocation: the heap.
#include "reports/graph_builder.h"

#include <algorithm>

#include "reports/canonical.h"
#include "reports/finding_id.h"
#include "reports/format.h"
#include "reports/names.h"
#include "reports/reason.h"
#include "reports/version.h"

namespace crossdep::reports {

using engine::kNone;

// ---------------------------------------------------------------------------------------------------------------------
// Taking down

void GraphBuilder::on_class(const engine::ClassInfo& info) {
  RawClass& c = classes_[info.id];
  c.info = info;
  c.name = printable({info.name == nullptr ? "" : info.name, info.name == nullptr ? 0 : info.name_length});
  c.info.name = nullptr;
  c.callers.assign(info.callers, info.callers + info.caller_count);
  c.info.callers = nullptr;
}

void GraphBuilder::on_class_usage(engine::ClassId id, std::uint8_t usage) {
  const auto at = classes_.find(id);
  if (at != classes_.end()) at->second.usage |= usage;
}

void GraphBuilder::on_instance(const engine::InstanceInfo& info) {
  instances_[info.id] = {info, kNone};
  ++instance_count_;
}

void GraphBuilder::on_context(const engine::ContextInfo& info) {
  RawContext& c = contexts_[info.id];
  c.info = info;
  c.name = printable({info.name == nullptr ? "" : info.name, info.name == nullptr ? 0 : info.name_length});
  c.info.name = nullptr;
}

void GraphBuilder::on_stack(engine::StackId id, const engine::Site* frames, unsigned count) {
  stacks_[id].assign(frames, frames + count);
}

void GraphBuilder::on_dependency(const engine::DependencyInfo& info) { dependencies_[info.id].info = info; }

std::uint32_t GraphBuilder::life_of(engine::InstanceId id) {
  const auto at = instances_.find(id);
  if (at == instances_.end()) return kNone;
  if (at->second.life == kNone) {
    at->second.life = static_cast<std::uint32_t>(lives_.size());
    lives_.push_back(at->second.info);
  }
  return at->second.life;
}

std::vector<engine::HeldInfo> GraphBuilder::take_held(const engine::HeldInfo* held, std::uint32_t count) {
  std::vector<engine::HeldInfo> out(held, held + count);
  for (engine::HeldInfo& h : out) h.instance = life_of(h.instance);
  return out;
}

void GraphBuilder::on_witness(const engine::WitnessInfo& info) {
  const auto at = dependencies_.find(info.dependency);
  if (at == dependencies_.end()) return;
  RawWitness& w = at->second.witnesses.emplace_back();
  w.info = info;
  w.info.from = life_of(info.from);
  w.info.to = life_of(info.to);
  w.held = take_held(info.held, info.held_count);
  w.info.held = nullptr;
}

void GraphBuilder::on_finding(const engine::FindingInfo& info) {
  const auto [at, fresh] = findings_.try_emplace(info.id);
  RawFinding& f = at->second;
  if (!fresh && info.verdict < f.info.verdict) return;
  f.info = info;
  f.info.instance = life_of(info.instance);
  f.info.other = life_of(info.other);
  f.info.reason_instance = life_of(info.reason_instance);
  f.held = take_held(info.held, info.held_count);
  f.links.assign(info.links, info.links + info.link_count);
  f.said = printable({info.said == nullptr ? "" : info.said, info.said == nullptr ? 0 : info.said_length});
  f.info.held = nullptr;
  f.info.links = nullptr;
  f.info.said = nullptr;
}

std::string GraphBuilder::finding_id(engine::FindingId id) const {
  const auto at = ids_.find(id);
  return at == ids_.end() ? std::string() : at->second;
}

bool GraphBuilder::repeats(engine::FindingId id) const {
  const auto mine = ids_.find(id);
  const auto self = findings_.find(id);
  if (mine == ids_.end() || self == findings_.end()) return false;
  for (auto earlier = ids_.begin(); earlier != mine; ++earlier)
    if (earlier->second == mine->second && findings_.at(earlier->first).info.verdict >= self->second.info.verdict) return true;
  return false;
}

// ---------------------------------------------------------------------------------------------------------------------
// Putting together

class GraphBuilder::Assembly {
 public:
  explicit Assembly(GraphBuilder& builder) : b_(builder) {}

  Graph make() {
    graph_.tool = tool_version();
    add_run();
    add_classes();
    add_contexts();
    add_instances();
    for (const auto& [id, raw] : b_.dependencies_) add_dependency(raw);
    for (const auto& [id, raw] : b_.findings_) add_finding(id, raw);
    canonicalise(graph_);
    return std::move(graph_);
  }

 private:
  void add_run() {
    Run& run = graph_.runs.emplace_back(b_.run_);
    run.contexts = b_.contexts_.size();
    run.instances = b_.instance_count_;
    if (run.tool.empty()) run.tool = graph_.tool;
    if (run.id.empty()) run.id = make_run_id(run);
  }

  void add_classes() {
    std::vector<NamedClass> wanted;
    for (const auto& [id, raw] : b_.classes_) {
      class_at_[id] = static_cast<Index>(wanted.size());
      wanted.push_back({raw.info, raw.name, raw.callers});
    }
    const std::vector<std::string> bases = name_classes(wanted, b_.resolver_, b_.name_rules_);
    for (const auto& [id, raw] : b_.classes_) {
      const engine::ClassInfo& info = raw.info;
      const std::string& base = bases[class_at_[id]];
      graph_.classes.push_back({base, info.kind, info.subclass, display_name(base, info.subclass), info.key_kind,
                                raw.usage, info.wait_outer, info.wait_inner});
    }
  }

  void add_contexts() {
    for (const auto& [id, raw] : b_.contexts_) {
      context_at_[id] = static_cast<Index>(graph_.contexts.size());
      graph_.contexts.push_back({0, raw.info.tid, raw.info.kind, raw.name, id});
    }
  }

  void add_instances() {
    std::map<std::uint64_t, std::uint32_t> lives_at;
    for (const engine::InstanceInfo& info : b_.lives_)
      graph_.instances.push_back({0, class_index(info.class_id), info.kind, info.flags, info.address, lives_at[info.address]++});
  }

  Index class_index(engine::ClassId id) {
    const auto at = class_at_.find(id);
    if (at != class_at_.end()) return at->second;
    // An input that names a class it never announced: keep its evidence under a name that says so.
    const auto made = static_cast<Index>(graph_.classes.size());
    Class c;
    c.base = c.name = "class#" + std::to_string(id);
    graph_.classes.push_back(c);
    return class_at_[id] = made;
  }

  Index context_index(engine::ContextId id) const {
    const auto at = context_at_.find(id);
    return at == context_at_.end() ? kNoIndex : at->second;
  }

  static Index instance_index(std::uint32_t life) { return life == kNone ? kNoIndex : life; }

  Index frame_index(const Frame& frame) {
    const auto [at, fresh] = frame_at_.try_emplace(frame, static_cast<Index>(graph_.frames.size()));
    if (fresh) graph_.frames.push_back(frame);
    return at->second;
  }

  // The runtime's own frames are never shown.
  static bool is_ours(const Frame& frame) { return frame.module.starts_with("libcrossdep.so"); }

  const Stack& frames_of(engine::Site site) {
    const auto [at, fresh] = frames_of_site_.try_emplace(site);
    if (fresh) {
      std::vector<Frame> frames;
      b_.resolver_.frames(site, frames);
      for (Frame& frame : frames)
        for (std::string* text : {&frame.function, &frame.file, &frame.module}) *text = printable(*text);
      if (b_.name_rules_ != nullptr)
        for (Frame& frame : frames) frame.library = frame.library || b_.name_rules_->is_wrapper(frame);
      for (const Frame& frame : frames)
        if (!is_ours(frame)) at->second.push_back(frame_index(frame));
    }
    return at->second;
  }

  Index stack_index(const Stack& stack) {
    if (stack.empty()) return kNoIndex;
    const auto [at, fresh] = stack_at_.try_emplace(stack, static_cast<Index>(graph_.stacks.size()));
    if (fresh) graph_.stacks.push_back(stack);
    return at->second;
  }

  Index site_index(engine::Site site) { return site == 0 ? kNoIndex : stack_index(frames_of(site)); }

  // Where nothing is inlined, std::mutex's own functions stand between the user's and the call: the site is a library's.
  // The callers follow then, to the first that is the user's.
  Index site_within(engine::Site site, engine::StackId id) {
    const Index user = user_frame(site, id);
    if (user == kNoIndex) return site_index(site);
    Stack out;
    for (const engine::Site frame : b_.stacks_.find(id)->second)
      for (const Index one : frames_of(frame)) {
        out.push_back(one);
        if (one == user) return stack_index(out);
      }
    return site_index(site);
  }

  // The same for what is held when `id` was taken: of the user's functions on the way the innermost is the best guess, but
  // not at which of its lines.
  Index site_before(engine::Site site, engine::StackId id) {
    const Index user = user_frame(site, id);
    if (user == kNoIndex || graph_.frames[user].function.empty()) return site_index(site);
    Frame function;
    function.function = graph_.frames[user].function;
    function.module = graph_.frames[user].module;
    Stack out = frames_of(site);
    out.push_back(frame_index(function));
    return stack_index(out);
  }

  // kNoIndex: the site is the user's, or nobody's.
  Index user_frame(engine::Site site, engine::StackId id) {
    const auto at = b_.stacks_.find(id);
    if (site == 0 || id == 0 || at == b_.stacks_.end()) return kNoIndex;
    for (const Index one : frames_of(site))
      if (!graph_.frames[one].library) return kNoIndex;
    for (const engine::Site frame : at->second)
      for (const Index one : frames_of(frame))
        if (!graph_.frames[one].library) return one;
    return kNoIndex;
  }

  // The stack, or where none was taken the site alone.
  Index stack_or_site(engine::StackId id, engine::Site site) {
    const auto at = b_.stacks_.find(id);
    if (id == 0 || at == b_.stacks_.end()) return site_index(site);
    Stack stack;
    for (const engine::Site frame : at->second) {
      const Stack& frames = frames_of(frame);
      stack.insert(stack.end(), frames.begin(), frames.end());
    }
    return stack.empty() ? site_index(site) : stack_index(stack);
  }

  std::vector<Held> held_list(const std::vector<engine::HeldInfo>& held, engine::StackId stack) {
    std::vector<Held> out;
    for (const engine::HeldInfo& h : held)
      out.push_back({instance_index(h.instance), class_index(h.class_id), h.mode, h.flags, h.pseudo, site_before(h.site, stack)});
    return out;
  }

  Witness witness(const RawWitness& raw) {
    const engine::WitnessInfo& w = raw.info;
    Witness out;
    out.run = 0;
    out.origin = w.origin;
    out.from_mode = w.from_mode;
    out.to_mode = w.to_mode;
    out.flags = w.flags;
    out.context = context_index(w.context);
    out.from = instance_index(w.from);
    out.to = instance_index(w.to);
    const bool held = w.origin == engine::Origin::kHeld;   // else the stack is another context's
    out.from_site = held ? site_before(w.from_site, w.to_stack) : site_index(w.from_site);
    out.to_site = site_within(w.to_site, w.to_stack);
    out.to_stack = stack_or_site(w.to_stack, w.to_site);
    out.waiter = context_index(w.waiter);
    out.wait_site = site_within(w.wait_site, w.wait_stack);
    out.wait_stack = stack_or_site(w.wait_stack, w.wait_site);
    out.release_stack = stack_or_site(w.release_stack, 0);
    out.ordinal = w.ordinal;
    out.held = held_list(raw.held, w.to_stack);
    return out;
  }

  void add_dependency(const RawDependency& raw) {
    Dependency& d = graph_.dependencies.emplace_back();
    d.from = class_index(raw.info.from);
    d.to = class_index(raw.info.to);
    d.runs = {0};
    for (const RawWitness& w : raw.witnesses) {
      d.witnesses.push_back(witness(w));
      d.modes.push_back({w.info.origin, w.info.from_mode, w.info.to_mode, (w.info.flags & engine::kTimed) != 0});
    }
  }

  Link link(const engine::LinkInfo& info) {
    Link out;
    const auto at = b_.dependencies_.find(info.dependency);
    if (at == b_.dependencies_.end()) return out;
    const RawDependency& raw = at->second;
    out.from = class_index(raw.info.from);
    out.to = class_index(raw.info.to);
    if (info.witness < raw.witnesses.size()) out.witness = witness(raw.witnesses[info.witness]);
    return out;
  }

  void add_finding(engine::FindingId id, const RawFinding& raw) {
    const engine::FindingInfo& info = raw.info;
    Finding f;
    f.check = info.check;
    f.verdict = info.verdict;
    f.run = 0;
    f.context = context_index(info.context);
    f.instance = instance_index(info.instance);
    f.mode = info.mode;
    f.address = info.site;
    f.site = site_within(info.site, info.stack);
    f.stack = stack_or_site(info.stack, info.site);
    f.at_commit = info.at_commit;
    f.other = instance_index(info.other);
    f.range_begin = info.range_begin;
    f.range_end = info.range_end;
    f.held = held_list(raw.held, info.stack);
    for (const engine::LinkInfo& l : raw.links) {
      f.links.push_back(link(l));
      f.classes.push_back(f.links.back().to);
    }
    // A link to something never announced (a cut journal) leaves no cycle to show.
    if (std::find(f.classes.begin(), f.classes.end(), kNoIndex) != f.classes.end()) return;
    if (f.links.empty() && f.instance != kNoIndex) f.classes.push_back(graph_.instances[f.instance].class_index);
    const Index sites[2] = {site_index(info.reason_site[0]), site_index(info.reason_site[1])};
    if (info.reason == engine::Reason::kHolderLeft) f.other_stack = sites[0];
    f.reason_code = code(info.reason);
    f.reason = info.reason == engine::Reason::kReported && !raw.said.empty()
                   ? raw.said
                   : reason_sentence(graph_, f, info.reason, sites, instance_index(info.reason_instance),
                                     context_index(info.reason_context));
    f.id = make_finding_id(graph_, f);
    b_.ids_[id] = f.id;
    graph_.findings.push_back(std::move(f));
  }

  GraphBuilder& b_;
  Graph graph_;
  std::map<engine::ClassId, Index> class_at_;
  std::map<engine::ContextId, Index> context_at_;
  std::map<Frame, Index> frame_at_;
  std::map<Stack, Index> stack_at_;
  std::unordered_map<engine::Site, Stack> frames_of_site_;
};

Graph GraphBuilder::build() {
  ids_.clear();
  return Assembly(*this).make();
}

}  // namespace crossdep::reports
