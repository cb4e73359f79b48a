// SPDX-License-Identifier: MIT
//
// What the trace events of a kernel mean, whatever format they were read from (ftrace text, perf script, trace.dat): each
// record goes to one handler, which reads its fields and calls the KernelModel. KERNEL.md lists the events.
//
// Lock events are taken from the richest source in the recording:
//   lockx_*                  tracepoints that print all lockdep sees: map, key, subclass, try, read, nest, caller
//   probes on lock_acquire   probe events with map= key= name= sub= try= read= nest= (any event name: the probed function
//                            tells, or the fields); releases are the stock events'
//   stock lock_*             name only: a name is not a class, which is noted
// Which one it is is found out on the way. A stock `lock_acquire` can stand directly before the `lockx_` record of the same
// acquisition, with other processors' records between the two: from the first stock record on, records are held back until
// the source is known.
//
// Threading: one thread.  Allocation: see KernelModel; at most 256 records are held back, and 64 probes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/address_map.h"
#include "traces/event.h"
#include "traces/ftrace_line.h"
#include "traces/kernel_model.h"

namespace crossdep::traces {

/// One record of a trace. The views need to live during the call only.
struct KernelRecord {
  static constexpr std::uint32_t kNoCpu = KernelModel::kNoCpu;

  std::uint32_t pid = 0;
  std::uint32_t cpu = kNoCpu;
  std::string_view comm;           // empty: not recorded
  /// Where it ran: . task, s softirq, h hardirq, H hardirq in softirq, z Z NMI; '\0': the format does not tell.
  char context = '\0';
  std::string_view event;          // without its system
  std::string_view body;           // as ftrace prints it
  std::uint64_t position = 0;
  std::uint64_t time = 0;          // in nanoseconds, 0: not recorded
  const Site* frames = nullptr;    // call chain, innermost first, numbers from site()
  std::size_t frame_count = 0;
};

/// A stock `lock_acquire` taken apart, for formats that need not print it.
struct StockAcquire {
  std::uint64_t map = 0;
  bool try_lock = false, read = false;
  std::string_view name;
};

/// What a function in a call chain tells: of locking or tracing itself (not the place of a call), where an interrupt's frames
/// begin, where the task itself goes on over them (it is scheduled on the way out of an interrupt).
enum class KernelFunction : std::uint8_t { kOther, kLocking, kTracing, kHardirq, kSoftirq, kTask };
/// Of a place: SYMBOL, SYMBOL+0xOFF ...
KernelFunction kernel_function(std::string_view place);

class KernelEvents {
 public:
  explicit KernelEvents(EventConsumer& consumer) : consumer_(consumer), model_(consumer) {}

  void record(const KernelRecord& record);
  /// The number of a place given as text.
  Site site(std::string_view text);
  /// `count` records of this processor are missing; of any one with KernelRecord::kNoCpu.
  void lose(std::uint32_t cpu, std::uint64_t count, std::uint64_t position);
  void lose_beginning(std::uint64_t count) { model_.lose_beginning(count); }
  /// The last record was given: judges what was held back, and says what should be known of the whole. Positions are called
  /// `unit` ("line", "record").
  void finish(std::string_view unit);

  /// Records given so far.
  std::uint64_t count() const { return events_; }
  void count_one() { ++events_; }

  /// The stock events are the source, so that a binary format may give them unprinted by the three calls below.
  bool stock_is_source() const { return source_ == Source::kStock && held_back_.empty(); }
  void stock_acquire(const KernelRecord& record, const StockAcquire& stock);
  void stock_acquired(const KernelRecord& record, std::uint64_t map);
  void stock_release(const KernelRecord& record, std::uint64_t map);

 private:
  static constexpr std::uint8_t kUnclassified = 0xff;

  enum class Source { kUnknown, kStock, kProbes, kLockx };
  using Task = KernelModel::Task;
  struct HeldBack {
    KernelRecord record;                // its views point into `text`, its frames into `frames`
    std::string text;
    std::vector<Site> frames;
    bool loss = false;                  // not a record but `lost` that are missing
    std::uint64_t lost = 0;
  };

  void decide(const KernelRecord& record);
  /// A copy of the record, whose views point into the copy.
  static HeldBack keep(const KernelRecord& record);
  static KernelRecord record_of(const HeldBack& held);
  // Probes whose trap hides where they ran (kernel_traps.cpp).
  bool hidden(const KernelRecord& record) const;
  void trap(const KernelRecord& record);
  void tell_trapped(const KernelRecord& next);
  void tell_trapped(std::size_t number, char context);
  void choose(Source source);
  void event(const KernelRecord& record);
  bool scheduling(const KernelRecord& record);
  bool interrupt(const KernelRecord& record);
  void unreadable();

  bool stock_lock(const KernelRecord& record);
  // kernel_details.cpp
  bool lockx(Task& task, const KernelRecord& record);
  bool lockx_acquire(Task& task, const KernelRecord& record);
  bool lockx_release(Task& task, std::string_view body);
  bool probe(const KernelRecord& record);
  Site called_at(const Task& task, const KernelRecord& record, const FtraceProbe& probe);
  bool semaphore_or_queue(Task& task, const KernelRecord& record, const FtraceProbe& probe, std::string_view function, bool has_field,
                          std::uint64_t number);
  bool probed_acquire(Task& task, const KernelRecord& record, const FtraceProbe& probe);
  bool work_begins(Task& task, std::string_view body);
  static bool looks_like_acquire(const KernelRecord& record);

  Task& task_of(const KernelRecord& record, char context);
  /// The call chain of the record becomes the stack of what is told next; the place of the call, 0 if there is no chain.
  Site stack(const Task& task, const KernelRecord& record);
  char chain_context(const KernelRecord& record) const;
  KernelFunction kind_of(Site frame) const {
    return frame < frame_kinds_.size() ? static_cast<KernelFunction>(frame_kinds_[frame]) : KernelFunction::kOther;
  }
  /// The task of a lock event; nullptr if it cannot be told.
  Task* lock_task(const KernelRecord& record);
  std::uint64_t unhashed(std::uint64_t map) const;

  EventConsumer& consumer_;
  KernelModel model_;
  Source source_ = Source::kUnknown;
  std::vector<HeldBack> held_back_;
  std::vector<HeldBack> trapped_;       // hidden probes, oldest first
  bool stock_seen_ = false;             // the recording has stock lock events
  std::uint64_t position_ = 0;          // of the record being judged
  bool releases_probed_ = false;        // by probes of their own
  AddressMap hashed_numbers_;           // pointers as the stock events print them, where these are hashed ...
  std::vector<std::uint64_t> unhashed_; // ... and as the probes do
  std::vector<std::uint8_t> frame_kinds_;   // by Site: what chain_context() and stack() think of the function
  std::uint64_t events_ = 0;
  std::uint64_t unreadable_ = 0, first_unreadable_ = 0;
  std::uint64_t hashed_ = 0;            // events whose pointers were not printed
  std::uint64_t idle_ = 0;              // events of idle tasks without a processor
  std::uint64_t contentions_ = 0, lock_events_ = 0;
};

}  // namespace crossdep::traces
