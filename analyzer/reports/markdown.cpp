// SPDX-License-Identifier: MIT
//
// See markdown.h. Names come from programs: every character that means something in markdown is written as an entity.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/markdown.h"

#include "reports/format.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

std::string plain(const std::string& text) {
  std::string out;
  for (const char c : escaped(text)) {
    if (std::string("\\`*_{}[]()|~!@").find(c) != std::string::npos) out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    else out += c;
  }
  return out;
}

std::string code(const std::string& text) { return "<code>" + plain(text) + "</code>"; }

const char* standing_word(const Listed& listed) {
  if (listed.fails) return listed.standing == Standing::kNew ? "**new**" : "**fails**";
  return listed.standing == Standing::kKnown ? "accepted" : "passes";
}

std::string details(const Listed& listed, const Told& told) {
  std::string out = "\n<details><summary>" + listed.finding->id + ": " + plain(told.cycle) + "</summary>\n\n" + plain(told.message) + "\n\n<pre>\n";
  if (listed.blamed_is_new) out += "new: " + escaped(told.primary_text) + " at " + escaped(place_and_function(told.primary)) + "\n";
  const std::string text = story(told);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    out += escaped(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return out + "</pre>\n\n</details>\n";
}

}  // namespace

std::string render_markdown(const Listing& listing) {
  std::size_t failing = 0, accepted = 0;
  for (const Listed& listed : listing.findings) {
    failing += listed.fails;
    accepted += listed.standing == Standing::kKnown;
  }
  std::string out = "### " + plain(listing.title) + ": " +
                    (failing == 0 ? std::string("nothing fails") : count_of(failing, "finding") + (failing == 1 ? " fails" : " fail"));
  out += "\n\n";
  if (!listing.findings.empty()) {
    out += "| | finding | verdict | where | id |\n|---|---|---|---|---|\n";
    std::string folded;
    for (const Listed& listed : listing.findings) {
      const Told told = tell(listing, listed);
      out += "| " + std::string(standing_word(listed)) + " | " + rules::check_id(listed.finding->check) + " " + code(told.cycle) + " | " +
             word(listed.finding->verdict) + " | " + code(place_text(told.primary)) + " | " + listed.finding->id + " |\n";
      folded += details(listed, told);
    }
    out += folded;
  }
  bool any_dependency = false;
  for (const NewDependency& added : listing.dependencies) {
    const Dependency& d = listing.graph->dependencies[added.dependency];
    if (!any_dependency) out += "\nDependencies that the baseline does not have:\n\n";
    any_dependency = true;
    out += "- " + code(listing.graph->classes[d.from].name + " -> " + listing.graph->classes[d.to].name) + (added.fails ? " (**fails**)" : "") + "\n";
  }
  if (!listing.gone.empty()) {
    out += "\nIn the baseline, but not in this run:\n\n";
    for (const Gone& gone : listing.gone)
      out += "- " + gone.state + ": " + plain(gone.id) + (gone.classes.empty() ? "" : " " + code(cycle_of(gone.classes, gone.classes.size() > 1))) +
             (gone.note.empty() ? "" : ", " + plain(gone.note)) + "\n";
  }
  for (const std::string& remark : listing.remarks) out += "\n" + plain(remark) + "\n";
  if (!listing.commands.empty()) {
    out += "\nTo accept what is new:\n\n<pre>\n";
    for (const std::string& command : listing.commands) out += escaped(command) + "\n";
    out += "</pre>\n";
  }
  return out;
}

}  // namespace crossdep::reports
