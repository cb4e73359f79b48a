// SPDX-License-Identifier: MIT
//
// See show.h. Formats are made in reports/; here is only which one, and where to.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/show.h"

#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "reports/dot.h"
#include "reports/gcc.h"
#include "reports/gitlab.h"
#include "reports/html.h"
#include "reports/json.h"
#include "reports/junit.h"
#include "reports/markdown.h"
#include "reports/sarif.h"
#include "reports/source_story.h"
#include "reports/splat.h"
#include "reports/text.h"

namespace crossdep::cli {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

std::string rendered(const reports::Graph& graph, const Show& show) {
  if (show.format == "json") return reports::to_json(graph);
  if (show.format == "dot") return reports::render_dot(graph);
  if (show.format == "splat") return splats(graph, show);
  if (show.format != "text")
    return render_listing(reports::list_findings(graph, show.policy, show.suppressions, show.verbose, source_paths(show.source_roots)), show.format);
  reports::TextOptions options;
  options.verbose = show.verbose;
  options.policy = show.policy;
  options.suppressions = show.suppressions;
  return reports::render_text(graph, options);
}

}  // namespace

void add_show_options(CLI::App& command, Show& show, const std::vector<std::string>& formats, const char* name) {
  show.format = formats.front();
  command.add_option(name, show.format, "How findings are printed, default " + formats.front())
      ->type_name(joined(formats, "|"))
      ->check([formats](const std::string& word) {
        return std::find(formats.begin(), formats.end(), word) != formats.end()
                   ? std::string()
                   : "'" + word + "' is none of " + joined(formats, ", ");
      });
  add_policy_option(command, show.policy);
  add_suppressions_option(command, show.suppressions_path);
  command.add_flag("--verbose,-v", show.verbose, "Also what the policy lets pass (latent, refuted), and library frames");
}

void add_source_root_option(CLI::App& command, std::vector<std::string>& roots) {
  command.add_option("--source-root", roots, "Name files below it relative to it (again for more); default the current folder")
      ->type_name("DIR")
      ->allow_extra_args(false);
}

reports::SourcePaths source_paths(const std::vector<std::string>& roots) {
  return reports::SourcePaths(roots.empty() ? std::vector<std::string>{"."} : roots);
}

std::string render_listing(const reports::Listing& listing, const std::string& format) {
  if (format == "sarif") return reports::render_sarif(listing);
  if (format == "junit") return reports::render_junit(listing);
  if (format == "markdown") return reports::render_markdown(listing);
  if (format == "gitlab") return reports::render_gitlab(listing);
  if (format == "gcc") return reports::render_gcc(listing);
  if (format == "html") return reports::render_html(listing);
  return {};
}

bool load_suppressions(Show& show) {
  std::string cause;
  if (read_suppressions(show.suppressions_path, show.suppressions, cause)) return true;
  error(cause);
  return false;
}

std::string splats(const reports::Graph& graph, const Show& show) {
  reports::SplatOptions options;
  options.verbose = show.verbose;
  options.graph_path = show.graph_path;
  std::string out;
  for (const auto& [heading, finding] : reports::in_groups(graph, failing(graph, show.verbose ? engine::Verdict::kRefuted : show.policy, show.suppressions))) {
    if (!heading.empty()) out += "crossdep: " + heading + "\n";
    out += reports::render_splat(graph, *finding, options) + "\n";
  }
  return out + reports::render_summary(graph, show.suppressions);
}

bool show_graph(const reports::Graph& graph, const std::string& case_name, const Show& show) {
  std::string text = rendered(graph, show);
  if (!case_name.empty() && (show.format == "splat" || show.format == "text")) text = "case " + case_name + "\n" + text + "\n";
  return show.to_stderr ? std::fputs(text.c_str(), stderr) >= 0 : write_text(show.output, text);
}

}  // namespace crossdep::cli
