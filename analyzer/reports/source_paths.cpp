// SPDX-License-Identifier: MIT
//
// See source_paths.h.
//
// Threading and allocation: see source_paths.h.
#include "reports/source_paths.h"

#include <algorithm>
#include <filesystem>

namespace crossdep::reports {
namespace {

namespace fs = std::filesystem;

std::string as_folder(const fs::path& path) {
  std::string text = path.lexically_normal().string();
  if (text.empty() || text.back() != '/') text += '/';
  return text;
}

}  // namespace

SourcePaths::SourcePaths(const std::vector<std::string>& roots) {
  for (const std::string& root : roots) {
    std::error_code error;
    const fs::path whole = fs::absolute(root, error);
    if (error) continue;
    roots_.push_back(as_folder(whole));
    const fs::path real = fs::weakly_canonical(whole, error);
    if (!error) roots_.push_back(as_folder(real));
  }
  std::sort(roots_.begin(), roots_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());
}

std::string SourcePaths::shown(const std::string& file) const {
  if (file.empty()) return file;
  const std::string whole = fs::path(file).lexically_normal().string();
  for (const std::string& root : roots_)
    if (whole.size() > root.size() && whole.compare(0, root.size(), root) == 0) return whole.substr(root.size());
  return whole;
}

}  // namespace crossdep::reports
