// SPDX-License-Identifier: MIT
//
// Reads graph files ahead of whoever unites them, in several threads, and gives them out in order: what is told and what
// comes out is the same however many read. A file that holds what an earlier one held is not read again; a union with
// itself is itself.
//
// Threading: the caller's one thread and those that read.  Allocation: the heap; as many graphs as there are readers, and
// as many again, wait to be taken.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "reports/graph.h"
#include "reports/merge.h"
#include "traces/status.h"

namespace crossdep::cli {

class ReadAhead {
 public:
  enum class Kind {
    kOther,    // no regular file that looks like a graph: for other readers
    kGraph,
    kRepeat,   // the same bytes as an earlier one's
    kFailed,   // `status` says why
  };
  struct Item {
    Kind kind = Kind::kOther;
    reports::Graph graph;
    traces::Status status;
  };

  /// 0 readers: as many as there are processors, four at most. What the sieve does not want is left out; it must outlive
  /// the reading.
  ReadAhead(std::vector<std::string> paths, unsigned readers, const reports::Sieve& sieve);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  const std::vector<std::string>& paths() const { return paths_; }
  /// What paths()[i] holds; to be called for 0, 1, 2 ...
  Item take(std::size_t i);

 private:
  void work();
  Item read(const std::string& path);

  const std::vector<std::string> paths_;
  const reports::Sieve& sieve_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> items_;
  std::vector<bool> done_;
  std::size_t next_ = 0, taken_ = 0, window_ = 0;   // to be read next; taken; how far reading may be ahead of taking
  bool stop_ = false;
  std::unordered_set<std::uint64_t> seen_;          // what files held, hashed
  std::vector<std::thread> threads_;
};

}  // namespace crossdep::cli
