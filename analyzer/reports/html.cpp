// SPDX-License-Identifier: MIT
//
// See html.h. The drawing puts the classes on a circle, clockwise in cycle order; an arrow X -> Y is labelled with the
// number of its side in the list below. Colours are chosen once, as CSS variables, for light and dark.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/html.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "reports/format.h"
#include "reports/text.h"
#include "reports/version.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

constexpr const char* kStyle = R"(:root { color-scheme: light dark; --page: #ffffff; --ink: #1c2128; --soft: #59636e; --line: #d1d9e0; --panel: #f6f8fa;
  --bad: #b42318; --warn: #a15c00; --low: #59636e; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1318; --ink: #e6e9ed; --soft: #9aa4af; --line: #343b44; --panel: #181d24;
  --bad: #ff8077; --warn: #f0b04b; --low: #9aa4af; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
code, pre, .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .88em; }
.soft { color: var(--soft); } .seen { white-space: pre-line; margin: 0 0 1rem; }
.filter { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: 0 0 1rem; padding: .6rem .9rem; border: 1px solid var(--line);
  border-radius: .5rem; background: var(--panel); }
.filter label { cursor: pointer; } .filter input { margin: 0 .35rem 0 0; vertical-align: -1px; }
article { border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1.2rem; overflow: hidden; }
article > header { padding: .7rem .9rem; background: var(--panel); border-bottom: 1px solid var(--line); }
article > .body { padding: .8rem .9rem; }
.badge { display: inline-block; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .8rem; font-weight: 600; }
.deadlock, .confirmed, .feasible { color: var(--bad); } .possible { color: var(--warn); } .latent, .refuted { color: var(--low); }
.cycle { display: block; width: 100%; height: auto; margin: 0 auto .8rem; }
.cycle ellipse, .cycle rect { fill: var(--panel); stroke: var(--ink); stroke-width: 1.2; }
.cycle text { fill: var(--ink); font: 12px ui-monospace, "DejaVu Sans Mono", monospace; text-anchor: middle; dominant-baseline: central; }
.cycle path { fill: none; stroke: var(--warn); stroke-width: 1.6; } .cycle .head { fill: var(--warn); stroke: none; }
.cycle .new path { stroke: var(--bad); stroke-width: 2.6; } .cycle .new .head { fill: var(--bad); }
.cycle .number { fill: var(--page); stroke: var(--warn); stroke-width: 1.2; } .cycle .new .number { stroke: var(--bad); }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: .8rem; }
.side { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; min-width: 0; }
.side.new { border-color: var(--bad); }
.side h3 { margin: 0 0 .3rem; font-size: .95rem; overflow-wrap: anywhere; } .side ol { margin: 0; padding-left: 1.3rem; }
.side li { margin-bottom: .3rem; overflow-wrap: anywhere; } .place { color: var(--soft); display: block; }
details pre { margin: .2rem 0 0; overflow-x: auto; padding: .5rem; background: var(--panel); border-radius: .3rem; }
summary { cursor: pointer; color: var(--link); font-size: .88rem; }
.scenario { margin: .9rem 0 0; overflow-x: auto; } .scenario table { border-collapse: collapse; width: 100%; }
.scenario th, .scenario td { text-align: left; padding: .2rem .6rem; border: 1px solid var(--line); vertical-align: top; }
@media print { .filter { display: none; } article { break-inside: avoid; } }
)";

// Shows the articles whose verdict is ticked, and says how many those are.
constexpr const char* kScript = R"(const boxes = [...document.querySelectorAll('.filter input')];
const apply = () => {
  const on = new Set(boxes.filter(b => b.checked).map(b => b.value));
  let shown = 0;
  for (const a of document.querySelectorAll('article')) { a.hidden = !on.has(a.dataset.verdict); shown += !a.hidden; }
  document.getElementById('shown').textContent = shown + ' shown';
};
boxes.forEach(b => b.addEventListener('change', apply));
document.querySelector('.filter').hidden = false;
apply();
)";

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// At most `most` characters of UTF-8, the middle left out: names differ at both ends.
std::string middle_cut(const std::string& name, std::size_t most) {
  std::vector<std::string> characters;
  for (const char c : clean(name)) {
    if (characters.empty() || (static_cast<unsigned char>(c) & 0xc0) != 0x80) characters.emplace_back();
    characters.back() += c;
  }
  if (characters.size() <= most) return clean(name);
  std::string out;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i < most / 2) out += characters[i];
    else if (i == most / 2) out += "\xe2\x80\xa6";
    else if (i >= characters.size() - (most - most / 2 - 1)) out += characters[i];
  }
  return out;
}

struct Point {
  double x = 0, y = 0;
};

/// The cycle's classes on an ellipse, the arrows between them on arcs of it.
class Drawing {
 public:
  Drawing(const Graph& graph, const Listed& listed) : graph_(graph), listed_(listed), count_(listed.finding->classes.size()) {
    radius_y_ = count_ <= 2 ? 70 : 60 + 22.0 * static_cast<double>(count_);
    radius_x_ = count_ <= 2 ? 190 : 250;
    height_ = 2 * radius_y_ + 80;
  }

  std::string make() const {
    std::string out = "<svg class=\"cycle\" role=\"img\" style=\"max-width:" + number(kWidth) + "px\" viewBox=\"0 0 " + number(kWidth) + " " +
                      number(height_) + "\"><title>The cycle</title>\n";
    for (std::size_t i = 0; i < count_; ++i) out += arrow(i);
    for (std::size_t i = 0; i < count_; ++i) out += node(i);
    return out + "</svg>\n";
  }

 private:
  static constexpr double kWidth = 760, kNodeWidth = 220, kNodeHeight = 30;
  static constexpr std::size_t kNameCharacters = 28;

  // The first class of two stands left, of more on top; then clockwise.
  double angle(double position) const {
    const double turn = 2 * std::numbers::pi * position / static_cast<double>(count_);
    return turn - (count_ <= 2 ? std::numbers::pi : std::numbers::pi / 2);
  }
  Point at(double position) const {
    return {kWidth / 2 + radius_x_ * std::cos(angle(position)), height_ / 2 + radius_y_ * std::sin(angle(position))};
  }
  static bool inside(const Point& p, const Point& node) {
    return std::abs(p.x - node.x) <= kNodeWidth / 2 + 3 && std::abs(p.y - node.y) <= kNodeHeight / 2 + 3;
  }

  // links[i] leads from class i-1 to class i: the arc between their positions, clipped at both boxes.
  std::string arrow(std::size_t i) const {
    const double from = static_cast<double>((i + count_ - 1) % count_), to = from + 1;
    const Point start = at(from), end = at(to);
    std::vector<Point> arc;
    constexpr int kPieces = 160;
    for (int piece = 0; piece <= kPieces; ++piece) {
      const Point p = at(from + static_cast<double>(piece) / kPieces);
      if (!inside(p, start) && !inside(p, end)) arc.push_back(p);
    }
    if (arc.size() < 3) return {};
    std::string path = "M";
    for (const Point& p : arc) path += " " + number(p.x) + " " + number(p.y);
    const Point tip = arc.back(), before = arc[arc.size() >= 8 ? arc.size() - 8 : 0];
    const double length = std::hypot(tip.x - before.x, tip.y - before.y);
    const double ux = (tip.x - before.x) / length, uy = (tip.y - before.y) / length;
    const Point left{tip.x - 11 * ux - 5 * uy, tip.y - 11 * uy + 5 * ux}, right{tip.x - 11 * ux + 5 * uy, tip.y - 11 * uy - 5 * ux};
    const Point middle = arc[arc.size() / 2];
    const bool is_new = listed_.blamed_is_new && listed_.blamed == i;
    return std::string("<g") + (is_new ? " class=\"new\"" : "") + "><path d=\"" + path + "\"/><path class=\"head\" d=\"M " + number(tip.x) + " " +
           number(tip.y) + " " + number(left.x) + " " + number(left.y) + " " + number(right.x) + " " + number(right.y) +
           " Z\"/><circle class=\"number\" cx=\"" + number(middle.x) + "\" cy=\"" + number(middle.y) + "\" r=\"10\"/><text x=\"" +
           number(middle.x) + "\" y=\"" + number(middle.y) + "\">" + std::to_string(i + 1) + "</text></g>\n";
  }

  // A lock is a box; what is waited for is an ellipse, as in the graphviz output.
  std::string node(std::size_t i) const {
    const Class& c = graph_.classes[listed_.finding->classes[i]];
    const Point p = at(static_cast<double>(i));
    const std::string shape =
        engine::is_crosslock(c.kind)
            ? "<ellipse cx=\"" + number(p.x) + "\" cy=\"" + number(p.y) + "\" rx=\"" + number(kNodeWidth / 2) + "\" ry=\"" + number(kNodeHeight / 2 + 2) + "\"/>"
            : "<rect x=\"" + number(p.x - kNodeWidth / 2) + "\" y=\"" + number(p.y - kNodeHeight / 2) + "\" width=\"" + number(kNodeWidth) +
                  "\" height=\"" + number(kNodeHeight) + "\" rx=\"4\"/>";
    return "<g><title>" + escaped(c.name) + " (" + word(c.kind) + ")</title>" + shape + "<text x=\"" + number(p.x) + "\" y=\"" + number(p.y) +
           "\">" + escaped(middle_cut(c.name, kNameCharacters)) + "</text></g>\n";
  }

  const Graph& graph_;
  const Listed& listed_;
  std::size_t count_;
  double radius_x_, radius_y_, height_;
};

std::string side_html(const Side& side, const Listed& listed, bool numbered) {
  const bool is_new = listed.blamed_is_new && side.link == listed.blamed;
  std::string out = std::string("<section class=\"side") + (is_new ? " new" : "") + "\"><h3>" +
                    (numbered ? std::to_string(side.link + 1) + ". " : "") + escaped(side.context) +
                    (is_new ? " <span class=\"badge deadlock\">new</span>" : "") + "</h3><ol>\n";
  for (const Step& step : side.steps) {
    out += "<li>" + escaped(step.text) + " <span class=\"place mono\">" + escaped(place_and_function(step.place)) + "</span>";
    if (!step.stack.empty()) {
      out += "<details><summary>stack</summary><pre>";
      for (const Place& frame : step.stack) out += escaped((frame.function.empty() ? "" : frame.function + "  ") + (frame.known() ? place_text(frame) : "")) + "\n";
      out += "</pre></details>";
    }
    out += "</li>\n";
  }
  return out + "</ol></section>\n";
}

// What would have to happen, one column for each side: first everybody gets what it holds, then everybody asks.
std::string scenario(const Told& told) {
  if (told.sides.size() < 2 || told.sides.size() > 6) return {};
  std::string heads, first, second;
  for (const Side& side : told.sides) {
    heads += "<th>" + escaped(side.context) + "</th>";
    std::string has, asks;
    for (const Step& step : side.steps) {
      std::string& cell = step.text.rfind("holds ", 0) == 0 ? has : asks;
      cell += (cell.empty() ? "" : "<br>") + escaped(step.text);
    }
    first += "<td>" + has + "</td>";
    second += "<td>" + asks + "</td>";
  }
  return "<div class=\"scenario\"><table><caption class=\"soft\">How it would come about: all of the first row, then the second</caption><tr>" +
         heads + "</tr><tr>" + first + "</tr><tr>" + second + "</tr></table></div>\n";
}

std::string article(const Listing& listing, const Listed& listed) {
  const Finding& finding = *listed.finding;
  const Told told = tell(listing, listed);
  const std::string verdict = word(finding.verdict);
  std::string out = "<article id=\"" + finding.id + "\" data-verdict=\"" + verdict + "\">\n<header><h2><span class=\"badge " + verdict + "\">" + verdict +
                    "</span> " + rules::check_id(finding.check) + ": <code>" + escaped(told.cycle) + "</code></h2><div class=\"soft\">" +
                    finding.id + " &middot; " + escaped(rules::catalogue(finding.check).title);
  if (listed.standing == Standing::kNew) out += " &middot; not in the baseline";
  if (listed.standing == Standing::kKnown) out += " &middot; accepted: " + escaped(listed.accepted);
  out += "</div></header>\n<div class=\"body\"><p>Why " + verdict + ": " + escaped(finding.reason) + ".</p>\n";
  if (!finding.run_reason_code.empty())
    out += std::string("<p class=\"soft\">In each run alone: ") + word(finding.run_verdict) + ": " + escaped(finding.run_reason) + ".</p>\n";
  if (!listed.note.empty()) out += "<p>" + escaped(listed.note) + "</p>\n";
  const bool cycle = finding.links.size() > 1;
  if (cycle) out += Drawing(*listing.graph, listed).make();
  out += "<div class=\"sides\">\n";
  for (const Side& side : told.sides) out += side_html(side, listed, cycle);
  out += "</div>\n" + scenario(told);
  return out + "<details><summary>What " + rules::check_id(finding.check) + " means</summary><p>" +
         escaped(rules::catalogue(finding.check).description) + "</p></details></div>\n</article>\n";
}

std::string filter(const Listing& listing) {
  std::array<std::size_t, 6> counts{};
  for (const Listed& listed : listing.findings) ++counts[static_cast<std::size_t>(listed.finding->verdict)];
  std::string out = "<div class=\"filter\" hidden>";
  for (std::size_t v = counts.size(); v-- > 0;) {
    const std::string verdict = word(static_cast<engine::Verdict>(v));
    if (counts[v] != 0)
      out += "<label class=\"" + verdict + "\"><input type=\"checkbox\" value=\"" + verdict + "\" checked>" + verdict + " (" + std::to_string(counts[v]) + ")</label>";
  }
  return out + "<span class=\"soft\" id=\"shown\"></span></div>\n";
}

}  // namespace

std::string render_html(const Listing& listing) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<title>" + escaped(listing.title) + "</title>\n<style>\n" + kStyle + "</style>\n</head>\n<body>\n<h1>" + escaped(listing.title) + "</h1>\n";
  std::string seen;
  const std::string summary = render_summary(*listing.graph);
  for (std::size_t begin = 0; begin < summary.size();) {
    const std::size_t end = summary.find('\n', begin);
    seen += escaped(summary.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  out += "<p class=\"soft seen\">" + seen + "</p>\n";
  out += filter(listing);
  for (const Listed& listed : listing.findings) out += article(listing, listed);
  if (listing.findings.empty()) out += "<p>Nothing at or above the policy was found.</p>\n";
  return out + "<p class=\"soft\">Made by crossdep " + kVersion + "</p>\n<script>\n" + kScript + "</script>\n</body>\n</html>\n";
}

}  // namespace crossdep::reports
