// SPDX-License-Identifier: MIT
//
// See read_ahead.h.
//
// Threading and allocation: see read_ahead.h.
#include "cli/read_ahead.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>

#include "reports/json.h"
#include "reports/whole_file.h"

namespace crossdep::cli {
namespace {

constexpr unsigned kMostReaders = 4;   // beyond that the one who unites is the slower one

}  // namespace

ReadAhead::ReadAhead(std::vector<std::string> paths, unsigned readers, const reports::Sieve& sieve)
    : paths_(std::move(paths)), sieve_(sieve), items_(paths_.size()), done_(paths_.size()) {
  if (readers == 0) readers = std::clamp(std::thread::hardware_concurrency(), 1u, kMostReaders);
  readers = static_cast<unsigned>(std::min<std::size_t>(readers, paths_.size()));
  window_ = 2 * readers;
  try {
    // One reader is the caller's own thread.
    for (unsigned i = 0; readers > 1 && i < readers; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {   // no more threads: those that began do it, or take() itself
  }
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ReadAhead::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || next_ == paths_.size() || next_ < taken_ + window_; });
    if (stop_ || next_ == paths_.size()) return;
    const std::size_t i = next_++;
    lock.unlock();
    Item item = read(paths_[i]);
    lock.lock();
    items_[i] = std::move(item);
    done_[i] = true;
    changed_.notify_all();
  }
}

ReadAhead::Item ReadAhead::take(std::size_t i) {
  if (threads_.empty()) return read(paths_[i]);
  std::unique_lock<std::mutex> lock(mutex_);
  taken_ = i;
  changed_.notify_all();
  changed_.wait(lock, [&] { return done_[i]; });
  return std::move(items_[i]);
}

ReadAhead::Item ReadAhead::read(const std::string& path) {
  Item item;
  std::error_code ignored;
  std::string text, cause;
  if (path == "-" || !std::filesystem::is_regular_file(path, ignored)) return item;
  // What cannot be read is told by whoever else tries.
  if (!reports::read_whole_file(path, text, cause) || !reports::looks_like_graph(text)) return item;
  {
    const std::uint64_t hash = std::hash<std::string>{}(text);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!seen_.insert(hash).second) {
      item.kind = Kind::kRepeat;
      return item;
    }
  }
  reports::ReadError wrong;
  item.kind = Kind::kGraph;
  reports::Sieve::Outlook outlook(sieve_);
  const auto wanted = [&](const reports::Graph& graph, const reports::Dependency& d) { return outlook.wants(graph, d); };
  if (reports::from_json(text, item.graph, wrong, wanted)) return item;
  item.kind = Kind::kFailed;
  item.status = traces::Status::fail(path + ": " + wrong.position, wrong.cause);
  return item;
}

}  // namespace crossdep::cli
