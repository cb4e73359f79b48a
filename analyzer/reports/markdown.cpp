// SPDX-License-Identifier: MIT
//
// See markdown.h. Names come from programs: every character that means something in markdown is written as an entity.
// GitHub refuses a summary of more than 1 MiB whole, GitLab one of a megabyte: what would be beyond is counted instead, the
// folded stories first.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/markdown.h"

#include "reports/format.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

constexpr std::size_t kMostRows = 500000, kMostText = 900000;   // bytes

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

// What fails comes first: it is what a cut list must still show.
std::vector<const Listed*> failing_first(const Listing& listing) {
  std::vector<const Listed*> out;
  for (const bool failing : {true, false})
    for (const Listed& listed : listing.findings)
      if (listed.fails == failing) out.push_back(&listed);
  return out;
}

// Lists after the table: as much of one as there is room for.
void add_lines(std::string& out, const std::vector<std::string>& lines, const char* noun) {
  std::size_t done = 0;
  for (; done < lines.size() && out.size() + lines[done].size() <= kMostText; ++done) out += lines[done];
  if (done != lines.size()) out += "\nand " + count_of(lines.size() - done, noun) + "\n";
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
    std::size_t rows = 0, stories = 0;
    for (const Listed* next : failing_first(listing)) {
      const Listed& listed = *next;
      const Told told = tell(listing, listed);
      const std::string row = "| " + std::string(standing_word(listed)) + " | " + rules::check_id(listed.finding->check) + " " + code(told.cycle) + " | " +
             word(listed.finding->verdict) + " | " + code(place_text(told.primary)) + " | " + listed.finding->id + " |\n";
      if (out.size() + row.size() > kMostRows) break;
      out += row;
      ++rows;
      if (stories + 1 != rows) continue;
      if (std::string story = details(listed, told); folded.size() + story.size() <= kMostText - kMostRows) {
        folded += story;
        ++stories;
      }
    }
    out += folded;
    if (stories != rows) out += "\n" + count_of(rows - stories, "finding") + " of the table without a story here\n";
    if (const std::size_t left = listing.findings.size() - rows; left != 0) out += "\nand " + count_of(left, "more finding") + "\n";
  }
  std::vector<std::string> lines;
  for (const NewDependency& added : listing.dependencies) {
    const Dependency& d = listing.graph->dependencies[added.dependency];
    lines.push_back("- " + code(listing.graph->classes[d.from].name + " -> " + listing.graph->classes[d.to].name) + (added.fails ? " (**fails**)" : "") + "\n");
  }
  if (!lines.empty()) out += "\nDependencies that the baseline does not have:\n\n";
  add_lines(out, lines, "more line");
  lines.clear();
  for (const Gone& gone : listing.gone)
    lines.push_back("- " + gone.state + ": " + plain(gone.id) + (gone.classes.empty() ? "" : " " + code(cycle_of(gone.classes, gone.classes.size() > 1))) +
                    (gone.note.empty() ? "" : ", " + plain(gone.note)) + "\n");
  if (!lines.empty()) out += "\nIn the baseline, but not in this run:\n\n";
  add_lines(out, lines, "more line");
  lines.clear();
  for (const std::string& remark : listing.remarks) lines.push_back("\n" + plain(remark) + "\n");
  add_lines(out, lines, "more remark");
  if (!listing.commands.empty()) {
    lines.clear();
    for (const std::string& command : listing.commands) lines.push_back(escaped(command) + "\n");
    out += "\nTo accept what is new:\n\n<pre>\n";
    add_lines(out, lines, "more command");
    out += "</pre>\n";
  }
  return out;
}

}  // namespace crossdep::reports
