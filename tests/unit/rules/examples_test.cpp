// SPDX-License-Identifier: MIT
//
// Every example of the catalogue is a text trace or a log that, judged or read, gives its check and nothing else.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "catch.hpp"
#include "reports/site_text.h"
#include "rules/catalogue.h"
#include "traces/open.h"
#include "traces/replay.h"
#include "unit/traces/told.h"

namespace {

using namespace crossdep;

reports::Graph judge(const std::string& text) {
  char path[] = "/tmp/crossdep-example-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << text;
  traces::TraceFile file;
  traces::Status status = file.open(path, traces::Format::kText);
  const traces::Replay* source = nullptr;
  reports::SiteTextResolver resolver([&](engine::Site site) { return source->site_text(site); });
  reports::GraphBuilder builder(resolver);
  traces::Replay replay(builder);
  source = &replay;
  if (status.ok()) status = file.read_events(replay);
  ::unlink(path);
  INFO(status.text());
  REQUIRE(status.ok());
  replay.finish();
  return builder.build();
}

}  // namespace

TEST_CASE("the catalogue's examples show what they are examples of", "[rules]") {
  for (unsigned i = 0; i < engine::kCheckCount; ++i) {
    const rules::CheckText& entry = rules::catalogue()[i];
    CAPTURE(entry.id);
    const reports::Graph graph =
        entry.example_is == rules::Example::kLog ? traces_test::tell(entry.example).graph : judge(entry.example);
    REQUIRE(graph.findings.size() == 1);
    CHECK(rules::check_id(graph.findings.front().check) == std::string(entry.id));
    CHECK(graph.findings.front().verdict >= engine::Verdict::kPossible);
  }
}
