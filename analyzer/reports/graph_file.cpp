// SPDX-License-Identifier: MIT
//
// Graph files on disk (json.h): read and written whole.
//
// Threading and allocation: see whole_file.h.
#include "reports/json.h"
#include "reports/whole_file.h"

namespace crossdep::reports {

bool write_graph_file(const std::string& path, const Graph& graph, std::string& cause) {
  return write_whole_file(path, to_json(graph), cause);
}

bool read_graph_file(const std::string& path, Graph& out, std::string& error) {
  std::string text;
  if (!read_whole_file(path, text, error)) return false;
  if (text.empty()) {
    error = input_name(path) + ": offset 0: the file is empty";
    return false;
  }
  ReadError failed;
  if (from_json(text, out, failed)) return true;
  error = input_name(path) + ": " + failed.position + ": " + failed.cause;
  return false;
}

bool looks_like_graph(std::string_view head) {
  for (const char c : head) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    return c == '{';
  }
  return false;
}

}  // namespace crossdep::reports
