// SPDX-License-Identifier: MIT
//
// See names.h. Two passes: the name each class would like, then a suffix for those that collide.
//
// Threading: none of its own.  Allocation: the heap.
#include "reports/names.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "reports/format.h"

namespace crossdep::reports {
namespace {

using engine::ClassKey;
using engine::Kind;

std::string tagged(Kind kind, const std::string& name) {
  return kind_tag(kind) + name;
}

std::string place_name(const Frame& frame) {
  if (!frame.function.empty()) return frame.function;
  if (!frame.file.empty()) return frame.file + (frame.line != 0 ? ":" + std::to_string(frame.line) : "");
  return frame.module.empty() ? hex(frame.offset) : frame.module + "+" + hex(frame.offset);
}

// The name in two parts, so that what tells a collision apart can go between them.
struct Wish {
  std::string stem, tail;
  std::string object_file;   // static objects: what would tell two of the same name apart
};

std::vector<Frame> frames_at(engine::Site site, FrameResolver& resolver, const NameRules* rules) {
  std::vector<Frame> frames;
  resolver.frames(site, frames);
  if (rules != nullptr)
    for (Frame& frame : frames) frame.library = frame.library || rules->is_wrapper(frame);
  return frames;
}

// The place that made or first used the class. A library's function may be compiled into the program, and be a frame or
// not as the optimiser likes: then the callers follow, to the first function of the user's own. `by_caller`: there was one.
std::vector<Frame> frames_of(const NamedClass& c, FrameResolver& resolver, const NameRules* rules, bool& by_caller) {
  std::vector<Frame> frames = frames_at(c.info.key, resolver, rules);
  by_caller = false;
  for (std::size_t i = 0; i < c.callers.size() && !by_caller && !frames.empty() && own_frame(frames).library; ++i) {
    const std::vector<Frame> more = frames_at(c.callers[i], resolver, rules);
    by_caller = !more.empty() && !own_frame(more).library;
    frames.insert(frames.end(), more.begin(), more.end());
  }
  return frames;
}

// A function that makes objects for others has one place and many classes: they are told apart by who called it, as many
// callers as that takes. (The number of the class would say in which order this run met them.)
class Makers {
 public:
  Makers(const std::vector<NamedClass>& classes, FrameResolver& resolver, const NameRules* rules) : resolver_(resolver), rules_(rules) {
    std::map<engine::Site, Group> made;
    for (const NamedClass& c : classes) {
      const bool by_place = c.info.key_kind == ClassKey::kInitSite || c.info.key_kind == ClassKey::kFirstSite;
      if ((by_place || c.info.key_kind == ClassKey::kFunction) && c.hint.empty() && !c.callers.empty()) made[c.info.key].emplace(c.info.ordinal, &c.callers);
    }
    for (const auto& [place, group] : made)
      if (group.size() > 1) tell_apart(place, group, 0);
  }
  /// "<-caller" for one of several made at a place, else empty.
  const std::string& suffix(const NamedClass& c) { return suffixes_[{c.info.key, c.info.ordinal}]; }

 private:
  using Group = std::map<std::uint32_t, const std::vector<engine::Site>*>;   // by ordinal: its subclasses are one

  // Names as many callers as it takes, none that all of them have from here on. False: nothing tells them apart.
  bool tell_apart(engine::Site place, const Group& group, std::size_t depth) {
    std::map<std::string, Group> alike;
    std::map<std::uint32_t, std::string> before;
    bool deeper = false;
    for (const auto& [ordinal, callers] : group) {
      std::string& suffix = suffixes_[{place, ordinal}];
      before.emplace(ordinal, suffix);
      const std::string caller = depth < callers->size() ? caller_name((*callers)[depth]) : std::string();
      if (!caller.empty()) suffix += "<-" + caller;
      deeper = deeper || (!caller.empty() && depth + 1 < callers->size());
      alike[suffix].emplace(ordinal, callers);
    }
    bool told = alike.size() > 1;
    for (const auto& [suffix, again] : alike)
      if (again.size() > 1 && deeper) told |= tell_apart(place, again, depth + 1);
    for (const auto& [ordinal, suffix] : before)
      if (!told) suffixes_[{place, ordinal}] = suffix;
    return told;
  }

  // Empty: what starts programs and threads. It tells nothing apart, and is called otherwise in the next C library.
  std::string caller_name(engine::Site site) const {
    const std::vector<Frame> frames = frames_at(site, resolver_, rules_);
    if (frames.empty() || own_frame(frames).library) return {};
    const std::string name = place_name(own_frame(frames));
    return name == "_start" || name.rfind("__libc_start", 0) == 0 ? std::string() : name;
  }

  FrameResolver& resolver_;
  const NameRules* rules_;
  std::map<std::pair<engine::Site, std::uint32_t>, std::string> suffixes_;
};

Wish wish_for(const NamedClass& c, FrameResolver& resolver, const NameRules* rules, Makers& makers) {
  const Kind kind = c.info.kind;
  switch (c.info.key_kind) {
    case ClassKey::kNamed:
      if (!c.hint.empty()) return {c.hint, {}, {}};
      break;
    case ClassKey::kStatic: {
      const std::string name = resolver.object_name(c.info.key);
      if (!name.empty()) return {tagged(kind, name), {}, resolver.object_file(c.info.key)};
      break;
    }
    case ClassKey::kInitSite:
    case ClassKey::kFirstSite:
    case ClassKey::kHeap: {
      if (!c.hint.empty()) return {tagged(kind, c.hint), {}, {}};
      bool by_caller;
      const std::vector<Frame> frames = frames_of(c, resolver, rules, by_caller);
      if (frames.empty()) break;
      Wish wish{std::string(word(kind)) + "@" + place_name(own_frame(frames)), {}, {}};
      if (c.info.key_kind != ClassKey::kHeap && !by_caller) wish.tail = makers.suffix(c);
      if (c.info.key_kind == ClassKey::kFirstSite && !by_caller && wish.tail.empty()) wish.tail = "#" + std::to_string(c.info.ordinal);
      if (c.info.key_kind == ClassKey::kHeap) {
        const std::uint32_t offset = c.info.ordinal & 0xffffff;
        wish.tail = offset == engine::kArrayElement ? "[]" : "+" + std::to_string(offset);
        if (const unsigned size = c.info.ordinal >> 24; size != 0) wish.tail += "#" + std::to_string(size + 1);
      }
      return wish;
    }
    case ClassKey::kStack: {
      const std::string function = resolver.function_name(c.info.key);
      if (function.empty()) break;
      return {std::string(word(kind)) + "@" + function, "#" + std::to_string(c.info.ordinal), {}};
    }
    case ClassKey::kFunction: {
      std::string name = resolver.function_name(c.info.key);
      if (name.empty()) name = c.hint.empty() ? hex(c.info.key) : c.hint;
      return {tagged(kind, name), makers.suffix(c), {}};
    }
    case ClassKey::kInstance:
      break;
  }
  if (!c.hint.empty()) return {c.hint, {}, {}};
  return {std::string(word(kind)) + "@" + hex(c.info.key), {}, {}};
}

void rename(Wish& wish, const NamedClass& c, FrameResolver& resolver, const NameRules& rules) {
  const bool by_place = c.info.key_kind == ClassKey::kInitSite || c.info.key_kind == ClassKey::kFirstSite ||
                        c.info.key_kind == ClassKey::kHeap;
  bool by_caller;
  const std::string name = rules.rename(wish.stem + wish.tail, c.info.kind,
                                        by_place ? frames_of(c, resolver, &rules, by_caller) : std::vector<Frame>());
  if (!name.empty()) wish = {name, {}, {}};
}

}  // namespace

const char* kind_tag(Kind kind) {
  switch (kind) {
    case Kind::kCompletion: return "(complete)";
    case Kind::kCond: return "(cond)";
    case Kind::kSemaphore: return "(sem)";
    case Kind::kFuture: return "(future)";
    case Kind::kBarrier: return "(barrier)";
    case Kind::kLatch: return "(latch)";
    case Kind::kOnce: return "(once)";
    case Kind::kGuard: return "(guard)";
    case Kind::kThread: return "(thread)";
    case Kind::kProcess: return "(process)";
    case Kind::kWork: return "(work)";
    case Kind::kWorkqueue: return "(workqueue)";
    case Kind::kFutex: return "(futex)";
    default: return "";
  }
}

const Frame& own_frame(const std::vector<Frame>& frames) {
  for (const Frame& frame : frames)
    if (!frame.library) return frame;
  return frames.front();
}

std::string display_name(const std::string& base, unsigned subclass) {
  return subclass == 0 ? base : base + "/" + std::to_string(subclass);
}

std::vector<std::string> name_classes(const std::vector<NamedClass>& classes, FrameResolver& resolver, const NameRules* rules) {
  std::vector<Wish> wishes;
  std::map<std::string, std::set<std::string>> files;   // of the static objects of one name
  Makers makers(classes, resolver, rules);
  for (const NamedClass& c : classes) {
    wishes.push_back(wish_for(c, resolver, rules, makers));
    if (rules != nullptr) rename(wishes.back(), c, resolver, *rules);
    if (!wishes.back().object_file.empty()) files[wishes.back().stem].insert(wishes.back().object_file);
  }
  for (Wish& wish : wishes)
    if (!wish.object_file.empty() && files[wish.stem].size() > 1) wish.stem += " (" + wish.object_file + ")";

  // One object used with several subclasses has several classes and one base: the key decides what is one object.
  std::map<std::tuple<std::string, std::string, std::uint64_t, std::uint32_t>, unsigned> number_of;
  std::map<std::pair<std::string, std::string>, unsigned> used;
  // Given names first, they stay as they are; then by key, so that the same build numbers the same way in every run.
  std::vector<std::size_t> turn(classes.size());
  std::iota(turn.begin(), turn.end(), std::size_t{0});
  std::stable_sort(turn.begin(), turn.end(), [&](std::size_t a, std::size_t b) {
    const auto rank = [&](std::size_t i) {
      const bool named = classes[i].info.key_kind == ClassKey::kNamed;
      return std::pair{!named, named ? 0 : classes[i].info.key};
    };
    return rank(a) < rank(b);
  });
  std::vector<std::string> out(classes.size());
  for (const std::size_t i : turn) {
    const Wish& wish = wishes[i];
    const bool by_name = classes[i].info.key_kind == ClassKey::kNamed;
    const auto [at, fresh] = number_of.try_emplace(
        {wish.stem, wish.tail, by_name ? 0 : classes[i].info.key, by_name ? 0 : classes[i].info.ordinal}, 0u);
    if (fresh) at->second = ++used[{wish.stem, wish.tail}];
    const std::string middle = at->second > 1 ? ":" + std::to_string(at->second) : "";
    out[i] = wish.stem + middle + wish.tail;
  }
  return out;
}

}  // namespace crossdep::reports
