// SPDX-License-Identifier: MIT
//
// See listing.h.
//
// Threading: pure functions.  Allocation: the heap.
#include "reports/listing.h"

#include <algorithm>

#include "reports/format.h"
#include "reports/source_join.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

// A function without "+0x12/0x40": an offset says nothing to who reads the source.
Place source_place(const SourcePaths& paths, const Frame& frame) {
  if (frame.file.empty()) return {{}, 0, 0, frame.function.empty() ? symbol(frame) : frame.function};
  return {paths.shown(frame.file), frame.line, frame.column, frame.function};
}

class Teller {
 public:
  Teller(const Listing& listing, const Finding& finding) : graph_(*listing.graph), paths_(listing.paths), finding_(finding) {}

  std::vector<Side> sides() const {
    std::vector<Side> out;
    for (std::size_t i = 0; i < finding_.links.size(); ++i) {
      out.push_back(of_link(i));
      const Witness& w = finding_.links[i].witness;
      if (w.waiter != kNoIndex) out.push_back(of_waiter(i));
    }
    if (finding_.links.empty()) out.push_back(of_scene());
    return out;
  }

 private:
  const std::string& name(Index class_index) const { return graph_.classes[class_index].name; }

  static std::string with_mode(engine::Mode mode) {
    switch (mode) {
      case engine::Mode::kWrite: return {};
      case engine::Mode::kRead: return " (read)";
      case engine::Mode::kRecursiveRead: return " (recursive read)";
    }
    return {};
  }

  Step step(const std::string& text, Index site, Index stack = kNoIndex) const {
    Step out{text, {}, {}};
    if (const Index frame = own_frame(graph_, site); frame != kNoIndex) out.place = source_place(paths_, graph_.frames[frame]);
    for (const Index frame : shown_frames(graph_, stack, false)) out.stack.push_back(source_place(paths_, graph_.frames[frame]));
    return out;
  }

  std::string who(Index context) const { return context == kNoIndex ? std::string("a context") : context_name(graph_, context); }

  Side of_link(std::size_t i) const {
    const Link& link = finding_.links[i];
    const Witness& w = link.witness;
    Side side{who(w.context), {}, i};
    const bool waited_for = engine::is_crosslock(graph_.classes[link.from].kind);
    if (!waited_for) side.steps.push_back(step("holds " + name(link.from) + with_mode(w.from_mode), w.from_site));
    side.steps.push_back(step("requests " + name(link.to) + with_mode(w.to_mode) +
                                  (waited_for ? ", before it releases " + name(link.from) : std::string()),
                              w.to_site, w.to_stack));
    if (waited_for && w.release_stack != kNoIndex)
      side.steps.push_back(step("releases " + name(link.from), w.release_stack, w.release_stack));
    return side;
  }

  Side of_waiter(std::size_t i) const {
    const Link& link = finding_.links[i];
    const Witness& w = link.witness;
    return {who(w.waiter), {step("waits for " + name(link.from), w.wait_site, w.wait_stack)}, i};
  }

  Side of_scene() const {
    Side side{who(finding_.context), {}, 0};
    for (const Held& held : shown_locks(finding_))
      side.steps.push_back(step("holds " + name(held.class_index) + with_mode(held.mode), held.site));
    const std::string subject = finding_.classes.empty() ? std::string() : name(finding_.classes.front());
    side.steps.push_back(step(scene_text(subject), finding_.site, finding_.stack));
    return side;
  }

  std::string scene_text(const std::string& subject) const {
    using engine::Check;
    switch (finding_.check) {
      case Check::kBadUnlock: return "releases " + subject;
      case Check::kDestroyHeld: return "destroys " + subject;
      case Check::kExitHeld: return "ends holding " + subject;
      case Check::kAssertHeld: return "is required to hold " + subject;
      case Check::kRecursiveLock:
      case Check::kForkHeldLock:
      case Check::kWaitContext: return "requests " + subject;
      default: return subject.empty() ? "is here" : "uses " + subject;
    }
  }

  const Graph& graph_;
  const SourcePaths& paths_;
  const Finding& finding_;
};

std::vector<std::string> class_names(const Graph& graph, const Finding& finding) {
  std::vector<std::string> out;
  for (const Index c : finding.classes) out.push_back(graph.classes[c].name);
  return out;
}

// The request of the blamed link; where that place is unknown the next one that is known.
void choose_primary(const Listed& listed, Told& told) {
  const Step* best = nullptr;
  for (const Side& side : told.sides)
    if (side.link == listed.blamed && !side.steps.empty() && best == nullptr)
      for (const Step& step : side.steps)
        if (step.text.rfind("holds ", 0) != 0 && best == nullptr) best = &step;
  for (const Side& side : told.sides)
    for (const Step& step : side.steps)
      if (best == nullptr || (!best->place.known() && step.place.known())) best = &step;
  if (best == nullptr) return;
  told.primary = best->place;
  told.primary_text = best->text;
}

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none.
std::size_t sequence_at(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  // Overlong forms, surrogates, and beyond U+10FFFF.
  if ((first == 0xe0 && byte(at + 1) < 0xa0) || (first == 0xed && byte(at + 1) > 0x9f) || (first == 0xf0 && byte(at + 1) < 0x90) ||
      (first == 0xf4 && byte(at + 1) > 0x8f))
    return 0;
  return length;
}

}  // namespace

Listing list_findings(const Graph& graph, engine::Verdict policy, const Suppressions& suppressions, bool verbose, SourcePaths paths) {
  Listing out;
  out.graph = &graph;
  out.paths = std::move(paths);
  for (const Finding& finding : graph.findings) {
    const bool fails = reaches(finding, policy);
    if ((!fails && !verbose) || suppressions.suppresses(graph, finding)) continue;
    Listed listed;
    listed.finding = &finding;
    listed.fails = fails;
    out.findings.push_back(std::move(listed));
  }
  return out;
}

std::string place_text(const Place& place) {
  if (!place.known()) return place.function.empty() ? "an unknown place" : place.function;
  return place.file + (place.line == 0 ? std::string() : ":" + std::to_string(place.line));
}

std::string place_and_function(const Place& place) {
  return place_text(place) + (place.known() && !place.function.empty() ? " (" + place.function + ")" : std::string());
}

Told tell(const Listing& listing, const Listed& listed) {
  const Finding& finding = *listed.finding;
  Told told;
  told.cycle = cycle_of(class_names(*listing.graph, finding), !finding.links.empty());
  told.message = std::string(rules::catalogue(finding.check).title) + (told.cycle.empty() ? "" : ": " + told.cycle) + "; " +
                 word(finding.verdict) + ": " + finding.reason;
  told.sides = Teller(listing, finding).sides();
  choose_primary(listed, told);
  return told;
}

std::string story(const Told& told) {
  std::string out;
  for (const Side& side : told.sides)
    for (const Step& step : side.steps)
      out += (&step == &side.steps.front() ? clean(side.context) : std::string("   and")) + " " + clean(step.text) + " at " +
             clean(place_and_function(step.place)) + "\n";
  return out;
}

std::vector<Place> places_of(const Told& told) {
  std::vector<Place> out;
  const auto add = [&](const Place& place) {
    if (place.known() && std::find(out.begin(), out.end(), place) == out.end()) out.push_back(place);
  };
  add(told.primary);
  for (const Side& side : told.sides)
    for (const Step& step : side.steps) add(step.place);
  return out;
}

std::string fallback_file(const Graph& graph, const Finding& finding) {
  const Index run = finding.run != kNoIndex ? finding.run : finding.links.empty() ? kNoIndex : finding.links.front().witness.run;
  if (run == kNoIndex) return "unknown";
  const Run& r = graph.runs[run];
  const std::string name = base_name(r.executable.empty() ? r.source : r.executable);
  return name.empty() ? "unknown" : clean(name);
}

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string clean(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_at(text, at);
    const std::string piece = text.substr(at, std::max<std::size_t>(length, 1));
    out += length == 0 ? std::string("\xef\xbf\xbd") : length == 1 ? printable(piece) : piece;
    at += piece.size();
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : clean(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string cycle_of(const std::vector<std::string>& classes, bool closed) {
  std::string out;
  for (const std::string& name : classes) out += (out.empty() ? "" : " -> ") + name;
  if (closed && !classes.empty()) out += " -> " + classes.front();
  return out;
}

}  // namespace crossdep::reports
