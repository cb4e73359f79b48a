// SPDX-License-Identifier: MIT
//
// See junit.h. Elements and attributes are those that Jenkins, GitLab and GitHub's actions agree on. A suite is never empty:
// servers take an empty one for a report that got lost.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/junit.h"

#include "reports/format.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

struct Suite {
  std::string cases;
  std::size_t tests = 0, failures = 0, skipped = 0;

  // `inner`: what stands inside the case, empty if it passed.
  void add(const std::string& kind, const std::string& name, const std::string& file, const std::string& inner) {
    ++tests;
    cases += "    <testcase classname=\"crossdep." + escaped(kind) + "\" name=\"" + escaped(name) + "\"";
    if (!file.empty()) cases += " file=\"" + escaped(file) + "\"";
    cases += " time=\"0\"" + (inner.empty() ? std::string("/>\n") : ">\n" + inner + "    </testcase>\n");
  }
  void fail(const std::string& kind, const std::string& name, const std::string& file, const std::string& type,
            const std::string& message, const std::string& text) {
    ++failures;
    add(kind, name, file, "      <failure type=\"" + escaped(type) + "\" message=\"" + escaped(message) + "\">" + escaped_lines(text) + "</failure>\n");
  }
  void skip(const std::string& kind, const std::string& name, const std::string& file, const std::string& message) {
    ++skipped;
    add(kind, name, file, "      <skipped message=\"" + escaped(message) + "\"/>\n");
  }

  static std::string escaped_lines(const std::string& text) {
    std::string out;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      out += escaped(text.substr(begin, end - begin)) + "\n";
      begin = end + 1;
    }
    return out;
  }
};

std::string name_of(const std::string& cycle, const std::string& id) { return (cycle.empty() ? "" : cycle + " ") + "[" + id + "]"; }

}  // namespace

std::string render_junit(const Listing& listing) {
  Suite suite;
  for (const Listed& listed : listing.findings) {
    const Finding& finding = *listed.finding;
    const Told told = tell(listing, listed);
    const std::string kind = rules::check_id(finding.check), name = name_of(told.cycle, finding.id);
    if (listed.fails) suite.fail(kind, name, told.primary.file, word(finding.verdict), told.message, place_text(told.primary) + ": " + told.primary_text + "\n" + story(told));
    else if (listed.standing == Standing::kKnown) suite.skip(kind, name, told.primary.file, "accepted: " + listed.accepted);
    else suite.skip(kind, name, told.primary.file, std::string(word(finding.verdict)) + ", below the policy: " + finding.reason);
  }
  for (const NewDependency& added : listing.dependencies) {
    const Dependency& d = listing.graph->dependencies[added.dependency];
    const std::string name = listing.graph->classes[d.from].name + " -> " + listing.graph->classes[d.to].name;
    if (added.fails) suite.fail("new-dependency", name, "", "new-dependency", "the baseline does not have this dependency", name);
  }
  for (const Gone& gone : listing.gone)
    if (gone.state == "fixed") suite.add(gone.check.empty() ? "fixed" : gone.check, name_of(cycle_of(gone.classes, gone.classes.size() > 1), gone.id) + " fixed", "", "");
  if (suite.tests == 0) suite.add("gate", "no findings", "", "");

  const std::string counts = " tests=\"" + std::to_string(suite.tests) + "\" failures=\"" + std::to_string(suite.failures) +
                             "\" errors=\"0\" skipped=\"" + std::to_string(suite.skipped) + "\" time=\"0\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"crossdep\"" + counts + ">\n  <testsuite name=\"crossdep\"" +
         counts + ">\n" + suite.cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace crossdep::reports
