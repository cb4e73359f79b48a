// SPDX-License-Identifier: MIT
//
// See printed_sink.h.
#include "traces/printed_sink.h"

#include <charconv>

namespace crossdep::traces {

namespace {
constexpr engine::Site kPlaceKey = engine::Site{1} << 62;   // a key, whose lower half is the Site
}

using engine::kNone;

engine::Site PrintedSink::site(std::string_view text) {
  if (text.empty()) return 0;
  bool fresh = false;
  return engine::Site{sites_.add(text, fresh)} + 1;
}

std::string_view PrintedSink::site_text(engine::Site site) const {
  if ((site & kPlaceKey) != 0) site &= 0xffffffff;
  return site == 0 || site > sites_.size() ? std::string_view() : sites_[static_cast<std::uint32_t>(site - 1)];
}

// Names that collide are numbered by their keys (reports/names.h): the key of a place begins with its line, so that the
// order of the reports does not show.
engine::Site PrintedSink::place_key(const std::string& place) {
  std::uint64_t line = 0;
  const std::size_t colon = place.rfind(':');
  if (colon != std::string::npos) std::from_chars(place.data() + colon + 1, place.data() + place.size(), line);
  return kPlaceKey | (line & 0x3fffffff) << 32 | site(place);
}

engine::StackId PrintedSink::stack(const PrintedStack& stack) {
  std::vector<engine::Site> frames;
  for (const std::string& frame : stack) frames.push_back(site(frame));
  if (frames.empty()) return 0;
  const auto next = static_cast<engine::StackId>(stacks_.size() + 1);
  const auto [at, fresh] = stacks_.try_emplace(std::move(frames), next);
  if (fresh) sink_.on_stack(next, at->first.data(), static_cast<unsigned>(at->first.size()));
  return at->second;
}

engine::ClassId PrintedSink::lock_class(const PrintedLock& lock) {
  const auto next = static_cast<engine::ClassId>(classes_.size());
  const auto [at, fresh] = classes_.try_emplace({lock.name, lock.made_at, lock.ordinal, lock.subclass, lock.kind}, KnownClass{next, 0});
  if (fresh) {
    engine::ClassInfo info{};
    info.id = next;
    info.key_kind = lock.key_kind;
    info.kind = lock.kind;
    info.subclass = lock.subclass;
    info.ordinal = lock.ordinal;
    info.wait_outer = lock.wait_outer;
    info.wait_inner = lock.wait_inner;
    info.key = lock.made_at.empty() ? next : place_key(lock.made_at);
    info.name = lock.name.data();
    info.name_length = static_cast<std::uint32_t>(lock.name.size());
    sink_.on_class(info);
  }
  KnownClass& known = at->second;
  if ((known.usage | lock.usage) != known.usage) sink_.on_class_usage(known.id, known.usage |= lock.usage);
  return known.id;
}

engine::InstanceId PrintedSink::instance(const PrintedLock& lock) {
  if (!lock.known()) return kNone;
  const engine::ClassId its_class = lock_class(lock);
  const auto next = static_cast<engine::InstanceId>(instances_.size());
  const auto [at, fresh] = instances_.try_emplace({its_class, lock.address}, next);
  if (fresh) sink_.on_instance({next, its_class, lock.kind, 0, lock.address});
  return at->second;
}

engine::ContextId PrintedSink::context(const PrintedContext& context) {
  if (!context.known()) return kNone;
  const auto next = static_cast<engine::ContextId>(contexts_.size());
  const auto [at, fresh] = contexts_.try_emplace({context.name, context.tid, context.kind}, next);
  if (fresh)
    sink_.on_context({next, kNone, context.kind, context.tid, context.name.data(),
                      static_cast<std::uint32_t>(context.name.size())});
  return at->second;
}

std::vector<engine::HeldInfo> PrintedSink::held(const std::vector<PrintedLock>& locks) {
  std::vector<engine::HeldInfo> out;
  for (const PrintedLock& lock : locks) {
    engine::HeldInfo info{};
    info.instance = instance(lock);
    info.class_id = lock_class(lock);
    info.mode = lock.mode;
    info.site = site(lock.site);
    out.push_back(info);
  }
  return out;
}

engine::LinkInfo PrintedSink::link(const PrintedLink& link, const std::vector<engine::HeldInfo>& held) {
  const engine::ClassId from = lock_class(link.from), to = lock_class(link.to);
  const auto next = static_cast<engine::DependencyId>(dependencies_.size());
  const auto [at, fresh] = dependencies_.try_emplace({from, to}, KnownDependency{next, 0});
  if (fresh) sink_.on_dependency({next, from, to});

  engine::WitnessInfo witness{};
  witness.dependency = at->second.id;
  witness.origin = link.origin;
  witness.from_mode = link.from.mode;
  witness.to_mode = link.to.mode;
  witness.flags = link.flags;
  witness.context = context(link.context);
  witness.from = link.from.address != 0 ? instance(link.from) : kNone;
  witness.to = link.to.address != 0 ? instance(link.to) : kNone;
  witness.from_site = site(link.from.site);
  witness.to_site = site(link.to.site);
  witness.to_stack = stack(link.stack);
  witness.waiter = context(link.waiter);
  witness.wait_site = link.wait_stack.empty() ? 0 : site(link.wait_stack.front());
  witness.wait_stack = stack(link.wait_stack);
  witness.release_stack = stack(link.release_stack);
  witness.held = held.data();
  witness.held_count = static_cast<std::uint32_t>(held.size());
  sink_.on_witness(witness);
  return {at->second.id, at->second.witnesses++};
}

engine::FindingId PrintedSink::add(const PrintedFinding& finding) {
  const std::vector<engine::HeldInfo> locks = held(finding.held);
  std::vector<engine::LinkInfo> links;
  for (std::size_t i = 0; i < finding.links.size(); ++i)
    links.push_back(link(finding.links[i], i == 0 ? locks : std::vector<engine::HeldInfo>()));
  for (const PrintedLink& printed : finding.more) link(printed, {});

  engine::FindingInfo info{};
  info.id = next_finding_++;
  info.check = finding.check;
  info.verdict = finding.verdict;
  info.reason = engine::Reason::kReported;
  info.reason_instance = kNone;
  info.context = context(finding.context);
  info.instance = instance(finding.lock);
  info.mode = finding.lock.mode;
  info.site = site(!finding.site.empty() || finding.stack.empty() ? finding.site : finding.stack.front());
  info.stack = stack(finding.stack);
  info.at_commit = finding.at_commit;
  info.other = instance(finding.other);
  info.range_begin = finding.range_begin;
  info.range_end = finding.range_end;
  info.held = locks.data();
  info.held_count = static_cast<std::uint32_t>(locks.size());
  info.links = links.data();
  info.link_count = static_cast<std::uint32_t>(links.size());
  info.said = finding.said.data();
  info.said_length = static_cast<std::uint32_t>(finding.said.size());
  sink_.on_finding(info);
  return info.id;
}

}  // namespace crossdep::traces
