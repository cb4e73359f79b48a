// SPDX-License-Identifier: MIT
//
// A reader that went away (`crossdep report | head`) is no error of ours: SIGPIPE keeps its default. Everything else that
// keeps the text from arriving is.
//
// Threading: one thread.  Allocation: the heap.
#include "cli/output.h"

#include <cerrno>
#include <cstring>

#include "cli/command.h"
#include "reports/json.h"
#include "reports/whole_file.h"

namespace crossdep::cli {

Output::Output(const std::string& path) {
  ours_ = !path.empty() && path != "-";
  name_ = ours_ ? path : "standard output";
  file_ = ours_ ? std::fopen(path.c_str(), "we") : stdout;
  keep(file_ != nullptr);
}

Output::~Output() {
  if (ours_ && file_ != nullptr) std::fclose(file_);
}

bool Output::keep(bool done) {
  if (!done && trouble_ == 0) trouble_ = errno;
  return trouble_ == 0;
}

bool Output::put(std::string_view text) {
  return trouble_ == 0 && keep(std::fwrite(text.data(), 1, text.size(), file_) == text.size());
}

bool Output::close() {
  if (file_ != nullptr) keep(std::fflush(file_) == 0);
  if (file_ != nullptr && ours_) keep(std::fclose(file_) == 0);
  file_ = nullptr;
  if (trouble_ != 0) error(name_ + ": " + std::strerror(trouble_));
  return trouble_ == 0;
}

bool write_text(const std::string& path, const std::string& text) {
  if (!path.empty() && path != "-") {
    std::string cause;
    if (reports::write_whole_file(path, text, cause)) return true;
    error(cause);
    return false;
  }
  Output output(path);
  output.put(text);
  return output.close();
}

bool write_graph(const std::string& path, const reports::Graph& graph) { return write_text(path, reports::to_json(graph)); }

}  // namespace crossdep::cli
