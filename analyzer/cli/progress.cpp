// SPDX-License-Identifier: MIT
//
// See progress.h. A regular file's position and size give the share; of a pipe only the time is known.
#include "cli/progress.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

namespace crossdep::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{2000}, kStep{500};

void put(const std::string& text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;   // nobody sees it then
}

}  // namespace

Progress::Progress(const traces::TraceFile& file) : file_(file) {
  if (::isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { show(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard hold(mutex_);
    done_ = true;
  }
  over_.notify_one();
  thread_.join();
}

void Progress::show() {
  const auto began = std::chrono::steady_clock::now();
  std::unique_lock hold(mutex_);
  if (over_.wait_for(hold, kPatience, [this] { return done_; })) return;
  do {
    const auto passed = std::chrono::steady_clock::now() - began;
    put("\r\x1b[K" + text(static_cast<unsigned>(std::chrono::duration_cast<std::chrono::seconds>(passed).count())));
  } while (!over_.wait_for(hold, kStep, [this] { return done_; }));
  put("\r\x1b[K");
}

std::string Progress::text(unsigned seconds) const {
  std::string out = "crossdep: reading " + file_.name() + ": ";
  struct stat about {};
  const off_t at = ::lseek(file_.descriptor(), 0, SEEK_CUR);
  if (at > 0 && ::fstat(file_.descriptor(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size >= at &&
      file_.format() != traces::Format::kNative)
    out += std::to_string(at * 100 / about.st_size) + " % of " + std::to_string(about.st_size / 1'000'000) + " MB, ";
  return out + std::to_string(seconds) + " s";
}

}  // namespace crossdep::cli
