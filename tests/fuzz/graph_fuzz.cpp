// SPDX-License-Identifier: MIT
//
// A libFuzzer target for graph files: what is accepted can be written, read again and merged with itself.
//
// Threading: one thread.  Allocation: the heap.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "reports/json.h"
#include "reports/merge.h"
#include "reports/text.h"

using namespace crossdep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reports::Graph graph;
  reports::ReadError wrong;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!reports::from_json(text, graph, wrong)) {
    if (wrong.cause.empty()) std::abort();
    return 0;
  }
  reports::Graph again;
  if (!reports::from_json(reports::to_json(graph), again, wrong)) std::abort();
  const reports::Graph merged = reports::merge({graph, again});
  if (reports::render_text(merged, {}).empty()) std::abort();
  return 0;
}
